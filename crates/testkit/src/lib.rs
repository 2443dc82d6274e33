//! Support for tests and benches: never a dependency of the product.
//!
//! The kernel has one audit system for everybody on the machine. [`Kernel::claim`] is the one way
//! for a test to use it: one test at a time, what it changes put back, and a line on standard error
//! where it cannot run. [`schema`] compares what we print with what we document. The rest is what tests
//! of processes share: a port, a request, a wait, an rsyslogd.

#![forbid(unsafe_code)]

mod daemon;
mod kernel;
mod net;
mod program;
mod rsyslogd;
pub mod schema;
mod state;
mod syslog_ng;
mod wait;

pub use kernel::Kernel;
pub use net::{Answer, free_port, get};
pub use program::copy_program;
pub use rsyslogd::Rsyslogd;
pub use state::KernelState;
pub use syslog_ng::SyslogNg;
pub use wait::wait_for;
