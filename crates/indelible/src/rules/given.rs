//! Rules on the command line, and what they are read as.

use std::ffi::OsString;

use anyhow::Result;
use clap::{Args, ValueEnum};
use indelible_rules::control::feature;
use indelible_rules::{Compat, Context};

use super::host::{LocalHost, machine};
use super::input::{Input, Trust};

/// Files, or a rule.
#[derive(Debug, Args)]
pub(crate) struct Given {
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Files, folders, or the words of one rule
    #[arg(required = true, value_name = "FILE|RULE")]
    pub(crate) words: Vec<OsString>,
}

impl Given {
    /// How the rules are read where they are not loaded.
    pub(crate) fn context(&self) -> Context<'static> {
        self.reading.context(feature::ALL)
    }

    pub(crate) fn read(&self) -> Result<Input> {
        Input::read(&self.words, &self.context(), Trust::Anybody)
    }
}

/// What text is read as.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Reading {
    /// Generation of auditctl that the rules are read as
    #[arg(long, value_enum, value_name = "VERSION", default_value_t = Version::V4)]
    compat: Version,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            compat: Version::V4,
        }
    }
}

impl Reading {
    /// How rules are read for this host by a kernel with these features.
    pub(crate) fn context(self, features: u32) -> Context<'static> {
        Context {
            compat: match self.compat {
                Version::V3 => Compat::V3,
                Version::V4 => Compat::V4,
            },
            machine: machine(),
            features,
            host: &LocalHost,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Version {
    /// 3.0.9
    #[value(name = "3")]
    V3,
    /// 4.x: a permission selects the system calls that can use it
    #[value(name = "4")]
    V4,
}

/// Puts `--` before the words of a rule, so that the parser of options leaves them alone. Words
/// that begin with an option of two hyphens, such as --backlog_wait_time, need it written.
pub(crate) fn normalised(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let [_, command, action, ..] = &arguments[..] else {
        return arguments;
    };
    let takes_rule = ACTIONS_ON_RULES.iter().any(|known| action == known);
    if command != "rules" || !takes_rule {
        return arguments;
    }
    let is_rule = |word: &OsString| match word.as_encoded_bytes() {
        b"-h" => false,
        b"--" => true,
        [b'-', letter, ..] => *letter != b'-',
        _ => false,
    };
    if let Some(at) = arguments.iter().position(is_rule)
        && arguments[at] != "--"
    {
        arguments.insert(at, "--".into());
    }
    arguments
}

/// The actions that are given rules.
const ACTIONS_ON_RULES: [&str; 7] = ["check", "compile", "cost", "delete", "diff", "lint", "load"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_rule_are_told_from_options() {
        let check = |line: &str, expect: &str| {
            let words = line.split(' ').map(OsString::from).collect();
            assert_eq!(normalised(words).join(" ".as_ref()), expect);
        };
        check("i rules load -w /a -p wa", "i rules load -- -w /a -p wa");
        check(
            "i rules load --compat 3 -w /a",
            "i rules load --compat 3 -- -w /a",
        );
        check("i rules load -- -w /a", "i rules load -- -w /a");
        check(
            "i rules lint f --format json",
            "i rules lint f --format json",
        );
        check("i rules load -h", "i rules load -h");
        check("i rules list -k key", "i rules list -k key");
        check("i search -k key", "i search -k key");
        check("i", "i");
    }
}
