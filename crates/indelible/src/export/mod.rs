//! Getting data out of a store: files for other engines, with a manifest of their hashes and a proof
//! for each.
//!
//! ```text
//! store ─▶ source (entries → events, with their leaf indexes) ─▶ files (parquet │ text) ─▶ manifest
//! ```
//!
//! What is exported lies under the newest published checkpoint. The export is noted in the log, with
//! the manifest's hash, where a collector runs on the store.

mod columns;
mod files;
mod form;
mod limits;
mod manifest;
mod source;

use std::path::PathBuf;

use anyhow::{Context, Result};
use indelible_log::dir::RealDir;
use indelible_log::published::Published;
use indelible_query::mask::Masks;
use jiff::Timestamp;

use crate::collector::operations::{Order, control};
use crate::payload::operator::Action;
use files::Files;
pub(crate) use form::Form;
pub(crate) use limits::ROWS_PER_FILE;
use manifest::Manifest;
use source::{Exported, Source, What};

/// What is exported, and where to.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) store: PathBuf,
    pub(crate) output: PathBuf,
    pub(crate) form: Form,
    /// Events and messages from this time on, and up to that one.
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    /// Of this host alone.
    pub(crate) host: Option<String>,
    pub(crate) rows_per_file: u64,
    /// What is not shown of command lines; the raw form shows what is stored.
    pub(crate) masks: Masks,
}

/// What was written.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) files: usize,
    pub(crate) rows: u64,
    pub(crate) manifest: PathBuf,
    /// Whether the log has an entry of it.
    pub(crate) is_noted: bool,
}

fn mask(masks: &Masks, row: &mut Exported) {
    if let What::Event(event) = &mut row.what
        && let Some(masked) = masks.event(event)
    {
        *event = masked;
    }
}

/// Exports.
///
/// # Errors
/// A store that cannot be read, a folder that cannot be written or is not empty.
pub(crate) fn run(request: &Request) -> Result<Done> {
    let shown = || format!("cannot read the store {}", request.store.display());
    let dir = RealDir::open(&request.store).with_context(shown)?;
    let published = Published::open(dir.clone()).with_context(shown)?;
    let checkpoint = published.checkpoint().with_context(shown)?;
    let mut source = Source::open(dir, checkpoint.size, request).with_context(shown)?;
    let mut files = Files::create(&request.output, request.form, request.rows_per_file)?;
    let mut rows = Vec::new();
    while source.fill(&mut rows).with_context(shown)? {
        for mut row in rows.drain(..) {
            if request.form != Form::Raw {
                mask(&request.masks, &mut row);
            }
            files.write(&row)?;
        }
    }
    let mut written = files.finish()?;
    for file in &mut written {
        file.prove(&request.output, &published, &checkpoint)?;
    }
    let manifest = Manifest::of(request, &published, &checkpoint, &source, &written)?;
    let sha256 = manifest.write(&request.output)?;
    let total = written.iter().map(|file| file.rows).sum();
    let action = Action::Export {
        query: manifest.query(),
        format: request.form.name().to_owned(),
        rows: total,
        manifest_sha256: sha256,
    };
    Ok(Done {
        files: written.len(),
        rows: total,
        manifest: request.output.join(manifest::NAME),
        is_noted: control::note_if_running(&request.store, &Order::Note { action })?,
    })
}
