//! The book and README: their commands run, their links lead somewhere, what they name is there.
//!
//! A block ```` ```console ```` holds commands after `$ `, which run in a folder with the fixtures of
//! the newest release. A block that is not run is marked ```` ```sh ```` and has the reason above it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_indelible");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn chapters() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("docs/book/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A fenced block: its word, its lines, and the line above it.
struct Block {
    word: String,
    lines: Vec<String>,
    above: String,
    number: usize,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    let mut above = String::new();
    for (number, line) in text.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        open = match (open.take(), fence) {
            (None, Some(word)) => Some(Block {
                word: word.trim().to_owned(),
                lines: Vec::new(),
                above: above.clone(),
                number: number + 1,
            }),
            (Some(block), Some(_)) => {
                found.push(block);
                None
            }
            (Some(mut block), None) => {
                block.lines.push(line.to_owned());
                Some(block)
            }
            (None, None) => None,
        };
        if !line.is_empty() {
            line.clone_into(&mut above);
        }
    }
    found
}

/// A folder as the book's commands find it.
fn scratch() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let releases = fs::read_dir(root().join("tests/fixtures")).unwrap();
    let newest = releases
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .max()
        .unwrap();
    let copied = Command::new("cp")
        .args(["-r", "--"])
        .args(["store", "heads", "spool", "audit.log"].map(|name| newest.join(name)))
        .args(["agent.toml", "collector.toml"].map(|name| root().join("packaging/etc").join(name)))
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    let programs = folder.path().join("bin");
    fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(PROGRAM, programs.join("indelible")).unwrap();
    folder
}

/// Runs one command line; what it says if it fails.
fn run(line: &str, folder: &Path) -> Result<(), String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut child = Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", folder.join("bin").display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join("stderr")).unwrap())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err("not done within 30 s".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    // 1 says that nothing was found, or something to look at.
    if status.code().is_some_and(|code| code < 2) {
        return Ok(());
    }
    let said = fs::read_to_string(folder.join("stderr")).unwrap_or_default();
    Err(format!("{status}: {said}"))
}

#[test]
fn every_command_runs_or_says_why_not() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in chapters() {
        let text = fs::read_to_string(&path).unwrap();
        // What is written from code shows help, not commands to type.
        if text.contains("<!-- Written by `cargo xtask book`") {
            continue;
        }
        let folder = scratch();
        for block in blocks(&text) {
            let place = format!("{}:{}", path.file_name().unwrap().display(), block.number);
            match block.word.as_str() {
                "console" => {
                    for line in &block.lines {
                        let Some(command) = line.strip_prefix("$ ") else {
                            continue;
                        };
                        count += 1;
                        if let Err(why) = run(command, folder.path()) {
                            wrong.push(format!("{place}: {command}: {why}"));
                        }
                    }
                }
                "sh" => {
                    let says_why = block.above.starts_with("<!-- not run: ")
                        || block.above.starts_with("{{#include");
                    if !says_why {
                        wrong.push(format!("{place}: is not run and does not say why"));
                    }
                }
                _ => {
                    let is_command =
                        |line: &&String| line.starts_with("$ ") || line.starts_with("indelible ");
                    if let Some(line) = block.lines.iter().find(is_command) {
                        wrong.push(format!("{place}: {line}: mark the block console or sh"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 40, "{count}");
}

/// README's commands, each run here or named with the reason why it is not.
#[test]
fn readme_commands_run_or_are_listed() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let folder = scratch();
    let mut wrong = Vec::new();
    for block in blocks(&text) {
        for line in &block.lines {
            let line = line.split(" #").next().unwrap_or_default().trim_end();
            let command = line.strip_prefix("$ ").unwrap_or(line);
            let is_ours = ["indelible ", "cargo "]
                .iter()
                .any(|word| command.starts_with(word));
            let listed = NOT_RUN.iter().any(|(start, _)| command.starts_with(start));
            if is_ours
                && !listed
                && let Err(why) = run(command, folder.path())
            {
                wrong.push(format!("{command}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Commands of README that are not run here, and why.
const NOT_RUN: &[(&str, &str)] = &[
    (
        "cargo ",
        "builds the program, or runs the tests that this is one of",
    ),
    (
        "indelible demo",
        "tests/demo.rs runs it, with the kernel's audit claimed",
    ),
    (
        "indelible collector",
        "runs until it is stopped; tests/enrolment.rs runs it",
    ),
    (
        "indelible token",
        "needs the collector's authority; tests/enrolment.rs runs it",
    ),
    (
        "indelible agent",
        "runs until it is stopped; tests/enrolment.rs runs it",
    ),
    (
        "indelible rules load",
        "changes the kernel's rules; tests/rules.rs runs it",
    ),
    (
        "indelible migrate",
        "changes the host; tests/migrate.rs runs it below a folder",
    ),
    (
        "indelible enroll",
        "needs a token; tests/enrolment.rs runs it",
    ),
];

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for path in chapters() {
        let text = fs::read_to_string(&path).unwrap();
        let folder = path.parent().unwrap();
        for target in targets(&text) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let target_path = folder.join(file);
            if !target_path.exists() {
                wrong.push(format!("{}: {target}", path.display()));
            } else if let Some((_, anchor)) = target.split_once('#')
                && !anchors(&fs::read_to_string(&target_path).unwrap()).contains(anchor)
            {
                wrong.push(format!("{}: {target}: no such heading", path.display()));
            }
        }
        for line in text.lines() {
            if let Some(file) = line.strip_prefix("{{#include ") {
                let file = folder.join(file.trim_end_matches("}}"));
                let included = fs::read_to_string(&file).unwrap();
                // It is read in two places, and its links lead somewhere from both.
                for target in targets(&included).filter(|target| !target.contains("://")) {
                    let to = target.split('#').next().unwrap_or_default();
                    let is_there = |folder: &Path| to.is_empty() || folder.join(to).exists();
                    if !is_there(folder) || !file.parent().is_some_and(is_there) {
                        wrong.push(format!("{}: {target}", file.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let summary = fs::read_to_string(root().join("docs/book/src/SUMMARY.md")).unwrap();
    let listed: BTreeSet<PathBuf> = targets(&summary)
        .map(|target| root().join("docs/book/src").join(target))
        .collect();
    for path in chapters() {
        assert!(
            listed.contains(&path) || path.ends_with("SUMMARY.md"),
            "{} is not in SUMMARY.md",
            path.display()
        );
    }
}

/// mdBook, where it is installed, makes the book without a complaint.
#[test]
fn the_book_is_made() {
    let target = Path::new(PROGRAM).ancestors().nth(2).unwrap();
    let Some(mdbook) = [
        target.join("peers/python/bin/mdbook"),
        "/usr/bin/mdbook".into(),
    ]
    .into_iter()
    .find(|path| path.exists()) else {
        eprintln!("skipped: the book made by mdBook: not installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(mdbook)
        .arg("build")
        .arg(root().join("docs/book"))
        .arg("--dest-dir")
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    assert!(!said.contains("WARN") && !said.contains("ERROR"), "{said}");
    assert!(folder.path().join("quick-start.html").exists());
}

/// What `](…)` names.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split("](").skip(1);
    parts.filter_map(|part| part.split(')').next())
}

/// Headings as mdBook names them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

/// Messages that the troubleshooting chapter explains are messages of the program.
#[test]
fn messages_are_those_of_the_program() {
    let text = fs::read_to_string(root().join("docs/book/src/troubleshooting.md")).unwrap();
    let sources = sources();
    let mut count = 0;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("| `") else {
            continue;
        };
        let message = rest.split('`').next().unwrap();
        count += 1;
        // serde's own.
        if message != "unknown field" {
            assert!(
                sources.contains(message),
                "{message:?} is no message of ours"
            );
        }
    }
    assert!(count > 10, "{count}");
}

/// All sources of the program, with strings that go on over lines made whole.
fn sources() -> String {
    let mut text = String::new();
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(path).unwrap();
                let mut parts = source.split("\\\n");
                text.push_str(parts.next().unwrap_or_default());
                parts.for_each(|part| text.push_str(part.trim_start()));
            }
        }
    }
    text
}
