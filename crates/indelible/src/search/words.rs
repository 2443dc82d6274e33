//! ausearch's way of writing options, as the long options that the parser understands.
//!
//! ```text
//! -ts 11/14/23 10:00 -k shadow -e -13   ─▶   --start=11/14/23 10:00  --key=shadow  --exit=-13
//! ```
//!
//! One table knows which words take a value; what the values mean is the business of
//! [`super::resolve`].

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use thiserror::Error;

/// Words that ausearch refuses. The texts are ausearch's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum NotAnOption {
    /// The word is no option.
    #[error("{0} is an unsupported option")]
    Unknown(String),
    /// An option without its value.
    #[error("Argument is required for {0}")]
    NoValue(String),
    /// `-m` without a type.
    #[error("Argument is required for {0}")]
    NoType(String),
    /// `-ts` or `-te` without a time.
    #[error("{0} requires either date and/or time")]
    NoTime(String),
}

/// What follows an option's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// One word that does not begin with a hyphen.
    Value,
    /// One word, which may be negative.
    Signed,
    /// One or two words: a date, a time.
    Times,
}

/// An option: its short word, its long one, and what follows. Ours have no short word.
struct Word {
    short: &'static str,
    long: &'static str,
    takes: Takes,
}

const fn word(short: &'static str, long: &'static str, takes: Takes) -> Word {
    Word { short, long, takes }
}

const WORDS: &[Word] = &[
    word("-a", "--event", Takes::Value),
    word("", "--arch", Takes::Value),
    word("-c", "--comm", Takes::Value),
    word("", "--checkpoint", Takes::Value),
    word("", "--debug", Takes::Nothing),
    word("-e", "--exit", Takes::Signed),
    word("", "--escape", Takes::Value),
    word("", "--eoe-timeout", Takes::Value),
    word("", "--extra-keys", Takes::Nothing),
    word("", "--extra-labels", Takes::Nothing),
    word("", "--extra-obj2", Takes::Nothing),
    word("", "--extra-time", Takes::Nothing),
    word("-f", "--file", Takes::Value),
    word("", "--format", Takes::Value),
    word("-ga", "--gid-all", Takes::Value),
    word("-ge", "--gid-effective", Takes::Value),
    word("-gi", "--gid", Takes::Value),
    word("-h", "--help", Takes::Nothing),
    word("-hn", "--host", Takes::Value),
    word("-i", "--interpret", Takes::Nothing),
    word("-if", "--input", Takes::Value),
    word("", "--input-logs", Takes::Nothing),
    word("", "--just-one", Takes::Nothing),
    word("-k", "--key", Takes::Value),
    word("-l", "--line-buffered", Takes::Nothing),
    word("-m", "--message", Takes::Value),
    word("-n", "--node", Takes::Value),
    word("-o", "--object", Takes::Value),
    word("-p", "--pid", Takes::Value),
    word("-pp", "--ppid", Takes::Value),
    word("-r", "--raw", Takes::Nothing),
    word("-sc", "--syscall", Takes::Value),
    word("-se", "--context", Takes::Value),
    word("", "--session", Takes::Signed),
    word("-su", "--subject", Takes::Value),
    word("-sv", "--success", Takes::Value),
    word("-te", "--end", Takes::Times),
    word("-ts", "--start", Takes::Times),
    word("-tm", "--terminal", Takes::Value),
    word("-ua", "--uid-all", Takes::Value),
    word("-ue", "--uid-effective", Takes::Value),
    word("-ui", "--uid", Takes::Value),
    word("-ul", "--loginuid", Takes::Signed),
    word("-uu", "--uuid", Takes::Value),
    word("-v", "--version", Takes::Nothing),
    word("-vm", "--vm-name", Takes::Value),
    word("-w", "--word", Takes::Nothing),
    word("-x", "--executable", Takes::Value),
    word("", "--count", Takes::Nothing),
    word("", "--follow", Takes::Nothing),
    word("", "--limit", Takes::Value),
    word("", "--no-resolve", Takes::Nothing),
    word("", "--reverse", Takes::Nothing),
    word("", "--since", Takes::Value),
    word("", "--spool", Takes::Value),
    word("", "--store", Takes::Value),
    word("", "--tree", Takes::Nothing),
    word("", "--until", Takes::Value),
    word("", "--where", Takes::Value),
];

/// The words as long options; what is none is refused as ausearch refuses it.
pub(crate) fn strict(words: &[OsString]) -> Result<Vec<OsString>, NotAnOption> {
    normalise(words, |word| Err(NotAnOption::Unknown(shown(word))))
}

/// The words as long options; what is none is left for the parser to judge.
pub(crate) fn lenient(words: &[OsString]) -> Vec<OsString> {
    // The parser says better than ausearch what is wrong with the words as they are.
    normalise(words, |word| Ok(word.to_owned())).unwrap_or_else(|_| words.to_vec())
}

fn normalise(
    words: &[OsString],
    other: impl Fn(&OsStr) -> Result<OsString, NotAnOption>,
) -> Result<Vec<OsString>, NotAnOption> {
    let mut out = Vec::with_capacity(words.len());
    let mut rest = words;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let Some(word) = find(first) else {
            out.push(other(first)?);
            continue;
        };
        let taken = taken(word.takes, rest);
        let (values, tail) = rest.split_at(taken);
        rest = tail;
        if values.is_empty() && word.takes != Takes::Nothing {
            let word_text = shown(first);
            return Err(match (word.takes, word.long) {
                (Takes::Times, _) => NotAnOption::NoTime(word_text),
                (_, "--message") => NotAnOption::NoType(word_text),
                _ => NotAnOption::NoValue(word_text),
            });
        }
        out.push(joined(word, values));
    }
    Ok(out)
}

fn find(text: &OsStr) -> Option<&'static Word> {
    let is = |word: &&Word| text == word.long || (!word.short.is_empty() && text == word.short);
    WORDS.iter().find(is)
}

/// How many of the words that follow belong to the option.
fn taken(takes: Takes, rest: &[OsString]) -> usize {
    let begins_with_hyphen = |word: &OsString| word.as_bytes().first() == Some(&b'-');
    match takes {
        Takes::Nothing => 0,
        Takes::Signed => rest.len().min(1),
        Takes::Value | Takes::Times => {
            let most = if takes == Takes::Times { 2 } else { 1 };
            rest.iter()
                .take(most)
                .take_while(|word| !begins_with_hyphen(word))
                .count()
        }
    }
}

/// `--start=11/14/23 10:00`
fn joined(word: &Word, values: &[OsString]) -> OsString {
    let mut text = word.long.as_bytes().to_vec();
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
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let words: Vec<OsString> = text.split(' ').map(OsString::from).collect();
        let got = match strict(&words) {
            Ok(words) => {
                let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
                words.join("|")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn words_become_long_options() {
        check("-k shadow -i", "--key=shadow|--interpret");
        check("-ts 11/14/23 10:00 -w", "--start=11/14/23 10:00|--word");
        check("-ts today -te now", "--start=today|--end=now");
        check("-e -13 --session -1", "--exit=-13|--session=-1");
        check("-m AVC -m USER,LOGIN", "--message=AVC|--message=USER,LOGIN");
        check("-ui root --key k", "--uid=root|--key=k");
    }

    #[test]
    fn words_that_are_refused() {
        check("-k -i", "Argument is required for -k");
        check("-ui -1", "Argument is required for -ui");
        check("-m", "Argument is required for -m");
        check("-ts", "-ts requires either date and/or time");
        check("-te -i", "-te requires either date and/or time");
        check("-d", "-d is an unsupported option");
        check("-k a b", "b is an unsupported option");
        check("--key=a", "--key=a is an unsupported option");
    }

    #[test]
    fn what_is_unknown_is_left_to_the_parser() {
        let words: Vec<OsString> = ["-if", "x", "--wherever", "-q"].map(OsString::from).into();
        assert_eq!(lenient(&words), ["--input=x", "--wherever", "-q"]);
        let words: Vec<OsString> = ["-k"].map(OsString::from).into();
        assert_eq!(lenient(&words), ["-k"]);
    }
}
