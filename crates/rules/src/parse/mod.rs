//! One line of rule text, or one argument list of auditctl, read into what it asks for.
//!
//! Options take effect in the order in which they stand, and each may depend on those before
//! it (`arch` on the names in `-S`, a list on `-F`), so this is a small machine that is fed one
//! option at a time. `-F` and `-C` are read in the module `condition`.

mod building;
mod reader;
mod requests;

use bstr::BString;

use crate::arch::Arch;
use crate::control::{Control, feature};
use crate::fault::{Fault, Severity};
use crate::host::Host;
use crate::rule::Rule;
use crate::words::Word;

pub(crate) use reader::RuleText;

/// Which generation of auditctl a text is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compat {
    /// 3.0.9, as Debian 12 ships it.
    V3,
    /// 4.x: `-F perm=` behind `-F arch=` selects the system calls that can use the permission,
    /// io_uring rules, words for signals. Blanks may be tabs.
    V4,
}

/// Everything that reading depends on besides the text.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The generation.
    pub compat: Compat,
    /// The machine that the rules are for.
    pub machine: Arch,
    /// What its kernel can do; bits of [`feature`].
    pub features: u32,
    /// Its users and files.
    pub host: &'a dyn Host,
}

impl<'a> Context<'a> {
    /// A 4.x reading for a machine with a recent kernel.
    #[must_use]
    pub const fn new(machine: Arch, host: &'a dyn Host) -> Self {
        Self {
            compat: Compat::V4,
            machine,
            features: feature::ALL,
            host,
        }
    }
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Findings and settings in the order in which the line makes them.
    pub items: Vec<Item>,
    /// What is to be done at its end.
    pub end: End,
    /// Whether it named a filter list. auditctl then looks at the audit system's state before
    /// it does anything about the line, be the line right or wrong.
    pub named_list: bool,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Something wrong or odd.
    Note(Note),
    /// Something to do at once.
    Do(Control),
}

/// A finding about a word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is.
    pub fault: Fault,
    /// The word, as written.
    pub token: BString,
    /// Its column, from 1, or its position in an argument list.
    pub column: usize,
}

/// How a line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A rule to load.
    Add(Rule),
    /// A rule to delete.
    Delete(Rule),
    /// Settings were made; auditctl now prints the kernel's status.
    Report,
    /// Nothing is left to do.
    Done,
    /// The line is dropped on purpose and counts as good.
    Dropped,
    /// The line is wrong.
    Failed,
}

impl Line {
    /// The rule that the line adds.
    #[must_use]
    pub const fn added(&self) -> Option<&Rule> {
        match &self.end {
            End::Add(rule) => Some(rule),
            _ => None,
        }
    }

    /// Its findings.
    pub fn notes(&self) -> impl Iterator<Item = &Note> {
        self.items.iter().filter_map(|item| match item {
            Item::Note(note) => Some(note),
            Item::Do(_) => None,
        })
    }

    /// Its settings and requests.
    pub fn controls(&self) -> impl Iterator<Item = &Control> {
        self.items.iter().filter_map(|item| match item {
            Item::Note(_) => None,
            Item::Do(control) => Some(control),
        })
    }
}

/// Reads the words of a line of a rules file, or of an argument list (`line_number` `None`).
#[must_use]
pub fn parse(words: Vec<Word>, line_number: Option<usize>, cx: &Context<'_>) -> Line {
    reader::Reader::new(words, line_number, cx).line()
}

/// Whether a line has an error among its notes.
#[must_use]
pub fn has_error(line: &Line) -> bool {
    line.notes()
        .any(|note| note.fault.severity() == Severity::Error)
}
