//! `indelible reindex`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use indelible_log::dir::RealDir;
use indelible_log::index;
use indelible_log::verify::{ProblemKind, VerifyOptions, verify_store};

use crate::exit;
use crate::terms::EntryTerms;

/// Make the block indexes of a store anew, by which a search knows what it need not read
///
/// The collector makes them as it seals segments; this is for those that are missing, damaged or made
/// by another version. They are made of entries alone that `verify` finds in order: a store that is
/// broken elsewhere is refused. A collector may run meanwhile.
#[derive(Debug, Args)]
pub(super) struct Reindex {
    /// A collector's store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Also those that look sound
    #[arg(long)]
    all: bool,
}

impl Reindex {
    pub(super) fn run(self) -> Result<u8> {
        let shown = self.store.display();
        let dir = RealDir::open(&self.store).with_context(|| format!("cannot open {shown}"))?;
        let options = VerifyOptions {
            without_private_key: true,
            ..VerifyOptions::default()
        };
        let report = verify_store(&dir, &options).context("cannot check the store")?;
        let is_elsewhere = |kind: ProblemKind| kind != ProblemKind::Index;
        if let Some(problem) = report
            .problems
            .iter()
            .find(|found| is_elsewhere(found.kind))
        {
            bail!(
                "the store is broken ({}, byte {}: {}); run `indelible verify`",
                problem.file,
                problem.offset,
                problem.detail
            );
        }
        let told = |done: u64, all: u64| {
            if done == all || done.is_multiple_of(TOLD_EVERY) {
                eprintln!("{done} of {all} segments");
            }
        };
        let done = index::rebuild(&*dir, &EntryTerms, self.all, told)
            .with_context(|| format!("cannot index {shown}"))?;
        writeln!(
            std::io::stdout(),
            "{} written, {} kept",
            done.written,
            done.kept
        )?;
        Ok(exit::DONE)
    }
}

/// Segments between two messages.
const TOLD_EVERY: u64 = 64;
