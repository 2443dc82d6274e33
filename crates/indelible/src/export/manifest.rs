//! What an export consists of: `manifest.json`, as docs/schemas/manifest.json has it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use aws_lc_rs::digest;
use indelible_log::Checkpoint;
use indelible_log::published::Published;
use jiff::Timestamp;
use serde::Serialize;

use super::Request;
use super::files::Written;
use super::source::Source;
use crate::payload::hex;

/// Name of the file.
pub(super) const NAME: &str = "manifest.json";

/// The manifest.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Manifest {
    v: u8,
    format: &'static str,
    /// The log's public key, and the checkpoint that everything in the files lies under.
    log_key: String,
    checkpoint: String,
    query: Query,
    rows: u64,
    /// Entries of the log that were removed before, and that were erased.
    removed: u64,
    erased: u64,
    files: Vec<Listed>,
}

#[derive(Clone, Debug, Serialize)]
struct Query {
    since: Option<String>,
    until: Option<String>,
    host: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Listed {
    name: String,
    sha256: String,
    bytes: u64,
    rows: u64,
    first_entry: u64,
    last_entry: u64,
    first_time: Option<String>,
    last_time: Option<String>,
    /// Proves the last entry; the entry is beside it.
    proof: Option<String>,
}

impl Manifest {
    pub(super) fn of(
        request: &Request,
        published: &Published,
        checkpoint: &Checkpoint,
        source: &Source,
        written: &[Written],
    ) -> Result<Self> {
        let time = |ns: i64| Some(Timestamp::from_nanosecond(ns.into()).ok()?.to_string());
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let files = written.iter().map(|file| Listed {
            name: file.name.clone(),
            sha256: file.sha256.clone(),
            bytes: file.bytes,
            rows: file.rows,
            first_entry: file.leaves.0,
            last_entry: file.leaves.1,
            first_time: time(file.times_ns.0),
            last_time: time(file.times_ns.1),
            proof: file.proof.clone(),
        });
        Ok(Self {
            v: 1,
            format: request.form.name(),
            log_key: published.key().to_string(),
            checkpoint: checkpoint.to_note(&published.key()),
            query: Query {
                since: text(request.since),
                until: text(request.until),
                host: request.host.clone(),
            },
            rows: written.iter().map(|file| file.rows).sum(),
            removed: source.first,
            erased: source.erased,
            files: files.collect(),
        })
    }

    /// What was asked for, in a line.
    pub(super) fn query(&self) -> String {
        let Query { since, until, host } = &self.query;
        let part = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{name} {value}"))
        };
        let parts = [
            part("since", since),
            part("until", until),
            part("host", host),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => "everything".to_owned(),
            false => parts.join(", "),
        }
    }

    /// Writes it; its SHA-256 in hexadecimal.
    pub(super) fn write(&self, folder: &Path) -> Result<String> {
        let mut text = serde_json::to_vec_pretty(self).context("the manifest")?;
        text.push(b'\n');
        let path = folder.join(NAME);
        fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(hex(digest::digest(&digest::SHA256, &text).as_ref()))
    }
}
