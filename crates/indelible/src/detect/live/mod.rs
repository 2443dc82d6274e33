//! Detections while entries come, in collector and agent: `[detections]` of their configurations.
//!
//! ```text
//! log or spool ─ tail ─▶ detector ─▶ governor: again? too many? ─▶ suppressed? ─▶ entry (kind 8)
//!                 └─ position, kept when what was found is durable                └─▶ outputs
//! ```
//!
//! Findings are entries before anybody is told. A start goes on at the position that was kept; some
//! entries before it are read again without telling, so that parents and connections are known.

mod counts;
mod detector;
mod found;
mod governor;
mod limits;
mod outputs;
mod places;
mod silence;
mod ssh;
mod state;
mod suppress;
mod surroundings;
mod tail;
mod watch;

pub(crate) use counts::{COUNTERS, Counts, of_spool as counts_of_spool};
pub(crate) use outputs::relay;
pub(crate) use state::Folder;
pub(crate) use suppress::Suppression;
pub(crate) use surroundings::{Surroundings, inodes_of_host};
pub(crate) use watch::{Ledger, watch_log, watch_spool};
