//! The collector's log was restored from an older copy and restarted: its keys say so, signed by the one that
//! this host knows.
//!
//! What the log had acknowledged beyond that is given up. So this host holds nothing of it any more, and
//! offers what its spool still has; where the log stands in each stream it will say. What the spool no
//! longer has is a hole: the stream is not gone on with, and the next one names it as predecessor.

use anyhow::Result;
use indelible_log::StreamId;
use indelible_wire::native::{Checkpoint, Finding};
use serde_json::json;

use super::{Worker, stored};
use crate::net::checkpoint::of_wire;

/// What a person must see of a restart.
#[derive(Debug)]
#[expect(
    dead_code,
    reason = "shown by its derived form, as the sender's findings are"
)]
struct LogRestarted {
    /// Size of the checkpoint that this host was shown.
    shown: u64,
    /// Entries from which the log goes on.
    kept: u64,
}

impl Worker {
    /// The collector shows a key: follows it where it follows the one that is known, and gives up what it
    /// gives up.
    pub(super) async fn key_shown(&mut self, text: &str) -> Result<()> {
        let log_key = &mut self.sites.current_mut().log_key;
        if !log_key.follow(text)? {
            tracing::error!(
                "the collector shows a key of its log that does not follow the one that is known"
            );
            return Ok(());
        }
        let key = log_key.key();
        tracing::info!(%key, "the key of the collector's log");
        let [held, seen] = self.sender.shown();
        let given_up = |shown: Checkpoint| Some((shown, key.gave_up(&of_wire(&shown))?));
        match given_up(seen).or_else(|| given_up(held)) {
            Some((shown, kept)) => self.rewind(&shown, kept).await,
            None => Ok(()),
        }
    }

    /// Goes back to where the spool begins. Cut short anywhere, it is done again: the receipt goes last.
    async fn rewind(&mut self, shown: &Checkpoint, kept: u64) -> Result<()> {
        if self.storing.is_some() {
            stored(&mut self.storing).await?;
            self.storing = None;
        }
        let key = self.sites.current().log_key.key();
        let evidence = json!({ "given_up": of_wire(shown).to_note(key), "keys": key.to_text() });
        let finding = LogRestarted {
            shown: shown.size,
            kept,
        };
        self.report(&finding, Some(evidence))?;
        self.stock.rewind(&mut self.sites)?;
        self.sites.current_mut().forget()?;
        self.disconnect("the log was restarted").await;
        self.begin_anew()?;
        self.offer()
    }

    /// Where the collector lacks what the spool no longer has of a stream, and that one is still written, a
    /// new one is begun that names it as predecessor.
    pub(super) fn go_on_after(&mut self, finding: &Finding) -> Result<()> {
        let (stream, released) = match finding {
            Finding::RetentionHole { stream, .. } => (StreamId(stream.0), 0),
            // After a restart the position is where the spool begins.
            Finding::Regressed {
                stream, released, ..
            } => (StreamId(stream.0), *released),
            _ => return Ok(()),
        };
        let begins = self.stock.begins(stream);
        if begins.is_some_and(|oldest| released <= oldest) && self.stock.is_last(stream) {
            tracing::warn!(%stream, "what follows goes into a new stream");
            self.layout.turn()?;
        }
        Ok(())
    }
}
