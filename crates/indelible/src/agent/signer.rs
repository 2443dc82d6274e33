//! The keys that sign this host's heads: one per epoch, each destroyed at its end.
//!
//! On disk stands only the key of the next epoch, which has signed nothing yet; taking it up
//! replaces it by its own successor first. It is taken up for a head that is due, not at the start: a
//! process that is ended again and again before its first head spends no epoch, so that the few links
//! which a key carries reach back to one that has signed.

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
    /// None until the first head is due.
    key: Option<EpochKey>,
    since: Instant,
    /// Streams that have a head with this epoch's links.
    linked: HashSet<StreamId>,
}

impl Signer {
    /// The keys of a room. True where a chain of keys began: there was none, or what was kept of it
    /// cannot be read.
    pub(crate) fn open(room: &Room) -> Result<(Self, bool)> {
        let path = room.epoch_key();
        let kept = load(&path)?;
        let is_readable = match &kept {
            Some(saved) => EpochKey::resume(saved)?.is_some(),
            None => false,
        };
        let key = match is_readable {
            true => None,
            false => {
                let (key, saved) = EpochKey::begin()?;
                save(&path, &saved)?;
                Some(key)
            }
        };
        let signer = Self {
            path,
            key,
            since: Instant::now(),
            linked: HashSet::new(),
        };
        Ok((signer, !is_readable))
    }

    /// Begins the next epoch where this one is old enough; its key is gone then.
    pub(crate) fn renew_if_due(&mut self) {
        if self.key.is_none() || self.since.elapsed() < EPOCH {
            return;
        }
        self.since = Instant::now();
        // A full disk must not keep heads from being signed: this epoch goes on.
        match self.next() {
            Ok(key) => {
                self.key = Some(key);
                self.linked.clear();
            }
            Err(error) => tracing::warn!("the key of the heads stays: {error:#}"),
        }
    }

    /// Takes up the next epoch.
    fn next(&self) -> Result<EpochKey> {
        let saved = load(&self.path)?.context("the next key is gone")?;
        let (key, saved) = EpochKey::resume(&saved)?.context("the next key cannot be read")?;
        save(&self.path, &saved)?;
        Ok(key)
    }

    /// The whole payload of a head. A stream's first head of an epoch carries what certifies the key.
    ///
    /// # Errors
    /// The first head of a process cannot be signed where its key cannot be replaced on disk.
    pub(crate) fn sign(&mut self, stream: StreamId, mut head: HostHead) -> Result<Vec<u8>> {
        let key = match self.key.take() {
            Some(key) => key,
            None => self.next()?,
        };
        let links = if self.linked.insert(stream) {
            key.links().to_vec()
        } else {
            Vec::new()
        };
        head.keys = Some(HeadKey {
            signer: key.signer(),
            epoch: key.epoch(),
            key: key.public(),
            links,
        });
        let payload = crate::payload::to_bytes(&head);
        let signed = head::sign(&key, stream, head.next, &payload);
        self.key = Some(key);
        Ok(signed)
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

    /// Signs a head and gives the epoch that it names.
    fn epoch_of_a_head(signer: &mut Signer) -> u64 {
        let head = HostHead::of_boot(&[2; 16]);
        let signed = signer.sign(StreamId([1; 16]), head).unwrap();
        let head: serde_json::Value = serde_json::from_slice(&signed).unwrap();
        let links = head["links"].as_array();
        let newest = links.and_then(|links| links.last());
        let is_linked = newest.is_some_and(|link| link["key"] == head["key"]);
        assert_eq!(is_linked, head["epoch"] != 0);
        head["epoch"].as_u64().unwrap()
    }

    #[test]
    fn each_start_that_signs_takes_the_next_epoch_and_leaves_no_used_key() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(folder.path());
        layout.create(None).unwrap();
        let room = layout.capture();
        let (mut first, began) = Signer::open(&room).unwrap();
        assert!(began);
        assert_eq!(epoch_of_a_head(&mut first), 0);
        // Those that end before they sign a head spend none: the links would not reach back.
        for _ in 0..100 {
            assert!(!Signer::open(&room).unwrap().1);
        }
        let kept = fs::read(room.epoch_key()).unwrap();
        let (mut second, began) = Signer::open(&room).unwrap();
        assert!(!began);
        assert_eq!(epoch_of_a_head(&mut second), 1);
        assert_ne!(fs::read(room.epoch_key()).unwrap(), kept);
        let signer = |signer: &Signer| signer.key.as_ref().unwrap().signer();
        assert_eq!(signer(&first), signer(&second));
        fs::write(room.epoch_key(), "torn").unwrap();
        let (mut third, began) = Signer::open(&room).unwrap();
        assert!(began);
        assert_eq!(epoch_of_a_head(&mut third), 0);
        assert_ne!(signer(&first), signer(&third));
    }
}
