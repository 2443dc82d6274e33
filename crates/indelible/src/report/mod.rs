//! Reports: sources through the engine into a table, on standard output.
//!
//! ```text
//! words ─ arguments ─ Request ─ engine ─▶ Partial ─▶ Table ─▶ stdout
//! ```
//!
//! `indelible report` and the link `aureport` differ in how options are refused, in exit codes, and
//! in what is said when a log cannot be opened; the reports are the same.

pub(crate) mod arguments;
pub(crate) mod aureport;
mod logins;
mod logs;
pub(crate) mod request;
mod select;
mod steps;
pub(crate) mod words;

pub(crate) use request::Request;
