//! Detections: `(now, event or line) → findings`.
//!
//! Everything here is a function of its arguments: no clock, file, socket or environment, and a
//! named bound on all that is remembered ([`limits`]).
#![forbid(unsafe_code)]

pub mod builtin;
pub mod deleted;
pub mod limits;
pub mod sigma;
pub mod ssh;
