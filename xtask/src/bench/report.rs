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

    /// Puts what was measured into docs/benchmarks.md, in the place of the same benches' older
    /// figures.
    pub(super) fn write(&self) -> Result<()> {
        let path = shell::root().join("docs/benchmarks.md");
        let former = fs::read_to_string(&path).unwrap_or_default();
        let mut sections = sections(&former);
        for (title, text) in self::sections(&self.text) {
            match sections.iter_mut().find(|(known, _)| *known == title) {
                Some(section) => section.1 = text,
                None => sections.push((title, text)),
            }
        }
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let cores = std::thread::available_parallelism()?;
        let mut text = format!(
            "# Benchmarks\n\nWritten by `cargo xtask bench`: the peer and ours in turn, in one run, \
             medians of the rounds.\nMachine: {cores} cores, a virtual machine, Linux {}.\n\
             CPU seconds are the process's own threads (user and kernel), from schedstat.\n",
            kernel.trim(),
        );
        for (title, body) in sections {
            let _ = write!(text, "\n## {title}\n{body}");
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The sections of a page: title, and the text below it.
fn sections(page: &str) -> Vec<(&str, &str)> {
    page.split("\n## ")
        .skip(1)
        .filter_map(|section| section.split_once('\n'))
        .collect()
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

#[cfg(test)]
mod tests {
    use super::sections;

    #[test]
    fn pages_have_sections() {
        let page = "# Title\n\nintroduction\n\n## A\n\none\n\n## B\n\n- two\n";
        assert_eq!(sections(page), [("A", "\none\n"), ("B", "\n- two\n")]);
        assert_eq!(sections(""), []);
    }
}
