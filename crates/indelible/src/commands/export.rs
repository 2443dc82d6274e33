//! `indelible export`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;

use crate::exit;
use crate::export::{self, Form, ROWS_PER_FILE, Request};
use crate::masking::Masking;

/// Write a store's events to files for other programs, with a manifest of hashes and proofs
///
/// Everything under the newest published checkpoint, or what of it lies in a time. Each file has a
/// proof beside it, for its newest entry, which `indelible verify --proof` checks; `manifest.json` has
/// each file's SHA-256. Where a collector runs on the store, its log notes the export with the
/// manifest's hash. Syslog, journal and file messages and findings are in parquet and raw alone.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The collector's store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Form of the files
    #[arg(long, value_enum, value_name = "FORM")]
    format: Form,
    /// Folder for the files, made or empty
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// From this time on, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Up to this time, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Of this host alone
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Rows of one file
    #[arg(long, value_name = "N", default_value_t = ROWS_PER_FILE)]
    rows_per_file: u64,
    #[command(flatten)]
    masking: Masking,
}

impl Export {
    pub(super) fn run(self) -> Result<u8> {
        let request = Request {
            masks: self.masking.masks()?,
            store: self.store,
            output: self.output,
            form: self.format,
            since: self.since,
            until: self.until,
            host: self.host,
            rows_per_file: self.rows_per_file,
        };
        let done = export::run(&request)?;
        let (rows, files) = (done.rows, done.files);
        eprintln!("exported {rows} rows in {files} files");
        if !done.is_noted {
            eprintln!("no collector runs on the store: its log does not note the export");
        }
        writeln!(std::io::stdout(), "{}", done.manifest.display())?;
        Ok(if rows == 0 { exit::NOTHING } else { exit::DONE })
    }
}

fn time(text: &str) -> Result<Timestamp> {
    text.parse()
        .with_context(|| format!("`{text}` is no time of RFC 3339"))
}
