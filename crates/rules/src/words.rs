//! A line of a rules file, cut into words.
//!
//! Words are separated by blanks. There is no quoting; `\ ` is a blank inside a word and `\\` a
//! backslash, and a backslash before anything else stands for itself. A line whose first word
//! begins with `#` is a comment; a `#` further on is not.

use bstr::BString;

use crate::limits::WORDS_MAX;
use crate::parse::Compat;

/// A word and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word, escapes resolved.
    pub text: BString,
    /// Its first byte in the line, counted from 1.
    pub column: usize,
}

impl Word {
    /// A word that did not come from a line: its column is its position in the argument list.
    #[must_use]
    pub fn argument(position: usize, text: impl Into<BString>) -> Self {
        Self {
            text: text.into(),
            column: position,
        }
    }
}

/// The words of a line; none where it is blank or a comment. Words beyond [`WORDS_MAX`] are left
/// out: no line that fits [`crate::limits::LINE_BYTES_MAX`] has them.
///
/// auditctl separates words by the space character alone and takes a carriage return as part of
/// the last word; [`Compat::V4`] reads tabs and carriage returns as blanks too.
#[must_use]
pub fn split(line: &[u8], compat: Compat) -> Vec<Word> {
    let blank = |byte: u8| byte == b' ' || (compat == Compat::V4 && matches!(byte, b'\t' | b'\r'));
    let mut words: Vec<Word> = Vec::new();
    let mut at = 0;
    while at < line.len() && words.len() < WORDS_MAX {
        if blank(line[at]) {
            at += 1;
            continue;
        }
        let start = at;
        let mut text = BString::default();
        while at < line.len() && !blank(line[at]) {
            let escape = line[at] == b'\\' && matches!(line.get(at + 1), Some(b' ' | b'\\'));
            if escape {
                at += 1;
            }
            text.push(line[at]);
            at += 1;
        }
        if words.is_empty() && text.starts_with(b"#") {
            return words;
        }
        words.push(Word {
            text,
            column: start + 1,
        });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &[(&str, usize)]) {
        let words = split(line.as_bytes(), Compat::V4);
        let got: Vec<_> = words
            .iter()
            .map(|word| (word.text.to_string(), word.column))
            .collect();
        let want: Vec<_> = expect
            .iter()
            .map(|&(text, column)| (text.to_owned(), column))
            .collect();
        assert_eq!(got, want, "{line:?}");
    }

    #[test]
    fn words_and_columns() {
        check(
            "-w /etc -p wa",
            &[("-w", 1), ("/etc", 4), ("-p", 9), ("wa", 12)],
        );
        check("  -D\t-k x\r", &[("-D", 3), ("-k", 6), ("x", 9)]);
        check("", &[]);
        check("   # -D", &[]);
        check("-D # x", &[("-D", 1), ("#", 4), ("x", 6)]);
    }

    #[test]
    fn escapes() {
        check(r"-w /a\ b\\c\d", &[("-w", 1), (r"/a b\c\d", 4)]);
        check(r"x\", &[(r"x\", 1)]);
    }
}
