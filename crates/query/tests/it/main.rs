//! Tests of the crate from outside.

mod needles;
mod terms;
