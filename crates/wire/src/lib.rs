//! Sans-IO peers of the protocols that Indelible speaks.
//!
//! A peer is told what happened (`connected`, `received`, `timer` …) and asked what to do next
//! (`poll`, `transmit`). It reads no clock, socket, file or environment: time is a
//! [`Duration`](std::time::Duration) since any fixed origin that the caller chose, randomness is a
//! seed. It holds no key and hashes nothing: whatever needs cryptography or the disk is an action
//! that the caller performs and answers.
#![forbid(unsafe_code)]

mod error;
pub mod limits;
pub mod native;
pub mod relp;
pub mod sse;
pub mod syslog;

pub use error::WireError;
