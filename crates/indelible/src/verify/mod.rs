//! Verification for people and programs: what is checked besides the log's own structure, over what
//! it is read, and how the outcome is shown.

mod checks;
mod print;
mod remote;

pub(crate) use checks::{Checked, Checks};
pub(crate) use print::{BROKEN, COULD_NOT_CHECK, exit_code, print_json, print_text};
pub(crate) use remote::{Remote, witnessed_checkpoint};
