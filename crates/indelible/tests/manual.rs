//! Manual pages and completions: all there, and read by the programs that they are for.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_indelible");

#[test]
fn every_page_renders_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let written = Command::new(PROGRAM)
        .args(["man", "--out"])
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(written.success());
    let mut pages: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.sort();
    let has = |name: &str| pages.iter().any(|page| page.ends_with(name));
    for name in [
        "indelible.1",
        "indelible-search.1",
        "indelible-detect-deleted.1",
    ] {
        assert!(has(name), "{pages:?}");
    }
    if !Path::new("/usr/bin/man").exists() {
        eprintln!("skipped: manual pages rendered: no man here");
        return;
    }
    for page in pages {
        let rendered = Command::new("man")
            .args(["--warnings", "-l", "--"])
            .arg(&page)
            .env("MANPAGER", "cat")
            .env("MAN_KEEP_FORMATTING", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let complaints = String::from_utf8_lossy(&rendered.stderr);
        assert!(
            rendered.status.success() && complaints.is_empty(),
            "{page:?}: {complaints}"
        );
    }
}

#[test]
fn shells_read_their_completions() {
    for (shell, check) in [
        ("bash", ["bash", "-n"]),
        ("zsh", ["zsh", "-n"]),
        ("fish", ["fish", "-n"]),
    ] {
        let output = Command::new(PROGRAM)
            .args(["completions", shell])
            .output()
            .unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("detect"), "{shell}");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, text).unwrap();
        match Command::new(check[0])
            .arg(check[1])
            .arg(file.path())
            .output()
        {
            Ok(read) => assert!(read.status.success(), "{shell}: {read:?}"),
            Err(_) => eprintln!("skipped: completions read by {shell}: not installed"),
        }
    }
}

/// Pages and completions are committed as the program prints them.
#[test]
fn what_is_committed_is_what_the_program_prints() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let folder = tempfile::tempdir().unwrap();
    let written = Command::new(PROGRAM)
        .args(["man", "--out"])
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(written.success());
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let pages = names(folder.path());
    assert_eq!(pages, names(&docs.join("man")), "run `cargo xtask book`");
    let mut stale: Vec<String> = pages
        .iter()
        .filter(|name| {
            let now = fs::read(folder.path().join(name)).unwrap();
            now != fs::read(docs.join("man").join(name)).unwrap()
        })
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    for (shell, name) in [
        ("bash", "indelible.bash"),
        ("zsh", "_indelible"),
        ("fish", "indelible.fish"),
    ] {
        let output = Command::new(PROGRAM)
            .args(["completions", shell])
            .output()
            .unwrap();
        if output.stdout != fs::read(docs.join("completions").join(name)).unwrap() {
            stale.push(name.to_owned());
        }
    }
    assert!(stale.is_empty(), "run `cargo xtask book`: {stale:?}");
}
