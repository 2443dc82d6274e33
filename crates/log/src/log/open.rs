//! Opening a store: finding its end, cutting a torn tail, and holding it to what was durable.

use std::sync::Arc;

use crate::dir::{Dir, TEMPORARY, read_text, replace};
use crate::error::{Error, Result};
use crate::index::Terms;
use crate::limits::SEGMENT_ENTRIES;
use crate::note::{Checkpoint, NoteError, SigningKey, VerifierKey};
use crate::retention::{first_entry, unlink_below};
use crate::segment;
use crate::wal::header::{Body, WalHeader};
use crate::wal::parse_file_name;

use super::Log;
use super::files::{ActiveFile, CHECKPOINT, KEY, LOCK, SEGMENTS, TILES, VERIFIER, WAL, wal_path};
use super::pending::Pending;
use super::replay::Replay;
use super::rotate::{Rotation, drop_next};
use super::seal::Sealer;
use super::tree::Tree;

/// How a log is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name that checkpoints carry, as C2SP asks: a URL without scheme.
    pub origin: String,
    /// The newest checkpoint known outside the store. A store that does not continue it is
    /// refused, unless a declared restart has given it up.
    pub known_checkpoint: Option<Checkpoint>,
    /// Where full write-ahead files are sealed.
    pub sealing: Sealing,
    /// What of an entry can be looked for; without, segments get no index.
    pub terms: Option<Arc<dyn Terms>>,
}

impl Options {
    /// The usual options for an origin.
    pub fn new(origin: impl Into<String>) -> Self {
        Self {
            origin: origin.into(),
            known_checkpoint: None,
            sealing: Sealing::Background(|| ()),
            terms: None,
        }
    }
}

/// Where full write-ahead files are sealed.
#[derive(Clone, Copy, Debug)]
pub enum Sealing {
    /// In a thread of the log, which calls this first: it may let others go before it, since somebody waits
    /// for commits and nobody for sealing, unless too many files wait.
    Background(fn()),
    /// Inside commits: everything happens in one order, for tests.
    Inline,
}

/// What opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenReport {
    /// Entries in the log.
    pub entries: u64,
    /// Entries above the newest checkpoint that the store itself holds: they were written, and
    /// nobody can have been told so by a receipt that was published.
    pub above_checkpoint: u64,
    /// Bytes of a torn tail that were cut.
    pub cut_bytes: u64,
    /// Whether the store was created.
    pub created: bool,
}

pub(super) fn open(dir: Arc<dyn Dir>, options: &Options) -> Result<(Log, OpenReport)> {
    let lock = dir.lock(LOCK).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => Error::Locked {
            path: LOCK.to_owned(),
        },
        _ => Error::io("lock", LOCK)(source),
    })?;
    for folder in [WAL, SEGMENTS, TILES] {
        dir.create_dir(folder)
            .map_err(Error::io("create", folder))?;
    }
    for folder in ["", WAL, SEGMENTS, TILES] {
        remove_temporary(&*dir, folder)?;
        // Names that are seen may not be durable: the writer before us may have failed to sync them.
        dir.sync_dir(folder).map_err(Error::io("sync", folder))?;
    }
    let created = is_new(&*dir)?;
    let mut key = if created {
        create(&*dir, &options.origin)?
    } else {
        read_key(&*dir, &options.origin)?
    };
    let mut keys = read_verifier(&*dir, &key)?;
    let mut rotation = Rotation::read(&*dir)?;
    if let Some(cut_short) = rotation.take_if(|rotation| keys.is_of(&rotation.next)) {
        // Its declaration is there, or log.vkey would not say so.
        cut_short.finish(&*dir)?;
        key = cut_short.next;
    }
    if !keys.is_of(&key) {
        return Err(Error::Note {
            path: VERIFIER.to_owned(),
            source: NoteError::KeyId,
        });
    }
    // What was removed may not all be gone.
    let first = first_entry(&*dir)?;
    if first > 0 {
        unlink_below(&*dir, first)?;
    }
    let layout = Layout::read(&*dir, first / SEGMENT_ENTRIES)?;

    let tree = Tree::open(dir.clone(), layout.first_unsealed())?;
    let mut replay = Replay::new(dir.clone(), keys.clone(), tree);
    replay.look_for(rotation);
    for number in layout.unsealed.clone() {
        replay.file(number * SEGMENT_ENTRIES)?;
    }
    let published = read_checkpoint(&*dir, &keys)?;
    let durable = replay.hold_to(&published)?;
    if let Some(known) = &options.known_checkpoint {
        replay.hold_to_known(known)?;
    }
    let cut_bytes = replay.settle(&published)?;

    match replay.looked_for() {
        Some((rotation, true)) => {
            rotation.finish(&*dir)?;
            (key, keys) = (rotation.next, rotation.keys);
        }
        Some((_, false)) => drop_next(&*dir)?,
        None => {}
    }
    let (tree, streams, active) = replay.finish()?;
    let size = tree.size();
    let sealer = Sealer::new(
        dir.clone(),
        options.sealing,
        options.terms.clone(),
        layout.first_unsealed(),
    );
    for number in layout.unsealed.start..size / SEGMENT_ENTRIES {
        // The newest full file waits for its successor, see `Log::write_pending`.
        if number + 1 < layout.unsealed.end {
            sealer.queue(number, &tree);
        }
    }
    let mut pending = Pending::new(size / SEGMENT_ENTRIES * SEGMENT_ENTRIES);
    if size / SEGMENT_ENTRIES == layout.unsealed.end {
        let header = WalHeader {
            first: size,
            body: Body::Log(streams.to_rows()),
        };
        pending.begin_file(size, header.encode());
    }
    let root = tree.root(size)?;
    let mut log = Log {
        checkpoint: key.sign(size, root),
        dir,
        key,
        keys,
        tree,
        streams,
        moved: Default::default(),
        pending,
        active,
        sealer,
        poisoned: false,
        terms: options.terms.clone(),
        _lock: lock,
    };
    log.commit()?;
    log.publish()?;
    let report = OpenReport {
        entries: size,
        above_checkpoint: size - durable,
        cut_bytes,
        created,
    };
    Ok((log, report))
}

/// Which segments and write-ahead files a store has.
struct Layout {
    /// Numbers of the segments whose write-ahead files are there.
    unsealed: std::ops::Range<u64>,
}

impl Layout {
    /// `base`: number of the first segment that is still there.
    fn read(dir: &dyn Dir, base: u64) -> Result<Self> {
        let list = |folder: &str, parse: fn(&str) -> Option<u64>| -> Result<Vec<u64>> {
            let items = dir.list(folder).map_err(Error::io("list", folder))?;
            let mut numbers = Vec::new();
            for first in items.iter().filter_map(|item| parse(&item.name)) {
                if !first.is_multiple_of(SEGMENT_ENTRIES) {
                    let path = format!("{folder}/{first:020}");
                    return Err(Error::damaged(path, 0, "no file begins at this index"));
                }
                numbers.push(first / SEGMENT_ENTRIES);
            }
            Ok(numbers)
        };
        let segments = list(SEGMENTS, segment::parse_file_name)?;
        let wals = list(WAL, parse_file_name)?;
        if let Some(hole) = (base..)
            .zip(&segments)
            .find(|(expect, number)| expect != *number)
        {
            return Err(Error::Missing {
                path: segment::path(hole.0 * SEGMENT_ENTRIES),
            });
        }
        let sealed = base + segments.len() as u64;
        let (Some(first), Some(last)) = (wals.first(), wals.last()) else {
            return Err(Error::Missing {
                path: wal_path(sealed * SEGMENT_ENTRIES),
            });
        };
        let hole = (*first..)
            .zip(&wals)
            .find(|(expect, number)| expect != *number);
        if let Some((missing, _)) = hole {
            return Err(Error::Missing {
                path: wal_path(missing * SEGMENT_ENTRIES),
            });
        }
        // A segment beside its write-ahead file is one whose sealing was cut short.
        if *first > sealed || sealed > *last {
            return Err(Error::Missing {
                path: wal_path(sealed * SEGMENT_ENTRIES),
            });
        }
        Ok(Self {
            unsealed: *first..last + 1,
        })
    }

    fn first_unsealed(&self) -> u64 {
        self.unsealed.start
    }
}

/// A store is new until its first write-ahead file stands, which is put in place last.
fn is_new(dir: &dyn Dir) -> Result<bool> {
    let none = |folder| {
        dir.list(folder)
            .map(|items| items.is_empty())
            .map_err(Error::io("list", folder))
    };
    Ok(none(WAL)? && none(SEGMENTS)?)
}

fn create(dir: &dyn Dir, origin: &str) -> Result<SigningKey> {
    let key = match read_key(dir, origin) {
        Err(Error::Missing { .. }) => {
            let note_error = |source| Error::Note {
                path: KEY.to_owned(),
                source,
            };
            let key = SigningKey::generate(origin).map_err(note_error)?;
            let text = key.to_private_text() + "\n";
            replace(dir, "", KEY, text.as_bytes()).map_err(Error::io("write", KEY))?;
            key
        }
        other => other?,
    };
    let verifier = format!("{}\n", key.verifier());
    replace(dir, "", VERIFIER, verifier.as_bytes()).map_err(Error::io("write", VERIFIER))?;
    let empty = key
        .sign(0, crate::hash::empty_root())
        .to_note(key.verifier());
    replace(dir, "", CHECKPOINT, empty.as_bytes()).map_err(Error::io("write", CHECKPOINT))?;
    let header = WalHeader {
        first: 0,
        body: Body::Log(Vec::new()),
    };
    ActiveFile::create(dir, 0, &header.encode())?;
    Ok(key)
}

fn read_key(dir: &dyn Dir, origin: &str) -> Result<SigningKey> {
    let text = read_text(dir, KEY)?;
    let key = SigningKey::parse(text.trim_end_matches('\n')).map_err(|source| Error::Note {
        path: KEY.to_owned(),
        source,
    })?;
    let found = key.verifier().name();
    if found != origin {
        return Err(Error::Origin {
            found: found.to_owned(),
            wanted: origin.to_owned(),
        });
    }
    Ok(key)
}

/// The verifier key with those before it; that of the private key where the file is missing.
fn read_verifier(dir: &dyn Dir, key: &SigningKey) -> Result<VerifierKey> {
    let text = match read_text(dir, VERIFIER) {
        Err(Error::Missing { .. }) => return Ok(key.verifier().clone()),
        other => other?,
    };
    VerifierKey::parse(text.trim_end_matches('\n')).map_err(|source| Error::Note {
        path: VERIFIER.to_owned(),
        source,
    })
}

fn read_checkpoint(dir: &dyn Dir, verifier: &VerifierKey) -> Result<Checkpoint> {
    let note = read_text(dir, CHECKPOINT)?;
    verifier.open_note(&note).map_err(|source| Error::Note {
        path: CHECKPOINT.to_owned(),
        source,
    })
}

fn remove_temporary(dir: &dyn Dir, folder: &str) -> Result<()> {
    for item in dir.list(folder).map_err(Error::io("list", folder))? {
        if item.name.ends_with(TEMPORARY) && !item.is_dir {
            let path = crate::dir::join(folder, &item.name);
            dir.unlink(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}
