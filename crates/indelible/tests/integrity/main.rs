//! What makes a collector's log provable: witnesses, verification, what the collector sees missing,
//! and what becomes of a store that somebody tampered with or started twice.

mod aics;
mod collector;
mod gaps;
mod kills;
mod refused;
mod restart;
mod rotation;
mod verifying;
mod witness;
mod witnessing;
