//! Findings given to a program, one run each, as JSON on standard input.

use std::io::Write;
use std::process::{self, Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Output;
use crate::detect::live::limits::COMMAND_TIMEOUT;
use crate::payload::finding::Finding;

/// A program and its arguments. It is run as it is given, by no shell.
pub(super) struct Command {
    program: String,
    arguments: Vec<String>,
}

impl Command {
    pub(super) fn new(words: &[String]) -> Result<Self> {
        let Some((program, arguments)) = words.split_first() else {
            bail!("an output's command is empty");
        };
        Ok(Self {
            program: program.clone(),
            arguments: arguments.to_vec(),
        })
    }
}

impl Output for Command {
    fn tell(&mut self, _: &Finding, json: &[u8]) -> Result<()> {
        let mut child = process::Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {}", self.program))?;
        if let Some(mut input) = child.stdin.take() {
            // A finding is smaller than a pipe, so this waits for nobody; one that does not read
            // what it is given may still succeed.
            let _ = input.write_all(json);
        }
        wait(&mut child).with_context(|| self.program.clone())
    }
}

fn wait(child: &mut Child) -> Result<()> {
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

const LOOK_EVERY: Duration = Duration::from_millis(10);
