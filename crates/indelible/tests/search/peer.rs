//! The two programs, started alike.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cases::{Case, Input};

/// What a program did.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        write!(
            f,
            "exit {:?}\n{}{}",
            self.code,
            text(&self.out),
            text(&self.err)
        )
    }
}

/// A program that is or plays ausearch.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    /// The name under which it is started.
    name: &'static str,
}

impl Program {
    /// The real one; says so where it is missing or another version.
    pub(crate) fn theirs() -> Option<Self> {
        let path = ["/sbin/ausearch", "/usr/sbin/ausearch"]
            .map(PathBuf::from)
            .into_iter()
            .find(|path| path.exists());
        let Some(path) = path else {
            eprintln!("skipped: ausearch is not installed");
            return None;
        };
        let version = Command::new(&path).arg("-v").output().ok()?.stdout;
        if version != b"ausearch version 3.0.9\n" {
            let version = String::from_utf8_lossy(&version);
            eprintln!("skipped: {} is not 3.0.9", version.trim());
            return None;
        }
        Some(Self {
            path,
            name: "ausearch",
        })
    }

    /// Ours under ausearch's name.
    pub(crate) fn ours() -> Self {
        Self {
            path: env!("CARGO_BIN_EXE_indelible").into(),
            name: "ausearch",
        }
    }

    /// Starts it with these words.
    pub(crate) fn command(&self, words: &[OsString]) -> Command {
        let mut command = Command::new(&self.path);
        command
            .arg0(self.name)
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    /// Runs a case.
    pub(crate) fn run(&self, case: &Case) -> Outcome {
        let mut words: Vec<OsString> = case.words.iter().map(OsString::from).collect();
        if case.input == Input::File {
            words.extend(["-if".into(), case.log.clone().into_os_string()]);
        }
        let mut command = self.command(&words);
        if case.input == Input::Pipe {
            return piped(&mut command, &case.log);
        }
        outcome(command.output().expect("the program starts"))
    }
}

fn piped(command: &mut Command, log: &Path) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    let mut log = File::open(log).expect("a log");
    let writer = std::thread::spawn(move || {
        // A program that refuses its arguments closes the pipe early.
        let _ = std::io::copy(&mut log, &mut pipe).and_then(|_| pipe.flush());
    });
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer ends");
    outcome(output)
}

fn outcome(output: std::process::Output) -> Outcome {
    Outcome {
        code: output.status.code(),
        out: output.stdout,
        err: output.stderr,
    }
}
