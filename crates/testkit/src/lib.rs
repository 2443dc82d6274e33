//! Support for tests and benches: never a dependency of the product.
//!
//! The kernel has one audit system for everybody on the machine. [`Kernel::claim`] is the one way
//! for a test to use it: one test at a time, what it changes put back, and a line on standard error
//! where it cannot run. [`schema`] compares what we print with what we document.

#![forbid(unsafe_code)]

mod kernel;
pub mod schema;
mod state;

pub use kernel::Kernel;
pub use state::KernelState;
