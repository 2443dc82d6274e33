//! Looks at rules for what does not load, does not record what it seems to, or costs more than it
//! needs to; and mends what can be mended.
//!
//! What each code means is in [`Code`]. A finding may carry edits: lines that say the same
//! better. [`fix::fix`] applies them to whole files.

mod code;
pub mod fix;
mod line;
mod set;
#[cfg(test)]
mod tests;

pub use code::{Code, Level};

use serde::Serialize;

use crate::arch::Arch;
use crate::file::{Entry, Source};
use crate::parse::Context;
use crate::printable::Printable;
use crate::rule::Rule;
use crate::text::{self, Dialect, Listing};

/// What linting depends on besides the rules.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// How the rules were read.
    pub cx: &'a Context<'a>,
    /// Mount points of the host, absolute; empty where they are not known.
    pub mounts: &'a [Vec<u8>],
    /// Whether the files stand for all rules of the host: only then is what they lack (a lock,
    /// `--loginuid-immutable`) worth telling.
    pub complete: bool,
    /// Whether paths are looked up; off when rules are for another host.
    pub check_paths: bool,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// How much it matters here.
    pub level: Level,
    /// The line.
    pub source: Source,
    /// Another line that has to do with it.
    pub related: Option<Source>,
    /// What is wrong with this line.
    pub message: String,
    /// What would mend it.
    pub edit: Option<Edit>,
}

/// A change to one or more lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What happens to which line; each line at most once.
    pub changes: Vec<Change>,
    /// Whether `--fix` may do it unasked: the mended file records at least what the old one did
    /// and locks nothing.
    pub automatic: bool,
}

/// A change to one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line.
    pub source: Source,
    /// How the lines go in.
    pub place: Place,
    /// The lines that go in.
    pub lines: Vec<String>,
}

/// Where the lines of a change go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Instead of the line.
    Replace,
    /// Above the line.
    Before,
    /// Below the line.
    After,
}

/// A finding as `indelible rules lint --format json` prints it.
#[derive(Debug, Serialize)]
pub struct FindingJson<'a> {
    code: String,
    name: &'static str,
    severity: &'static str,
    file: &'a str,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    related: Option<String>,
    message: &'a str,
    explanation: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mended: Vec<&'a String>,
    fixable: bool,
}

impl Finding {
    fn new(code: Code, entry: &Entry, message: impl Into<String>) -> Self {
        Self {
            code,
            level: code.level(),
            source: entry.source.clone(),
            related: None,
            message: message.into(),
            edit: None,
        }
    }

    fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    fn related(mut self, entry: &Entry) -> Self {
        self.related = Some(entry.source.clone());
        self
    }

    /// Other lines instead of this one; none to remove it.
    fn replace(self, lines: Vec<String>) -> Self {
        let change = Change {
            source: self.source.clone(),
            place: Place::Replace,
            lines,
        };
        self.edit(vec![change], true)
    }

    /// Lines below this one.
    fn append(self, lines: Vec<String>, automatic: bool) -> Self {
        let change = Change {
            source: self.source.clone(),
            place: Place::After,
            lines,
        };
        self.edit(vec![change], automatic)
    }

    fn edit(mut self, changes: Vec<Change>, automatic: bool) -> Self {
        self.edit = Some(Edit { changes, automatic });
        self
    }

    /// The mended lines.
    pub fn mended(&self) -> impl Iterator<Item = &String> {
        self.edit
            .iter()
            .flat_map(|edit| &edit.changes)
            .flat_map(|change| &change.lines)
    }

    /// The shape for JSON.
    #[must_use]
    pub fn json(&self) -> FindingJson<'_> {
        FindingJson {
            code: self.code.id(),
            name: self.code.name(),
            severity: self.level.name(),
            file: &self.source.file,
            line: self.source.line,
            related: self
                .related
                .as_ref()
                .map(|s| format!("{}:{}", s.file, s.line)),
            message: &self.message,
            explanation: self.code.explanation(),
            mended: self.mended().collect(),
            fixable: self.edit.as_ref().is_some_and(|edit| edit.automatic),
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Source { file, line } = &self.source;
        let message = Printable(&self.message);
        write!(
            f,
            "{file}:{line}: {}: {}: {message}",
            self.level.name(),
            self.code
        )?;
        if let Some(related) = &self.related {
            write!(f, " ({}:{})", related.file, related.line)?;
        }
        for line in self.mended() {
            write!(f, "\n  + {}", Printable(line))?;
        }
        Ok(())
    }
}

/// Looks at the lines of one or more files, in the order in which they are loaded. Findings come
/// in the order of the lines, the weightiest of a line first.
#[must_use]
pub fn lint(entries: &[Entry], around: &Surroundings<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in entries {
        line::lint(entry, around, &mut findings);
    }
    set::lint(entries, around, &mut findings);
    let place = |finding: &Finding| {
        entries
            .iter()
            .position(|entry| entry.source == finding.source)
            .unwrap_or(entries.len())
    };
    findings.sort_by_cached_key(|finding| {
        (
            place(finding),
            std::cmp::Reverse(finding.level),
            finding.code,
        )
    });
    findings
}

/// A rule as a line that reads back as the same rule.
fn written(rule: &Rule, machine: Arch) -> String {
    let listing = Listing {
        dialect: Dialect::Native,
        machine,
        interpret: None,
    };
    String::from_utf8_lossy(&text::line(rule, &listing)).into_owned()
}

/// The architectures whose programs the machine runs: its own, then the 32-bit one where system
/// call names are known for it.
fn architectures(machine: Arch) -> Vec<Arch> {
    let b32 = machine.b32().filter(|arch| *arch != machine);
    [Some(machine), b32]
        .into_iter()
        .flatten()
        .filter(|arch| crate::tables::knows_syscalls(*arch))
        .collect()
}
