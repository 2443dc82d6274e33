//! Looks for needles in raw bytes: one by its two rarest bytes, several by their first ones, both
//! with vector instructions.

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;

use crate::criteria::Needles;

/// Finds the lines that hold a needle.
#[derive(Debug)]
pub(super) enum Finder {
    /// Few enough to be searched for one after the other.
    Each(Vec<One>),
    Many(AhoCorasick),
}

/// Finds one byte string, or two.
#[derive(Debug)]
pub(super) enum One {
    Exact(memmem::Finder<'static>),
    Cases(Cases),
}

/// Finds two byte strings that differ in the case of letters alone, as hexadecimal digits do, in one pass:
/// by what they have in common.
#[derive(Debug)]
pub(super) struct Cases {
    forms: [Vec<u8>; 2],
    common: memmem::Finder<'static>,
    /// Where in them that stands.
    at: usize,
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
        let mut needles: Vec<&[u8]> = needles.iter().collect();
        let mut each = Vec::new();
        while let Some(needle) = needles.pop() {
            let is_same = |other: &&[u8]| other.eq_ignore_ascii_case(needle);
            let other = needles.iter().position(is_same);
            let cases = other.and_then(|other| Cases::new(needle, needles[other]));
            each.push(match (cases, other) {
                (Some(cases), Some(other)) => {
                    needles.remove(other);
                    One::Cases(cases)
                }
                _ => One::Exact(memmem::Finder::new(needle).into_owned()),
            });
        }
        Self::Each(each)
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

impl One {
    fn find(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Exact(finder) => finder.find(text),
            Self::Cases(cases) => cases.find(text),
        }
    }
}

impl Cases {
    /// None where what they have in common is too short to be rare.
    fn new(a: &[u8], b: &[u8]) -> Option<Self> {
        let parts = a.split_inclusive(u8::is_ascii_alphabetic);
        let ends = parts.scan(0, |at, part| {
            let start = *at;
            *at += part.len();
            let letters = usize::from(part.last().is_some_and(u8::is_ascii_alphabetic));
            Some(start..*at - letters)
        });
        let common = ends.max_by_key(ExactSizeIterator::len)?;
        (common.len() >= COMMON_BYTES_MIN).then(|| Self {
            forms: [a.to_vec(), b.to_vec()],
            at: common.start,
            common: memmem::Finder::new(&a[common]).into_owned(),
        })
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        let mut from = 0;
        while let Some(found) = self.common.find(&text[from..]) {
            let place = (from + found).checked_sub(self.at);
            let rest = place
                .and_then(|place| text.get(place..))
                .unwrap_or_default();
            if self.forms.iter().any(|form| rest.starts_with(form)) {
                return place;
            }
            from += found + 1;
        }
        None
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
/// Bytes in common by which two needles are found at once.
const COMMON_BYTES_MIN: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_cases_in_one_pass() {
        let needles = |needles: &[&str]| {
            let needles = needles.iter().map(|needle| needle.as_bytes().to_vec());
            Needles::any_of(needles.collect()).unwrap()
        };
        let check = |set: &[&str], finders: usize, text: &str, expect: &[u32]| {
            let finder = Finder::new(&needles(set));
            match &finder {
                Finder::Each(each) => assert_eq!(each.len(), finders, "{set:?}"),
                Finder::Many(_) => panic!("few needles"),
            }
            assert_eq!(finder.find(text.as_bytes()), expect, "{set:?} in {text:?}");
        };
        let set = ["file", "66696C655F77", "66696c655f77"];
        let text = "66696 file\nx66696c655f77\n66696C655f77\n655F77 66696C655F77\n";
        // No five digits stand together in both.
        check(&set, 3, text, &[6, 12, 45]);
        let set = ["a_watch", "615F7761746368", "615f7761746368"];
        let text = "7761746368\n615F7761746368\n615f7761746368 a_watch\n_7761746368a_watch\n";
        check(&set, 2, text, &[11, 26, 41, 60]);
        check(&set, 2, "615f776174636", &[]);
        check(
            &["ab123456", "AB123456", "aB123456"],
            2,
            "Ab123456\naB123456",
            &[9],
        );
        check(&["1234567"], 1, "1234567", &[0]);
    }
}
