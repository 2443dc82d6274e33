//! The options of a report: aureport's, by their long names, and ours. [`super::words`] turns
//! aureport's spelling into these.

use std::ffi::OsString;

use clap::Args;

use crate::masking::Masking;
use crate::search::arguments::{Place, Times};

/// What to report about, and how.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Arguments {
    /// What the report is about [default: totals]
    ///
    /// anomaly (-n), auth (-au), avc (-a), comm, config (-c), crypto (-cr), events (-e),
    /// executables (-x), files (-f), hosts (-h), integrity, keys (-k), login (-l), logs (-t), mac
    /// (-ma), mods (-m), pids (-p), response (-r), syscalls (-s), terminals (-tm), totals, tty, users
    /// (-u), virt; and ours: logins (who was logged in from when
    /// to when, as aulast; with --failed who failed), timeline (events by type over time)
    #[arg(value_name = "REPORT")]
    pub(crate) report: Option<String>,
    /// How often each value occurs, instead of a row per event
    #[arg(long)]
    pub(crate) summary: bool,
    /// Only what succeeded
    #[arg(long, overrides_with = "failed")]
    pub(crate) success: bool,
    /// Only what failed
    #[arg(long, overrides_with = "success")]
    pub(crate) failed: bool,
    /// Without what deletes
    #[arg(long, overrides_with = "delete")]
    pub(crate) add: bool,
    /// Without what adds
    #[arg(long, overrides_with = "add")]
    pub(crate) delete: bool,
    /// Without changes of the audit configuration (-nc)
    #[arg(long)]
    pub(crate) no_config: bool,
    /// Numbers in words: users, system calls, types
    #[arg(short, long)]
    pub(crate) interpret: bool,
    /// text, json or csv
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) format: String,
    /// What is escaped in names: raw, tty, shell or shell_quote [default: tty]
    #[arg(long, value_name = "HOW")]
    pub(crate) escape: Option<String>,
    /// Of keys: events and bytes of each key over time
    #[arg(long)]
    pub(crate) rate: bool,
    /// Length of a step of --rate and of timeline: 10s, 5m, 1h, 1d [default: 1h]
    #[arg(long, value_name = "TIME")]
    pub(crate) interval: Option<String>,
    /// Host that the event comes from; several may be given
    #[arg(long, value_name = "NODE")]
    pub(crate) node: Vec<OsString>,
    #[command(flatten)]
    pub(crate) times: Times,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) masking: Masking,
}
