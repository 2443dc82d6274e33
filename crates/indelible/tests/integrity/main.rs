//! What makes a collector's log provable: witnesses, verification, what happens to a store that
//! somebody tampered with.

mod aics;
mod collector;
mod witness;
mod witnessing;
