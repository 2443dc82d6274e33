//! A file of rules: every line read, every fault kept, none hiding the next.

use bstr::BString;

use crate::fault::{Fault, Severity};
use crate::limits::LINE_BYTES_MAX;
use crate::parse::{self, Context, End, Line, Note};
use crate::printable::Printable;
use crate::rule::Rule;
use crate::words;

/// The lines of a file with their numbers, from 1. Only a line feed ends a line.
pub fn lines(content: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    content
        .split(|&byte| byte == b'\n')
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    /// The file as the caller named it; empty for an argument list.
    pub file: String,
    /// The line, from 1; 0 for an argument list.
    pub line: usize,
}

/// A line that is neither blank nor a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub source: Source,
    /// As it is written.
    pub text: BString,
    /// What it asks for.
    pub line: Line,
}

/// Reads a whole file.
#[must_use]
pub fn read(name: &str, content: &[u8], cx: &Context<'_>) -> Vec<Entry> {
    lines(content)
        .filter_map(|(number, text)| read_line(name, number, text, cx))
        .collect()
}

fn read_line(name: &str, number: usize, text: &[u8], cx: &Context<'_>) -> Option<Entry> {
    let source = Source {
        file: name.to_owned(),
        line: number,
    };
    let line = if text.len() >= LINE_BYTES_MAX {
        refused(Fault::LineLength(LINE_BYTES_MAX))
    } else if text.contains(&0) {
        refused(Fault::ZeroByte)
    } else {
        let words = words::split(text, cx.compat);
        if words.is_empty() {
            return None;
        }
        parse::parse(words, Some(number), cx)
    };
    Some(Entry {
        source,
        text: text.into(),
        line,
    })
}

fn refused(fault: Fault) -> Line {
    let note = Note {
        fault,
        token: BString::default(),
        column: 1,
    };
    Line {
        items: vec![parse::Item::Note(note)],
        end: End::Failed,
        named_list: false,
    }
}

impl Entry {
    /// The rule that the line adds.
    #[must_use]
    pub const fn rule(&self) -> Option<&Rule> {
        self.line.added()
    }

    /// The line's faults as one text each: `file:line:column: message: token (what is accepted)`.
    pub fn diagnostics(&self) -> impl Iterator<Item = Diagnostic> {
        let silent = self.line.end == End::Failed && self.line.notes().next().is_none();
        let none = silent.then(|| Diagnostic {
            source: self.source.clone(),
            column: 1,
            token: self.text.clone(),
            severity: Severity::Error,
            message: "no option on this line".to_owned(),
            accepted: Some("an option such as -a, -w or -D first".to_owned()),
        });
        self.line
            .notes()
            .map(|note| Diagnostic {
                source: self.source.clone(),
                column: note.column,
                token: note.token.clone(),
                severity: note.fault.severity(),
                message: note.fault.to_string().trim_end().to_owned(),
                accepted: note.fault.accepted(),
            })
            .chain(none)
    }
}

/// A fault of a file, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// File and line.
    pub source: Source,
    /// Column, from 1.
    pub column: usize,
    /// The offending word.
    pub token: BString,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What would be accepted.
    pub accepted: Option<String>,
}

impl std::fmt::Display for Diagnostic {
    /// Bytes that are not printable are escaped: rule files are read on terminals.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let Source { file, line } = &self.source;
        let message = Printable(&self.message);
        write!(f, "{file}:{line}:{}: {severity}: {message}", self.column)?;
        if !self.token.is_empty() {
            write!(f, "\n  at: {}", self.token.escape_ascii())?;
        }
        match &self.accepted {
            Some(accepted) => write!(f, "\n  accepted: {accepted}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;
    use crate::host::NoHost;

    #[test]
    fn a_bad_line_does_not_hide_the_others() {
        let cx = Context::new(Arch::X86_64, &NoHost);
        let text = b"# one\n-w /a -k x\n-a always,exit -F fo=1\n\n-w /b";
        let entries = read("f", text, &cx);
        let seen: Vec<_> = entries
            .iter()
            .map(|entry| (entry.source.line, entry.rule().is_some()))
            .collect();
        assert_eq!(seen, [(2, true), (3, false), (5, true)]);
        let shown: Vec<_> = entries[1].diagnostics().map(|d| d.to_string()).collect();
        assert_eq!(shown.len(), 1);
        assert!(
            shown[0].starts_with("f:3:19: error: -F unknown field: fo\n  at: fo=1"),
            "{shown:?}"
        );
    }

    #[test]
    fn lines_that_cannot_be_read_are_faults() {
        let cx = Context::new(Arch::X86_64, &NoHost);
        let long = format!("-w /{}", "x".repeat(LINE_BYTES_MAX));
        for text in [long.as_bytes(), b"-w /a\0b", b"word"] {
            let entries = read("f", text, &cx);
            assert_eq!(entries.len(), 1);
            assert_eq!(entries[0].diagnostics().count(), 1);
        }
    }
}
