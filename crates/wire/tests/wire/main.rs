//! Tests of the native protocol through its public face.

mod malicious;
mod messages;
mod model;
mod sim;
mod vectors;
