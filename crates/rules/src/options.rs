//! Reads an argument list the way getopt_long(3) of the GNU C library does for auditctl:
//! options may be joined (`-Sopen`), long ones shortened, and words that are no options are
//! moved to the end while reading goes on.

use bstr::BString;

use crate::words::Word;

/// An option of auditctl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// A single letter.
    Short(u8),
    /// `--loginuid-immutable`
    LoginuidImmutable,
    /// `--backlog_wait_time`
    BacklogWaitTime,
    /// `--reset-lost`
    ResetLost,
    /// `--reset_backlog_wait_time_actual`
    ResetBacklogWaitTimeActual,
    /// `--signal`
    Signal,
    /// Something else, or an option whose value is missing.
    Unknown,
}

/// Letters without and with a value.
const PLAIN: &[u8] = b"hicslDvt";
const VALUED: &[u8] = b"CefrbaAdSFmRwWkpq";

/// Name, whether a value follows, option.
const LONG: &[(&str, bool, Flag)] = &[
    ("loginuid-immutable", false, Flag::LoginuidImmutable),
    ("backlog_wait_time", true, Flag::BacklogWaitTime),
    ("reset-lost", false, Flag::ResetLost),
    (
        "reset_backlog_wait_time_actual",
        false,
        Flag::ResetBacklogWaitTimeActual,
    ),
    ("signal", true, Flag::Signal),
];

/// The reader. Words are counted from 1, as in a C argument list behind the program's name.
#[derive(Debug)]
pub struct Options {
    words: Vec<Word>,
    /// The word to look at next.
    next: usize,
    /// The rest of a word of joined letters: word and byte.
    inside: Option<(usize, usize)>,
    /// The words between these two are no options and wait to be moved behind those that are.
    skipped: (usize, usize),
}

impl Options {
    /// A reader over the words after the program's name.
    #[must_use]
    pub fn new(words: Vec<Word>) -> Self {
        Self {
            words,
            next: 1,
            inside: None,
            skipped: (1, 1),
        }
    }

    /// How many words there are, the program's name included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.len() + 1
    }

    /// The position of the word that is read next; behind the last option, of the first word
    /// that is none.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.next
    }

    /// The word at a position; `None` for the program's name and behind the end.
    #[must_use]
    pub fn word(&self, position: usize) -> Option<&Word> {
        self.words.get(position.checked_sub(1)?)
    }

    /// Drops words from the end, which the caller has read by itself.
    pub fn drop_last(&mut self, count: usize) {
        self.words.truncate(self.words.len().saturating_sub(count));
    }

    /// The next option with its value.
    pub fn next_option(&mut self) -> Option<(Flag, Option<Word>)> {
        if let Some((word, byte)) = self.inside.take() {
            return Some(self.letter(word, byte));
        }
        if !self.reach_option() {
            return None;
        }
        let word = self.word(self.next)?;
        if let Some(long) = word.text.strip_prefix(b"--") {
            let long = BString::from(long);
            return Some(self.long(&long));
        }
        Some(self.letter(self.next, 1))
    }

    /// Moves words that are no options behind those already read and steps over the next run of
    /// them; false where no option is left.
    fn reach_option(&mut self) -> bool {
        self.move_skipped();
        while self.word(self.next).is_some_and(|word| !is_option(word)) {
            self.next += 1;
        }
        self.skipped.1 = self.next;
        if self.word(self.next).is_some_and(|word| word.text == "--") {
            self.next += 1;
            self.move_skipped();
            self.skipped.1 = self.count();
            self.next = self.count();
        }
        if self.next < self.count() {
            return true;
        }
        if self.skipped.0 != self.skipped.1 {
            self.next = self.skipped.0;
        }
        false
    }

    fn move_skipped(&mut self) {
        let (first, last) = self.skipped;
        if first != last && last != self.next {
            self.words[first - 1..self.next - 1].rotate_left(last - first);
            self.skipped = (first + self.next - last, self.next);
        } else if last != self.next {
            self.skipped = (self.next, self.next);
        }
    }

    fn letter(&mut self, word: usize, byte: usize) -> (Flag, Option<Word>) {
        let whole = self.words[word - 1].clone();
        let letter = whole.text[byte];
        let rest = &whole.text[byte + 1..];
        if VALUED.contains(&letter) {
            self.next = word + 1;
            if !rest.is_empty() {
                let column = whole.column + byte + 1;
                return (
                    Flag::Short(letter),
                    Some(Word {
                        text: rest.into(),
                        column,
                    }),
                );
            }
            return self.with_next_word(Flag::Short(letter));
        }
        if rest.is_empty() {
            self.next = word + 1;
        } else {
            self.next = word;
            self.inside = Some((word, byte + 1));
        }
        let flag = if PLAIN.contains(&letter) {
            Flag::Short(letter)
        } else {
            Flag::Unknown
        };
        (flag, None)
    }

    fn long(&mut self, text: &[u8]) -> (Flag, Option<Word>) {
        let column = self.words[self.next - 1].column;
        self.next += 1;
        let (name, value) = match text.iter().position(|&byte| byte == b'=') {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let begins = |row: &&(&str, bool, Flag)| row.0.as_bytes().starts_with(name);
        let exact = LONG.iter().find(|row| row.0.as_bytes() == name);
        let mut candidates = LONG.iter().filter(begins);
        let found = exact.or_else(|| match (candidates.next(), candidates.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        });
        match (found, value) {
            (Some(&(_, true, flag)), Some(value)) => {
                let column = column + 2 + name.len() + 1;
                (
                    flag,
                    Some(Word {
                        text: value.into(),
                        column,
                    }),
                )
            }
            (Some(&(_, true, flag)), None) => self.with_next_word(flag),
            (Some(&(_, false, flag)), None) => (flag, None),
            (Some(&(_, false, _)), Some(_)) | (None, _) => (Flag::Unknown, None),
        }
    }

    fn with_next_word(&mut self, flag: Flag) -> (Flag, Option<Word>) {
        match self.word(self.next).cloned() {
            Some(value) => {
                self.next += 1;
                (flag, Some(value))
            }
            None => (Flag::Unknown, None),
        }
    }
}

fn is_option(word: &Word) -> bool {
    word.text.len() > 1 && word.text[0] == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Options with their values, then the words from the final position on.
    fn check(args: &[&str], expect: &[(&str, Option<&str>)], left: &[&str]) {
        let words = args
            .iter()
            .enumerate()
            .map(|(index, &text)| Word::argument(index + 1, text))
            .collect();
        let mut options = Options::new(words);
        let mut got = Vec::new();
        while let Some((flag, value)) = options.next_option() {
            let name = match flag {
                Flag::Short(letter) => char::from(letter).to_string(),
                other => format!("{other:?}"),
            };
            got.push((name, value.map(|word| word.text.to_string())));
        }
        let want: Vec<_> = expect
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.map(str::to_owned)))
            .collect();
        assert_eq!(got, want, "{args:?}");
        let rest: Vec<_> = (options.position()..options.count())
            .map(|position| options.word(position).unwrap().text.to_string())
            .collect();
        assert_eq!(rest, left, "{args:?}");
    }

    #[test]
    fn letters_and_values() {
        check(
            &["-a", "x", "-Sopen"],
            &[("a", Some("x")), ("S", Some("open"))],
            &[],
        );
        check(&["-ve", "1"], &[("v", None), ("e", Some("1"))], &[]);
        check(&["-w"], &[("Unknown", None)], &[]);
        check(&["-z"], &[("Unknown", None)], &[]);
    }

    #[test]
    fn other_words_move_to_the_end() {
        check(
            &["x", "-s", "y", "-b", "1"],
            &[("s", None), ("b", Some("1"))],
            &["x", "y"],
        );
        check(&["-s", "--", "-b", "1"], &[("s", None)], &["-b", "1"]);
        check(&["x", "--", "y"], &[], &["x", "y"]);
        check(&["-", "s"], &[], &["-", "s"]);
    }

    #[test]
    fn long_options() {
        check(&["--loginuid"], &[("LoginuidImmutable", None)], &[]);
        check(&["--reset"], &[("Unknown", None)], &[]);
        check(&["--reset-lost=1"], &[("Unknown", None)], &[]);
        check(
            &["--backlog_wait_time=5"],
            &[("BacklogWaitTime", Some("5"))],
            &[],
        );
        check(&["--signal", "HUP"], &[("Signal", Some("HUP"))], &[]);
    }
}
