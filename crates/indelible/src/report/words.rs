//! aureport's way of writing options, as the words and long options that the parser understands.
//!
//! ```text
//! -f --summary -ts 11/14/23 10:00   ─▶   files  --summary  --start=11/14/23 10:00
//! ```
//!
//! A report's option becomes the report's name.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use thiserror::Error;

/// Words that aureport refuses. The texts are aureport's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum NotAnOption {
    /// The word is no option.
    #[error("{0} is an unsupported option")]
    Unknown(String),
    /// An option without its value.
    #[error("Argument is required for {0}")]
    NoValue(String),
    /// `-ts` or `-te` without a time.
    #[error("{0} requires either date and/or time")]
    NoTime(String),
    /// A second report.
    #[error("Error - only one report can be specified")]
    SecondReport,
}

/// What an option's word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// A report, of the long name given.
    Report,
    Nothing,
    /// One word that does not begin with a hyphen.
    Value,
    /// One or two words: a date, a time.
    Times,
}

/// An option: its short word, its long one, what it becomes, and what follows.
struct Word {
    short: &'static str,
    long: &'static str,
    becomes: &'static str,
    takes: Takes,
}

const fn report(short: &'static str, long: &'static str, becomes: &'static str) -> Word {
    Word {
        short,
        long,
        becomes,
        takes: Takes::Report,
    }
}

const fn option(short: &'static str, long: &'static str, takes: Takes) -> Word {
    Word {
        short,
        long,
        becomes: long,
        takes,
    }
}

const WORDS: &[Word] = &[
    report("-a", "--avc", "avc"),
    report("-au", "--auth", "auth"),
    report("", "--comm", "comm"),
    report("-c", "--config", "config"),
    report("-cr", "--crypto", "crypto"),
    report("-e", "--event", "events"),
    report("-f", "--file", "files"),
    report("-h", "--host", "hosts"),
    report("", "--integrity", "integrity"),
    report("-k", "--key", "keys"),
    report("-l", "--login", "login"),
    report("-m", "--mods", "mods"),
    report("-ma", "--mac", "mac"),
    report("-n", "--anomaly", "anomaly"),
    report("-p", "--pid", "pids"),
    report("-r", "--response", "response"),
    report("-s", "--syscall", "syscalls"),
    report("-t", "--log", "logs"),
    report("-tm", "--terminal", "terminals"),
    report("", "--tty", "tty"),
    report("-u", "--user", "users"),
    report("", "--virt", "virt"),
    report("-x", "--executable", "executables"),
    option("", "--add", Takes::Nothing),
    option("", "--debug", Takes::Nothing),
    option("", "--delete", Takes::Nothing),
    option("", "--eoe-timeout", Takes::Value),
    option("", "--escape", Takes::Value),
    option("", "--failed", Takes::Nothing),
    option("", "--help", Takes::Nothing),
    option("-i", "--interpret", Takes::Nothing),
    option("-if", "--input", Takes::Value),
    option("", "--input-logs", Takes::Nothing),
    option("-nc", "--no-config", Takes::Nothing),
    option("", "--node", Takes::Value),
    option("", "--success", Takes::Nothing),
    option("", "--summary", Takes::Nothing),
    option("-te", "--end", Takes::Times),
    option("-ts", "--start", Takes::Times),
    option("-v", "--version", Takes::Nothing),
    option("", "--format", Takes::Value),
    option("", "--interval", Takes::Value),
    option("", "--rate", Takes::Nothing),
    option("", "--since", Takes::Value),
    option("", "--spool", Takes::Value),
    option("", "--store", Takes::Value),
    option("", "--until", Takes::Value),
];

/// The words as the parser has them; what is none is refused as aureport refuses it. `--help` and
/// `--version` end the line, as there.
pub(crate) fn strict(words: &[OsString]) -> Result<Vec<OsString>, NotAnOption> {
    normalise(words, |word| Err(NotAnOption::Unknown(shown(word))))
}

/// The words as the parser has them; what is none is left for it to judge.
pub(crate) fn lenient(words: &[OsString]) -> Vec<OsString> {
    normalise(words, |word| Ok(word.to_owned())).unwrap_or_else(|_| words.to_vec())
}

fn normalise(
    words: &[OsString],
    other: impl Fn(&OsStr) -> Result<OsString, NotAnOption>,
) -> Result<Vec<OsString>, NotAnOption> {
    let mut out = Vec::with_capacity(words.len());
    let mut has_report = false;
    let mut rest = words;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let Some(word) = find(first) else {
            out.push(other(first)?);
            continue;
        };
        let most = match word.takes {
            Takes::Report | Takes::Nothing => 0,
            Takes::Value => 1,
            Takes::Times => 2,
        };
        let begins_with_hyphen = |word: &OsString| word.as_bytes().first() == Some(&b'-');
        let taken = rest
            .iter()
            .take(most)
            .take_while(|word| !begins_with_hyphen(word))
            .count();
        let (values, tail) = rest.split_at(taken);
        rest = tail;
        match word.takes {
            Takes::Report if has_report => return Err(NotAnOption::SecondReport),
            Takes::Report => has_report = true,
            Takes::Value if taken == 0 => return Err(NotAnOption::NoValue(shown(first))),
            Takes::Times if taken == 0 => return Err(NotAnOption::NoTime(shown(first))),
            _ => {}
        }
        out.push(joined(word, values));
        if matches!(word.long, "--help" | "--version") {
            return Ok(vec![word.long.into()]);
        }
    }
    Ok(out)
}

fn find(text: &OsStr) -> Option<&'static Word> {
    let is = |word: &&Word| text == word.long || (!word.short.is_empty() && text == word.short);
    WORDS.iter().find(is)
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
    fn reports_become_names_and_options_long() {
        check("-f --summary -i", "files|--summary|--interpret");
        check("-h -if x", "hosts|--input=x");
        check("-ts 11/14/23 10:00 -au", "--start=11/14/23 10:00|auth");
        check("-k --help --foo", "--help");
    }

    #[test]
    fn words_that_are_refused() {
        check("-f -e", "Error - only one report can be specified");
        check("-if -e", "Argument is required for -if");
        check("--end", "--end requires either date and/or time");
        check("-tty", "-tty is an unsupported option");
        check("-e x", "x is an unsupported option");
    }
}
