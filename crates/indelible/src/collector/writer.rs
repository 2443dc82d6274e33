//! The one thread that writes the log: takes what connections prepared, commits it in groups.
//!
//! A group is whatever waits when the last commit is done: under load groups grow by themselves,
//! an idle collector commits a single entry at once. Positions and receipts wait in each
//! connection until the newest checkpoint covers them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::log::Reason;
use indelible_log::{Appended, Batch, BatchError, Checkpoint, Hash, Kind, Log, StreamId};
use indelible_wire::native::{AppendResult, LeafRange, NakReason, StreamState};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::full::{Disk, is_no_space};
use super::http::Metrics;
use super::keys::Keys;
use super::operations::{Operation, Store};
use super::own_stream::OwnStream;
use super::peers::Peers;
use super::receivers::Credit;
use super::shown::Shown;
use crate::service::Watchdog;

/// Names a connection for as long as the collector runs.
pub(crate) type ConnectionId = u64;

/// What a connection asks of the writer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) connection: ConnectionId,
    /// Where the answer goes, if anybody waits for it.
    pub(crate) answers: Option<UnboundedSender<Answer>>,
    pub(crate) wanted: Wanted,
}

impl Request {
    /// A request whose answer nobody waits for.
    pub(crate) fn unanswered(wanted: Wanted) -> Self {
        Self {
            connection: 0,
            answers: None,
            wanted,
        }
    }
}

/// The kinds of requests.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// Where a stream stands; the connection becomes its writer.
    Position(StreamId),
    /// Entries, hashed already, or why they cannot be taken.
    Append {
        stream: StreamId,
        peer: Arc<str>,
        batch: Box<Result<Batch, BatchError>>,
        head_after: Hash,
    },
    /// Entries of a stream of a receiver, which numbers them itself and is its only writer.
    Store {
        owner: Arc<str>,
        batch: Box<Batch>,
        /// Given back when the batch is in the log's memory.
        credit: Option<Credit>,
    },
    /// Entries of the collector's own stream.
    Own(Vec<(Kind, Vec<u8>)>),
    /// A consistency proof.
    Proof {
        peer: Arc<str>,
        old_size: u64,
        new_size: u64,
    },
    /// Something that an operator has done to the store; who asks waits for what to tell.
    Operate {
        operation: Box<Operation>,
        reply: SyncAnswer,
    },
}

/// Where the outcome of an operation goes: what to tell, or why it was refused.
type SyncAnswer = std::sync::mpsc::Sender<Result<String, String>>;

impl Request {
    /// An operation, of nobody's connection.
    pub(crate) fn operation(operation: Operation, reply: SyncAnswer) -> Self {
        Self {
            connection: 0,
            answers: None,
            wanted: Wanted::Operate {
                operation: Box::new(operation),
                reply,
            },
        }
    }
}

/// What the writer answers. The number of unread answers is bounded by what the protocol lets a
/// connection ask.
#[derive(Debug)]
pub(crate) enum Answer {
    Position(StreamId, Option<StreamState>),
    Appended(AppendResult),
    /// The proof; none where retention removed what it needs.
    Proof(Option<Vec<[u8; 32]>>),
}

/// The writer's state.
pub(crate) struct Writer {
    log: Log,
    own: OwnStream,
    requests: Receiver<Request>,
    newest: watch::Sender<Checkpoint>,
    writers: HashMap<StreamId, ConnectionId>,
    /// Owners of receivers' streams that the log had no room for.
    without_stream: HashSet<Arc<str>>,
    published_at: Instant,
    heads: Option<super::heads::Heads>,
    disk: Disk,
    shown: Shown,
    metrics: Arc<Metrics>,
    keys: Keys,
    peers: Peers,
    /// Everything waits for this thread: it alone shows that the collector is alive.
    watchdog: Watchdog,
}

impl Writer {
    #[expect(
        clippy::too_many_arguments,
        reason = "one caller, and each is one thing"
    )]
    pub(crate) fn new(
        log: Log,
        own: OwnStream,
        requests: Receiver<Request>,
        newest: watch::Sender<Checkpoint>,
        heads: Option<super::heads::Heads>,
        disk: Disk,
        metrics: Arc<Metrics>,
        keys: Keys,
        peers: Peers,
    ) -> Self {
        Self {
            log,
            own,
            requests,
            newest,
            writers: HashMap::new(),
            without_stream: HashSet::new(),
            published_at: Instant::now(),
            heads,
            shown: Shown::open(disk.store()),
            disk,
            metrics,
            keys,
            peers,
            watchdog: Watchdog::of_manager(),
        }
    }

    /// Works until every sender of requests is gone, then closes the log.
    ///
    /// # Errors
    /// The first failed write or sync, but for a full disk: nothing is acknowledged after it, and
    /// the process must start anew, so that what the disk really holds is read again.
    pub(crate) fn run(mut self) -> Result<()> {
        loop {
            match self.requests.recv_timeout(self.wait()) {
                Ok(request) => self.group(request)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.disk.is_full() {
                self.try_again()?;
            }
            self.publish_each_second()?;
        }
        self.shown.write();
        let last = self.log.close().context("cannot close the log")?;
        self.heads
            .as_mut()
            .map_or(Ok(()), |heads| heads.keep(&last))
    }

    /// How long to wait for a request: not past the next publication, which happens each second,
    /// also when idle, nor past the next try of a full disk.
    fn wait(&self) -> Duration {
        let publication = self.published_at + PUBLISH_EVERY;
        let next = self
            .disk
            .retry_at()
            .map_or(publication, |retry| retry.min(publication));
        next.saturating_duration_since(Instant::now())
    }

    /// Serves a request and what waits behind it, and commits.
    fn group(&mut self, request: Request) -> Result<()> {
        let mut entries = self.serve(request)?;
        while entries < GROUP_ENTRIES_WANTED
            && let Ok(request) = self.requests.try_recv()
        {
            entries += self.serve(request)?;
        }
        match self.disk.is_full() {
            true => Ok(()),
            false => self.commit(),
        }
    }

    /// Tries whether a full disk has room again, and then takes in what waited for it.
    fn try_again(&mut self) -> Result<()> {
        let now = Instant::now();
        if self.disk.retry_at().is_some_and(|at| now < at) {
            return Ok(());
        }
        if !self.disk.has_room(self.disk.free_bytes()?) {
            self.disk.refused(now);
            return Ok(());
        }
        self.commit()?;
        if self.disk.retry_at().is_some_and(|at| at > now) {
            return Ok(());
        }
        let mut held = self.disk.recovered(now);
        self.metrics.disk_full.set(0);
        let mut entries = 0;
        while let Some(request) = held.pop_front() {
            entries += self.serve(request)?;
            if entries >= GROUP_ENTRIES_WANTED || held.is_empty() {
                self.commit()?;
                entries = 0;
            }
            // Full again: the rest goes on waiting, in its order.
            if self.disk.is_full() {
                held.drain(..).for_each(|request| self.disk.hold(request));
            }
        }
        Ok(())
    }

    /// Answers a request; returns how many entries it brought, by [`weight`].
    fn serve(&mut self, request: Request) -> Result<u32> {
        let kept = matches!(request.wanted, Wanted::Store { .. } | Wanted::Own(..));
        if self.disk.is_full() && kept {
            self.disk.hold(request);
            return Ok(1);
        }
        let Request {
            connection,
            answers,
            wanted,
        } = request;
        let mut entries = 1;
        let answer = match wanted {
            Wanted::Position(stream) => {
                self.writers.insert(stream, connection);
                Answer::Position(stream, self.position(stream))
            }
            Wanted::Append {
                stream,
                peer,
                batch,
                head_after,
            } => {
                entries = batch.as_ref().as_ref().map_or(1, weight);
                let mine = self.writers.get(&stream) == Some(&connection);
                let result = self.append(mine, &peer, *batch, head_after);
                if matches!(result, AppendResult::Refused { .. }) {
                    self.metrics.refused.inc();
                }
                Answer::Appended(result)
            }
            Wanted::Store {
                owner,
                batch,
                credit,
            } => {
                entries = weight(&batch);
                let stored = self.store(&owner, &batch)?;
                drop(credit);
                Answer::Appended(stored)
            }
            Wanted::Own(own) => {
                entries = u32::try_from(own.len()).unwrap_or(u32::MAX);
                Answer::Appended(accepted(self.own.entries(&mut self.log, &own)?))
            }
            Wanted::Proof {
                peer,
                old_size,
                new_size,
            } => {
                self.shown.note(&peer, old_size, new_size);
                let proof = match self.log.consistency(old_size, new_size) {
                    Err(indelible_log::Error::Removed { .. }) => None,
                    other => Some(other.context("cannot prove consistency")?),
                };
                Answer::Proof(proof.map(|proof| proof.into_iter().map(|hash| hash.0).collect()))
            }
            Wanted::Operate { operation, reply } => {
                let told = self.operate(*operation);
                // Who asked may have gone.
                let _ = reply.send(told);
                return Ok(1);
            }
        };
        // A connection that ended meanwhile needs no answer.
        let _ = answers.map(|answers| answers.send(answer));
        Ok(entries)
    }

    /// Performs an operation. A failed write shows again at the next commit, and ends the writer.
    fn operate(&mut self, operation: Operation) -> Result<String, String> {
        let mut store = Store {
            log: &mut self.log,
            own: &mut self.own,
            path: self.disk.store(),
        };
        let key = store.log.verifier().clone();
        let told = store.perform(operation);
        if *self.log.verifier() != key {
            self.follow_key();
        }
        // What failed half-way may have signed what nobody must see.
        if told.is_ok() {
            self.newest.send_replace(self.log.checkpoint());
        }
        told.map_err(|error| format!("{error:#}"))
    }

    /// Tells everybody the log's new key, before they see what it has signed.
    fn follow_key(&mut self) {
        let key = self.log.verifier();
        tracing::info!(%key, "the log has a new key");
        if let Err(error) = self.keys.tell(key) {
            tracing::error!("{error:#}: hosts that enrol get it after the next start");
        }
        if let Some(heads) = &mut self.heads {
            heads.follow(key.clone());
        }
    }

    fn position(&self, stream: StreamId) -> Option<StreamState> {
        let state = self.log.stream(stream)?;
        Some(StreamState {
            next: state.next,
            head: state.head.0,
            peer: state.peer,
            log_size: self.log.checkpoint().size,
        })
    }

    fn append(
        &mut self,
        mine: bool,
        peer: &str,
        batch: Result<Batch, BatchError>,
        head_after: Hash,
    ) -> AppendResult {
        if !mine {
            return refused(NakReason::Later, "a newer connection writes this stream");
        }
        if self.disk.is_full() {
            return refused(NakReason::Later, "the disk of the store is full");
        }
        let batch = match batch {
            Ok(batch) if batch.head_after() == head_after => batch,
            Ok(_) => return refused(NakReason::Poison, "the chain head does not fit the entries"),
            Err(error) => return refused(NakReason::Poison, &error.to_string()),
        };
        match self.log.append(&batch, peer) {
            Ok(appended) => {
                if batch.first() == 0 {
                    self.peers.note(batch.stream(), peer);
                }
                accepted(appended)
            }
            Err(refusal) => AppendResult::Refused {
                reason: nak_reason(refusal.reason),
                detail: refusal.detail,
            },
        }
    }

    /// Appends a receiver's batch. A log that holds as many streams as it can takes no new one; any
    /// other refusal would leave a hole in a stream that is numbered already.
    fn store(&mut self, owner: &Arc<str>, batch: &Batch) -> Result<AppendResult> {
        if batch.first() == 0 || !self.without_stream.contains(owner) {
            match self.log.append(batch, owner) {
                Ok(appended) => return Ok(accepted(appended)),
                Err(refusal) if refusal.reason == Reason::Denied => {
                    tracing::error!(%owner, "nothing of this peer is stored: {}", refusal.detail);
                    self.without_stream.insert(owner.clone());
                }
                Err(refusal) => {
                    return Err(refusal).with_context(|| format!("in the stream of {owner}"));
                }
            }
        }
        Ok(refused(
            NakReason::Denied,
            "the log holds as many streams as it can",
        ))
    }

    /// Commits what was appended. A full disk leaves it in memory, unacknowledged.
    fn commit(&mut self) -> Result<()> {
        let started = Instant::now();
        let commit = match self.log.commit() {
            Ok(commit) => commit,
            Err(indelible_log::Error::NoSpace { .. }) => {
                self.refused_by_disk(started);
                return Ok(());
            }
            Err(error) => return Err(error).context("cannot make entries durable"),
        };
        if commit.entries > 0 {
            let seconds = started.elapsed().as_secs_f64();
            self.metrics.commit_seconds.observe(seconds);
            self.metrics.commits.inc();
            self.metrics.entries.inc_by(commit.entries);
            self.newest.send_replace(commit.checkpoint);
        }
        Ok(())
    }

    fn refused_by_disk(&mut self, now: Instant) {
        self.disk.refused(now);
        self.metrics.disk_full.set(1);
    }

    fn publish_each_second(&mut self) -> Result<()> {
        if self.published_at.elapsed() < PUBLISH_EVERY {
            return Ok(());
        }
        self.published_at = Instant::now();
        self.watchdog.alive();
        self.shown.write_each_minute();
        let free_bytes = self.disk.free_bytes()?;
        self.metrics.disk_free_bytes.set(free_bytes);
        if !self.disk.is_full() && !self.disk.has_room(free_bytes) {
            self.refused_by_disk(Instant::now());
        }
        if !self.disk.is_full() && self.own.mark(&mut self.log)? {
            self.commit()?;
        }
        match self.publish() {
            // The one before stays; it is written again in a second.
            Err(error) if is_no_space(&error) => Ok(()),
            other => other,
        }
    }

    fn publish(&mut self) -> Result<()> {
        let published = self
            .log
            .publish()
            .context("cannot publish the checkpoint")?;
        self.metrics.published_size.set(published.size);
        self.heads
            .as_mut()
            .map_or(Ok(()), |heads| heads.keep(&published))
    }
}

fn accepted(appended: Appended) -> AppendResult {
    AppendResult::Accepted {
        next: appended.next,
        leaves: leaf_range(appended.first_leaf, appended.entries),
        log_size: appended.first_leaf + u64::from(appended.entries),
    }
}

/// Entries of a batch, or as many as would fill its bytes if they were long ones.
fn weight(batch: &Batch) -> u32 {
    let by_bytes = batch.len_bytes() / ENTRY_BYTES_WEIGHED;
    batch.entries().max(by_bytes as u32)
}

fn refused(reason: NakReason, detail: &str) -> AppendResult {
    AppendResult::Refused {
        reason,
        detail: detail.to_owned(),
    }
}

fn leaf_range(first: u64, count: u32) -> Option<LeafRange> {
    (count > 0).then_some(LeafRange { first, count })
}

fn nak_reason(reason: Reason) -> NakReason {
    match reason {
        Reason::Later => NakReason::Later,
        Reason::Fork => NakReason::Fork,
        Reason::Poison => NakReason::Poison,
        Reason::Denied => NakReason::Denied,
    }
}

/// Entries from which on a group is committed: with one more batch it stays below what the log
/// holds uncommitted.
const GROUP_ENTRIES_WANTED: u32 = 16_384;
/// An entry longer than this counts as several: a group is at most 32 MiB and a batch.
const ENTRY_BYTES_WEIGHED: usize = 2 << 10;
/// How often the newest checkpoint is published.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
