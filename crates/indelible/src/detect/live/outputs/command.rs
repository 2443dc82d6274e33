//! Findings given to a program, one run each, as JSON on standard input.
//!
//! ```text
//! detections (confined) ─ JSON line ─▶ relay (as the service is) ─ JSON ─▶ one run of the program
//!                       ◀─ answer line ─┘
//! ```
//!
//! The relay is this program again (`detect relay`), started before the detections confine themselves: what
//! is confined may ask it for one more run of what the configuration names, and for nothing else.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{self, Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::Output;
use crate::detect::live::limits::COMMAND_TIMEOUT;
use crate::payload::finding::Finding;

/// A program, and the relay that runs it.
pub(super) struct Command {
    words: Vec<String>,
    relay: Relay,
}

impl Command {
    /// A program and its arguments. It is run as it is given, by no shell.
    pub(super) fn start(words: &[String]) -> Result<Self> {
        ensure!(!words.is_empty(), "an output's command is empty");
        Ok(Self {
            words: words.to_vec(),
            relay: Relay::start(words)?,
        })
    }
}

impl Output for Command {
    fn tell(&mut self, _: &Finding, json: &[u8]) -> Result<()> {
        let answer = match self.relay.ask(json) {
            Ok(answer) => answer,
            Err(error) => {
                // A process that is confined cannot start another.
                self.relay = Relay::start(&self.words)
                    .with_context(|| format!("the relay ended: {error:#}"))?;
                self.relay.ask(json)?
            }
        };
        ensure!(answer == DONE, "{}: {answer}", self.words[0]);
        Ok(())
    }
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
    let mut output = io::stdout();
    for line in io::stdin().lock().split(b'\n') {
        let answer = match run(words, &line?) {
            Ok(()) => DONE.to_owned(),
            Err(error) => format!("{error:#}").replace('\n', " "),
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn run(words: &[String], json: &[u8]) -> Result<()> {
    let (program, arguments) = words.split_first().context("no program is named")?;
    let mut child = process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot be run")?;
    if let Some(mut input) = child.stdin.take() {
        // A finding is smaller than a pipe, so this waits for nobody; one that does not read
        // what it is given may still succeed.
        let _ = input.write_all(json);
    }
    let until = Instant::now() + COMMAND_TIMEOUT;
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!("ended with {status}"),
            None if Instant::now() >= until => {
                child.kill()?;
                child.wait()?;
                bail!("took longer than {} s", COMMAND_TIMEOUT.as_secs());
            }
            None => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// The relay's answer when the program succeeded.
const DONE: &str = "done";
const LOOK_EVERY: Duration = Duration::from_millis(10);
