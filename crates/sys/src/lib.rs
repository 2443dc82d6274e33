//! Kernel interfaces: the audit netlink socket, what a process may do, who this host is.
//!
//! This is the only crate of the project that holds unsafe code. It parses no record text and
//! keeps no state of its own: [`audit::Control`] asks and sets, [`audit::CaptureSocket`] receives.

pub mod audit;
pub mod clock;
mod error;
pub mod handover;
pub mod host;
pub mod inodes;
pub mod lock;
mod many;
pub mod proc;
pub mod process;
pub mod sandbox;
pub mod signals;
pub mod udp;
pub mod wait;

pub use error::{Error, Result};
