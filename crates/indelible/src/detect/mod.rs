//! Detections: what the pure cores in `indelible-detect` need gathered, and how findings are shown.

pub(crate) mod deleted;
pub(crate) mod sigma;
pub(crate) mod ssh;
