//! The agent: captures a host's records into its spool and sends them to a collector.
//!
//! ```text
//! supervisor ─ starts ─▶ capture: audit socket ─▶ spool/capture/streams/…
//!            ├ starts ─▶ sources: files, journal, syslog sockets ─▶ spool/sources/streams/…
//!            ├ starts ─▶ detections: spool ─cursor─▶ findings ─▶ spool/detections/streams/…
//!            ├ starts ─▶ worker:  spool ─cursor─▶ collector, receipts ─▶ spool/worker
//!            ├ starts ─▶ inspect: answers the worker about processes       where it is configured
//!            └ starts ─▶ guard:   runs what the disk asks for              where it is configured
//! ```
//! Capture holds the privileges and parses nothing; the worker holds none, reads capture's folder
//! and owns its own. A supervised process ends when its standard input does.

mod capture;
pub(crate) mod context;
mod detections;
pub(crate) mod disk;
mod dropped;
pub(crate) mod inspect;
pub(crate) mod intake;
mod keeper;
mod kernel_watch;
pub(crate) mod layout;
pub(crate) mod lent;
mod lines;
mod log_key;
pub(crate) mod metrics;
pub(crate) mod opened;
pub(crate) mod outputs;
mod receipts;
pub(crate) mod rooms;
pub(crate) mod selection;
mod signer;
mod slots;
pub(crate) mod source_stream;
mod sources;
mod spooled;
mod stopping;
pub(crate) mod supervisor;
mod watch;
pub(crate) mod worker;

pub(crate) use capture::{Setup as CaptureSetup, ask_to_upgrade, run as capture};
pub(crate) use detections::{run as detect, sandbox as detections_sandbox};
pub(crate) use sources::run as read_sources;
pub(crate) use spooled::released;
pub(crate) use stopping::{Stopping, wait_for_end_of_input};
pub(crate) use supervisor::run as supervise;
pub(crate) use worker::{Work, run as work, sandbox as worker_sandbox};

/// The checkpoint of the newest receipt that this host's worker holds.
pub(crate) fn read_receipt(layout: &layout::Layout) -> Option<crate::payload::CheckpointSeen> {
    intake::checkpoint_seen(&layout.receipts())
}
