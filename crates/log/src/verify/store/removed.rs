//! What retention removed and what was erased: held to what the log declares of it.

use std::collections::BTreeSet;

use crate::dir::Dir;
use crate::entry::{EntryRef, Kind, StreamId};
use crate::error::Result;
use crate::hash::{Hash, sha256};
use crate::limits::{
    KEPT_NODES_MAX, REMOVED_BYTES_MAX, REMOVED_OPENINGS_BYTES_MAX, SEGMENT_ENTRIES,
};
use crate::log::LOCAL_PEER;
use crate::note::{Succession, VerifierKey};
use crate::retention::declared::Declared;
use crate::retention::kept::KeptNodes;
use crate::tile::{TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, Tile};

use super::super::account::Stream;
use super::super::report::{Problem, ProblemKind};
use super::super::source::Source;
use super::super::wal::{Body, Header, read_header};
use super::StoreVerifier;
use super::files::{Files, REMOVED, VERIFIER, kept_path};

/// Index of the first entry that was not removed, where the store says so.
pub(super) fn first_kept(dir: &dyn Dir, files: &Files) -> Result<u64> {
    if !files.removed {
        return Ok(0);
    }
    let header = read_header(&Source::open(dir, REMOVED)?)?;
    Ok(header.map_or(0, |header| header.first))
}

impl StoreVerifier<'_> {
    /// Begins the account behind what was removed: with its tiles, and with the streams as they stood
    /// at its end.
    pub(super) fn removed(&mut self) -> Result<()> {
        if !self.files.removed {
            return Ok(());
        }
        let source = Source::open(self.dir, REMOVED)?;
        let header = read_header(&source)?;
        let (first, rows) = match header {
            Some(Header {
                first,
                body: Body::Log(rows),
                len,
            }) if first > 0
                && first.is_multiple_of(SEGMENT_ENTRIES)
                && are_openings(&source, len)? =>
            {
                (first, rows)
            }
            _ => {
                let detail = "it does not say where the log begins";
                self.problem(ProblemKind::FileHeader, REMOVED, 0, detail);
                return Ok(());
            }
        };
        let bytes = source.read(0, REMOVED_BYTES_MAX)?;
        self.removed_sha256 = Some(sha256(&bytes).to_string());
        self.account.watched.insert(first);
        for number in 0..first / SEGMENT_ENTRIES {
            if self.first_segment == 0 {
                self.removed_segment(number)?;
            } else {
                self.removed_and_verified(number);
            }
        }
        // Removing the files comes last.
        self.files
            .segments
            .retain(|number| *number >= first / SEGMENT_ENTRIES);
        self.account.report.removed = first;
        if self.first_segment > 0 {
            return Ok(());
        }
        for row in rows {
            let stream = Stream {
                next: row.next,
                head: Some(row.head),
                peer: Some(row.peer),
            };
            self.account.streams.insert(row.id, stream);
        }
        Ok(())
    }

    /// What is left of a segment that was gone when an earlier verification came by.
    fn removed_and_verified(&mut self, number: u64) {
        let tile = Tile::full(1, number).path();
        if self.files.tiles.remove(&tile).is_none() {
            self.missing(&tile);
        }
        self.files.kept.remove(&number);
    }

    fn removed_segment(&mut self, number: u64) -> Result<()> {
        let end = (number + 1) * SEGMENT_ENTRIES;
        let path = Tile::full(1, number).path();
        let tile = match self.files.tiles.remove(&path) {
            Some(_) => Source::open(self.dir, &path)?.read(0, TILE_BYTES + 1)?,
            None => {
                self.missing(&path);
                Vec::new()
            }
        };
        if tile.len() != TILE_BYTES {
            if !tile.is_empty() {
                self.problem(ProblemKind::Tile, &path, 0, "it has another length");
            }
            self.account.skip_to(end);
            return Ok(());
        }
        let kept = self.kept(number)?;
        let mut computed = kept.clone().unwrap_or_default();
        for (at, hash) in (0..).zip(tile.chunks_exact(32)) {
            let Some(hash) = Hash::from_slice(hash) else {
                continue;
            };
            self.note_roots(&computed);
            let index = number * TILE_WIDTH + at;
            if fold(&mut computed, index).is_some_and(|root| root != hash) {
                let detail = "they are not those of the removed entries";
                self.problem(ProblemKind::Tile, &kept_path(number), 0, detail);
            }
            self.account.take_tile(hash);
        }
        // Whatever was not folded into a tile proves nothing.
        let unproven = kept.is_some_and(|kept| {
            let tiles: BTreeSet<u64> = kept
                .iter()
                .map(|(level, at, _)| (at << level) / TILE_WIDTH)
                .collect();
            tiles
                .iter()
                .any(|tile| fold(&mut kept.clone(), *tile).is_none())
        });
        if unproven {
            let detail = "a hash belongs to no kept checkpoint";
            self.problem(ProblemKind::Tile, &kept_path(number), 0, detail);
        }
        Ok(())
    }

    /// The roots of watched sizes in the tile that comes next.
    fn note_roots(&mut self, kept: &KeptNodes) {
        let from = self.account.size();
        let watched: Vec<u64> = self
            .account
            .watched
            .range(from + 1..from + TILE_WIDTH)
            .copied()
            .collect();
        for size in watched {
            // The subtrees left of the size inside its tile, largest first.
            let parts = (0..TILE_HEIGHT)
                .rev()
                .filter(|level| size >> level & 1 == 1);
            let nodes = parts.map(|level| Some((level, kept.node(level, (size >> level) - 1)?)));
            match nodes.collect::<Option<Vec<_>>>() {
                Some(nodes) => self.account.note_root_of(size, &nodes),
                // One in the seal of a frame that nobody else was shown.
                None if !self.shown.contains(&size) => {}
                None => {
                    let detail = format!(
                        "a checkpoint of {size} entries lies in what was removed, and its hashes were not kept"
                    );
                    self.problem(ProblemKind::Root, REMOVED, 0, detail);
                }
            }
        }
    }

    fn kept(&mut self, number: u64) -> Result<Option<KeptNodes>> {
        let path = kept_path(number);
        if !self.files.kept.remove(&number) {
            self.missing(&path);
            return Ok(None);
        }
        let bytes = Source::open(self.dir, &path)?.read(0, KEPT_BYTES_MAX)?;
        match KeptNodes::parse(&bytes) {
            Ok((first, nodes)) if first == number * SEGMENT_ENTRIES => Ok(Some(nodes)),
            Ok(_) => {
                self.problem(
                    ProblemKind::FileHeader,
                    &path,
                    0,
                    "it belongs to another segment",
                );
                Ok(None)
            }
            Err(what) => {
                self.problem(ProblemKind::FileHeader, &path, 0, what);
                Ok(None)
            }
        }
    }

    /// Holds what was removed and erased to the declarations in the log's own streams.
    pub(super) fn declarations(&mut self) {
        let account = &mut self.account;
        let own: BTreeSet<StreamId> = account
            .streams
            .iter()
            .filter(|(_, stream)| stream.peer.as_deref() == Some(LOCAL_PEER))
            .map(|(id, _)| *id)
            .collect();
        let declared: Vec<Declared> = std::mem::take(&mut account.declared)
            .into_iter()
            .filter(|said| own.contains(&said.stream))
            .map(|said| said.declared)
            .collect();
        let mut problems = Vec::new();
        // What an earlier verification came by was declared then.
        if account.report.removed > 0 && self.first_segment == 0 {
            let cut = account.report.removed;
            let root_holds = |root: &String| {
                account
                    .root(cut)
                    .is_none_or(|known| known.to_string() == *root)
            };
            let is_declared = declared.iter().any(|one| match one {
                Declared::Remove {
                    to,
                    root,
                    streams_sha256,
                } => {
                    *to == cut
                        && root_holds(root)
                        && Some(streams_sha256) == self.removed_sha256.as_ref()
                }
                _ => false,
            });
            if !is_declared {
                let detail = format!(
                    "no entry of the log declares that the {cut} entries before it were removed"
                );
                problems.push(Problem::new(ProblemKind::Undeclared, REMOVED, 0, detail));
            }
        }
        let erasures: BTreeSet<(u64, &str, &str)> = declared
            .iter()
            .filter_map(|one| match one {
                Declared::Erase {
                    entry,
                    leaf,
                    envelope,
                } => Some((*entry, leaf.as_str(), envelope.as_str())),
                _ => None,
            })
            .collect();
        for erased in &account.erased {
            let (leaf, envelope) = (erased.leaf.to_string(), crate::head::hex(&erased.envelope));
            if !erasures.contains(&(erased.index, &leaf, &envelope)) {
                let detail = "no entry of the log declares that its payload was erased";
                let mut problem = Problem::new(ProblemKind::Undeclared, &erased.file, 0, detail);
                problem.entry = Some(erased.index);
                problems.push(problem);
            }
        }
        account.report.erased = account.erased.len() as u64;
        // What an earlier verification read, and what was removed, is not there to be compared.
        let read_from = self.first_segment * SEGMENT_ENTRIES;
        let from = account.report.removed.max(read_from);
        if let Some(key) = &self.key {
            let size = account.size();
            let next = self.next_key.iter().flat_map(VerifierKey::successions);
            // Nothing may stand behind the declaration of a key that is not in place.
            let pending = next.take(1).find(|one| one.declared_size() == size);
            problems.extend(keys_declared(key, pending.as_ref(), &declared, from));
        }
        problems
            .into_iter()
            .for_each(|problem| account.report.problem(problem));
    }
}

/// Whether the file holds nothing but entries 0 from `at` on.
fn are_openings(source: &Source, at: u64) -> Result<bool> {
    let bytes = source.read(at, REMOVED_OPENINGS_BYTES_MAX + 1)?;
    let mut streams = BTreeSet::new();
    let mut rest = bytes.as_slice();
    while let Some((len, tail)) = rest.split_first_chunk() {
        let entry = tail.split_at_checked(u16::from_be_bytes(*len).into());
        let Some((entry, tail)) = entry else {
            return Ok(false);
        };
        let is_opening = EntryRef::parse(entry).is_ok_and(|entry| {
            let header = entry.header();
            header.sequence == 0
                && header.kind == Kind::StreamOpened
                && streams.insert(header.stream)
        });
        if !is_opening {
            return Ok(false);
        }
        rest = tail;
    }
    Ok(rest.is_empty() && bytes.len() <= REMOVED_OPENINGS_BYTES_MAX)
}

/// Holds the keys of a log to what it declares of them, from an entry on. `pending` is about to follow.
fn keys_declared(
    key: &VerifierKey,
    pending: Option<&Succession>,
    declared: &[Declared],
    from: u64,
) -> Vec<Problem> {
    let known: Vec<Succession> = key.successions().collect();
    let said = declared.iter().filter_map(Declared::to_succession);
    let said: Vec<Succession> = said.collect();
    let problem = |one: &Succession, detail: &str| {
        let mut problem = Problem::new(ProblemKind::Key, VERIFIER, 0, detail);
        problem.entry = one.declared_size().checked_sub(1);
        problem
    };
    let undeclared = known
        .iter()
        .filter(|one| one.declared_size() > from && !said.contains(one))
        .map(|one| problem(one, "the log does not declare this new key there"));
    let unknown = said
        .iter()
        .filter(|one| !known.contains(one) && pending != Some(*one))
        .map(|one| problem(one, "the log declares a new key there that is not known"));
    undeclared.chain(unknown).collect()
}

/// Puts the kept nodes of a tile together, as far as they go; the tile's root where they reach it.
fn fold(nodes: &mut KeptNodes, tile: u64) -> Option<Hash> {
    for level in 0..TILE_HEIGHT {
        let width = TILE_WIDTH >> level;
        for left in (tile * width..(tile + 1) * width).step_by(2) {
            nodes.join(level, left);
        }
    }
    nodes.node(TILE_HEIGHT, tile)
}

/// Longest file of kept nodes, and a byte more.
const KEPT_BYTES_MAX: usize = 25 + KEPT_NODES_MAX * 41;
