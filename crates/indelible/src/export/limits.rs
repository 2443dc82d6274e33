//! Every bound of exports.

/// Rows of one file, unless asked otherwise.
pub(crate) const ROWS_PER_FILE: u64 = 1_000_000;
/// Rows of one row group of a Parquet file; they wait in memory until it is written.
pub(super) const GROUP_ROWS: usize = 32_768;
/// Bytes of them: a row group is written before it holds more and one row.
pub(super) const GROUP_BYTES_MAX: usize = 64 << 20;
/// Bytes of raw text of one event that go into a row; the rest stays in the store.
pub(super) const RAW_BYTES_MAX: usize = 16 << 20;
/// How far the clock of a host and the time of capture may be apart, in hours: blocks beyond are not
/// read.
pub(super) const CLOCK_HOURS: i64 = 48;
