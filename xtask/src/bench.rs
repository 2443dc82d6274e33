//! Benches: the peer and ours in turn, in one run, on this machine; medians and their ratio.
//!
//! A figure is printed as it was seen, and written to docs/benchmarks.md with its method.

mod agent;
mod append;
mod audit;
mod burst;
mod deleted;
mod detections;
mod flood;
mod index;
mod ingest;
mod loss;
mod mix;
mod programs;
mod report;
mod reports;
mod runs;
mod search;
mod ssh;

use anyhow::{Result, bail};

pub(crate) use burst::run as burst;
use report::Report;

/// `bench [NAME…]`: all of them, or those named.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !BENCHES.contains(name)) {
        bail!("no bench {unknown:?}; there are {}", BENCHES.join(", "));
    }
    let wanted = |name: &str| names.is_empty() || names.contains(&name);
    let mut report = Report::new();
    if wanted("agent") {
        agent::run(&mut report)?;
    }
    if wanted("append") {
        append::run(&mut report)?;
    }
    if wanted("deleted") {
        deleted::run(&mut report)?;
    }
    if wanted("detections") {
        detections::run(&mut report)?;
    }
    if wanted("records") {
        programs::records(&mut report)?;
    }
    if wanted("rules") {
        programs::rules(&mut report)?;
    }
    if wanted("ingest") {
        ingest::run(&mut report)?;
    }
    // Longer than all others together: only where it is asked for.
    if names.contains(&"loss") {
        loss::run(&mut report)?;
    }
    if wanted("search") {
        search::run(&mut report)?;
    }
    if wanted("index") {
        index::run(&mut report)?;
    }
    if wanted("report") {
        reports::run(&mut report)?;
    }
    if wanted("sigma") {
        programs::sigma(&mut report)?;
    }
    if wanted("ssh") {
        ssh::run(&mut report)?;
    }
    report.write()
}

/// The benches, by name.
const BENCHES: &[&str] = &[
    "agent",
    "append",
    "deleted",
    "detections",
    "records",
    "rules",
    "ingest",
    "search",
    "index",
    "report",
    "sigma",
    "ssh",
    "loss",
];
