//! `detect deleted` on the real kernel: every row of the matrix, and a real package upgrade.

mod package;
mod stage;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use indelible_sys::process::is_root;
use stage::{SLEEP, Stage, in_memory, scan, scan_code, verdicts, without_name};

const NOTHING: [&str; 0] = [];

/// Files that have a name, or had one.
#[test]
fn files_of_a_file_system() {
    let mut stage = Stage::new();

    let kept = stage.program("kept");
    let pid = stage.run(&kept);
    assert_eq!(verdicts(pid), NOTHING, "intact");

    let gone = stage.program("gone");
    let pid = stage.run(&gone);
    fs::remove_file(&gone).unwrap();
    assert_eq!(verdicts(pid), ["unlinked executable 65"]);

    let old = stage.program("old");
    let pid = stage.run(&old);
    fs::rename(stage.program("new"), &old).unwrap();
    assert_eq!(verdicts(pid), ["replaced executable 55"]);

    let named = stage.program("c (deleted)");
    let pid = stage.run(&named);
    assert_eq!(verdicts(pid), NOTHING, "a name that ends in the mark");
    fs::remove_file(&named).unwrap();
    assert_eq!(verdicts(pid), ["unlinked executable 65"], "marked twice");

    let hidden = stage.program("f");
    let pid = stage.run(&hidden);
    fs::remove_file(&hidden).unwrap();
    stage.program("f (deleted)");
    assert_eq!(verdicts(pid), ["unlinked executable 85"], "behind a decoy");

    let linked = stage.program("d");
    let pid = stage.run(&linked);
    fs::hard_link(&linked, stage.path("d2")).unwrap();
    fs::remove_file(&linked).unwrap();
    assert_eq!(verdicts(pid), ["unlinked executable 65"], "hard link left");
    fs::hard_link(stage.path("d2"), &linked).unwrap();
    assert_eq!(verdicts(pid), NOTHING, "the same file is back");

    let moved = stage.program("m");
    let pid = stage.run(&moved);
    fs::rename(&moved, stage.path("m2")).unwrap();
    assert_eq!(verdicts(pid), NOTHING, "renamed");

    let word = stage.program("deleted/deleted");
    let pid = stage.run(&word);
    assert_eq!(verdicts(pid), NOTHING, "the word in a path");
}

/// Files that never had a name.
#[test]
fn memory_and_unnamed_files() {
    let mut stage = Stage::new();
    let (memory, path) = in_memory("kworker/0:1");
    let pid = stage.run(&path);
    drop(memory);
    // An installed program's bytes explain most of it, and nothing is left out for that.
    let expected = match installed_by_dpkg(SLEEP) {
        true => "memfd executable 18",
        false => "memfd executable 75",
    };
    assert_eq!(verdicts(pid), [expected]);
    let (file, path) = without_name(&stage.path(""));
    let pid = stage.run(&path);
    drop(file);
    assert!(verdicts(pid)[0].starts_with("tmpfile executable"));

    // A file of a file system that is only named like memory.
    let liar = stage.program("memfd:x");
    let pid = stage.run(&liar);
    fs::remove_file(&liar).unwrap();
    assert!(verdicts(pid)[0].starts_with("unlinked executable"));
}

/// What the process sees is not what the scanner sees.
#[test]
fn mounts() {
    if !is_root() {
        eprintln!("skipped: mounts: needs root");
        return;
    }
    let mut stage = Stage::new();
    let target = stage.path("lazy");
    if !stage.mount("tmpfs", "size=8m,mode=755", &target) {
        eprintln!("skipped: mounts: this host mounts no tmpfs for us");
        return;
    }
    let program = stage.program("lazy/h");
    let pid = stage.run(&program);
    assert_eq!(verdicts(pid), NOTHING);
    stage.unmount_lazily(&target);
    assert!(verdicts(pid)[0].starts_with("unmounted executable"));

    let covered = stage.program("covered/h");
    let pid = stage.run(&covered);
    assert!(stage.mount("tmpfs", "size=8m,mode=755", &stage.path("covered")));
    stage.program("covered/h");
    assert!(verdicts(pid)[0].starts_with("covered executable"));

    // A mount namespace of its own: the path is there for the process alone.
    let inner = stage.path("inner");
    fs::create_dir_all(&inner).unwrap();
    let script = format!(
        "mount -t tmpfs -o mode=755 indelible-test {inner} && cp {SLEEP} {inner}/h && exec {inner}/h 60",
        inner = inner.display()
    );
    let pid = stage.start(Command::new("unshare").args(["-m", "sh", "-c", &script]));
    wait_for_exe(pid, "/h");
    assert!(!inner.join("h").exists());
    assert_eq!(verdicts(pid), NOTHING, "intact in another mount namespace");

    for folder in ["lower", "upper", "work", "merged"] {
        fs::create_dir_all(stage.path(folder)).unwrap();
    }
    stage.program("lower/i");
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        stage.path("lower").display(),
        stage.path("upper").display(),
        stage.path("work").display()
    );
    if !stage.mount("overlay", &options, &stage.path("merged")) {
        eprintln!("skipped: overlay: this kernel mounts none for us");
        return;
    }
    let merged = stage.path("merged/i");
    let pid = stage.run(&merged);
    assert_eq!(verdicts(pid), NOTHING, "intact on an overlay");
    fs::remove_file(&merged).unwrap();
    assert!(verdicts(pid)[0].starts_with("unlinked executable"));
}

#[test]
fn scripts_and_libraries() {
    let mut stage = Stage::new();
    if Path::new("/bin/bash").exists() {
        let script = stage.path("s.sh");
        fs::write(&script, "#!/bin/bash\nread -t 60 < <(sleep 60)\n").unwrap();
        let pid = stage.start(Command::new("/bin/bash").arg(&script));
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(verdicts(pid), NOTHING);
        fs::remove_file(&script).unwrap();
        assert_eq!(verdicts(pid), ["script-deleted script 70"]);
    }
    if Path::new("/usr/bin/python3").exists() {
        let script = stage.path("s.py");
        fs::write(&script, "import time\ntime.sleep(60)\n").unwrap();
        let pid = stage.start(Command::new("/usr/bin/python3").arg(&script));
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert_eq!(verdicts(pid), NOTHING);
        fs::remove_file(&script).unwrap();
        assert_eq!(verdicts(pid), ["script-missing script 45"]);
    }
    let Some(library) = a_library() else {
        eprintln!("skipped: libraries: none found to preload");
        return;
    };
    if !is_root() {
        eprintln!("skipped: libraries: needs root");
        return;
    }
    let preloaded = stage.path("libz9.so");
    fs::copy(library, &preloaded).unwrap();
    let pid = stage.start(Command::new(SLEEP).arg("60").env("LD_PRELOAD", &preloaded));
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(verdicts(pid), NOTHING);
    fs::remove_file(&preloaded).unwrap();
    let found = verdicts(pid);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("unlinked library"), "{found:?}");
}

#[test]
fn what_is_gone_is_recovered() {
    let mut stage = Stage::new();
    let program = stage.program("r");
    let pid = stage.start(Command::new(&program).arg0("harmless\x1b[2J").arg("60"));
    fs::remove_file(&program).unwrap();
    let folder = stage.path("recovered");
    let pid = pid.to_string();
    let arguments = ["--pid", &pid, "--recover", folder.to_str().unwrap()];
    let finding = scan(&arguments)["findings"][0].clone();
    let copy = finding["recovered"].as_str().unwrap();
    assert!(
        fs::read(copy)
            .unwrap()
            .starts_with(&fs::read(SLEEP).unwrap())
    );
    let digest = finding["sha256"].as_str().unwrap();
    assert!(copy.ends_with(&format!("{digest}.bin")));
    let manifest = fs::read_to_string(folder.join("manifest.ndjson")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(line["sha256"], finding["sha256"]);
    assert_eq!(
        finding["exe"].as_str().unwrap(),
        format!("{} (deleted)", program.display())
    );
    assert_eq!(finding["ancestors"][0]["pid"], std::process::id());
    assert_eq!(scan_code(&["--pid", &pid, "--fail-on", "suspicious"]).0, 1);
    assert_eq!(scan_code(&["--pid", &pid, "--fail-on", "99"]).0, 0);

    let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["detect", "deleted", "--pid", &pid])
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        shown.contains("harmless\\033[2J") && !shown.contains('\x1b'),
        "{shown}"
    );
}

/// Processes that end while they are looked at are no error, and nobody is named twice.
#[test]
fn the_whole_host() {
    let mut stage = Stage::new();
    let mut zombie = Command::new("true").spawn().unwrap();
    let program = stage.program("w");
    let pid = stage.run(&program);
    fs::remove_file(&program).unwrap();
    let churn = std::thread::spawn(|| {
        for _ in 0..200 {
            Command::new("true").status().unwrap();
        }
    });
    for _ in 0..3 {
        let answer = scan(&[]);
        let of = |pid: u32| {
            let findings = answer["findings"].as_array().unwrap();
            findings
                .iter()
                .filter(|finding| finding["pid"] == pid)
                .count()
        };
        assert!(answer["scanned"].as_u64().unwrap() > 2);
        assert_eq!((of(pid), of(2), of(zombie.id())), (1, 0, 0));
    }
    churn.join().unwrap();
    zombie.wait().unwrap();
}

fn wait_for_exe(pid: u32, end: &str) {
    for _ in 0..1000 {
        let exe = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
        if exe.to_string_lossy().ends_with(end) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("{pid} never ran {end}");
}

/// A library that does no harm where it is preloaded.
fn a_library() -> Option<std::path::PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let libc = maps.lines().find_map(|line| {
        let at = line.find('/')?;
        line[at..]
            .ends_with("/libc.so.6")
            .then(|| Path::new(&line[at..]))
    })?;
    let library = libc.with_file_name("libm.so.6");
    library.exists().then_some(library)
}

fn installed_by_dpkg(path: &str) -> bool {
    Command::new("dpkg")
        .args(["-S", path])
        .output()
        .is_ok_and(|output| output.status.success())
}
