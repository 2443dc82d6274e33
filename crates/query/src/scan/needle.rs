//! Looks for needles in raw bytes: one by its two rarest bytes, several by their first ones, both
//! with vector instructions.

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;

use crate::criteria::Needles;

/// Finds the lines that hold a needle.
#[derive(Debug)]
pub(super) enum Finder {
    /// Few enough to be searched for one after the other.
    Each(Vec<memmem::Finder<'static>>),
    Many(AhoCorasick),
}

impl Finder {
    pub(super) fn new(needles: &Needles) -> Self {
        if needles.iter().len() > EACH_MAX
            && let Ok(many) = AhoCorasick::builder()
                // The kind that has vector instructions; which needle it is does not matter.
                .match_kind(MatchKind::LeftmostFirst)
                .build(needles.iter())
        {
            return Self::Many(many);
        }
        let finder = |needle: &[u8]| memmem::Finder::new(needle).into_owned();
        Self::Each(needles.iter().map(finder).collect())
    }

    /// Offsets of needles, ascending, at least one in each line that holds any.
    pub(super) fn find(&self, text: &[u8]) -> Vec<u32> {
        let mut found = Vec::new();
        match self {
            Self::Each(finders) => {
                for finder in finders {
                    each_line(text, |rest| finder.find(rest), &mut found);
                }
                if finders.len() > 1 {
                    found.sort_unstable();
                }
            }
            Self::Many(finder) => {
                let find = |rest: &[u8]| finder.find(rest).map(|found| found.start());
                each_line(text, find, &mut found);
            }
        }
        found
    }
}

/// Appends where `find` finds something, going on in the next line each time.
fn each_line(text: &[u8], find: impl Fn(&[u8]) -> Option<usize>, found: &mut Vec<u32>) {
    let mut from = 0;
    while let Some(at) = find(&text[from..]) {
        let at = from + at;
        found.push(at as u32);
        match memchr::memchr(b'\n', &text[at..]) {
            Some(length) => from = at + length + 1,
            None => break,
        }
    }
}

/// Up to this many needles one pass for each is faster than one pass for all.
const EACH_MAX: usize = 8;
