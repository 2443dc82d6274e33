//! `indelible verify`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use indelible_log::dir::RealDir;
use indelible_log::head::{HeadCheck, HeadSummary};
use indelible_log::verify::{
    Inspector, Problem, ProblemKind, Report, VerifyOptions, verify_spool_with, verify_store,
};

use serde_json::json;

use crate::agent::layout::Layout;
use crate::proof;
use crate::terminal::Output;
use crate::verify::{self, exit_code};

/// Check a store or a spool to its last byte, or proof files without either
///
/// Exit codes: 0 intact, 1 intact with recorded gaps or a torn tail that nobody was told to be
/// durable, 2 broken, 3 could not check.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A collector's store
    #[arg(long, value_name = "DIR", required_unless_present_any = ["spool", "proofs"])]
    store: Option<PathBuf>,
    /// A host's spool
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    spool: Option<PathBuf>,
    /// A proof file, with its entry beside it (see `indelible prove`); may be given several times
    #[arg(long = "proof", value_name = "FILE", conflicts_with_all = ["store", "spool"], requires = "key")]
    proofs: Vec<PathBuf>,
    /// The log's public key (log.vkey), for proof files
    #[arg(long, value_name = "FILE", requires = "proofs")]
    key: Option<PathBuf>,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    format: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Text,
    /// One JSON object
    Json,
}

impl Verify {
    pub(super) fn run(self) -> Result<u8> {
        if let Some(key) = &self.key {
            return self.check_proofs(key);
        }
        let (report, heads) = match self.check() {
            Ok(checked) => checked,
            Err(error) => {
                crate::exit::report(&error);
                return Ok(verify::COULD_NOT_CHECK);
            }
        };
        match self.format {
            Form::Text => verify::print_text(&report, &heads)?,
            Form::Json => verify::print_json(&report, &heads)?,
        }
        Ok(exit_code(&report))
    }

    fn check_proofs(&self, key: &Path) -> Result<u8> {
        let checked = match proof::check(&self.proofs, key) {
            Ok(checked) => checked,
            Err(error) => {
                crate::exit::report(&error);
                return Ok(verify::COULD_NOT_CHECK);
            }
        };
        let holds = checked.iter().all(proof::Checked::holds);
        let text = match self.format {
            Form::Text => checked.iter().map(|one| one.line() + "\n").collect(),
            Form::Json => {
                let proofs: Vec<_> = checked.iter().map(proof::Checked::json).collect();
                format!("{}\n", json!({ "ok": holds, "proofs": proofs }))
            }
        };
        let mut output = Output::stdout();
        output.write(text.as_bytes())?;
        output.flush()?;
        Ok(if holds { 0 } else { verify::BROKEN })
    }

    fn check(&self) -> Result<(Report, HeadSummary)> {
        let heads = Arc::new(Mutex::new(HeadCheck::default()));
        let inspector = Inspector::new(heads.clone());
        let mut report = match (&self.store, &self.spool) {
            (Some(store), _) => {
                let dir = RealDir::open(store)
                    .with_context(|| format!("cannot open {}", store.display()))?;
                let options = VerifyOptions {
                    inspector: Some(inspector),
                    ..VerifyOptions::default()
                };
                verify_store(&dir, &options).context("cannot check the store")?
            }
            (None, Some(spool)) => verify_rooms(spool, &inspector)?,
            (None, None) => anyhow::bail!("neither --store nor --spool is given"),
        };
        let summary = heads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .summary();
        for problem in &summary.problems {
            report.problem(Problem::new(ProblemKind::HostHead, "", 0, problem));
        }
        Ok((report, summary))
    }
}

/// All streams of a spool, whichever process wrote them.
fn verify_rooms(spool: &Path, inspector: &Inspector) -> Result<Report> {
    let mut report = Report::default();
    for room in Layout::at(spool).rooms() {
        let streams = room.streams();
        // A spool of a version that had capture alone.
        if room.is_optional() && !streams.exists() {
            continue;
        }
        let shown = streams.display();
        let dir = RealDir::open(&streams).with_context(|| format!("cannot open {shown}"))?;
        let part = verify_spool_with(&dir, Some(inspector)).context("cannot check the spool")?;
        report.merge(part);
    }
    Ok(report)
}
