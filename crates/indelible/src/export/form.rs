//! The forms of exported files.

use clap::ValueEnum;

/// A form of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// A row per event or message, in columns (docs/formats.md, "Export")
    Parquet,
    /// An event per line, as `search --format ndjson` prints it
    Ndjson,
    /// An event per line, as `search --format csv` prints it
    Csv,
    /// Records and messages as they were received
    Raw,
}

impl Form {
    /// The name, which is the ending of the files too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Raw => "raw",
        }
    }

    /// Whether messages have a place in it.
    pub(super) fn has_messages(self) -> bool {
        matches!(self, Self::Parquet | Self::Raw)
    }
}
