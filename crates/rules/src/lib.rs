//! Linux audit rules: what auditctl and augenrules do, as pure logic.
//!
//! Text becomes a [`Line`], a line a [`Rule`], a rule the bytes that the kernel takes, and bytes
//! become text again:
//!
//! ```
//! use indelible_rules::{Arch, Context, NoHost, kernel, parse, words};
//!
//! let cx = Context::new(Arch::X86_64, &NoHost);
//! let words = words::split(b"-w /etc/shadow -p wa -k shadow_watch", cx.compat);
//! let line = parse::parse(words, Some(1), &cx);
//! let rule = line.added().expect("a rule");
//! assert_eq!(kernel::encode(rule).unwrap().len(), kernel::HEAD_BYTES + 23);
//! ```
//!
//! Nothing here opens a file, a socket or the user database: [`Host`] answers what the meaning of
//! a rule depends on, and the audit socket belongs to the caller.
#![forbid(unsafe_code)]

pub mod apply;
pub mod arch;
pub mod attack;
pub mod auditctl;
pub mod augenrules;
pub mod compare;
pub mod compile;
mod condition;
pub mod control;
pub mod cost;
pub mod cover;
pub mod errno;
pub mod fault;
pub mod field;
pub mod file;
pub mod host;
pub mod journal;
pub mod kernel;
pub mod limits;
pub mod lint;
pub mod list;
pub mod load;
pub mod mask;
pub mod merge;
pub mod number;
pub mod op;
pub mod options;
pub mod pack;
pub mod parse;
pub mod perm;
pub mod plan;
mod printable;
pub mod rule;
pub mod system;
pub mod tables;
pub mod text;
pub mod twin;
pub mod words;

pub use arch::Arch;
pub use control::{Control, Status};
pub use fault::{Fault, Severity};
pub use field::Field;
pub use host::{Host, NoHost, PathKind};
pub use list::{Action, List};
pub use mask::Mask;
pub use op::Op;
pub use parse::{Compat, Context, End, Item, Line, Note};
pub use rule::{Rule, Test, Value};
pub use system::{RulesFile, System};
