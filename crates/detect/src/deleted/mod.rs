//! Programs that run from files that are gone: in place of `ls -l /proc/*/exe | grep deleted`.
//!
//! ```text
//! facts of one file that a process runs ─ judge ─▶ verdict, score, reasons
//!   (its link, the inode behind it, what stands at that path now, what the packages say)
//! ```
//!
//! The link's text alone proves nothing: a name may itself end in ` (deleted)`, and a file whose
//! file system was unmounted has no such mark. What decides is whether the very inode that runs
//! still stands at its path, in the process's own view of the file system. No path is ever a
//! reason to stay silent; the only thing that explains a finding away is the package database
//! together with the bytes of the file.

mod judge;
mod link;
mod script;
mod verdict;

pub use judge::{Facts, Place, Role, judge};
pub use link::{Link, stripped};
pub use script::{Script, is_interpreter, script_of};
pub use verdict::{Finding, Owner, Verdict};
