//! Showing: parts of text to standard output, in the order, number and frame that was asked for.
//!
//! ```text
//! straight   csv's first line, json's brackets, a limit
//! reverse    the text waits in a file without a name until all of it is there
//! count      one number
//! ```

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;

use anyhow::{Context, Result};
use indelible_record::write::{self, Columns};

use super::print::{Form, Printed};
use crate::terminal::Output;

/// In which order, how much, and with what around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) form: Form,
    pub(crate) columns: Columns,
    /// At most so many events.
    pub(crate) limit: Option<u64>,
    pub(crate) flush: bool,
}

/// Writes events as they come.
pub(crate) struct Straight {
    frame: Frame,
    output: Output,
    shown: u64,
}

impl Straight {
    pub(crate) fn new(frame: Frame) -> Self {
        Self {
            frame,
            output: Output::stdout(),
            shown: 0,
        }
    }

    /// Takes a part; breaks off at the limit.
    pub(crate) fn take(&mut self, part: &Printed) -> Result<ControlFlow<()>> {
        let left = self
            .frame
            .limit
            .map_or(u64::MAX, |limit| limit - self.shown);
        let has_frame = matches!(self.frame.form, Form::Json | Form::Csv);
        if !has_frame && left >= part.ends.len() as u64 {
            self.output.write(&part.text)?;
            self.shown += part.ends.len() as u64;
        } else {
            for event in part
                .events()
                .take(usize::try_from(left).unwrap_or(usize::MAX))
            {
                self.event(event)?;
            }
        }
        if self.frame.flush {
            self.output.flush()?;
        }
        Ok(match self.frame.limit {
            Some(limit) if self.shown >= limit => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    }

    fn event(&mut self, text: &[u8]) -> Result<()> {
        match (self.frame.form, self.shown) {
            (Form::Json, 0) => self.output.write(b"[\n")?,
            (Form::Json, _) => self.output.write(b",\n")?,
            (Form::Csv, 0) => {
                let mut header = Vec::new();
                write::csv_header(self.frame.columns, &mut header);
                self.output.write(&header)?;
            }
            _ => {}
        }
        self.output.write(text)?;
        self.shown += 1;
        Ok(())
    }

    /// Ends the output; how many events it holds.
    pub(crate) fn finish(mut self) -> Result<u64> {
        if self.frame.form == Form::Json {
            let end: &[u8] = if self.shown == 0 { b"[]\n" } else { b"\n]\n" };
            self.output.write(end)?;
        }
        self.output.flush()?;
        Ok(self.shown)
    }
}

/// Holds the events until the last has come, then writes them from there.
pub(crate) struct Reverse {
    inner: Straight,
    file: File,
    /// Where each part's text begins in the file, and its events' ends in it.
    parts: Vec<(u64, Vec<usize>)>,
    end: u64,
}

impl Reverse {
    pub(crate) fn new(frame: Frame) -> Result<Self> {
        Ok(Self {
            inner: Straight::new(frame),
            file: tempfile::tempfile().context("cannot make a file for the events to wait in")?,
            parts: Vec::new(),
            end: 0,
        })
    }

    /// Takes a part.
    pub(crate) fn take(&mut self, part: Printed) -> Result<ControlFlow<()>> {
        self.file
            .write_all(&part.text)
            .context("cannot keep the events that wait")?;
        self.parts.push((self.end, part.ends));
        self.end += part.text.len() as u64;
        Ok(ControlFlow::Continue(()))
    }

    /// Writes everything; how many events that were.
    pub(crate) fn finish(mut self) -> Result<u64> {
        while let Some((start, ends)) = self.parts.pop() {
            let length = ends.last().copied().unwrap_or(0);
            let mut text = vec![0; length];
            self.file.seek(SeekFrom::Start(start))?;
            self.file
                .read_exact(&mut text)
                .context("cannot read the events that waited")?;
            let part = Printed {
                text,
                ends,
                ..Printed::default()
            };
            for event in part.events().rev() {
                if self
                    .inner
                    .frame
                    .limit
                    .is_some_and(|limit| self.inner.shown >= limit)
                {
                    return self.inner.finish();
                }
                self.inner.event(event)?;
            }
        }
        self.inner.finish()
    }
}
