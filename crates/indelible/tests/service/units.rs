//! The units as they are shipped: valid, and as confined as we say.

use std::path::{Path, PathBuf};
use std::process::Command;

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/systemd")
}

/// `systemd-analyze security`: 0 is confined as far as can be, 10 not at all.
#[test]
fn units_are_confined() {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!("skipped: units_are_confined: no systemd-analyze here");
        return;
    }
    for (unit, exposure_max) in [
        ("indelible-capture", 25),
        ("indelible-worker", 25),
        ("indelible-sources", 25),
        ("indelible-detections", 25),
        ("indelible-inspect", 25),
        ("indelible-guard", 25),
        ("indelible-agent", 25),
        ("indelible-rules", 25),
        ("indelible-collector", 15),
    ] {
        let path = units().join(format!("{unit}.service"));
        let output = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager"])
            .arg(format!("--threshold={exposure_max}"))
            .arg(&path)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.trim_end().lines().last().unwrap_or_default();
        println!("{last}");
        assert!(last.contains("Overall exposure level"), "{unit}: {text}");
        assert!(output.status.success(), "{unit}: {last}");
        let verified = Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(&path)
            .output()
            .unwrap();
        let complaints = String::from_utf8_lossy(&verified.stderr);
        let about_the_unit = complaints
            .lines()
            // The program is not installed here.
            .filter(|line| line.contains("indelible") && !line.contains("is not executable"));
        assert_eq!(about_the_unit.collect::<Vec<_>>(), [""; 0]);
    }
}
