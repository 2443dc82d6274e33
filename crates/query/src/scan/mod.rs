//! From the raw bytes of a log to the lines that make up the events worth a look.
//!
//! ```text
//! piece of text ─ Scanner::scan ─▶ Scanned ─ Joiner::push ─▶ Joiner::take ─▶ Gathered: an event's
//!  (any core)      needles, stamps  lines by                  (one thread)    lines, in ausearch's order
//!                                   event
//! ```
//!
//! **Which lines are one event** is a matter of distance in the log, not of time, so that the same
//! answer comes out wherever a reader begins and however the log is cut into pieces: lines of one
//! node and stamp belong together if each begins at most [`Reach::near`] bytes after the one before;
//! and where the lines found so are not a whole event (a syscall without its PATH records, PATH
//! records without their syscall), they are put together with other such fragments within
//! [`Reach::far`] bytes. Two seconds, which ausearch waits, are nothing to a task that is preempted
//! between two records; a megabyte of log is a long time.
//!
//! **In which order events come** is as ausearch prints them: each waits until the log's own time is
//! past its stamp by the timeout, then the oldest goes first. See [`Joiner`].
//!
//! **An excerpt** stands for a piece where its feeder knows types and stamps of lines without their text, as
//! of a store: of the events that are looked for all lines are in it, of the others what they say of time.
//! What comes out is the same. See [`Excerpt`].
//!
//! **Damage** is a line without a stamp, or one without an end; it is counted and located, and is no
//! event. See [`Damage`].

mod damage;
mod excerpt;
mod index;
mod join;
mod line;
mod needle;
mod order;

pub use damage::{Damage, DamageKind, Spot};
pub use excerpt::Excerpt;
pub use index::{Scanned, Scanner};
pub use join::{Gathered, Joiner, Piece, Reach, Text};
pub use line::{MESSAGE, stands_alone};
