//! What a log shows to others, read from its store beside its writer: the published checkpoint,
//! tiles and entry bundles as C2SP tlog-tiles v0.1.0 has them, and proofs.
//!
//! Nothing above the published checkpoint is ever shown. Level-0 tiles and partial tiles are not
//! stored: they are put together from entries and full tiles when they are asked for.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = indelible_log::dir::RealDir::open("/var/lib/indelible/store")?;
//! let published = indelible_log::published::Published::open(dir)?;
//! let checkpoint = published.checkpoint()?;
//! let proof = published.prove(7, &checkpoint)?;
//! let entry = published.entry(7)?;
//! proof.verify(&entry, &published.key())?;
//! println!("{}", proof.to_text(&published.key()));
//! # Ok(())
//! # }
//! ```

mod nodes;
mod proof;

use std::sync::{Arc, Mutex, PoisonError};

pub use proof::{LogProof, LogProofError};

use crate::dir::{Dir, read_text};
use crate::entry::EntryRef;
use crate::error::{Error, Result};
use crate::hash::Hash;
use crate::merkle;
use crate::note::{Checkpoint, VerifierKey};
use crate::read::LogReader;
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, Tile};
use nodes::StoredNodes;

/// A store, for whoever wants to read or check it from outside.
#[derive(Debug)]
pub struct Published {
    dir: Arc<dyn Dir>,
    /// The log may get a new key while others read it.
    key: Mutex<VerifierKey>,
    nodes: StoredNodes,
}

impl Published {
    /// Opens the store in a folder.
    ///
    /// # Errors
    /// Those of the disk; a store without its verifier key.
    pub fn open(dir: Arc<dyn Dir>) -> Result<Self> {
        let key = Mutex::new(read_key(&*dir)?);
        let reader = LogReader::open(dir.clone())?;
        Ok(Self {
            nodes: StoredNodes::new(dir.clone(), reader),
            dir,
            key,
        })
    }

    /// The log's public key. One that followed that of before is believed, and nothing else that the
    /// file may say.
    pub fn key(&self) -> VerifierKey {
        let newest = read_key(&*self.dir).ok();
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        *key = key.or_successor(newest.as_ref());
        key.clone()
    }

    /// The newest published checkpoint.
    ///
    /// # Errors
    /// Those of the disk, and a note that the log's key did not sign.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let note = read_text(&*self.dir, CHECKPOINT)?;
        self.key().open_note(&note).map_err(|source| Error::Note {
            path: CHECKPOINT.to_owned(),
            source,
        })
    }

    /// The published note as it stands in the store, with all its signatures.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn checkpoint_note(&self) -> Result<String> {
        read_text(&*self.dir, CHECKPOINT)
    }

    /// The newest checkpoint that witnesses have cosigned, as it stands in the store with all its
    /// signatures.
    ///
    /// # Errors
    /// Those of the disk; [`Error::Missing`] where none was cosigned yet.
    pub fn witnessed_note(&self) -> Result<String> {
        read_text(&*self.dir, WITNESSED)
    }

    /// The root of the tree of `size` leaves.
    ///
    /// # Errors
    /// Those of the disk, damage, and a size above the published one.
    pub fn root(&self, size: u64) -> Result<Hash> {
        self.check_size(size)?;
        merkle::root(&self.nodes, size)
    }

    /// The hashes of a tile of the tree of `size` leaves; none where that tree has no such tile,
    /// nor a wider one at its place.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn tile(&self, tile: Tile, size: u64) -> Result<Option<Vec<u8>>> {
        if !holds(size, tile.level, tile.index, tile.width) {
            return Ok(None);
        }
        let hashes = self.nodes.tile(tile)?;
        Ok(Some(hashes.iter().flat_map(|hash| hash.0).collect()))
    }

    /// Entries `256·index …` of the tree of `size` leaves in their `u16 length ‖ entry` form,
    /// `width` of them; none where that tree has fewer.
    ///
    /// # Errors
    /// Those of the disk, and damage; [`Error::Removed`], and [`Error::Erased`] where one of them was.
    pub fn bundle(&self, index: u64, width: u64, size: u64) -> Result<Option<Vec<u8>>> {
        if !holds(size, 0, index, width) {
            return Ok(None);
        }
        let from = index * TILE_WIDTH;
        let mut bytes = Vec::new();
        let (mut at, mut erased) = (from, None);
        self.nodes.entries(from, from + width, |entry| {
            if EntryRef::parse_stored(entry).is_ok_and(|entry| entry.is_erased()) {
                erased = erased.or(Some(at));
            }
            // An entry has at most 65,036 bytes.
            bytes.extend_from_slice(&(entry.len() as u16).to_be_bytes());
            bytes.extend_from_slice(entry);
            at += 1;
        })?;
        match erased {
            Some(index) => Err(Error::Erased { index }),
            None => Ok(Some(bytes)),
        }
    }

    /// One entry.
    ///
    /// # Errors
    /// Those of the disk, damage, an index that is not written yet, or was removed or erased.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>> {
        let mut found = Vec::new();
        self.nodes
            .entries(index, index + 1, |entry| found.extend_from_slice(entry))?;
        match EntryRef::parse_stored(&found) {
            Ok(entry) if entry.is_erased() => Err(Error::Erased { index }),
            _ => Ok(found),
        }
    }

    /// The proof that an entry is in the tree of a checkpoint.
    ///
    /// # Errors
    /// Those of the disk, damage, and an index outside that tree.
    pub fn prove(&self, index: u64, checkpoint: &Checkpoint) -> Result<LogProof> {
        Ok(LogProof {
            index,
            hashes: merkle::inclusion(&self.nodes, index, checkpoint.size)?,
            checkpoint: *checkpoint,
        })
    }

    /// The proof that the tree of `new` leaves continues that of `old` leaves.
    ///
    /// # Errors
    /// Those of the disk, damage, and sizes above the published one.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>> {
        self.check_size(new)?;
        merkle::consistency(&self.nodes, old, new)
    }

    fn check_size(&self, wanted: u64) -> Result<()> {
        let to = self.checkpoint()?.size;
        if wanted <= to {
            Ok(())
        } else {
            Err(Error::OutOfRange {
                wanted,
                from: 0,
                to,
            })
        }
    }
}

/// Whether the tree of `size` leaves has `width` nodes from `256·index` on at a level of tiles.
fn holds(size: u64, level: u32, index: u64, width: u64) -> bool {
    let nodes = size.checked_shr(TILE_HEIGHT * level).unwrap_or(0);
    let end = index
        .checked_mul(TILE_WIDTH)
        .and_then(|from| from.checked_add(width));
    (1..=TILE_WIDTH).contains(&width) && end.is_some_and(|end| end <= nodes)
}

/// The file with the newest checkpoint that witnesses have cosigned.
pub const WITNESSED: &str = "checkpoint.witnessed";
fn read_key(dir: &dyn Dir) -> Result<VerifierKey> {
    let text = read_text(dir, KEY)?;
    VerifierKey::parse(text.trim_end()).map_err(|source| Error::Note {
        path: KEY.to_owned(),
        source,
    })
}

const KEY: &str = "log.vkey";
const CHECKPOINT: &str = "checkpoint";
