//! `detect ssh`: the catalogue of messages, hostile text, counting, bounds.

mod catalogue;
mod counting;
mod hostile;
mod live;
mod sshd;
