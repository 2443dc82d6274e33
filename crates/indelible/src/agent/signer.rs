//! The keys that sign this host's heads: one per epoch, each destroyed at its end.
//!
//! On disk stands only the key of the next epoch, which has signed nothing yet; taking it up
//! replaces it by its own successor first.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::StreamId;
use indelible_log::head::{self, EpochKey, Saved};

use super::layout::Room;
use crate::files;
use crate::payload::{HeadKey, HostHead};

/// The present key of one room.
#[derive(Debug)]
pub(crate) struct Signer {
    path: PathBuf,
    key: EpochKey,
    since: Instant,
    /// Streams that have a head with this epoch's links.
    linked: HashSet<StreamId>,
}

impl Signer {
    /// Takes up the next epoch. True where a chain of keys began: there was none, or what was kept
    /// of it cannot be read.
    pub(crate) fn open(room: &Room) -> Result<(Self, bool)> {
        let path = room.epoch_key();
        let (resumed, began) = match load(&path)? {
            Some(saved) => (EpochKey::resume(&saved)?, false),
            None => (None, true),
        };
        let (key, saved, began) = match resumed {
            Some((key, saved)) => (key, saved, began),
            None => {
                let (key, saved) = EpochKey::begin()?;
                (key, saved, true)
            }
        };
        save(&path, &saved)?;
        let since = Instant::now();
        let signer = Self {
            path,
            key,
            since,
            linked: HashSet::new(),
        };
        Ok((signer, began))
    }

    /// Begins the next epoch where this one is old enough; its key is gone then.
    pub(crate) fn renew_if_due(&mut self) {
        if self.since.elapsed() < EPOCH {
            return;
        }
        self.since = Instant::now();
        // A full disk must not keep heads from being signed: this epoch goes on.
        match self.renewed() {
            Ok(key) => {
                self.key = key;
                self.linked.clear();
            }
            Err(error) => tracing::warn!("the key of the heads stays: {error:#}"),
        }
    }

    fn renewed(&self) -> Result<EpochKey> {
        let saved = load(&self.path)?.context("the next key is gone")?;
        let (key, saved) = EpochKey::resume(&saved)?.context("the next key cannot be read")?;
        save(&self.path, &saved)?;
        Ok(key)
    }

    /// The whole payload of a head. A stream's first head of an epoch carries what certifies the key.
    pub(crate) fn sign(&mut self, stream: StreamId, mut head: HostHead) -> Vec<u8> {
        let links = if self.linked.insert(stream) {
            self.key.links().to_vec()
        } else {
            Vec::new()
        };
        head.keys = Some(HeadKey {
            signer: self.key.signer(),
            epoch: self.key.epoch(),
            key: self.key.public(),
            links,
        });
        let sequence = head.next;
        head::sign(
            &self.key,
            stream,
            sequence,
            &crate::payload::to_bytes(&head),
        )
    }
}

fn load(path: &Path) -> Result<Option<Saved>> {
    match fs::read(path) {
        // What cannot be read begins a new chain, which is recorded.
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn save(path: &Path, saved: &Saved) -> Result<()> {
    files::replace(path, 0o600, &serde_json::to_vec(saved)?)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// How long one key signs.
const EPOCH: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::layout::Layout;

    #[test]
    fn each_start_takes_the_next_epoch_and_leaves_no_used_key() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(folder.path());
        layout.create(None).unwrap();
        let room = layout.capture();
        let (first, began) = Signer::open(&room).unwrap();
        assert!(began);
        let (second, began) = Signer::open(&room).unwrap();
        assert!(!began);
        assert_eq!(first.key.signer(), second.key.signer());
        assert_eq!((first.key.epoch(), second.key.epoch()), (0, 1));
        fs::write(room.epoch_key(), "torn").unwrap();
        let (third, began) = Signer::open(&room).unwrap();
        assert!(began);
        assert_ne!(first.key.signer(), third.key.signer());
    }
}
