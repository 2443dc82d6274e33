//! Tests of the crate from outside: on recorded logs, beside ausearch, at the bounds, and on
//! generated records.

mod bounds;
mod corpus;
mod peer;
mod properties;
