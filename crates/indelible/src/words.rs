//! The way in which auditd's tools write options, as the words that the parser understands.
//!
//! ```text
//! -ts 11/14/23 10:00 -k shadow -e -13   ─▶   --start=11/14/23 10:00  --key=shadow  --exit=-13
//! ```
//!
//! Each tool has a table of its words, which knows which of them take a value. What the values
//! mean is the business of whoever has the table.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use thiserror::Error;

/// Words that the tools refuse. The texts are theirs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum NotAnOption {
    /// The word is no option.
    #[error("{0} is an unsupported option")]
    Unknown(String),
    /// An option without its value.
    #[error("Argument is required for {0}")]
    NoValue(String),
    /// An option without the record type that it takes.
    #[error("Argument is required for {0}")]
    NoType(String),
    /// `-ts` or `-te` without a time.
    #[error("{0} requires either date and/or time")]
    NoTime(String),
    /// A second report.
    #[error("Error - only one report can be specified")]
    SecondReport,
}

/// What an option's word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// The option alone.
    Nothing,
    /// The option alone, and it ends the line: nothing else is looked at.
    Ends,
    /// One of several reports, of which there may be one.
    Report,
    /// One word that does not begin with a hyphen.
    Value,
    /// One word, which may be negative.
    Signed,
    /// One word: a record type, or several joined by commas.
    Type,
    /// One or two words: a date, a time.
    Times,
}

/// An option: its short word, its long one, what it becomes, and what follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    /// Empty where there is none.
    pub(crate) short: &'static str,
    pub(crate) long: &'static str,
    pub(crate) becomes: &'static str,
    pub(crate) takes: Takes,
}

/// An option that stays what its long word says.
pub(crate) const fn option(short: &'static str, long: &'static str, takes: Takes) -> Word {
    Word {
        short,
        long,
        becomes: long,
        takes,
    }
}

/// An option that becomes the name of a report.
pub(crate) const fn report(short: &'static str, long: &'static str, becomes: &'static str) -> Word {
    Word {
        short,
        long,
        becomes,
        takes: Takes::Report,
    }
}

/// The words of one tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table(pub(crate) &'static [Word]);

impl Table {
    /// The words as the parser has them; what is none is refused as the tools refuse it.
    ///
    /// # Errors
    /// The first word that is refused.
    pub(crate) fn strict(self, words: &[OsString]) -> Result<Vec<OsString>, NotAnOption> {
        self.normalise(words, |word| Err(NotAnOption::Unknown(shown(word))))
    }

    /// The words as the parser has them; what is none is left for it to judge.
    pub(crate) fn lenient(self, words: &[OsString]) -> Vec<OsString> {
        // The parser says better than the tools what is wrong with the words as they are.
        self.normalise(words, |word| Ok(word.to_owned()))
            .unwrap_or_else(|_| words.to_vec())
    }

    fn normalise(
        self,
        words: &[OsString],
        other: impl Fn(&OsStr) -> Result<OsString, NotAnOption>,
    ) -> Result<Vec<OsString>, NotAnOption> {
        let mut out = Vec::with_capacity(words.len());
        let mut has_report = false;
        let mut rest = words;
        while let Some((first, tail)) = rest.split_first() {
            rest = tail;
            let Some(word) = self.find(first) else {
                out.push(other(first)?);
                continue;
            };
            let (values, tail) = rest.split_at(taken(word.takes, rest));
            rest = tail;
            match word.takes {
                Takes::Nothing => {}
                Takes::Ends => return Ok(vec![word.becomes.into()]),
                Takes::Report if has_report => return Err(NotAnOption::SecondReport),
                Takes::Report => has_report = true,
                Takes::Type if values.is_empty() => return Err(NotAnOption::NoType(shown(first))),
                Takes::Times if values.is_empty() => return Err(NotAnOption::NoTime(shown(first))),
                Takes::Value | Takes::Signed if values.is_empty() => {
                    return Err(NotAnOption::NoValue(shown(first)));
                }
                Takes::Type | Takes::Times | Takes::Value | Takes::Signed => {}
            }
            out.push(joined(word, values));
        }
        Ok(out)
    }

    fn find(self, text: &OsStr) -> Option<&'static Word> {
        let is = |word: &&Word| text == word.long || (!word.short.is_empty() && text == word.short);
        self.0.iter().find(is)
    }
}

/// How many of the words that follow belong to the option.
fn taken(takes: Takes, rest: &[OsString]) -> usize {
    let begins_with_hyphen = |word: &OsString| word.as_bytes().first() == Some(&b'-');
    let most = match takes {
        Takes::Nothing | Takes::Ends | Takes::Report => 0,
        Takes::Signed => return rest.len().min(1),
        Takes::Value | Takes::Type => 1,
        Takes::Times => 2,
    };
    rest.iter()
        .take(most)
        .take_while(|word| !begins_with_hyphen(word))
        .count()
}

/// `--start=11/14/23 10:00`
fn joined(word: &Word, values: &[OsString]) -> OsString {
    let mut text = word.becomes.as_bytes().to_vec();
    for (index, value) in values.iter().enumerate() {
        text.push(if index == 0 { b'=' } else { b' ' });
        text.extend_from_slice(value.as_bytes());
    }
    OsString::from_vec(text)
}

fn shown(word: &OsStr) -> String {
    word.to_string_lossy().into_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What becomes of a line of words, joined by `|`, or why it is refused.
    pub(crate) fn check(table: Table, text: &str, expect: &str) {
        let words: Vec<OsString> = text.split(' ').map(OsString::from).collect();
        let got = match table.strict(&words) {
            Ok(words) => {
                let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
                words.join("|")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn what_is_unknown_is_left_to_the_parser() {
        const TABLE: Table = Table(&[
            option("-if", "--input", Takes::Value),
            option("-k", "--key", Takes::Value),
        ]);
        let words: Vec<OsString> = ["-if", "x", "--wherever", "-q"].map(OsString::from).into();
        assert_eq!(TABLE.lenient(&words), ["--input=x", "--wherever", "-q"]);
        let words: Vec<OsString> = ["-k"].map(OsString::from).into();
        assert_eq!(TABLE.lenient(&words), ["-k"]);
    }
}
