//! The thread that runs the detections over the log, and how it writes into the collector's own
//! stream.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indelible_log::dir::RealDir;
use indelible_log::{Checkpoint, Kind, StreamId};
use indelible_sys::process;
use indelible_wire::native::AppendResult;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, watch};

use super::http::Metrics;
use super::peers::Peers;
use super::writer::{Answer, Request, Wanted};
use crate::config::DetectionsConfig;
use crate::detect::live::{Counts, Folder, Ledger, Surroundings, watch_log};

/// The running thread.
pub(super) struct Detections(JoinHandle<()>);

/// Starts it. It ends when the collector stops.
///
/// # Errors
/// A folder that cannot be made, and what the configuration gets wrong.
pub(super) fn start(
    config: &DetectionsConfig,
    store: &Path,
    own: StreamId,
    metrics: Arc<Metrics>,
    peers: Peers,
    (requests, newest, stopping): (
        Sender<Request>,
        watch::Receiver<Checkpoint>,
        watch::Receiver<bool>,
    ),
) -> Result<Detections> {
    let folder = Folder::create(&store.join("detections"))?;
    let dir = RealDir::open(store).context("cannot read the store")?;
    let ledger = OwnLedger {
        requests,
        newest: newest.clone(),
        stopping: stopping.clone(),
        metrics,
        peers,
        counted: Counts::default(),
    };
    let config = config.clone();
    let surroundings = Surroundings::new(&config, Vec::new())?;
    let thread = std::thread::Builder::new().name("detections".into());
    let thread = thread.spawn(move || {
        process::give_way();
        let is_stopping = || is_stopping(&stopping);
        let config = (&config, surroundings);
        let watched = watch_log(config, (dir, &folder), own, newest, ledger, &is_stopping);
        if let Err(error) = watched {
            // What is received is kept all the same.
            tracing::error!("detections ended: {error:#}");
        }
    })?;
    Ok(Detections(thread))
}

impl Detections {
    /// Waits for its end.
    pub(super) fn ended(self) {
        if self.0.join().is_err() {
            tracing::error!("the detections panicked");
        }
    }
}

/// Also when nobody is left who could say so.
fn is_stopping(stopping: &watch::Receiver<bool>) -> bool {
    *stopping.borrow() || stopping.has_changed().is_err()
}

/// The collector's own stream.
struct OwnLedger {
    requests: Sender<Request>,
    newest: watch::Receiver<Checkpoint>,
    stopping: watch::Receiver<bool>,
    metrics: Arc<Metrics>,
    peers: Peers,
    counted: Counts,
}

impl OwnLedger {
    /// Hands entries to the writer; the size of the log that holds them. A full disk is waited for.
    fn append(&self, entries: &[(Kind, Vec<u8>)]) -> Result<u64> {
        let (answers, mut answered) = mpsc::unbounded_channel();
        self.requests
            .send(Request {
                connection: NO_CONNECTION,
                answers: Some(answers),
                wanted: Wanted::Own(entries.to_vec()),
            })
            .ok()
            .context("the log's writer has ended")?;
        loop {
            match answered.try_recv() {
                Ok(Answer::Appended(AppendResult::Accepted { log_size, .. })) => {
                    return Ok(log_size);
                }
                Ok(answer) => bail!("the log's writer answered {answer:?}"),
                Err(TryRecvError::Empty) => self.pause(COMMIT_PAUSE)?,
                Err(TryRecvError::Disconnected) => bail!("the log's writer has ended"),
            }
        }
    }

    fn pause(&self, pause: Duration) -> Result<()> {
        if is_stopping(&self.stopping) {
            bail!("the collector stops before findings are durable");
        }
        std::thread::sleep(pause);
        Ok(())
    }
}

impl Ledger for OwnLedger {
    fn record(&mut self, entries: &[(Kind, Vec<u8>)]) -> Result<()> {
        let log_size = self.append(entries)?;
        while self.newest.borrow().size < log_size {
            self.pause(COMMIT_PAUSE)?;
        }
        Ok(())
    }

    fn peer(&self, stream: StreamId) -> Option<String> {
        self.peers.name(stream)
    }

    fn counted(&mut self, counts: &Counts) {
        let before = std::mem::replace(&mut self.counted, *counts);
        self.metrics.detected(&before, counts);
    }
}

/// Connections are numbered from 1.
const NO_CONNECTION: u64 = 0;
/// How long to wait for a commit: it follows at once.
const COMMIT_PAUSE: Duration = Duration::from_millis(1);
