//! Every bound of the plain outputs.

/// Messages that a RELP server may leave unanswered: as many as one group commit of a collector
/// answers, so that a round trip or an fsync does not set the pace.
pub(super) const RELP_WINDOW: usize = 2_048;
/// Messages that are handed over at once.
pub(super) const BATCH_MESSAGES_MAX: usize = 1_024;
/// Bytes of them.
pub(super) const BATCH_BYTES_MAX: usize = 512 << 10;
/// Positions that wait for answers.
pub(super) const MARKS_MAX: usize = 16_384;
/// Values that a rate limit tells apart; of more, the oldest are forgotten.
pub(super) const LIMITED_VALUES_MAX: usize = 4_096;
/// Labels that are counted apart in what was left out; all others together.
pub(super) const FILTERED_KEYS_MAX: usize = 64;
/// Ranges of serials in one gap entry.
pub(super) const SERIAL_RANGES_MAX: usize = 256;
