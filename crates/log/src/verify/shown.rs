//! A log as it shows itself to others: checkpoint, tiles and entry bundles of C2SP tlog-tiles v0.1.0,
//! wherever they come from.
//!
//! Every entry is hashed again, every tile compared with what the entries give, and the root with
//! what was signed. What a log does not show (write-ahead files, peers' names, chain heads in
//! tables) is not judged.

use std::io;
use std::ops::Range;

use super::account::{Account, Place};
use super::report::{ProblemKind, Report};
use super::store::VerifyOptions;
use crate::codec::Cursor;
use crate::error::{Error, Result};
use crate::hash::{Hash, leaf_hash};
use crate::limits::{PROBLEM_BUNDLES_MAX, SEGMENT_ENTRIES, TEXT_BYTES_MAX};
use crate::note::{Checkpoint, VerifierKey};
use crate::tile::{TILE_BYTES, TILE_WIDTH, Tile};

/// Gives what a log shows.
pub trait Shown {
    /// The resource at a path of tlog-tiles, of which no more than `max` bytes are wanted; nothing
    /// where there is none.
    ///
    /// # Errors
    /// When it cannot be asked for.
    fn get(&mut self, path: &str, max: usize) -> io::Result<Option<Vec<u8>>>;
}

/// Verifies a log with this key by what it shows. Of the options those apply that are not about
/// files.
///
/// # Errors
/// Only what keeps it from being read; what is broken is in the report.
pub fn verify_shown(
    shown: &mut dyn Shown,
    key: &VerifierKey,
    options: &VerifyOptions,
) -> Result<Report> {
    let mut account = Account::of_log(options.inspector.clone(), options.since.as_ref());
    let Some(note) = fetch(shown, CHECKPOINT, TEXT_BYTES_MAX)? else {
        let detail = "the log shows no checkpoint";
        account.problem(ProblemKind::FileMissing, CHECKPOINT, 0, detail);
        return Ok(account.report);
    };
    let key = &newest_key(shown, key, &mut account)?;
    let note = String::from_utf8_lossy(&note).into_owned();
    let checkpoint = match key.open_note(&note) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            account.problem(ProblemKind::Checkpoint, CHECKPOINT, 0, error.to_string());
            return Ok(account.report);
        }
    };
    account.not_less_than_before(options, Some(&checkpoint), CHECKPOINT);
    account.hold_to_witnesses(options, key.name(), &checkpoint, &note, CHECKPOINT);
    let known = account.still_known(Some(key), options);
    account.watched = known.iter().map(|(_, known)| known.size).collect();
    account.watched.insert(checkpoint.size);
    account.note_root();
    let mut verifier = Verifier {
        shown,
        account,
        checkpoint,
        levels: Vec::new(),
    };
    verifier.entries()?;
    verifier.upper_tiles(options.since.as_ref().map_or(0, |mark| mark.segments))?;
    let Verifier { mut account, .. } = verifier;
    account.hold_to(key, &checkpoint, CHECKPOINT, 0);
    for (name, known) in &known {
        account.hold_to_known(key, name, known);
    }
    account.note_restarts(key);
    account.report.entries = account.readable();
    account.finish(checkpoint);
    Ok(account.report)
}

/// The key that is known, or what it became as the log shows it. A log of others may show none.
fn newest_key(
    shown: &mut dyn Shown,
    known: &VerifierKey,
    account: &mut Account,
) -> Result<VerifierKey> {
    let Some(text) = fetch(shown, VERIFIER, TEXT_BYTES_MAX)? else {
        return Ok(known.clone());
    };
    let text = String::from_utf8_lossy(&text);
    let key = VerifierKey::parse(text.trim_end_matches('\n')).ok();
    if key.as_ref().is_some_and(|key| !known.accepts(key)) {
        let detail = "it is not the key that is known, nor one that followed it";
        account.problem(ProblemKind::Key, VERIFIER, 0, detail);
    }
    Ok(known.or_successor(key.as_ref()))
}

struct Verifier<'a> {
    shown: &'a mut dyn Shown,
    account: Account,
    checkpoint: Checkpoint,
    /// Leaves of the bundle at hand.
    levels: Vec<Hash>,
}

impl Verifier<'_> {
    fn entries(&mut self) -> Result<()> {
        let size = self.checkpoint.size;
        let mut unreadable = 0;
        while self.account.size() < size {
            let index = self.account.size() / TILE_WIDTH;
            let width = TILE_WIDTH.min(size - index * TILE_WIDTH);
            self.account.mark_at(size);
            if !self.bundle(index, width)? {
                unreadable += 1;
                if unreadable > PROBLEM_BUNDLES_MAX {
                    let detail = "too many bundles cannot be read: the rest is not judged";
                    self.account
                        .problem(ProblemKind::Truncated, CHECKPOINT, 0, detail);
                    return Ok(());
                }
            }
            let tile = Tile {
                level: 0,
                index,
                width,
            };
            let leaves = std::mem::take(&mut self.levels);
            self.tile(tile, 0, &leaves)?;
            if self.account.size().is_multiple_of(SEGMENT_ENTRIES) {
                let nodes = self.account.level_1.clone();
                self.tile(
                    Tile::full(1, self.account.size() / SEGMENT_ENTRIES - 1),
                    0,
                    &nodes,
                )?;
            }
        }
        if !size.is_multiple_of(SEGMENT_ENTRIES) && !self.account.level_1.is_empty() {
            let nodes = self.account.level_1.clone();
            let tile = Tile {
                level: 1,
                index: size / SEGMENT_ENTRIES,
                width: nodes.len() as u64,
            };
            self.tile(tile, 0, &nodes)?;
        }
        Ok(())
    }

    /// Enters a bundle; answers whether it could be read.
    fn bundle(&mut self, index: u64, width: u64) -> Result<bool> {
        let path = bundle_path(index, width);
        let (first, end) = (index * TILE_WIDTH, index * TILE_WIDTH + width);
        let bytes = fetch(self.shown, &path, BUNDLE_BYTES_MAX)?;
        let entries = bytes.as_deref().and_then(|bytes| split(bytes, width));
        let Some(entries) = entries else {
            let (kind, detail) = match bytes {
                Some(_) => (
                    ProblemKind::Block,
                    format!("it is not the entries {first} to {}", end - 1),
                ),
                None => (
                    ProblemKind::FileMissing,
                    "the log does not show it".to_owned(),
                ),
            };
            self.account.problem(kind, &path, 0, detail);
            self.account.skip_to(end);
            self.levels.clear();
            return Ok(false);
        };
        for (offset, entry) in entries {
            let leaf = leaf_hash(entry);
            let place = Place {
                file: &path,
                offset,
            };
            self.account.take(place, entry, leaf);
            self.levels.push(leaf);
        }
        Ok(true)
    }

    /// The tiles above level 1, whole ones and the partial ones at the edge.
    fn upper_tiles(&mut self, segments_before: u64) -> Result<()> {
        let upper = std::mem::take(&mut self.account.upper);
        for (level, nodes) in (2..).zip(&upper) {
            // Index of the first node that is known at this level.
            let known = segments_before >> (8 * (level - 2));
            let count = known + nodes.len() as u64;
            for index in known / TILE_WIDTH..count.div_ceil(TILE_WIDTH) {
                let from = (index * TILE_WIDTH).max(known);
                let to = ((index + 1) * TILE_WIDTH).min(count);
                let tile = Tile {
                    level,
                    index,
                    width: to - index * TILE_WIDTH,
                };
                let part = &nodes[(from - known) as usize..(to - known) as usize];
                self.tile(tile, (from - index * TILE_WIDTH) as usize, part)?;
            }
        }
        Ok(())
    }

    /// Compares a tile with nodes from its hash `skip` on.
    fn tile(&mut self, tile: Tile, skip: usize, nodes: &[Hash]) -> Result<()> {
        if nodes.is_empty() {
            return Ok(());
        }
        let path = tile.path();
        let Some(bytes) = fetch(self.shown, &path, TILE_BYTES)? else {
            let detail = "the log does not show it";
            self.account
                .problem(ProblemKind::FileMissing, &path, 0, detail);
            return Ok(());
        };
        if bytes.len() as u64 != tile.width * 32 {
            let detail = "it has another length";
            self.account
                .problem(ProblemKind::Tile, &path, bytes.len() as u64, detail);
        } else if self.account.known(leaves_of(&tile)) {
            let found = bytes.chunks_exact(32).skip(skip);
            let differs = found.zip(nodes).position(|(found, node)| found != node.0);
            if let Some(at) = differs {
                let detail = "a hash is not that of the entries below it";
                let offset = (skip + at) as u64 * 32;
                self.account
                    .problem(ProblemKind::Tile, &path, offset, detail);
            }
        }
        Ok(())
    }
}

fn leaves_of(tile: &Tile) -> Range<u64> {
    let span = TILE_WIDTH.saturating_pow(tile.level);
    let first = tile.index.saturating_mul(TILE_WIDTH);
    first.saturating_mul(span)..(first + tile.width).saturating_mul(span)
}

/// Exactly `width` entries with their offsets.
fn split(bytes: &[u8], width: u64) -> Option<Vec<(u64, &[u8])>> {
    let mut cursor = Cursor(bytes);
    let mut entries = Vec::new();
    for _ in 0..width {
        let len = usize::from(cursor.u16()?);
        let offset = (bytes.len() - cursor.0.len()) as u64;
        entries.push((offset, cursor.take(len)?));
    }
    cursor.is_empty().then_some(entries)
}

fn bundle_path(index: u64, width: u64) -> String {
    let tile = Tile {
        level: 0,
        index,
        width,
    };
    tile.path().replacen("tile/0/", "tile/entries/", 1)
}

fn fetch(shown: &mut dyn Shown, path: &str, max: usize) -> Result<Option<Vec<u8>>> {
    shown.get(path, max).map_err(Error::io("fetch", path))
}

const CHECKPOINT: &str = "checkpoint";
const VERIFIER: &str = "log.vkey";
/// 256 entries of the greatest length that a bundle can hold.
const BUNDLE_BYTES_MAX: usize = 256 * (2 + u16::MAX as usize);
