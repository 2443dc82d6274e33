//! What benches print and write.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};

use crate::shell;

/// Paragraphs, one per bench.
#[derive(Debug, Default)]
pub(super) struct Report {
    text: String,
}

impl Report {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Begins a bench with the way it measures.
    pub(super) fn bench(&mut self, title: &str, method: &str) {
        println!("\n{title}\n{method}");
        let _ = write!(self.text, "\n## {title}\n\n{method}\n\n");
    }

    /// One line of a bench.
    pub(super) fn line(&mut self, text: &str) {
        println!("  {text}");
        let _ = writeln!(self.text, "- {text}");
    }

    /// Writes docs/benchmarks.md after a whole run.
    pub(super) fn write(&self, whole: bool) -> Result<()> {
        if !whole {
            println!("\ndocs/benchmarks.md is written by a run of all benches only");
            return Ok(());
        }
        let path = shell::root().join("docs/benchmarks.md");
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let cores = std::thread::available_parallelism()?;
        let text = format!(
            "# Benchmarks\n\nWritten by `cargo xtask bench`: the peer and ours in turn, in one run, \
             medians of the rounds.\nMachine: {cores} cores, a virtual machine, Linux {}.\n\
             CPU seconds are the process's own threads (user and kernel), from schedstat.\n{}",
            kernel.trim(),
            self.text,
        );
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The median of some figures; of an even number of them the lower one.
pub(super) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get((sorted.len().saturating_sub(1)) / 2)
        .copied()
        .unwrap_or(f64::NAN)
}
