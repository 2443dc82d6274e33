//! `indelible top`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use indelible_query::expr::Where;

use crate::exit;
use crate::form::Form;
use crate::search::Source;
use crate::top::{self, Settings};

/// Show which rules, programs and hosts make the most events right now
///
/// Events are counted as they come, from the moment of the start. On a terminal the table is drawn
/// anew; otherwise each interval is printed after the other.
#[derive(Debug, Args)]
pub(super) struct Top {
    /// A host's spool
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// A collector's store
    #[arg(long, value_name = "DIR", conflicts_with = "spool")]
    store: Option<PathBuf>,
    /// A log file of auditd, or a folder with them [default: /var/log/audit]
    #[arg(long, value_name = "PATH", conflicts_with_all = ["spool", "store"])]
    input: Option<PathBuf>,
    /// Count only events that this holds of (docs/where.md)
    #[arg(long = "where", value_name = "EXPR")]
    condition: Option<String>,
    /// Seconds that one table is about
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    interval: Duration,
    /// Values in each table
    #[arg(long, value_name = "COUNT", default_value = "10")]
    lines: usize,
    /// End after the first interval
    #[arg(long)]
    once: bool,
    /// Form of what is printed
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    format: Form,
}

impl Top {
    pub(super) fn run(self) -> Result<u8> {
        let source = match (self.spool, self.store, self.input) {
            (Some(spool), _, _) => Source::Spool(spool),
            (_, Some(store), _) => Source::store(store),
            (_, _, Some(path)) => Source::Files(path),
            _ => Source::Files(PathBuf::from("/var/log/audit")),
        };
        let condition = self.condition.as_deref().map(Where::parse).transpose()?;
        let settings = Settings {
            interval: self.interval,
            lines: self.lines,
            once: self.once,
            form: self.format,
        };
        top::run(source, condition, &settings)?;
        Ok(exit::DONE)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if (0.1..=3600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("between 0.1 and 3600 seconds".into())
    }
}
