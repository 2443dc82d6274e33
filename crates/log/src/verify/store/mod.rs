//! A collector's store, file by file.

mod files;
mod removed;
mod segments;
mod texts;
mod tiles;
mod write_ahead;

use std::sync::Arc;

use crate::dir::Dir;
use crate::error::Result;
use crate::limits::SEGMENT_ENTRIES;
use crate::note::{Checkpoint, VerifierKey};
use crate::tile::Tile;

use super::account::Account;
use super::inspect::Inspector;
use super::report::{ProblemKind, Report};
use files::{CHECKPOINT, Files, segment_path, wal_path};

/// What a verifier knows besides the store.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// The log's key, where it is known from elsewhere; otherwise the store's own `log.vkey` is
    /// believed.
    pub verifier: Option<VerifierKey>,
    /// The newest checkpoint that is known from elsewhere.
    pub known_checkpoint: Option<Checkpoint>,
    /// Whether the private key may be absent, as in a copy for auditors.
    pub without_private_key: bool,
    /// What else is held against the entries.
    pub inspector: Option<Inspector>,
}

/// Verifies a store. It should have no writer meanwhile, or be a copy.
///
/// # Errors
/// Only what keeps it from being read; what is broken is in the report.
pub fn verify_store(dir: &Arc<dyn Dir>, options: &VerifyOptions) -> Result<Report> {
    let files = Files::list(&**dir)?;
    let mut verifier = StoreVerifier {
        dir: &**dir,
        files,
        account: Account::of_log(options.inspector.clone()),
        key: None,
        durable: 0,
        last_signed: None,
        removed_sha256: None,
        shown: Default::default(),
    };
    verifier.keys(options)?;
    let published = verifier.published()?;
    let known = options.known_checkpoint;
    verifier.durable = published
        .iter()
        .chain(&known)
        .map(|checkpoint| checkpoint.size)
        .max()
        .unwrap_or(0);
    verifier.shown = published
        .iter()
        .chain(&known)
        .map(|checkpoint| checkpoint.size)
        .collect();
    verifier.watch(
        published
            .iter()
            .chain(&known)
            .map(|checkpoint| checkpoint.size),
    )?;
    verifier.account.note_root();
    verifier.removed()?;
    verifier.entries()?;
    verifier.upper_tiles()?;
    verifier.declarations();
    for (checkpoint, file) in [(published, CHECKPOINT), (known, "the known checkpoint")] {
        if let Some(checkpoint) = checkpoint {
            verifier.hold_to(&checkpoint, file, 0);
        }
    }
    let mut report = verifier.account.report;
    report.unknown_files = verifier.files.unknown.into_iter().collect();
    Ok(report)
}

struct StoreVerifier<'a> {
    dir: &'a dyn Dir,
    files: Files,
    account: Account,
    key: Option<VerifierKey>,
    /// Size of the newest checkpoint that is known to be durable.
    durable: u64,
    /// The checkpoint whose signature was checked last.
    last_signed: Option<(Checkpoint, bool)>,
    /// Hash of the file that says what was removed.
    removed_sha256: Option<String>,
    /// Sizes of the published and the known checkpoint.
    shown: std::collections::BTreeSet<u64>,
}

impl StoreVerifier<'_> {
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
        for number in base..=last {
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
                self.tile(Tile::full(1, number), &nodes, range)?;
            }
        }
        if last_wal != Some(last) {
            self.missing(&wal_path(last + 1));
        }
        let removed = self.account.report.removed;
        self.account.report.entries = self.account.readable().saturating_sub(removed);
        Ok(())
    }
}

/// Missing segments beyond which a file's name is not believed.
const HOLE_SEGMENTS_MAX: u64 = 1_024;
