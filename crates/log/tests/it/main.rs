//! Tests of the store and the spool as their users see them.

mod crash;
mod flip;
mod index;
mod log;
mod make;
mod published;
mod restart;
mod retention;
mod rotation;
mod spool;
mod tamper;
