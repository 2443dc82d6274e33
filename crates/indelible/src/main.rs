//! The `indelible` binary.
#![forbid(unsafe_code)]

fn main() {}
