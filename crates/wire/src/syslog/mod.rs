//! Syslog: cutting streams into messages and back ([`Framer`], [`framing`]), and the view of a
//! message's header ([`Message`]). What other programs' configurations say of it: [`Selector`],
//! [`rsyslog`].
//!
//! Messages are stored as they were received. Everything that [`Message`] says is a view: it never
//! changes bytes, and what it does not understand stays in its text.

pub mod framing;
mod header;
pub mod rsyslog;
pub mod selector;
mod stamp;
mod structured;

pub use framing::{FrameError, Framer, Framing, Piece};
pub use header::{Form, Message, Priority, push_element};
pub use selector::{Selector, SelectorError};
pub use stamp::Stamp;
pub use structured::{Element, Structured};
