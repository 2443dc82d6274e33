//! Tests of the store and the spool as their users see them.

mod log;
mod make;
mod spool;
