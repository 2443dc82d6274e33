//! Tasks of the repository, run as `cargo xtask TASK`.
#![forbid(unsafe_code)]

fn main() {}
