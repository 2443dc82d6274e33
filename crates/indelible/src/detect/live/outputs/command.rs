//! Findings given to a program, one run each, as JSON on standard input.
//!
//! ```text
//! detections (confined) ─ JSON line ─▶ relay (as the service is) ─ JSON ─▶ one run of the program
//!                       ◀─ answer line ─┘
//! ```
//!
//! The relay is this program again (`detect relay`), started before the detections confine themselves: what
//! is confined may ask it for one more run of what the configuration names, and for nothing else.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{self, Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::Output;
use crate::detect::live::limits::{COMMAND_TIMEOUT, HUNG_RUNS_MAX, RELAYED_BYTES_MAX};
use crate::payload::finding::Finding;

/// A program, and the relay that runs it.
pub(super) struct Command {
    words: Vec<String>,
    relay: Relay,
    /// It ended, and no other can be started.
    is_over: bool,
}

impl Command {
    /// A program and its arguments. It is run as it is given, by no shell.
    pub(super) fn start(words: &[String]) -> Result<Self> {
        ensure!(!words.is_empty(), "an output's command is empty");
        Ok(Self {
            words: words.to_vec(),
            relay: Relay::start(words)?,
            is_over: false,
        })
    }
}

impl Output for Command {
    fn tell(&mut self, _: &Finding, json: &[u8]) -> Result<()> {
        let answer = match self.relay.ask(json) {
            Ok(answer) => answer,
            Err(error) => {
                // A process that is confined cannot start another.
                let relay = Relay::start(&self.words);
                self.is_over = relay.as_ref().is_err_and(is_refused);
                self.relay = relay.with_context(|| format!("the relay ended: {error:#}"))?;
                self.relay.ask(json)?
            }
        };
        ensure!(answer == DONE, "{}: {answer}", self.words[0]);
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.is_over
    }
}

fn is_refused(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::PermissionDenied)
}

/// The process that runs a program. It ends when its standard input does.
struct Relay {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Relay {
    fn start(words: &[String]) -> Result<Self> {
        let own = std::env::current_exe().context("cannot find the program itself")?;
        let mut child = process::Command::new(own)
            .args(["detect", "relay", "--"])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the relay of {}", words[0]))?;
        let requests = child.stdin.take();
        let answers = child.stdout.take().context("the relay has no output")?;
        Ok(Self {
            child,
            requests,
            answers: BufReader::new(answers),
        })
    }

    /// Has the program run with a finding; gives the answer.
    fn ask(&mut self, json: &[u8]) -> Result<String> {
        let requests = self.requests.as_mut().context("the relay has no input")?;
        requests.write_all(json)?;
        requests.write_all(b"\n")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(answer.ends_with('\n'), "it gave no answer");
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}

/// The relay: runs a program for each line of standard input, and answers with a line each.
///
/// # Errors
/// Input that cannot be read and output that nobody reads.
pub(crate) fn relay(words: &[String]) -> Result<()> {
    // A service manager asks all processes to end; what is told last is told before that.
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    let (mut input, mut output) = (io::stdin().lock(), io::stdout());
    let mut runs = Runs(Vec::new());
    loop {
        let mut line = Vec::new();
        let mut next = input.by_ref().take(RELAYED_BYTES_MAX);
        if next.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        ensure!(line.pop() == Some(b'\n'), "a finding is too long");
        let answer = match runs.run(words, line) {
            Ok(()) => DONE.to_owned(),
            Err(error) => format!("{error:#}").replace('\n', " "),
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
}

/// Runs of the program that took too long and could not be ended.
struct Runs(Vec<Child>);

impl Runs {
    fn run(&mut self, words: &[String], json: Vec<u8>) -> Result<()> {
        self.0
            .retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        ensure!(self.0.len() < HUNG_RUNS_MAX, "its earlier runs do not end");
        let (program, arguments) = words.split_first().context("no program is named")?;
        let mut child = process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot be run")?;
        if let Some(mut input) = child.stdin.take() {
            // One that does not read what it is given may still succeed, and must keep nobody waiting.
            std::thread::spawn(move || input.write_all(&json));
        }
        let until = Instant::now() + COMMAND_TIMEOUT;
        loop {
            match child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("ended with {status}"),
                None if Instant::now() >= until => {
                    // Where another profile refuses the signal, it ends by itself or never.
                    let _ = child.kill();
                    self.0.push(child);
                    bail!("took longer than {} s", COMMAND_TIMEOUT.as_secs());
                }
                None => std::thread::sleep(LOOK_EVERY),
            }
        }
    }
}

/// The relay's answer when the program succeeded.
const DONE: &str = "done";
const LOOK_EVERY: Duration = Duration::from_millis(10);
