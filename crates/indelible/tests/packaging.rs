//! What is packaged: the AppArmor profiles and maintainer scripts can be read by those who read them,
//! and units and profiles name each other. The units' exposure is held by tests/service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../packaging")
        .join(name)
}

#[test]
fn apparmor_reads_the_profiles() {
    let Some(parser) = ["/sbin/apparmor_parser", "/usr/sbin/apparmor_parser"]
        .iter()
        .find(|path| Path::new(path).exists())
    else {
        eprintln!("skipped: AppArmor profiles: no apparmor_parser here");
        return;
    };
    let output = Command::new(parser)
        // Parses and compiles; loads nothing, caches nothing.
        .args(["--skip-kernel-load", "--skip-cache", "--stdout"])
        .arg(packaging("apparmor/indelible"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn units_and_profiles_name_each_other() {
    let profiles = fs::read_to_string(packaging("apparmor/indelible")).unwrap();
    let mut confined = Vec::new();
    for entry in fs::read_dir(packaging("systemd")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("AppArmorProfile=-") {
                assert!(profiles.contains(&format!("profile {name} ")), "{name}");
                confined.push(name.to_owned());
            }
        }
    }
    let count = profiles
        .lines()
        .filter(|line| line.starts_with("profile "))
        .count();
    assert_eq!(confined.len(), count, "{confined:?}");
}

#[test]
fn shells_read_the_scripts() {
    for folder in ["deb", "test"] {
        for entry in fs::read_dir(packaging(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let shell = match text.lines().next() {
                Some("#!/bin/sh") => "sh",
                Some("#!/bin/bash") => "bash",
                _ => continue,
            };
            let checked = Command::new(shell).arg("-n").arg(&path).output().unwrap();
            assert!(checked.status.success(), "{path:?}: {checked:?}");
        }
    }
}

/// Rules that are shipped are rules.
#[test]
fn shipped_rules_are_read() {
    let checked = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["rules", "check"])
        .arg(packaging("etc/rules.d/00-base.rules"))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}
