//! `indelible detect ssh` on files, standard input and a real sshd.

mod command;
mod lab;
mod sshd;
mod store;
