//! The options of a search: ausearch's, by their long names, and ours. [`super::words`] turns
//! ausearch's single-dash words into these.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::remote::os_text;
use crate::net::access::Access;

use crate::masking::Masking;

/// What to find, where, and how to show it.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) show: Show,
    #[command(flatten)]
    pub(crate) masking: Masking,
}

/// What to find: all that is given must hold.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "What to find (all must hold)")]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct What {
    /// Number of the event: what follows the colon in `audit(1700000000.123:45)`
    #[arg(short = 'a', long, value_name = "SERIAL")]
    pub(crate) event: Option<String>,
    /// Architecture of the system call: b32, b64, x86_64, i386, aarch64, …; stands before -sc
    #[arg(long, value_name = "ARCH")]
    pub(crate) arch: Option<String>,
    /// Name of the task; part of it suffices
    #[arg(short, long, value_name = "NAME")]
    #[serde(with = "os_text::one")]
    pub(crate) comm: Option<OsString>,
    /// Result of the system call, as a number or as an error's name: -13, -EACCES
    #[arg(short = 'e', long, value_name = "CODE", allow_hyphen_values = true)]
    pub(crate) exit: Option<String>,
    /// Path, working directory or unix socket; part of it suffices
    #[arg(short, long, value_name = "PATH")]
    #[serde(with = "os_text::one")]
    pub(crate) file: Option<OsString>,
    /// gid or egid (-ga)
    #[arg(long, value_name = "GROUP")]
    pub(crate) gid_all: Option<String>,
    /// egid (-ge)
    #[arg(long, value_name = "GROUP")]
    pub(crate) gid_effective: Option<String>,
    /// gid (-gi)
    #[arg(long, value_name = "GROUP")]
    pub(crate) gid: Option<String>,
    /// Remote host or address (-hn); part of it suffices
    #[arg(long, value_name = "HOST")]
    #[serde(with = "os_text::one")]
    pub(crate) host: Option<OsString>,
    /// Key of the rule that caught the event; part of it suffices
    #[arg(short, long, value_name = "KEY")]
    #[serde(with = "os_text::one")]
    pub(crate) key: Option<OsString>,
    /// Types of a record, by name or number, separated by commas; ALL is each
    #[arg(short, long, value_name = "TYPES")]
    pub(crate) message: Vec<String>,
    /// Host that the event comes from; several may be given
    #[arg(short, long, value_name = "NODE")]
    #[serde(with = "os_text::several")]
    pub(crate) node: Vec<OsString>,
    /// Label of the object; part of it suffices
    #[arg(short, long, value_name = "LABEL")]
    #[serde(with = "os_text::one")]
    pub(crate) object: Option<OsString>,
    /// Process
    #[arg(short, long, value_name = "PID")]
    pub(crate) pid: Option<String>,
    /// Parent process (-pp)
    #[arg(long, value_name = "PID")]
    pub(crate) ppid: Option<String>,
    /// System call, by name or number (-sc)
    #[arg(long, value_name = "SYSCALL")]
    pub(crate) syscall: Option<String>,
    /// Label of subject or object (-se); part of it suffices
    #[arg(long, value_name = "LABEL")]
    #[serde(with = "os_text::one")]
    pub(crate) context: Option<OsString>,
    /// Login session; -1 is none
    #[arg(long, value_name = "SESSION", allow_hyphen_values = true)]
    pub(crate) session: Option<String>,
    /// Label of the subject (-su); part of it suffices
    #[arg(long, value_name = "LABEL")]
    #[serde(with = "os_text::one")]
    pub(crate) subject: Option<OsString>,
    /// Whether it was done (-sv): yes or no
    #[arg(long, value_name = "yes|no")]
    pub(crate) success: Option<String>,
    /// Terminal (-tm); part of it suffices
    #[arg(long, value_name = "TERMINAL")]
    #[serde(with = "os_text::one")]
    pub(crate) terminal: Option<OsString>,
    /// uid, euid or login uid (-ua)
    #[arg(long, value_name = "USER")]
    pub(crate) uid_all: Option<String>,
    /// euid (-ue)
    #[arg(long, value_name = "USER")]
    pub(crate) uid_effective: Option<String>,
    /// uid (-ui)
    #[arg(long, value_name = "USER")]
    pub(crate) uid: Option<String>,
    /// Login uid (-ul); -1 is none
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    pub(crate) loginuid: Option<String>,
    /// UUID of a guest (-uu); part of it suffices
    #[arg(long, value_name = "UUID")]
    #[serde(with = "os_text::one")]
    pub(crate) uuid: Option<OsString>,
    /// Name of a guest (-vm); part of it suffices
    #[arg(long, value_name = "NAME")]
    #[serde(with = "os_text::one")]
    pub(crate) vm_name: Option<OsString>,
    /// Path of the program; part of it suffices
    #[arg(short = 'x', long, value_name = "PATH")]
    #[serde(with = "os_text::one")]
    pub(crate) executable: Option<OsString>,
    /// Text of a message, or of a record as it was logged; part of it suffices
    #[arg(long, value_name = "TEXT")]
    #[serde(with = "os_text::one")]
    pub(crate) text: Option<OsString>,
    /// Findings of detections alone, in a store or a spool; --text, -n, -p, -c narrow them
    #[arg(long)]
    pub(crate) findings: bool,
    /// A condition, such as 'exe ~ "/tmp/*" and auid >= 1000 and not success'; docs/where.md has
    /// the language
    #[arg(long = "where", value_name = "EXPR")]
    #[serde(rename = "where")]
    pub(crate) expression: Option<String>,
    /// Text must be equal, not only part
    #[arg(short, long)]
    pub(crate) word: bool,
    #[command(flatten)]
    #[serde(skip)]
    pub(crate) times: Times,
}

/// Of which time: search and report share these.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Times {
    /// First time (-ts): date and time of the locale, or now, recent, boot, today, yesterday,
    /// this-hour, this-week, week-ago, this-month, this-year; a search's checkpoint
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
    /// Last time (-te)
    #[arg(long, value_name = "TIME")]
    pub(crate) end: Option<String>,
    /// First time: 2023-11-14T22:13:20Z, 2h ago, or as --start
    #[arg(long, value_name = "TIME", conflicts_with = "start")]
    pub(crate) since: Option<String>,
    /// Last time
    #[arg(long, value_name = "TIME", conflicts_with = "end")]
    pub(crate) until: Option<String>,
}

/// Where to look: search and report share these.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Where to look")]
pub(crate) struct Place {
    /// This file, or the files of this folder (-if)
    #[arg(long = "input", visible_alias = "if", value_name = "PATH")]
    pub(crate) input: Option<PathBuf>,
    /// The audit daemon's log, even if standard input is a pipe
    #[arg(long)]
    pub(crate) input_logs: bool,
    /// A collector's store; several are read as one log, in which an entry that stands in two of them
    /// is given once
    #[arg(long, value_name = "DIR", conflicts_with = "input")]
    pub(crate) store: Vec<PathBuf>,
    /// A host's spool
    #[arg(long, value_name = "DIR", conflicts_with_all = ["input", "store"])]
    pub(crate) spool: Option<PathBuf>,
    /// A collector elsewhere, over its HTTP interface: https://HOST:PORT
    #[arg(long, value_name = "URL", conflicts_with_all = ["input", "store", "spool"])]
    pub(crate) collector: Option<String>,
    #[command(flatten)]
    pub(crate) access: Access,
    /// Seconds of the log's time that an event waits for its other records
    #[arg(long, value_name = "SECONDS")]
    pub(crate) eoe_timeout: Option<String>,
    /// Tell on standard error what was looked for and read; as ausearch and aureport, tell about
    /// lines and events that could not be read
    #[arg(long)]
    pub(crate) debug: bool,
}

/// How to show what is found.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How to show it")]
pub(crate) struct Show {
    /// raw, default, interpret, csv, text, json or ndjson
    #[arg(long, value_name = "FORM")]
    pub(crate) format: Option<String>,
    /// Numbers in words: --format interpret
    #[arg(short, long)]
    pub(crate) interpret: bool,
    /// Records as they were stored: --format raw
    #[arg(short, long)]
    pub(crate) raw: bool,
    /// What is escaped in names: raw, tty, shell or shell_quote [default: tty]
    #[arg(long, value_name = "HOW")]
    pub(crate) escape: Option<String>,
    /// csv: a last column with the keys
    #[arg(long)]
    pub(crate) extra_keys: bool,
    /// csv: columns with the labels of subject and object
    #[arg(long)]
    pub(crate) extra_labels: bool,
    /// csv: a column with the second object
    #[arg(long)]
    pub(crate) extra_obj2: bool,
    /// csv: columns with the parts of the time
    #[arg(long)]
    pub(crate) extra_time: bool,
    /// Stop after the first event
    #[arg(long)]
    pub(crate) just_one: bool,
    /// Stop after this many events
    #[arg(long, value_name = "EVENTS", conflicts_with = "just_one")]
    pub(crate) limit: Option<u64>,
    /// The newest first
    #[arg(long)]
    pub(crate) reverse: bool,
    /// Only how many there are
    #[arg(long, conflicts_with_all = ["reverse", "tree"])]
    pub(crate) count: bool,
    /// The processes of the events as a tree, by login session
    #[arg(long, conflicts_with = "reverse")]
    pub(crate) tree: bool,
    /// Show what comes from now on, each event as soon as it is whole
    #[arg(long, conflicts_with_all = ["reverse", "count", "tree"])]
    pub(crate) follow: bool,
    /// Show only what is new since the last search with this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["store", "spool", "collector",
        "limit", "reverse", "count", "tree", "follow"])]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Leave ids of users and groups as numbers
    #[arg(long)]
    pub(crate) no_resolve: bool,
    /// Write each event at once
    #[arg(short, long)]
    pub(crate) line_buffered: bool,
}
