//! `detect ssh`: sources → lines in the order of time → the engine → tables, JSON, CSV.
//!
//! ```text
//! file group │ journal │ store ─ Feed ─┐
//! file group ─────────────────── Feed ─┼─ the earliest first ─▶ Engine ─▶ Report ─▶ output
//! audit.log ──────────────────── Feed ─┘
//! ```

mod csv;
pub(in crate::detect) mod entry;
mod feed;
mod files;
mod json;
mod store;
mod table;
mod text;
mod words;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use indelible_detect::ssh::{Engine, Report, Settings};

pub(crate) use csv::csv;
use feed::Feed;
use files::{FileFeed, Group};
pub(crate) use json::json;
use store::StoreFeed;
pub(crate) use table::table;

/// What to read, and how to judge it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// Files and folders; `-` is standard input.
    pub(crate) paths: Vec<PathBuf>,
    /// The journal of this host.
    pub(crate) journal: bool,
    /// A collector's store.
    pub(crate) store: Option<PathBuf>,
    /// Nothing before, ms since 1970.
    pub(crate) since_ms: Option<u64>,
    /// Nothing after.
    pub(crate) until_ms: Option<u64>,
    pub(crate) settings: Settings,
}

/// What was found, and where lines stand.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) report: Report,
    /// Names of the files that line ids refer to.
    pub(crate) files: Vec<String>,
}

/// Reads everything.
///
/// # Errors
/// A source that cannot be read.
pub(crate) fn run(request: &Request) -> Result<Outcome> {
    let mut names = Vec::new();
    let mut feeds: Vec<Box<dyn Feed>> = Vec::new();
    let mut journal = None;
    let mut paths = request.paths.clone();
    let mut wants_journal = request.journal;
    if paths.is_empty() && !wants_journal && request.store.is_none() {
        (paths, wants_journal) = files::usual()?;
    }
    for group in files::groups(&paths)? {
        let channel = u32::try_from(feeds.len()).unwrap_or(u32::MAX);
        feeds.push(Box::new(FileFeed::open(group, channel, &mut names)?));
    }
    if wants_journal {
        let channel = u32::try_from(feeds.len()).unwrap_or(u32::MAX);
        let mut child = journalctl()?;
        let output = child.stdout.take().context("journalctl has no output")?;
        let group = Group::stream("journal", Box::new(output));
        feeds.push(Box::new(FileFeed::open(group, channel, &mut names)?));
        journal = Some(child);
    }
    if let Some(path) = &request.store {
        // The kinds of entries of a store are places of their own.
        let channel = u32::try_from(feeds.len()).unwrap_or(u32::MAX);
        feeds.push(Box::new(StoreFeed::open(path, channel, &mut names)?));
    }
    let mut engine = Engine::new(request.settings);
    merge(&mut feeds, request, &mut engine)?;
    if let Some(mut child) = journal {
        let status = child.wait().context("journalctl")?;
        anyhow::ensure!(status.success(), "journalctl failed: {status}");
    }
    Ok(Outcome {
        report: engine.finish(),
        files: names,
    })
}

/// Gives what the feeds have, the earliest first, to the engine.
fn merge(feeds: &mut [Box<dyn Feed>], request: &Request, engine: &mut Engine) -> Result<()> {
    let since_ms = request.since_ms.unwrap_or(0);
    let until_ms = request.until_ms.unwrap_or(u64::MAX);
    for feed in feeds.iter_mut() {
        feed.advance()?;
    }
    loop {
        let earliest = feeds.iter_mut().filter(|feed| feed.time_ms().is_some());
        let Some(feed) = earliest.min_by_key(|feed| feed.time_ms()) else {
            return Ok(());
        };
        let time_ms = feed.time_ms().unwrap_or_default();
        if (since_ms..=until_ms).contains(&time_ms) {
            feed.give(engine);
        }
        feed.advance()?;
    }
}

/// What sshd wrote to this host's journal.
fn journalctl() -> Result<Child> {
    Command::new("journalctl")
        .args(["--output=json", "--quiet", "--no-pager", "--all"])
        .args(["-t", "sshd", "-t", "sshd-session", "-t", "sshd-auth"])
        .arg("--output-fields=MESSAGE,_HOSTNAME,SYSLOG_IDENTIFIER,_COMM,SYSLOG_PID,_PID")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start journalctl")
}
