//! A collector, and what this host holds of it: its newest receipt, and where it stands in each stream.
//!
//! ```text
//! worker/receipts, worker/log.vkey, …         of the collector itself
//! worker/failover/ORIGIN/receipts, …/STREAM  of each further one, by a hash of its log's first key
//! ```
//! Each has a log of its own, so receipts and positions of one say nothing of another.

use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;

use anyhow::{Context, Result};
use aws_lc_rs::digest::{SHA256, digest};
use indelible_log::StreamId;
use indelible_wire::native::{Checkpoint, Receipt};
use rustls::ClientConfig;
use tokio::sync::watch;

use super::renewal::keep_renewing;
use super::target::Target;
use crate::agent::layout::Layout;
use crate::agent::log_key::LogKey;
use crate::agent::outputs::{Cursors, Released};
use crate::agent::receipts::Receipts;
use crate::config::outputs::NATIVE;
use crate::payload::hex;

/// One collector.
pub(super) struct Site {
    pub(super) target: Target,
    /// The key of its log: that of the target, or what followed it.
    pub(super) log_key: LogKey,
    pub(super) receipts: Receipts,
    /// The checkpoint of the newest receipt.
    pub(super) held: Checkpoint,
    /// Where it stands, where that is not what was released alone.
    positions: Option<Cursors>,
    /// Changes when the certificate is renewed.
    newest_tls: watch::Receiver<Arc<ClientConfig>>,
}

impl Site {
    /// The collector itself. `shares` says that others have a say in what is released.
    pub(super) fn first(layout: &Layout, target: Target, shares: bool) -> Result<Self> {
        let positions = shares
            .then(|| Cursors::open(&layout.output(NATIVE)))
            .transpose()?;
        Self::open(target, &layout.receipts(), positions)
    }

    /// One that entries go to while those before it are away.
    pub(super) fn further(layout: &Layout, target: Target) -> Result<Self> {
        let folder = layout.failover(&name(&target));
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let positions = Cursors::open(&folder)?;
        Self::open(target, &folder.join("receipts"), Some(positions))
    }

    fn open(
        target: Target,
        receipts: &std::path::Path,
        positions: Option<Cursors>,
    ) -> Result<Self> {
        let log_key = LogKey::open(&receipts.with_file_name("log.vkey"), target.log_key.clone())?;
        let (receipts, kept) = Receipts::open(receipts)?;
        let held = match kept.filter(|kept| kept.origin == target.log_key.name()) {
            Some(kept) => kept.checkpoint()?,
            None => Checkpoint::NONE,
        };
        let (tls, newest_tls) = watch::channel(target.tls.clone());
        if let Some(identity) = target.renewed.clone() {
            tokio::spawn(keep_renewing(identity, tls));
        }
        Ok(Self {
            target,
            log_key,
            receipts,
            held,
            positions,
            newest_tls,
        })
    }

    /// The target with the newest certificate.
    pub(super) fn target_now(&mut self) -> Target {
        self.target.tls = self.newest_tls.borrow().clone();
        self.target.clone()
    }

    /// Where one of several collectors stands in a stream; `None` where it has never had anything of it.
    pub(super) fn position(&self, stream: StreamId) -> Option<u64> {
        self.positions.as_ref()?.position(stream)
    }

    /// Notes that it has everything before `next`.
    pub(super) fn passed(
        &mut self,
        released: &Released,
        stream: StreamId,
        next: u64,
    ) -> Result<()> {
        if let Some(positions) = &mut self.positions {
            positions.pass(stream, next)?;
        }
        released.passed(COLLECTOR, stream, next)
    }

    /// Puts it back to where the spool begins in a stream, durably.
    pub(super) fn rewind(
        &mut self,
        layout: &Layout,
        released: &Released,
        stream: StreamId,
        oldest: u64,
    ) -> Result<()> {
        match &mut self.positions {
            Some(positions) => {
                positions.pass(stream, oldest)?;
                positions.sync()?;
            }
            // What it left when there were others, which would count for more.
            None => match fs::remove_file(layout.output(NATIVE).join(stream.to_string())) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot put stream {stream} back"));
                }
                _ => {}
            },
        }
        released.rewind(COLLECTOR, stream, oldest)
    }

    /// Holds no receipt of it any more, durably.
    pub(super) fn forget(&mut self) -> Result<()> {
        let nothing = Receipt {
            origin: self.target.log_key.name().to_owned(),
            checkpoint: Checkpoint::NONE,
            streams: Vec::new(),
        };
        self.receipts.store(&nothing)()?;
        self.held = Checkpoint::NONE;
        Ok(())
    }

    /// Gives it the position that was released in a stream, where it alone can have caused that.
    pub(super) fn adopt(&mut self, stream: StreamId, released: u64) -> Result<()> {
        match &mut self.positions {
            Some(positions) if released > 0 && positions.position(stream).is_none() => {
                positions.pass(stream, released)
            }
            _ => Ok(()),
        }
    }
}

/// What tells its log from others, as the name of a folder.
fn name(target: &Target) -> String {
    let hash = digest(&SHA256, target.log_key.oldest().as_bytes());
    hex(&hash.as_ref()[..8])
}

/// Number of the collector among the required outputs.
pub(super) const COLLECTOR: usize = 0;
