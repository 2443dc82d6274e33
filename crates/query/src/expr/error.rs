//! What is wrong with an expression.

use std::fmt;

/// Why an expression cannot be evaluated over a subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// There is no such field.
    #[error("there is no field {name:?}{}", Hint(.suggestion))]
    Field {
        /// The name that was given.
        name: String,
        /// What may have been meant.
        suggestion: Suggestion,
    },
    /// The field's values are not of the kind that the test needs.
    #[error("{field:?} is {is}, it cannot be compared with {with}; {instead}")]
    Kind {
        /// The field.
        field: String,
        /// What its values are.
        is: &'static str,
        /// What it was compared with.
        with: String,
        /// What would do.
        instead: &'static str,
    },
    /// A regular expression that is none, or grows beyond the limits.
    #[error("the regular expression cannot be used: {0}")]
    Regex(String),
    /// More tests than the limit.
    #[error("more than {0} tests")]
    Tests(usize),
}

/// What may have been meant by a name that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestion {
    /// This name.
    Name(&'static str),
    /// A field of the records that is in no list.
    Raw,
    /// Nothing.
    None,
}

struct Hint<'a>(&'a Suggestion);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Suggestion::Name(name) => write!(f, "; did you mean {name:?}?"),
            Suggestion::Raw => write!(f, "; any field of a record can be named as raw.NAME"),
            Suggestion::None => Ok(()),
        }
    }
}

/// Why a `--where` text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct ParseError {
    /// Where it went wrong, in characters, from 1.
    pub column: usize,
    /// What stands there; empty at the end.
    pub token: String,
    /// What is wrong with it, and what would be accepted.
    pub message: String,
}

impl ParseError {
    /// At the byte range `start..end` of `text`.
    pub(super) fn at(text: &str, start: usize, end: usize, message: impl Into<String>) -> Self {
        let token = text.get(start..end).unwrap_or_default();
        ParseError {
            column: text.get(..start).map_or(0, |before| before.chars().count()) + 1,
            token: shortened(token),
            message: message.into(),
        }
    }

    /// About the whole text.
    pub(super) fn whole(text: &str, error: CompileError) -> Self {
        ParseError::at(text, 0, text.len(), error.to_string())
    }
}

/// At most the first characters of what was given.
pub(super) fn shortened(token: &str) -> String {
    const CHARACTERS_MAX: usize = 40;
    match token.char_indices().nth(CHARACTERS_MAX) {
        Some((at, _)) => format!("{}…", &token[..at]),
        None => token.to_owned(),
    }
}
