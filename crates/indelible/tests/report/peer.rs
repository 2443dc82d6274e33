//! The real aureport, and ours under its name.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cases::Case;

/// Where Debian has it; Fedora has it under /usr/bin.
const PEERS: [&str; 2] = ["/sbin/aureport", "/usr/bin/aureport"];

/// What a run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The real aureport, if it is here.
pub(crate) fn real() -> Option<PathBuf> {
    let found = PEERS
        .iter()
        .map(Path::new)
        .find(|path| path.exists() && std::fs::canonicalize(path).is_ok_and(|at| !is_ours(&at)));
    if found.is_none() {
        eprintln!("skipped: aureport is missing; install the package auditd");
    }
    found.map(Path::to_owned)
}

fn is_ours(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "indelible")
}

/// Ours as a link of that name in `folder`.
pub(crate) fn link(folder: &Path) -> PathBuf {
    let link = folder.join("aureport");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_indelible"), &link).expect("a link");
    link
}

/// Runs a case, in UTC and the C locale.
pub(crate) fn run(program: &Path, case: &Case) -> Outcome {
    let mut command = Command::new(program);
    command.env_clear().env("TZ", "UTC").env("LC_ALL", "C");
    if case.through_stdin {
        // A pipe, as `cat` would make: aureport reads standard input only from one.
        let mut cat = Command::new("cat")
            .arg(&case.log)
            .stdout(Stdio::piped())
            .spawn()
            .expect("cat");
        command.stdin(cat.stdout.take().expect("a pipe"));
        let outcome = outcome(command.args(&case.words));
        // Whoever reads another log leaves the pipe unread.
        let _ = cat.wait();
        return outcome;
    }
    command.stdin(File::open("/dev/null").expect("/dev/null"));
    outcome(command.arg("-if").arg(&case.log).args(&case.words))
}

fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().expect("a program that starts");
    let text = |bytes: Vec<u8>| bytes.iter().map(|byte| char::from(*byte)).collect();
    Outcome {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}
