//! Records and events of the Linux audit subsystem: parse, assemble, interpret, write.
//!
//! ```text
//! bytes ─ Record::parse / from_kernel ─▶ Record ─ Assembler ─▶ Event ─ write ─▶ raw, default,
//!                                          │                    │      interpret, csv, text,
//!                                        fields              accessors ndjson, enriched
//! ```
//!
//! Everything here is a function of its arguments: no clock, file, socket, environment or name
//! service. Bad input is data: no byte sequence makes a parser fail, panic, loop or allocate
//! without bound ([`limits`]).
#![forbid(unsafe_code)]

mod arch;
mod assemble;
mod event;
mod execve;
mod field;
mod fold;
mod head;
pub mod interpret;
pub mod limits;
mod names;
mod number;
mod record;
mod record_type;
mod scan;
mod sentence;
mod stamp;
mod tables;
pub mod write;

pub use arch::{Arch, arch_name};
pub use assemble::{Assembler, Clock, Counters, Order, Settings};
pub use event::{Event, Missing, Path, UNSET};
pub use execve::Argv;
pub use field::{Field, Part, Quote, Token, Tokens};
pub use fold::{Fold, Folded};
pub use head::{Head, Heads};
pub use interpret::{Interpreter, Kind, Names, NoNames, SocketAddress, UnixName};
pub use record::{ENRICHED_SEPARATOR, NotUnderstood, Record, Why};
pub use record_type::RecordType;
pub use sentence::Sentence;
pub use stamp::{Stamp, stamp};
