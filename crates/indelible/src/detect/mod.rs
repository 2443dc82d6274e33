//! Detections: what the pure cores in `indelible-detect` need gathered, and how findings are shown.

pub(crate) mod builtin;
pub(crate) mod deleted;
mod events;
pub(crate) mod live;
pub(crate) mod print;
pub(crate) mod sigma;
pub(crate) mod ssh;
