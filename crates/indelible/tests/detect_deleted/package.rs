//! A real package, installed, run, reinstalled and upgraded by the real dpkg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use indelible_sys::process::is_root;
use indelible_testkit::copy_program;

use crate::stage::{SLEEP, Stage, verdicts};

const NAME: &str = "indelible-test-sleeper";
const PROGRAM: &str = "/usr/lib/indelible-test-sleeper/sleeper";

#[test]
fn an_upgrade_is_called_one_only_where_dpkg_shows_it() {
    if !is_root() || !Path::new("/usr/bin/dpkg-deb").exists() {
        eprintln!("skipped: package upgrades: needs root and dpkg");
        return;
    }
    let mut stage = Stage::new();
    let first = package(&stage, "1", b"");
    let second = package(&stage, "2", b"another build");
    let _installed = Installed::new(&first);
    let program = Path::new(PROGRAM);

    let pid = stage.run(program);
    assert!(verdicts(pid).is_empty());
    // dpkg's own times have a resolution of a second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    install(&first);
    assert_eq!(verdicts(pid), ["stale-after-upgrade executable 0"]);

    let pid = stage.run(program);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    install(&second);
    assert_eq!(verdicts(pid), ["stale-after-upgrade executable 15"]);

    // Replaced by hand: a package owns the path, but did not do it.
    let pid = stage.run(program);
    fs::rename(stage.program("forged"), program).unwrap();
    assert!(verdicts(pid)[0].starts_with("replaced executable"));

    // The intruder's program under the package's name, then covered up by a reinstallation.
    let pid = stage.run(program);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    install(&second);
    let found = verdicts(pid);
    assert!(found[0].starts_with("replaced executable"), "{found:?}");
}

/// Takes the package off the host again.
struct Installed;

impl Installed {
    fn new(package: &Path) -> Self {
        install(package);
        Self
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let _ = dpkg(&["--purge", NAME]);
    }
}

fn install(package: &Path) {
    assert!(dpkg(&["--install", package.to_str().unwrap()]));
}

fn dpkg(arguments: &[&str]) -> bool {
    Command::new("dpkg")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap()
        .success()
}

/// Builds a package that holds the sleeping program with `more` at its end.
fn package(stage: &Stage, version: &str, more: &[u8]) -> PathBuf {
    let root = stage.path(&format!("package-{version}"));
    let program = root.join(PROGRAM.trim_start_matches('/'));
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::create_dir_all(root.join("DEBIAN")).unwrap();
    copy_program(SLEEP, &program);
    let mut bytes = fs::read(SLEEP).unwrap();
    bytes.extend_from_slice(more);
    fs::write(&program, bytes).unwrap();
    let sums = Command::new("md5sum")
        .arg(PROGRAM.trim_start_matches('/'))
        .current_dir(&root)
        .output()
        .unwrap();
    fs::write(root.join("DEBIAN/md5sums"), sums.stdout).unwrap();
    let control = format!(
        "Package: {NAME}\nVersion: {version}\nArchitecture: all\nMaintainer: test <test@localhost>\nDescription: sleeps\n"
    );
    fs::write(root.join("DEBIAN/control"), control).unwrap();
    let target = stage.path(&format!("{NAME}-{version}.deb"));
    let built = Command::new("dpkg-deb")
        .args(["--build", "--root-owner-group"])
        .arg(&root)
        .arg(&target)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(built.success());
    target
}
