//! Matching of text: patterns made fast.
//!
//! Without case means ASCII letters where the pattern is ASCII, and Unicode's simple case folding
//! where it is not: then the pattern becomes a regular expression.

use memchr::memmem::Finder;
use memchr::{memchr, memchr2_iter};

use super::ast::{self, Reference};
use super::pattern::{Pattern, Piece};
use crate::limits::{REGEX_BYTES_MAX, REGEX_NESTING_MAX};

/// Something that text matches or not.
#[derive(Clone, Debug)]
pub(super) enum TextMatcher {
    Equals(Literal),
    StartsWith(Literal),
    EndsWith(Literal),
    Contains(Literal),
    Pieces(Vec<Segment>),
    Regex(Box<regex::bytes::Regex>),
    Anything,
}

impl TextMatcher {
    pub(super) fn equals(bytes: &[u8], cased: bool) -> Result<TextMatcher, regex::Error> {
        TextMatcher::of(&Pattern::new([Piece::Literal(bytes.to_vec())], cased))
    }

    pub(super) fn of(pattern: &Pattern) -> Result<TextMatcher, regex::Error> {
        let cased = pattern.cased();
        if !cased && pattern.literals().any(|literal| !literal.is_ascii()) {
            return folded(pattern);
        }
        let literal = |bytes: &[u8]| Literal::new(bytes, cased);
        Ok(match pattern.pieces() {
            [] => TextMatcher::Equals(literal(b"")),
            [Piece::Star] => TextMatcher::Anything,
            [Piece::Literal(bytes)] => TextMatcher::Equals(literal(bytes)),
            [Piece::Literal(bytes), Piece::Star] => TextMatcher::StartsWith(literal(bytes)),
            [Piece::Star, Piece::Literal(bytes)] => TextMatcher::EndsWith(literal(bytes)),
            [Piece::Star, Piece::Literal(bytes), Piece::Star] => {
                TextMatcher::Contains(literal(bytes))
            }
            pieces => TextMatcher::Pieces(segments(pieces, cased)),
        })
    }

    #[inline]
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        match self {
            TextMatcher::Equals(literal) => {
                text.len() == literal.len() && literal.is_at_start(text)
            }
            TextMatcher::StartsWith(literal) => literal.is_at_start(text),
            TextMatcher::EndsWith(literal) => text
                .len()
                .checked_sub(literal.len())
                .is_some_and(|at| literal.is_at_start(&text[at..])),
            TextMatcher::Contains(literal) => literal.find(text).is_some(),
            TextMatcher::Pieces(segments) => pieces_match(segments, text),
            TextMatcher::Regex(regex) => regex.is_match(text),
            TextMatcher::Anything => true,
        }
    }
}

/// Bytes to find, with or without regard to the case of ASCII letters.
#[derive(Clone, Debug)]
pub(super) enum Literal {
    Cased(Box<Finder<'static>>),
    /// Lower case, and the place of its rarest byte.
    Folded(Box<[u8]>, usize),
}

impl Literal {
    pub(super) fn new(bytes: &[u8], cased: bool) -> Literal {
        if cased || !bytes.iter().any(u8::is_ascii_alphabetic) {
            return Literal::Cased(Box::new(Finder::new(bytes).into_owned()));
        }
        let lower = bytes.to_ascii_lowercase().into_boxed_slice();
        let rarest = (0..lower.len())
            .min_by_key(|&at| commonness(lower[at]))
            .unwrap_or_default();
        Literal::Folded(lower, rarest)
    }

    fn len(&self) -> usize {
        match self {
            Literal::Cased(finder) => finder.needle().len(),
            Literal::Folded(lower, _) => lower.len(),
        }
    }

    #[inline]
    fn is_at_start(&self, text: &[u8]) -> bool {
        match self {
            Literal::Cased(finder) => text.starts_with(finder.needle()),
            Literal::Folded(lower, _) => text
                .get(..lower.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(lower)),
        }
    }

    #[inline]
    fn find(&self, text: &[u8]) -> Option<usize> {
        match self {
            Literal::Cased(finder) => finder.find(text),
            Literal::Folded(lower, rarest) => {
                let last = text.len().checked_sub(lower.len())?;
                let (byte, places) = (lower[*rarest], &text[*rarest..=last + *rarest]);
                memchr2_iter(byte, byte.to_ascii_uppercase(), places)
                    .find(|&at| text[at..at + lower.len()].eq_ignore_ascii_case(lower))
            }
        }
    }
}

/// How common a byte is in paths and command lines, roughly.
fn commonness(byte: u8) -> u8 {
    match byte {
        b'/' | b' ' | b'-' | b'e' | b's' | b't' | b'i' | b'n' | b'r' | b'a' | b'o' => 3,
        b'l' | b'c' | b'd' | b'p' | b'm' | b'u' | b'b' | b'.' | b'0'..=b'9' => 2,
        b'a'..=b'z' => 1,
        _ => 0,
    }
}

/// What stands between two stars: literals and single characters.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    atoms: Vec<Atom>,
    /// Whether a star stands before it, and after it.
    open_start: bool,
    open_end: bool,
}

#[derive(Clone, Debug)]
enum Atom {
    Literal(Literal),
    One,
}

fn segments(pieces: &[Piece], cased: bool) -> Vec<Segment> {
    let mut segments = Vec::new();
    for (index, run) in pieces.split(|piece| *piece == Piece::Star).enumerate() {
        let last = pieces.iter().filter(|piece| **piece == Piece::Star).count();
        segments.push(Segment {
            atoms: run
                .iter()
                .map(|piece| match piece {
                    Piece::Literal(bytes) => Atom::Literal(Literal::new(bytes, cased)),
                    Piece::One | Piece::Star => Atom::One,
                })
                .collect(),
            open_start: index > 0,
            open_end: index < last,
        });
    }
    segments
        .retain(|segment| !segment.atoms.is_empty() || !(segment.open_start || segment.open_end));
    segments
}

/// The leftmost place for each segment in turn leaves the most room for the next ones; only the
/// last one, if it is bound to the end, has to look for its own.
fn pieces_match(segments: &[Segment], text: &[u8]) -> bool {
    let mut rest = text;
    for segment in segments {
        let place = match (segment.open_start, segment.open_end) {
            (false, false) => segment.end_at(rest).filter(|end| *end == rest.len()),
            (false, true) => segment.end_at(rest),
            (true, true) => segment.find(rest),
            (true, false) => segment.find_at_end(rest),
        };
        match place {
            Some(end) => rest = &rest[end..],
            None => return false,
        }
    }
    true
}

impl Segment {
    /// Where it ends when it stands at the start of `text`.
    fn end_at(&self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        for atom in &self.atoms {
            at += match atom {
                Atom::Literal(literal) => {
                    literal.is_at_start(&text[at..]).then(|| literal.len())?
                }
                Atom::One => character_length(&text[at..])?,
            };
        }
        Some(at)
    }

    /// The end of its leftmost place.
    fn find(&self, text: &[u8]) -> Option<usize> {
        let mut start = 0;
        loop {
            if let Some(Atom::Literal(literal)) = self.atoms.first() {
                start += literal.find(&text[start..])?;
            }
            if let Some(end) = self.end_at(&text[start..]) {
                return Some(start + end);
            }
            start += character_length(text.get(start..)?)?;
        }
    }

    /// The end of the text, if it can end there.
    fn find_at_end(&self, text: &[u8]) -> Option<usize> {
        if let [Atom::Literal(literal)] = self.atoms.as_slice() {
            let at = text.len().checked_sub(literal.len())?;
            return literal.is_at_start(&text[at..]).then_some(text.len());
        }
        let mut start = 0;
        loop {
            if let Some(Atom::Literal(literal)) = self.atoms.first() {
                start += literal.find(&text[start..])?;
            }
            if self.end_at(&text[start..]) == Some(text.len() - start) {
                return Some(text.len());
            }
            start += character_length(text.get(start..)?)?;
        }
    }
}

/// Bytes of the character at the start: of UTF-8 where it is that, else one byte.
fn character_length(text: &[u8]) -> Option<usize> {
    let expected = match text.first()? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let is_whole = text
        .get(..expected)
        .is_some_and(|bytes| std::str::from_utf8(bytes).is_ok());
    Some(if is_whole { expected } else { 1 })
}

/// The pattern as a regular expression without case.
fn folded(pattern: &Pattern) -> Result<TextMatcher, regex::Error> {
    let mut source = String::from("^");
    for piece in pattern.pieces() {
        match piece {
            Piece::Star => source.push_str("(?s-u:.*)"),
            Piece::One => source.push_str("(?s:.|(?-u:.))"),
            Piece::Literal(bytes) => {
                for chunk in bytes.utf8_chunks() {
                    source.push_str(&regex::escape(chunk.valid()));
                    for byte in chunk.invalid() {
                        source.push_str(&format!("(?-u:\\x{byte:02x})"));
                    }
                }
            }
        }
    }
    source.push('$');
    compile(&ast::Regex {
        source,
        ignore_case: true,
        multi_line: false,
        dot_all: false,
    })
    .map(|regex| TextMatcher::Regex(Box::new(regex)))
}

/// Compiles a regular expression, unless it grows beyond the limits.
pub(super) fn compile(regex: &ast::Regex) -> Result<regex::bytes::Regex, regex::Error> {
    regex::bytes::RegexBuilder::new(&regex.source)
        .case_insensitive(regex.ignore_case)
        .multi_line(regex.multi_line)
        .dot_matches_new_line(regex.dot_all)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .nest_limit(REGEX_NESTING_MAX)
        .build()
}

/// Whether `text` is, begins with, ends with or contains `other`, as the reference says.
pub(super) fn refers(reference: &Reference, text: &[u8], other: &[u8]) -> bool {
    let same = |part: &[u8]| match reference.cased {
        true => part == other,
        false => part.eq_ignore_ascii_case(other),
    };
    let Some(spare) = text.len().checked_sub(other.len()) else {
        return false;
    };
    match (reference.open_start, reference.open_end) {
        (false, false) => spare == 0 && same(text),
        (false, true) => same(&text[..other.len()]),
        (true, false) => same(&text[spare..]),
        (true, true) => contains(text, other, reference.cased),
    }
}

fn contains(text: &[u8], other: &[u8], cased: bool) -> bool {
    match (other.first(), cased) {
        (None, _) => true,
        (Some(_), true) => memchr::memmem::find(text, other).is_some(),
        (Some(first), false) if !first.is_ascii_alphabetic() => {
            let mut at = 0;
            while let Some(found) = memchr(*first, &text[at..]) {
                at += found;
                match text.get(at..at + other.len()) {
                    Some(part) if part.eq_ignore_ascii_case(other) => return true,
                    Some(_) => at += 1,
                    None => return false,
                }
            }
            false
        }
        (Some(_), false) => Literal::new(other, false).find(text).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `*` and `?` are wildcards here.
    fn pattern(text: &str, cased: bool) -> Pattern {
        let pieces = text.chars().map(|character| match character {
            '*' => Piece::Star,
            '?' => Piece::One,
            other => Piece::Literal(other.to_string().into_bytes()),
        });
        Pattern::new(pieces, cased)
    }

    fn check(pattern_text: &str, text: &str, expect: bool) {
        let matcher = TextMatcher::of(&pattern(pattern_text, true)).expect("small");
        assert_eq!(
            matcher.is_match(text.as_bytes()),
            expect,
            "{pattern_text} {text}"
        );
        let upper = text.to_uppercase();
        let matcher = TextMatcher::of(&pattern(pattern_text, false)).expect("small");
        assert_eq!(
            matcher.is_match(upper.as_bytes()),
            expect,
            "{pattern_text} {upper}"
        );
    }

    #[test]
    fn wildcards() {
        for (wanted, text, expect) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("/tmp/*", "/tmp/x", true),
            ("/tmp/*", "/var/tmp/x", false),
            ("*/tmp/*", "/var/tmp/x", true),
            ("*.sh", "a.sh", true),
            ("*.sh", "a.shx", false),
            ("a?c", "abc", true),
            ("a?c", "aüc", true),
            ("a?c", "ac", false),
            ("/home/*/.ssh/*", "/home/u/.ssh/id", true),
            ("/home/*/.ssh/*", "/home/.ssh/id", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*a?", "xaaab", true),
            ("*?", "", false),
            ("?*", "x", true),
            ("*ab*ab", "ab", false),
            ("*ab*ab", "abab", true),
            ("grün*", "grün an", true),
            ("*ü?", "xüy", true),
        ] {
            check(wanted, text, expect);
        }
    }

    #[test]
    fn bytes_that_are_no_text() {
        let matcher = TextMatcher::of(&pattern("a?b*", true)).expect("small");
        assert!(matcher.is_match(b"a\xffb\xff"));
        let matcher = TextMatcher::of(&pattern("ä?B*", false)).expect("small");
        assert!(matcher.is_match(b"\xc3\x84\xffb\xff"));
    }

    #[test]
    fn references() {
        let check = |start, end, cased, text: &str, other: &str, expect| {
            let reference = Reference {
                field: "x".into(),
                open_start: start,
                open_end: end,
                cased,
            };
            let found = refers(&reference, text.as_bytes(), other.as_bytes());
            assert_eq!(found, expect, "{text} {other}");
        };
        check(false, false, true, "ab", "ab", true);
        check(false, false, true, "ab", "AB", false);
        check(false, true, false, "abc", "AB", true);
        check(true, false, false, "xxab", "AB", true);
        check(true, true, false, "x/ABx", "/ab", true);
        check(true, true, false, "xABx", "ab", true);
        check(true, true, true, "xABx", "ab", false);
        check(true, true, false, "x", "xx", false);
    }
}
