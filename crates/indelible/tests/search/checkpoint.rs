//! `--checkpoint`: both programs print the same from one search to the next, and each goes on where
//! the other stopped.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Output;

use crate::cases::folder;
use crate::peer::Program;

fn search(program: &Program, log: &Path, checkpoint: &Path, more: &[&str]) -> Output {
    let mut words: Vec<OsString> = vec!["--format".into(), "raw".into(), "-if".into(), log.into()];
    words.extend(["--checkpoint".into(), checkpoint.into()]);
    words.extend(more.iter().map(OsString::from));
    program
        .command(&words)
        .output()
        .expect("the program starts")
}

/// Both programs, each with a checkpoint of its own; then the same output, code and checkpoint.
fn compare(scratch: &Path, log: &Path, more: &[&str], what: &str) {
    let theirs = Program::theirs().expect("it was there before");
    let checkpoints = [scratch.join("theirs"), scratch.join("ours")];
    let outputs = [
        search(&theirs, log, &checkpoints[0], more),
        search(&Program::ours(), log, &checkpoints[1], more),
    ];
    let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text(&outputs[0]), text(&outputs[1]), "{what}");
    assert_eq!(outputs[0].status.code(), outputs[1].status.code(), "{what}");
    let noted = checkpoints.map(|path| fs::read_to_string(path).unwrap_or_default());
    assert_eq!(noted[0], noted[1], "{what}");
}

#[test]
fn one_search_after_the_other() {
    if Program::theirs().is_none() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let logs = scratch.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let all = fs::read_to_string(folder().join("options.log")).unwrap();
    let lines: Vec<&str> = all.lines().collect();
    let log = logs.join("audit.log");
    let mut written = 0;
    let mut append = |until: usize| {
        let text = lines[written..until].join("\n") + "\n";
        written = until;
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&log)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    append(40);
    compare(scratch.path(), &logs, &[], "the first");
    compare(scratch.path(), &logs, &[], "nothing new");
    append(70);
    compare(scratch.path(), &logs, &[], "more of it");
    fs::rename(&log, logs.join("audit.log.1")).unwrap();
    append(100);
    compare(scratch.path(), &logs, &[], "after a rotation");
    append(lines.len());
    // Each goes on where the other stopped.
    let (theirs, ours) = (scratch.path().join("theirs"), scratch.path().join("ours"));
    let swap = scratch.path().join("swap");
    fs::rename(&theirs, &swap).unwrap();
    fs::rename(&ours, &theirs).unwrap();
    fs::rename(&swap, &ours).unwrap();
    compare(scratch.path(), &logs, &[], "the other's checkpoint");
    compare(
        scratch.path(),
        &logs,
        &["-ts", "checkpoint"],
        "only its time",
    );
    compare(
        scratch.path(),
        &logs,
        &["-ts", "checkpoint", "-m", "BPF"],
        "and a condition",
    );
}

#[test]
fn what_is_none() {
    if Program::theirs().is_none() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("audit.log");
    fs::copy(folder().join("options.log"), &log).unwrap();
    for text in [
        "",
        "garbage\n",
        "dev=zz\ninode=5\noutput=- 1.000:5 0x514\n",
        "inode=7\noutput=- 1.000:5 0x514\n",
        "dev=0x1\ninode=5\noutput=- 1700000000.000:5 0x514\n",
    ] {
        for name in ["theirs", "ours"] {
            fs::write(scratch.path().join(name), text).unwrap();
        }
        compare(scratch.path(), &log, &[], text);
        compare(scratch.path(), scratch.path(), &[], text);
    }
    let nowhere = Path::new("/no/such/folder/checkpoint");
    for program in [Program::theirs().unwrap(), Program::ours()] {
        assert_eq!(search(&program, &log, nowhere, &[]).status.code(), Some(11));
    }
}
