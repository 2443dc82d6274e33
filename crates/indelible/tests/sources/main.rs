//! Sources other than the kernel's socket, read by the real binary: nothing is lost and nothing is
//! read twice, whatever is killed, rotated or torn.

mod agent;
mod audisp;
mod doctor;
mod file;
mod full;
mod others;
mod search;
mod status;
