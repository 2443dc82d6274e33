//! Sans-IO protocol peers.
#![forbid(unsafe_code)]
