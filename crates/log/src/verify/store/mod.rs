//! A collector's store, file by file.

mod files;
mod index;
mod removed;
mod segments;
mod texts;
mod tiles;
mod write_ahead;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::dir::Dir;
use crate::error::Result;
use crate::index::Terms;
use crate::limits::SEGMENT_ENTRIES;
use crate::note::{Checkpoint, VerifierKey};
use crate::tile::Tile;
use crate::witness::WitnessKey;

use super::account::Account;
use super::inspect::Inspector;
use super::mark::Mark;
use super::report::{ProblemKind, Report};
use files::{CHECKPOINT, Files, WITNESSED, segment_path, wal_path};

/// What a verifier knows besides the store.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// The log's key, where it is known from elsewhere; otherwise the store's own `log.vkey` is
    /// believed.
    pub verifier: Option<VerifierKey>,
    /// Checkpoints that are known from elsewhere, each with where from.
    pub known: Vec<(String, Checkpoint)>,
    /// Witnesses that must have cosigned what the log shows.
    pub witnesses: Vec<WitnessKey>,
    /// How many of them; all where it is not said.
    pub quorum: Option<usize>,
    /// Where an earlier verification ended: what is below it is not read again, but held to.
    pub since: Option<Mark>,
    /// Whether the private key may be absent, as in a copy for auditors.
    pub without_private_key: bool,
    /// What else is held against the entries.
    pub inspector: Option<Inspector>,
    /// What of an entry can be looked for: block indexes are held to it.
    pub terms: Option<Arc<dyn Terms>>,
}

impl VerifyOptions {
    /// The checkpoints known from elsewhere, that of an earlier verification included.
    pub(super) fn all_known(&self) -> Vec<(String, Checkpoint)> {
        let before = self.since.as_ref().map(|mark| mark.checkpoint);
        let before = before.map(|checkpoint| ("the verification before".to_owned(), checkpoint));
        self.known.iter().cloned().chain(before).collect()
    }
}

/// Verifies a store. Beside its writer files may come and go meanwhile, which the report says: then
/// what is missing may be elsewhere, and the verification is to be repeated.
///
/// # Errors
/// Only what keeps it from being read; what is broken is in the report.
pub fn verify_store(dir: &Arc<dyn Dir>, options: &VerifyOptions) -> Result<Report> {
    let files = Files::list(&**dir)?;
    let listed = files.clone();
    // Where more was removed since the mark, what declares it may be anywhere.
    let removed = removed::first_kept(&**dir, &files)?;
    let since = options
        .since
        .as_ref()
        .filter(|mark| mark.removed == removed);
    let mut verifier = StoreVerifier {
        dir: &**dir,
        files,
        account: Account::of_log(options.inspector.clone(), since),
        key: None,
        next_key: None,
        durable: 0,
        removed_sha256: None,
        shown: BTreeSet::new(),
        first_segment: since.map_or(0, |mark| mark.segments),
        terms: options.terms.as_deref(),
    };
    verifier.keys(options)?;
    let published = verifier.published()?;
    let witnessed = verifier.witnessed(options)?;
    let of_files = [(CHECKPOINT, published), (WITNESSED, witnessed)];
    let of_files: Vec<(&str, Checkpoint)> = of_files
        .into_iter()
        .filter_map(|(file, found)| Some((file, found?)))
        .collect();
    let known = verifier.account.still_known(verifier.key.as_ref(), options);
    let all = of_files.iter().map(|(_, checkpoint)| checkpoint);
    let all: Vec<&Checkpoint> = all.chain(known.iter().map(|(_, one)| one)).collect();
    let sizes = || all.iter().map(|checkpoint| checkpoint.size);
    verifier.durable = sizes().max().unwrap_or(0);
    verifier.shown = sizes().collect();
    verifier.watch(sizes())?;
    verifier
        .account
        .not_less_than_before(options, published.as_ref(), CHECKPOINT);
    verifier.account.note_root();
    verifier.removed()?;
    verifier.entries()?;
    verifier.upper_tiles()?;
    if let Some(key) = &verifier.key {
        verifier.account.note_restarts(key);
    }
    verifier.declarations();
    if let Some(key) = &verifier.key {
        for (file, checkpoint) in &of_files {
            verifier.account.hold_to(key, checkpoint, file, 0);
        }
        for (name, checkpoint) in &known {
            verifier.account.hold_to_known(key, name, checkpoint);
        }
    }
    if let Some(published) = published {
        verifier.account.finish(published);
    }
    let mut report = verifier.account.report;
    report.moved = Files::list(&**dir)? != listed;
    report.unknown_files = verifier.files.unknown.into_iter().collect();
    Ok(report)
}

struct StoreVerifier<'a> {
    dir: &'a dyn Dir,
    files: Files,
    account: Account,
    key: Option<VerifierKey>,
    /// What follows it, where putting it in place was cut short.
    next_key: Option<VerifierKey>,
    /// Size of the newest checkpoint that is known to be durable.
    durable: u64,
    /// Hash of the file that says what was removed.
    removed_sha256: Option<String>,
    /// Sizes of the published and the known checkpoints.
    shown: BTreeSet<u64>,
    /// Number of the first segment that is read.
    first_segment: u64,
    terms: Option<&'a dyn Terms>,
}

impl<'a> StoreVerifier<'a> {
    fn problem(&mut self, kind: ProblemKind, file: &str, offset: u64, detail: impl Into<String>) {
        self.account.problem(kind, file, offset, detail);
    }

    fn missing(&mut self, file: &str) {
        self.problem(ProblemKind::FileMissing, file, 0, "the file is missing");
    }

    fn entries(&mut self) -> Result<()> {
        let last_wal = self.files.wals.last().copied();
        let last_segment = self.files.segments.last().copied();
        let Some(last) = last_wal.max(last_segment) else {
            self.missing(&wal_path(0));
            return Ok(());
        };
        let base = self.account.size() / SEGMENT_ENTRIES;
        let present = base + (self.files.segments.len() + self.files.wals.len()) as u64;
        if last > present + HOLE_SEGMENTS_MAX {
            self.missing(&segment_path(present));
            return Ok(());
        }
        for number in 0..self.first_segment {
            self.only_listed(number);
        }
        for number in base..=last {
            self.account.mark_at(self.durable);
            let sealed = self.files.segments.contains(&number);
            if self.files.wals.contains(&number) {
                self.wal(number, number == last && !sealed)?;
                if sealed {
                    self.segment_beside_wal(number)?;
                }
            } else if sealed {
                self.segment(number)?;
            } else {
                self.missing(&segment_path(number));
                self.account.skip_to((number + 1) * SEGMENT_ENTRIES);
            }
            if self.account.size() == (number + 1) * SEGMENT_ENTRIES {
                let nodes = self.account.level_1.clone();
                let range = number * SEGMENT_ENTRIES..(number + 1) * SEGMENT_ENTRIES;
                self.tile(Tile::full(1, number), 0, &nodes, range)?;
            }
        }
        if last_wal != Some(last) {
            self.missing(&wal_path(last + 1));
        }
        self.account.mark_at(self.durable);
        let removed = self.account.report.removed;
        self.account.report.entries = self.account.readable().saturating_sub(removed);
        Ok(())
    }

    /// A segment that an earlier verification has read: its files must still be there.
    fn only_listed(&mut self, number: u64) {
        let removed = self.account.report.removed / SEGMENT_ENTRIES;
        if self.files.wals.contains(&number) || number < removed {
            return;
        }
        let tile = Tile::full(1, number).path();
        if self.files.tiles.remove(&tile).is_none() {
            self.missing(&tile);
        }
        if !self.files.segments.contains(&number) {
            self.missing(&segment_path(number));
        }
    }
}

/// Missing segments beyond which a file's name is not believed.
const HOLE_SEGMENTS_MAX: u64 = 1_024;
