//! `indelible detect ssh`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use indelible_detect::ssh::{Outcome as Verdict, Settings};
use indelible_query::criteria::time::{Bound, since};

use crate::detect::ssh::{Outcome, Request, csv, json, run, table};
use crate::exit;
use crate::search::present;
use crate::terminal::Output;

/// Count who tried to get in over ssh: per source, network, user and campaign
///
/// In place of `grep "Failed password" auth.log | awk '{print $(NF-3)}' | sort | uniq -c | sort -nr`,
/// whose shape the first table has. Reads auth.log and secure with their rotated and compressed
/// files, the journal, a store, and audit logs beside them, and counts each try once, always under
/// the address of the socket's other end, whatever the client called itself.
///
/// Without a source: standard input where that is a pipe, else /var/log and /var/log/audit, or the
/// journal where sshd has no log there.
#[derive(Debug, Args)]
pub(super) struct Ssh {
    /// Files and folders: logs of sshd, audit logs, exported journals; `-` is standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Read this host's journal
    #[arg(long)]
    journal: bool,
    /// Read a collector's store
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, value_name = "FORM", default_value = "table")]
    format: Form,
    /// Rows per table [default: 20 in tables, all in JSON and CSV]
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Nothing before this time, e.g. `2h ago`, 2026-11-25T17:40:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Nothing after this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// End with 1 if a source or campaign has one of these outcomes, or `any` that is a finding
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    /// Attempts of a source within the window that are `brute`
    #[arg(long, value_name = "N", default_value_t = Settings::default().brute)]
    brute: u32,
    /// The window, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Settings::default().window_ms / 1_000)]
    window: u64,
    /// Names that a source tries, at most three times each on average, that are `spray`
    #[arg(long, value_name = "N", default_value_t = Settings::default().spray)]
    spray: u32,
    /// Attempts of a source in all that are `slow` where no window holds enough for `brute`
    #[arg(long, value_name = "N", default_value_t = Settings::default().slow)]
    slow: u32,
    /// Sources that try one name, or sources of one network, that are `distributed`
    #[arg(long, value_name = "N", default_value_t = Settings::default().distributed)]
    distributed: u32,
    /// Attempts within a day before a login that make it `compromised`
    #[arg(long, value_name = "N", default_value_t = Settings::default().compromised)]
    compromised: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Table,
    /// One JSON object
    Json,
    /// A row per source
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Any,
    Probe,
    Slow,
    Distributed,
    Brute,
    Spray,
    Compromised,
}

impl FailOn {
    fn catches(self, verdict: Verdict) -> bool {
        match self {
            Self::Any => verdict.is_finding(),
            Self::Probe => verdict == Verdict::Probe,
            Self::Slow => verdict == Verdict::Slow,
            Self::Distributed => verdict == Verdict::Distributed,
            Self::Brute => verdict == Verdict::Brute,
            Self::Spray => verdict == Verdict::Spray,
            Self::Compromised => verdict == Verdict::Compromised,
        }
    }
}

impl Ssh {
    pub(super) fn run(self) -> Result<u8> {
        let outcome = run(&self.request()?)?;
        let text = match self.format {
            Form::Table => table(&outcome, self.top.unwrap_or(TABLE_ROWS)),
            Form::Json => format!("{}\n", json(&outcome, self.top)),
            Form::Csv => csv(&outcome, self.top),
        };
        let mut output = Output::stdout();
        output.write(text.as_bytes())?;
        output.flush()?;
        Ok(match self.caught(&outcome) {
            true => exit::NOTHING,
            false => exit::DONE,
        })
    }

    fn request(&self) -> Result<Request> {
        let time_ms = |text: &Option<String>, bound, last_ms: u64| -> Result<Option<u64>> {
            let Some(text) = text else {
                return Ok(None);
            };
            let time_s = since(text, bound, &present()).context("not a time")?;
            let time_s = u64::try_from(time_s).unwrap_or(0);
            Ok(Some(time_s.saturating_mul(1_000).saturating_add(last_ms)))
        };
        Ok(Request {
            paths: self.paths.clone(),
            journal: self.journal,
            store: self.store.clone(),
            since_ms: time_ms(&self.since, Bound::Start, 0)?,
            // The whole of the last second.
            until_ms: time_ms(&self.until, Bound::End, 999)?,
            settings: Settings {
                brute: self.brute,
                window_ms: self.window.saturating_mul(1_000),
                spray: self.spray,
                slow: self.slow,
                distributed: self.distributed,
                compromised: self.compromised,
                ..Settings::default()
            },
        })
    }

    fn caught(&self, outcome: &Outcome) -> bool {
        let sources = outcome.report.sources.iter().map(|source| source.outcome);
        let campaigns = outcome
            .report
            .campaigns
            .iter()
            .map(|campaign| campaign.outcome);
        sources
            .chain(campaigns)
            .any(|verdict| self.fail_on.iter().any(|fail_on| fail_on.catches(verdict)))
    }
}

/// Rows of a table where nothing else is asked for.
const TABLE_ROWS: usize = 20;
