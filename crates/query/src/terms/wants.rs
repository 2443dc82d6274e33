//! What a question wants of the terms.

use std::fmt;
use std::sync::Arc;

use super::TermField;

/// Whether a value is wanted.
#[derive(Clone)]
pub struct Test(Arc<Holds>);

type Holds = dyn Fn(&[u8]) -> bool + Send + Sync;

/// What must be among the terms of a matching event's records.
#[derive(Clone, Debug)]
pub enum Wants {
    /// Nothing that is known.
    Anything,
    /// Nothing can match.
    Nothing,
    /// A value of the field.
    Value(TermField, Test),
    /// The host: as a term, or as the one that the stream is of.
    Node(Test),
    /// A record with this serial.
    Serial(u32),
    /// One of these.
    Any(Vec<Wants>),
    /// All of these, each in one of the event's records. The needles of the question, if it has any,
    /// are those of the first: they stand in a record that has a term which it wants.
    All(Vec<Wants>),
}

impl Test {
    /// A value that `test` is true of.
    pub fn new(test: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(test))
    }

    /// One of these values.
    pub fn one_of(values: Vec<Vec<u8>>) -> Self {
        Self::new(move |value| values.iter().any(|wanted| wanted == value))
    }

    /// Whether the value is wanted.
    pub fn holds(&self, value: &[u8]) -> bool {
        (self.0)(value)
    }
}

impl fmt::Debug for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Test")
    }
}

impl Wants {
    /// All of these; what wants anything falls away, but for the first.
    pub fn all(first: Wants, others: impl IntoIterator<Item = Wants>) -> Wants {
        let others = others
            .into_iter()
            .filter(|wants| !matches!(wants, Wants::Anything));
        let mut all: Vec<Wants> = std::iter::once(first).chain(others).collect();
        match all.len() {
            1 => all.remove(0),
            _ => Wants::All(all),
        }
    }

    /// One of these.
    pub fn any(parts: Vec<Wants>) -> Wants {
        let mut parts: Vec<Wants> = parts
            .into_iter()
            .filter(|wants| !matches!(wants, Wants::Nothing))
            .collect();
        if parts.iter().any(|wants| matches!(wants, Wants::Anything)) {
            return Wants::Anything;
        }
        match parts.len() {
            0 => Wants::Nothing,
            1 => parts.remove(0),
            _ => Wants::Any(parts),
        }
    }
}
