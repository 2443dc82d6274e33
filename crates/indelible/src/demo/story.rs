//! What the demonstration prints.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use crate::terminal::escape;

/// Numbered steps on standard output; colour only on a terminal and not under `NO_COLOR`. A reader
/// that went away is an error, which ends the demonstration and puts everything back.
#[derive(Debug)]
pub(super) struct Story {
    steps: u32,
    colour: bool,
}

impl Story {
    pub(super) fn new() -> Self {
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { steps: 0, colour }
    }

    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) -> io::Result<()> {
        self.steps += 1;
        let (bold, plain) = if self.colour {
            ("\x1b[1m", "\x1b[0m")
        } else {
            ("", "")
        };
        writeln!(io::stdout(), "\n{bold}{}. {title}{plain}", self.steps)
    }

    /// A line about what happens.
    pub(super) fn say(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout(), "   {text}")
    }

    /// A command, as a user would type it.
    pub(super) fn command(&self, text: &str) -> io::Result<()> {
        let (dim, plain) = if self.colour {
            ("\x1b[36m", "\x1b[0m")
        } else {
            ("", "")
        };
        writeln!(io::stdout(), "   {dim}$ {text}{plain}")
    }

    /// What a command printed, with control bytes made visible.
    pub(super) fn quote(&self, text: &[u8]) -> io::Result<()> {
        let mut shown = Vec::new();
        escape(text, &mut shown);
        let mut out = io::stdout().lock();
        for line in shown
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            out.write_all(b"     ")?;
            out.write_all(line)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// The end.
    pub(super) fn end(&self, took: Duration, kept: Option<&Path>) -> io::Result<()> {
        let seconds = took.as_secs_f32();
        match kept {
            Some(folder) => writeln!(
                io::stdout(),
                "\nDone in {seconds:.1} s. The stores are in {0}/collector and {0}/edited-copy.",
                folder.display()
            ),
            None => writeln!(
                io::stdout(),
                "\nDone in {seconds:.1} s. Nothing is left behind; `--keep DIR` keeps the stores."
            ),
        }
    }
}
