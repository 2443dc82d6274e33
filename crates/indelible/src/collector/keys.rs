//! The log's verifier key, for those who must hear of a new one: agents that are connected, and hosts
//! that enrol.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_log::VerifierKey;
use tokio::sync::watch;

use crate::files;

/// Where the key is told.
#[derive(Debug)]
pub(super) struct Keys {
    /// The whole form; empty while the log has its first key, which agents are given when they enrol.
    shown: watch::Sender<Arc<str>>,
    /// The file for hosts that enrol.
    file: Option<PathBuf>,
}

impl Keys {
    /// Tells the key that a log has at the start.
    pub(super) fn new(key: &VerifierKey, file: Option<PathBuf>) -> Result<Self> {
        let keys = Self {
            shown: watch::channel(Arc::default()).0,
            file,
        };
        keys.tell(key)?;
        Ok(keys)
    }

    /// What a connection shows to its agent.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<str>> {
        self.shown.subscribe()
    }

    /// Tells a key.
    ///
    /// # Errors
    /// A file that cannot be written; connections have heard of it then.
    pub(super) fn tell(&self, key: &VerifierKey) -> Result<()> {
        let text = key.to_text();
        if key.successions().next().is_some() {
            self.shown.send_replace(text.as_str().into());
        }
        let Some(path) = &self.file else {
            return Ok(());
        };
        files::replace(path, 0o644, format!("{text}\n").as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
    }
}
