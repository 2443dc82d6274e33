//! Who tried to get in over ssh, from sshd's own messages and from audit records.
//!
//! ```text
//! line ─ line::parse ─▶ head + text ─ grammar::parse ─▶ Message ─▶ Engine ─▶ Report
//! audit record ─ audit::read ────────────────────────────────────▶ Engine
//! ```
//!
//! The address that something is counted under is always that of the socket's other end, whatever
//! the client called itself or said ([`grammar`], [`message::Peer`]). What is remembered is bounded
//! ([`crate::limits::ssh`]), and what the bounds cost is counted ([`Evicted`]).
//!
//! ```
//! use indelible_detect::ssh::{Calendar, Channel, Engine, LineId, Settings, line};
//!
//! let calendar = Calendar { newest_local_s: 1_795_651_200, to_utc: &|local_s| local_s };
//! let text = b"Nov 25 17:40:16 web1 sshd[7]: Failed password for invalid user x from 8.8.8.8 \
//!              port 22 ssh2 from 203.0.113.9 port 50639 ssh2";
//! let mut engine = Engine::new(Settings::default());
//! let line = line::parse(text, &calendar).expect("a line of sshd");
//! engine.line(LineId { file: 0, line: 1 }, Channel(0), &line);
//! let report = engine.finish();
//! assert_eq!(report.sources[0].address.to_string(), "203.0.113.9");
//! assert_eq!(&*report.sources[0].users[0].name, b"x from 8.8.8.8 port 22 ssh2");
//! ```

pub mod address;
pub mod audit;
mod connection;
mod distinct;
mod engine;
pub mod escape;
pub mod grammar;
pub mod journal;
pub mod line;
mod merge;
pub mod message;
mod news;
mod report;
mod sessions;
mod settings;
pub mod stamp;
mod table;
mod tail;
mod tallies;
mod tally;
mod topics;

pub use connection::Channel;
pub use engine::{Engine, Lines};
pub use news::{Attack, News};
pub use report::{
    Campaign, Evicted, GroupReport, Key, Login, Report, SourceReport, Total, rate_per_minute_milli,
};
pub use sessions::{Command, Session};
pub use settings::{Outcome, Settings};
pub use stamp::Calendar;
pub use tally::{LineId, Methods, Name, Seen};
