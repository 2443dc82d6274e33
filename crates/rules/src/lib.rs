//! Audit rules.
#![forbid(unsafe_code)]
