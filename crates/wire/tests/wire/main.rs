//! Tests of the native protocol through its public face.

mod messages;
mod model;
mod sim;
