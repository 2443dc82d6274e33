//! What a rule says about an event.

use std::sync::Arc;

use indelible_record::{RecordType, Stamp};

use super::header::Header;
use super::view::View;

/// A rule has matched.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: Arc<Header>,
    /// The event's time and serial; of a correlation, the last event's.
    pub stamp: Option<Stamp>,
    /// The host.
    pub node: Option<Vec<u8>>,
    /// What the rule was evaluated over; none for a correlation.
    pub view: Option<View>,
    /// The record that matched, by its place in the event, where the rule is about records.
    pub record: Option<(usize, RecordType)>,
    /// The values that the rule asked for, by its names.
    pub fields: Vec<(String, Vec<u8>)>,
    /// What a correlation counted.
    pub correlated: Option<Correlated>,
}

/// What a correlation counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlated {
    /// The count, sum or the like that met the condition.
    pub value: f64,
    /// The events, oldest first, at most [`crate::limits::sigma::CORRELATION_SHOWN_MAX`].
    pub stamps: Vec<Stamp>,
}
