//! Tests of the protocols through its public face.

mod malicious;
mod messages;
mod model;
mod relp;
mod sim;
mod syslog;
mod vectors;
