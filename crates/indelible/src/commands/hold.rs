//! `indelible hold`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::collector::operations::Order;
use crate::collector::operations::control;
use crate::collector::operations::hold::Holds;
use crate::exit;
use crate::form::Form;

/// Hold entries of a host: retention keeps them, and nobody can erase them
///
/// Segments are removed from the oldest on, so everything behind a held entry stays too. Each hold,
/// and its end, is an entry of the log. The running collector does it, or this command where none
/// runs.
#[derive(Debug, Args)]
pub(super) struct Hold {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Add(Add),
    List(List),
    Remove(Remove),
}

/// Begin a hold
#[derive(Debug, Args)]
struct Add {
    /// The collector's store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// The host's name in its certificate, or its address
    #[arg(long, value_name = "NAME")]
    host: String,
    /// First capture time, RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Last capture time, RFC 3339
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Why: it stands in the log for ever
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Show the holds that are in force
#[derive(Debug, Args)]
struct List {
    /// The collector's store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Form of the list
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    format: Form,
}

/// End a hold
#[derive(Debug, Args)]
struct Remove {
    /// The collector's store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Name of the hold, as `list` shows it
    hold: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Hold {
    pub(super) fn run(self) -> Result<u8> {
        let mut output = std::io::stdout();
        match self.action {
            Action::Add(add) => {
                let order = Order::Hold {
                    host: add.host,
                    since: add.since,
                    until: add.until,
                    reason: add.reason,
                };
                writeln!(output, "{}", control::order(&add.store, order)?)?;
            }
            Action::Remove(remove) => {
                let order = Order::Release {
                    hold: remove.hold,
                    reason: remove.reason,
                };
                writeln!(output, "{}", control::order(&remove.store, order)?)?;
            }
            Action::List(list) => {
                let holds = Holds::read(&list.store)?.holds;
                match list.format {
                    Form::Json => writeln!(output, "{}", json!({ "holds": holds }))?,
                    Form::Text => holds.iter().try_for_each(|hold| {
                        let time = |time: Option<jiff::Timestamp>| {
                            time.map_or_else(|| "*".to_owned(), |time| time.to_string())
                        };
                        let (since, until) = (time(hold.since), time(hold.until));
                        let (name, host) = (&hold.name, &hold.host);
                        let reason = hold.reason.escape_debug();
                        writeln!(output, "{name}  {host}  {since} .. {until}  {reason}")
                    })?,
                }
            }
        }
        Ok(exit::DONE)
    }
}
