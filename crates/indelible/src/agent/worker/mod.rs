//! The worker: sends the spool to a collector, stores receipts, releases what they cover. Its threads
//! serve the other outputs, describe processes, and select what the collector gets.

mod renewal;
mod sandbox;
mod sending;
mod site;
mod target;
mod verdict;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_sys::lock::FileLock;

pub(crate) use sandbox::{RESOLVING, sandbox};
pub(crate) use target::Target;

use super::context::{self, Describing};
use super::layout::Layout;
use super::metrics::Listener;
use super::outputs::{Prepared, Running, State};
use super::selection::{self, Selecting};
use super::stopping::Stopping;
use crate::service::{self, Watchdog};
use sending::{Native, send};

/// What a worker does, each where it is configured.
#[derive(Debug)]
pub(crate) struct Work {
    /// The collector, and those that stand in for it, in their order.
    pub(crate) targets: Vec<Target>,
    /// How long a collector may be away before the next one stands in.
    pub(crate) failover_after: Duration,
    /// What the collector gets of capture's records; all of them where it is not given.
    pub(crate) selection: Option<Selecting>,
    pub(crate) outputs: Prepared,
    pub(crate) context: Option<Describing>,
    pub(crate) metrics: Option<Listener>,
}

/// Works until asked to stop; then for a few seconds more, as long as something is left. Without a
/// collector it is the outputs alone that send.
pub(crate) fn run(layout: &Layout, work: Work, stopping: &Stopping) -> Result<()> {
    let _lock = FileLock::try_now(&layout.worker_lock()).with_context(|| {
        format!(
            "the worker cannot use the spool {}",
            layout.worker().display()
        )
    })?;
    if let Some(describing) = work.context {
        let described = context::Described::before(layout);
        let (layout, stop) = (layout.clone(), stopping.clone());
        go_on_trying("context", stopping, move || {
            context::run(&layout, &described, &describing, &stop)
        })?;
    }
    let has_outputs = !work.outputs.is_empty();
    let outputs = work.outputs.start(layout, stopping)?;
    let is_selected = work.selection.is_some();
    if !work.targets.is_empty() {
        layout.select(is_selected)?;
    }
    let mut selection = None;
    if let Some(selecting) = work.selection {
        let (layout, stop, released) = (layout.clone(), stopping.clone(), outputs.released());
        selection = Some(go_on_trying("selection", stopping, move || {
            selection::run(&layout, &selecting, &released, &stop)
        })?);
    }
    let state = Arc::new(State::collector());
    if let Some(metrics) = work.metrics {
        let own = (!work.targets.is_empty()).then(|| state.clone());
        metrics.serve(
            layout,
            own.into_iter().chain(outputs.states().to_vec()).collect(),
        )?;
    }
    if work.targets.is_empty() {
        wait_for(&outputs, stopping)?;
    } else {
        let native = Native {
            targets: work.targets,
            failover_after: work.failover_after,
            is_shared: has_outputs || is_selected,
            is_selected,
            released: outputs.released(),
            state,
        };
        send(layout, native, stopping)?;
    }
    outputs.join();
    if let Some(selection) = selection {
        // What it left out is told before the end: the next start would decide it anew.
        let _ = selection.join();
    }
    Ok(())
}

/// Waits until asked to stop; the outputs do the work.
fn wait_for(outputs: &Running, stopping: &Stopping) -> Result<()> {
    let mut watchdog = Watchdog::of_manager();
    service::ready(&format!("{} outputs run", outputs.states().len()));
    while !stopping.requested() {
        anyhow::ensure!(!outputs.has_ended(), "an output ended by itself");
        watchdog.alive();
        std::thread::sleep(LOOK_EVERY);
    }
    service::stopping();
    Ok(())
}

/// Starts a thread that goes on trying where its work fails, until asked to stop.
fn go_on_trying(
    name: &'static str,
    stopping: &Stopping,
    work: impl Fn() -> Result<()> + Send + 'static,
) -> Result<JoinHandle<()>> {
    let stopping = stopping.clone();
    let body = move || {
        while let Err(error) = work() {
            tracing::warn!("{name}: {error:#}");
            let until = Instant::now() + TRY_AGAIN_AFTER;
            while Instant::now() < until && !stopping.requested() {
                std::thread::sleep(LOOK_EVERY);
            }
            if stopping.requested() {
                break;
            }
        }
    };
    std::thread::Builder::new()
        .name(name.into())
        .spawn(body)
        .context("cannot start a thread")
}

/// How late a request to stop is seen.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long after a failure a thread tries again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);
