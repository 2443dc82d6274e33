//! What the demonstration prints.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use crate::terminal::escape;

/// Numbered steps on standard output; colour only on a terminal and not under `NO_COLOR`.
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
    pub(super) fn step(&mut self, title: &str) {
        self.steps += 1;
        let (bold, plain) = if self.colour {
            ("\x1b[1m", "\x1b[0m")
        } else {
            ("", "")
        };
        println!("\n{bold}{}. {title}{plain}", self.steps);
    }

    /// A line about what happens.
    pub(super) fn say(&self, text: &str) {
        println!("   {text}");
    }

    /// A command, as a user would type it.
    pub(super) fn command(&self, text: &str) {
        let (dim, plain) = if self.colour {
            ("\x1b[36m", "\x1b[0m")
        } else {
            ("", "")
        };
        println!("   {dim}$ {text}{plain}");
    }

    /// What a command printed, with control bytes made visible.
    pub(super) fn quote(&self, text: &[u8]) {
        let mut shown = Vec::new();
        escape(text, &mut shown);
        let mut out = io::stdout().lock();
        for line in shown
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            // A reader that went away ends the demonstration at its next step.
            let _ = out
                .write_all(b"     ")
                .and_then(|()| out.write_all(line))
                .and_then(|()| out.write_all(b"\n"));
        }
    }

    /// The end.
    pub(super) fn end(&self, took: Duration, kept: Option<&Path>) {
        let seconds = took.as_secs_f32();
        match kept {
            Some(folder) => {
                println!(
                    "\nDone in {seconds:.1} s. The stores are in {0}/collector and {0}/edited-copy.",
                    folder.display()
                );
            }
            None => println!(
                "\nDone in {seconds:.1} s. Nothing is left behind; `--keep DIR` keeps the stores."
            ),
        }
    }
}
