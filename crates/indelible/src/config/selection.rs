//! What a collector gets of an agent's audit events.

use serde::Deserialize;

use super::outputs::{ConditionText, RateLimit};

/// `[selection]`: events that the collector gets, where it is not to get all of them. What is left out
/// stays in the spool's history and becomes gap entries with its serials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct SelectionConfig {
    /// Which audit events, in the language of `--where`; all unless given.
    #[serde(rename = "where")]
    pub(crate) condition: Option<ConditionText>,
    /// How many audit events with one value of a field may pass in a second.
    pub(crate) limits: Vec<RateLimit>,
}
