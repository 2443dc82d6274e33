//! How long a collector keeps what it has.

use serde::Deserialize;

/// When whole segments are removed, oldest first. Nothing is where no key is given. What a hold
/// covers stays, and everything behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RetentionConfig {
    /// Days after which a segment is removed, by the collector's clock at its newest entry.
    pub(crate) age_days: Option<u64>,
    /// Length of all segments above which the oldest is removed.
    pub(crate) max_bytes: Option<u64>,
    /// Free bytes on the store's disk below which the oldest is removed.
    pub(crate) free_bytes_min: Option<u64>,
}
