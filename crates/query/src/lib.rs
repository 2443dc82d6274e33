//! What to find in audit events, and what to make of what was found.
//!
//! ```text
//! --where, Sigma ─▶ expression ┐
//! ausearch's options ─▶ criteria ┴─ matches(event)? ─▶ event ─▶ report ─▶ rows
//!                          └─ needles ─▶ scan of raw bytes: which lines can match at all
//! ```
//!
//! Everything here is a function of its arguments: no clock, file, socket or environment. How the
//! pieces are driven, on how many threads and over which source, is the binary's `search/`
//! (docs/adr/005).
#![forbid(unsafe_code)]

pub mod criteria;
pub mod expr;
pub mod limits;
pub mod mask;
pub mod near;
pub mod report;
pub mod scan;
pub mod terms;
