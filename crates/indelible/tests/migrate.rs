//! `indelible migrate from-auditd`, below a folder: every file as planned, and back to the byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn migrate(root: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["migrate", "from-auditd", "--root"])
        .arg(root)
        .args(words)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// A host with auditd, rsyslog and our packages.
fn host() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        (
            "etc/indelible/agent.toml",
            include_str!("../../../packaging/etc/agent.toml"),
        ),
        (
            "etc/indelible/agent.conf.d/10-beside-auditd.toml",
            "capture = \"observe\"\n",
        ),
        (
            "etc/audit/auditd.conf",
            "num_logs = 5\nmax_log_file = 8\nmax_log_file_action = ROTATE\n",
        ),
        ("etc/audit/rules.d/audit.rules", "-D\n-b 8192\n"),
        (
            "etc/audit/rules.d/50-site.rules",
            "-w /etc/shadow -p rwa -k shadow\n",
        ),
        (
            "etc/rsyslog.conf",
            "module(load=\"imuxsock\")\n$IncludeConfig /etc/rsyslog.d/*.conf\n",
        ),
        (
            "etc/rsyslog.d/50-site.conf",
            "*.* @@siem.example:10514\nmail.* /var/log/mail.log\n",
        ),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir_all(folder.path().join("run/systemd/journal")).unwrap();
    folder
}

fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn there_and_back() {
    let host = host();
    let root = host.path();
    let before = files(root);

    let plan = migrate(root, &[]);
    assert!(plan.status.success(), "{}", said(&plan));
    assert!(
        said(&plan).contains("nothing was changed"),
        "{}",
        said(&plan)
    );
    assert_eq!(files(root), before);

    let done = migrate(root, &["--yes"]);
    assert!(done.status.success(), "{}", said(&done));
    let after = files(root);
    let text = |path: &str| String::from_utf8(after[Path::new(path)].clone()).unwrap();
    assert_eq!(
        text("etc/indelible/rules.d/from-auditd-50-site.rules"),
        "-w /etc/shadow -p rwa -k shadow\n"
    );
    let drop_in = text("etc/indelible/agent.conf.d/20-from-auditd.toml");
    for part in [
        "tcp:siem.example:10514",
        "journal",
        "history-bytes = 41943040",
        "kernel",
    ] {
        assert!(drop_in.contains(part), "{part}: {drop_in}");
    }
    assert!(!after.contains_key(Path::new(
        "etc/indelible/agent.conf.d/10-beside-auditd.toml"
    )));
    assert_eq!(
        text("etc/rsyslog.d/50-site.conf"),
        "# taken over by indelible: *.* @@siem.example:10514\nmail.* /var/log/mail.log\n"
    );
    // What it wrote can be used.
    let checked = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["config", "check"])
        .arg(root.join("etc/indelible/agent.toml"))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", said(&checked));

    let again = migrate(root, &["--yes"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(
        said(&again).contains("migrated already"),
        "{}",
        said(&again)
    );

    let undone = migrate(root, &["--undo"]);
    assert!(undone.status.success(), "{}", said(&undone));
    assert_eq!(files(root), before);
    assert_eq!(migrate(root, &["--undo"]).status.code(), Some(2));
}

#[test]
fn what_was_edited_meanwhile_is_kept_beside() {
    let host = host();
    let root = host.path();
    let before = files(root);
    assert!(migrate(root, &["--yes"]).status.success());
    let edited = root.join("etc/rsyslog.d/50-site.conf");
    fs::write(&edited, "edited\n").unwrap();
    let undone = migrate(root, &["--undo"]);
    assert!(said(&undone).contains("was edited"), "{}", said(&undone));
    let beside = root.join("etc/rsyslog.d/50-site.conf.indelible-edited");
    assert_eq!(fs::read_to_string(&beside).unwrap(), "edited\n");
    fs::remove_file(beside).unwrap();
    assert_eq!(files(root), before);
}

#[test]
fn a_host_without_the_agent_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plan = migrate(folder.path(), &[]);
    assert_eq!(plan.status.code(), Some(2));
    assert!(
        said(&plan).contains("install the package indelible-agent"),
        "{}",
        said(&plan)
    );
}
