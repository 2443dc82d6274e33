//! A pattern of text, as ausearch compares: part of a value, or all of it (`-w`).
//!
//! It is compared with the decoded value. A value that is null in the log (`(null)`, `(none)`,
//! `?`) is compared as it stands there, so that `-tm none` finds what has no terminal.

use memchr::memmem;

use super::Needles;

/// Text that a value must hold, or be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Vec<u8>,
    whole: bool,
}

impl Pattern {
    /// Matches every value that holds `text`; with `whole`, only those that are `text`.
    pub fn new(text: impl Into<Vec<u8>>, whole: bool) -> Self {
        Self {
            text: text.into(),
            whole,
        }
    }

    /// Whether the decoded value matches.
    pub fn matches(&self, value: &[u8]) -> bool {
        if self.whole || value.len() == self.text.len() {
            value == self.text
        } else {
            memmem::find(value, &self.text).is_some()
        }
    }

    /// Byte strings of which a record with a matching value holds at least one: the text itself,
    /// and its hexadecimal form, as the kernel (upper case) and other programs (either) encode
    /// values with blanks, quotes or bytes beyond ASCII. None where every record has them.
    pub fn needles(&self) -> Option<Needles> {
        let hexadecimal = |digits: &[u8; 16]| -> Vec<u8> {
            self.text
                .iter()
                .flat_map(|byte| {
                    [
                        digits[usize::from(byte >> 4)],
                        digits[usize::from(byte & 15)],
                    ]
                })
                .collect()
        };
        Needles::any_of(vec![
            self.text.clone(),
            hexadecimal(b"0123456789ABCDEF"),
            hexadecimal(b"0123456789abcdef"),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_wholes() {
        let check = |text: &str, whole, value: &str, expect| {
            let pattern = Pattern::new(text, whole);
            assert_eq!(pattern.matches(value.as_bytes()), expect, "{text} {value}");
        };
        check("shadow", false, "/etc/shadow-", true);
        check("shadow", true, "/etc/shadow", false);
        check("/etc/shadow", true, "/etc/shadow", true);
        check("none", false, "(none)", true);
        check("", false, "anything", true);
        check("", true, "anything", false);
        check("Shadow", false, "/etc/shadow", false);
    }

    #[test]
    fn needles_in_both_cases() {
        let check = |text: &str, expect: &[&str]| {
            let needles = Pattern::new(text, false).needles().unwrap();
            let needles: Vec<&[u8]> = needles.iter().collect();
            let expect: Vec<&[u8]> = expect.iter().map(|needle| needle.as_bytes()).collect();
            assert_eq!(needles, expect);
        };
        check("j o", &["6A206F", "6a206f", "j o"]);
        check("12", &["12", "3132"]);
        assert_eq!(Pattern::new("", true).needles(), None);
    }
}
