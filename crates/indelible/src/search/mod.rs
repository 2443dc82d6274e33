//! Search: from a source's records to the events that match, in the form that was asked for.
//!
//! ```text
//! files │ store │ spool ─ engine ─▶ Event that matches ─ print ─▶ stdout
//! ```

pub(crate) mod engine;
mod entries;
mod files;
mod print;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Result;
use indelible_query::criteria::Filter;
use indelible_record::{Names, NoNames};
use jiff::tz::TimeZone;

pub(crate) use print::Form;

use crate::terminal::Output;
use crate::user::LocalNames;

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// audit.log, or the files of a folder, oldest first.
    Files(PathBuf),
    /// A collector's store.
    Store(PathBuf),
    /// A host's spool.
    Spool(PathBuf),
}

impl Source {
    /// /var/log/audit where it exists, else the local spool; says which.
    pub(crate) fn local() -> Result<Self> {
        if Path::new(AUDIT_FOLDER).exists() {
            eprintln!("reading {AUDIT_FOLDER}");
            return Ok(Self::Files(AUDIT_FOLDER.into()));
        }
        if Path::new(SPOOL_FOLDER).exists() {
            eprintln!("reading {SPOOL_FOLDER}");
            return Ok(Self::Spool(SPOOL_FOLDER.into()));
        }
        anyhow::bail!(
            "neither {AUDIT_FOLDER} nor {SPOOL_FOLDER} exists; name a source with --if, --spool or --store"
        )
    }
}

/// Prints the events that match; returns how many.
///
/// # Errors
/// A source that cannot be read, or an output that cannot be written.
pub(crate) fn run(source: &Source, filter: &dyn Filter, form: Form) -> Result<u64> {
    let local_names;
    // Names of ids are those of the host that logged: in a store that is another one.
    let names: &(dyn Names + Sync) = match source {
        Source::Files(_) | Source::Spool(_) => {
            local_names = LocalNames::read();
            &local_names
        }
        Source::Store(_) => &NoNames,
    };
    let print = print::Print {
        form,
        names,
        zone: TimeZone::system(),
    };
    let mut output = Output::stdout();
    let sink = |text: Vec<u8>| {
        output.write(&text)?;
        Ok(ControlFlow::Continue(()))
    };
    let seen = engine::run(
        std::slice::from_ref(source),
        filter,
        &print,
        sink,
        engine::Settings::default(),
    )?;
    output.flush()?;
    Ok(seen.events)
}

const AUDIT_FOLDER: &str = "/var/log/audit";
const SPOOL_FOLDER: &str = "/var/lib/indelible/spool";
