//! `indelible search`.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use indelible_query::criteria::Criteria;

use crate::exit;
use crate::search::{Form, Source};

/// Find events in audit logs, a spool or a collector's store
///
/// Reads /var/log/audit where it exists, unless told otherwise.
#[derive(Debug, Args)]
pub(super) struct Search {
    /// Events with this key (the `-k` of their rule); part of it suffices
    #[arg(short, long, value_name = "KEY")]
    key: Option<String>,
    /// Interpret numbers: ids, system calls, times
    #[arg(short, long)]
    interpret: bool,
    /// Form of the output [default: default, or interpret with -i]
    #[arg(long, value_enum, value_name = "FORM")]
    format: Option<FormArgument>,
    /// The records as they were stored
    #[arg(short, long, conflicts_with = "format")]
    raw: bool,
    /// Read this file, or the files of this folder
    #[arg(long = "if", alias = "input", value_name = "PATH")]
    input: Option<PathBuf>,
    /// Read a collector's store
    #[arg(long, value_name = "DIR", conflicts_with = "input")]
    store: Option<PathBuf>,
    /// Read a host's spool
    #[arg(long, value_name = "DIR", conflicts_with_all = ["input", "store"])]
    spool: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormArgument {
    /// The records as they were stored
    Raw,
    /// A time line, then the records, the last first
    Default,
    /// The same with numbers in words
    Interpret,
    /// One JSON object per event
    Ndjson,
}

impl Search {
    pub(super) fn run(self) -> Result<u8> {
        let form = match self.format {
            Some(FormArgument::Raw) => Form::Raw,
            Some(FormArgument::Default) => Form::Default,
            Some(FormArgument::Interpret) => Form::Interpret,
            Some(FormArgument::Ndjson) => Form::Ndjson,
            None if self.raw => Form::Raw,
            None if self.interpret => Form::Interpret,
            None => Form::Default,
        };
        let source = match (self.input, self.store, self.spool) {
            (Some(path), _, _) => Source::Files(path),
            (_, Some(store), _) => Source::Store(store),
            (_, _, Some(spool)) => Source::Spool(spool),
            _ => Source::local()?,
        };
        let criteria = Criteria {
            key: self.key.map(String::into_bytes),
            ..Criteria::default()
        };
        let found = crate::search::run(&source, &criteria, form)?;
        if found == 0 {
            eprintln!("<no matches>");
            return Ok(exit::NOTHING);
        }
        Ok(exit::DONE)
    }
}

/// ausearch's single-dash words as long options, so that the parser understands them.
pub(super) fn normalised(
    arguments: impl Iterator<Item = OsString>,
) -> impl Iterator<Item = OsString> {
    arguments.map(|argument| match argument.to_str() {
        Some("-if") => "--if".into(),
        _ => argument,
    })
}
