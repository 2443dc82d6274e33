//! Sigma: rules against events, from files to findings.

mod bounds;
mod collection;
mod correlations;
mod kit;
mod rules;
mod views;
