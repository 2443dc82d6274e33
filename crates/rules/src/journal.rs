//! What a load writes down before its first step, so that the next one can finish or undo it.
//!
//! ```text
//! {"v":1,"boot":"…","before":["hex of a rule",…],"wanted":[…]}
//! ```
//!
//! A line of JSON; rules are the kernel's bytes ([`crate::kernel`]) in hexadecimal. The caller
//! writes it to a new file, syncs, renames, syncs the folder, and unlinks it when the load is
//! done or undone. While it stands, what is loaded may be anything between `before` and `wanted`,
//! and a load that fails must restore `before`, not what it found.

use serde::{Deserialize, Serialize};

use crate::compile::hexadecimal;
use crate::kernel::{self, DecodeError, EncodeError};
use crate::rule::Rule;

/// A load that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The boot that it belongs to (`/proc/sys/kernel/random/boot_id`): rules do not outlive one.
    pub boot: String,
    /// The rules that were loaded, as the kernel lists them.
    pub before: Vec<Rule>,
    /// The rules that are to be loaded.
    pub wanted: Vec<Rule>,
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It is cut off, or no journal.
    #[error("not a journal of a rule load")]
    Shape(#[source] serde_json::Error),
    /// A later version of the program wrote it.
    #[error("journal version {0}, this program reads 1")]
    Version(u32),
    /// A rule in it is no hexadecimal.
    #[error("rule {0} is no hexadecimal")]
    Hexadecimal(usize),
    /// A rule in it is no rule.
    #[error("rule {at} is no rule")]
    Rule {
        /// Its position, from 0.
        at: usize,
        /// What is wrong with it.
        source: DecodeError,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    v: u32,
    boot: String,
    before: Vec<String>,
    wanted: Vec<String>,
}

const VERSION: u32 = 1;

impl Journal {
    /// The journal as bytes.
    ///
    /// # Errors
    /// Where a rule does not fit the kernel's structure.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let lines = |rules: &[Rule]| {
            rules
                .iter()
                .map(|rule| kernel::encode(rule).map(|bytes| hexadecimal(&bytes)))
                .collect::<Result<Vec<_>, _>>()
        };
        let lines = Lines {
            v: VERSION,
            boot: self.boot.clone(),
            before: lines(&self.before)?,
            wanted: lines(&self.wanted)?,
        };
        let mut bytes = serde_json::to_vec(&lines).expect("strings and numbers are always JSON");
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The journal that bytes hold.
    ///
    /// # Errors
    /// Where they hold none.
    pub fn decode(bytes: &[u8]) -> Result<Self, JournalError> {
        let lines: Lines = serde_json::from_slice(bytes).map_err(JournalError::Shape)?;
        if lines.v != VERSION {
            return Err(JournalError::Version(lines.v));
        }
        Ok(Self {
            boot: lines.boot,
            before: rules(&lines.before)?,
            wanted: rules(&lines.wanted)?,
        })
    }
}

fn rules(lines: &[String]) -> Result<Vec<Rule>, JournalError> {
    lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let bytes = from_hexadecimal(line).ok_or(JournalError::Hexadecimal(at))?;
            kernel::decode(&bytes).map_err(|source| JournalError::Rule { at, source })
        })
        .collect()
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()?;
    let (pairs, odd) = digits.as_chunks::<2>();
    odd.is_empty()
        .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::{Action, List};

    #[test]
    fn journals_lead_back() {
        let journal = Journal {
            boot: "b".to_owned(),
            before: vec![Rule::new(List::Exit, Action::Always)],
            wanted: Vec::new(),
        };
        let bytes = journal.encode().unwrap();
        assert_eq!(Journal::decode(&bytes).unwrap(), journal);
        for end in 0..bytes.len() - 1 {
            assert!(Journal::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        assert!(matches!(
            Journal::decode(br#"{"v":2,"boot":"","before":[],"wanted":[]}"#),
            Err(JournalError::Version(2))
        ));
        assert!(matches!(
            Journal::decode(br#"{"v":1,"boot":"","before":["xy"],"wanted":[]}"#),
            Err(JournalError::Hexadecimal(0))
        ));
    }
}
