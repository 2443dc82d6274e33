//! Applies what the linter found to a file, again and again until nothing is left to apply.

use std::collections::HashMap;

use super::{Change, Finding, Place, Surroundings, lint};
use crate::file;
use crate::limits::FIX_ROUNDS_MAX;

/// A mended file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Its bytes; comments and blank lines stand where they stood.
    pub content: Vec<u8>,
    /// What was applied, in order.
    pub applied: Vec<Finding>,
}

/// Mends one file. Only edits that lose nothing are applied ([`super::Edit::automatic`]).
#[must_use]
pub fn fix(name: &str, content: &[u8], around: &Surroundings<'_>) -> Fixed {
    let mut fixed = Fixed {
        content: content.to_vec(),
        applied: Vec::new(),
    };
    for _ in 0..FIX_ROUNDS_MAX {
        let entries = file::read(name, &fixed.content, around.cx);
        let mut changes: HashMap<usize, Change> = HashMap::new();
        for finding in lint(&entries, around) {
            let Some(edit) = finding.edit.as_ref().filter(|edit| edit.automatic) else {
                continue;
            };
            // one change for a line in a round: the next round sees what it made
            if edit
                .changes
                .iter()
                .any(|change| changes.contains_key(&change.source.line))
            {
                continue;
            }
            for change in &edit.changes {
                changes.insert(change.source.line, change.clone());
            }
            fixed.applied.push(finding);
        }
        if changes.is_empty() {
            break;
        }
        fixed.content = apply(&fixed.content, &changes);
    }
    fixed
}

fn apply(content: &[u8], changes: &HashMap<usize, Change>) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    for (number, line) in file::lines(content) {
        let change = changes.get(&number);
        let place = change.map(|change| change.place);
        let new = change.map_or(&[][..], |change| &change.lines);
        let old = (place != Some(Place::Replace)).then_some(line);
        let new = new.iter().map(String::as_bytes);
        let lines: Vec<&[u8]> = match place {
            Some(Place::After) => old.into_iter().chain(new).collect(),
            _ => new.chain(old).collect(),
        };
        for line in lines {
            out.extend_from_slice(line);
            out.push(b'\n');
        }
    }
    out
}
