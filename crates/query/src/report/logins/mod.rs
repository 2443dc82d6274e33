//! Login sessions: who was logged in, from where, from when to when, as aulast tells it.
//!
//! ```text
//! Event ─▶ Mark (what it says about sessions) ─ in the order of the log ─▶ Sessions ─▶ Session ─▶ text, JSON, CSV
//! ```
//!
//! LOGIN begins a session; USER_LOGIN of the same process says where it comes from, and makes it
//! one to report (cron's has none); USER_END of that process ends it. A boot ends what is still
//! open: a crash, unless the system was shut down.

mod mark;
mod sessions;
mod write;

pub use mark::Mark;
pub use sessions::{End, Session, Sessions};
pub use write::Logins;

/// Beginnings of `type=…` in lines of a log: every event that says something about sessions has a
/// record with one of them.
pub const TYPE_PREFIXES: &[&str] = &[
    "type=LOGIN",
    "type=USER_LOGIN",
    "type=USER_END",
    "type=SYSTEM_BOOT",
    "type=SYSTEM_SHUTDOWN",
    "type=DAEMON_START",
    "type=1006",
    "type=1106",
    "type=1112",
    "type=1127",
    "type=1128",
    "type=1200",
    "UNKNOWN[1006",
    "UNKNOWN[1106",
    "UNKNOWN[1112",
    "UNKNOWN[1127",
    "UNKNOWN[1128",
    "UNKNOWN[1200",
];
