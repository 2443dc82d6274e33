//! Sending to one collector at a time: the sans-IO sender decides, this file performs. One thread.
//!
//! Where the collector is away for long, the next one stands in: a sender of its own, with that one's
//! receipts and positions. Whoever writes streams then begins new ones (`Layout::turn`), because a log
//! takes a stream from its first entry on or not at all. What the first collector lacks it gets when
//! it is back, as far as it is still spooled.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::StreamId;
use indelible_sys::host::Host;
use indelible_wire::native::{
    Backoff, Finding, Receipt, Sender, SenderAction, SenderConfig, StreamId as WireStreamId, Supply,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant as TokioInstant, sleep_until};

use super::LOOK_EVERY;
use super::site::Site;
use super::target::{Target, connect};
use super::verdict::verdict;
use crate::agent::layout::{Layout, Room};
use crate::agent::outputs::{Released, State, native_position};
use crate::agent::spooled::SpooledStreams;
use crate::agent::stopping::Stopping;
use crate::agent::watch::SpoolWatch;
use crate::net::link::Link;
use crate::service::{self, Watchdog};

/// The collectors, and what their output shares with the others.
pub(super) struct Native {
    pub(super) targets: Vec<Target>,
    pub(super) failover_after: Duration,
    /// Others have a say in what is released.
    pub(super) is_shared: bool,
    /// Of capture's records it gets a selection, which stands in a stream of its own.
    pub(super) is_selected: bool,
    pub(super) released: Arc<Released>,
    pub(super) state: Arc<State>,
}

/// Sends until asked to stop, and what is left then for a few seconds more.
pub(super) fn send(layout: &Layout, native: Native, stopping: &Stopping) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut worker = Worker::new(layout, native)?;
        worker.run(stopping).await
    })
}

struct Worker {
    layout: Layout,
    host: Host,
    failover_after: Duration,
    is_selected: bool,
    released_by_all: Arc<Released>,
    state: Arc<State>,
    sites: Vec<Site>,
    /// The one that is sent to.
    current: usize,
    /// When it was heard last, or had nothing to answer.
    heard_at: Instant,
    probe: Probe,
    sender: Sender,
    spool: SpooledStreams,
    watch: SpoolWatch,
    discovered_at: Option<Instant>,
    /// Receipts that were traced.
    traced: BTreeMap<StreamId, u64>,
    /// What the current collector has receipts for.
    released: BTreeMap<StreamId, u64>,
    started: Instant,
    connection: Connection,
    storing: Option<oneshot::Receiver<Result<()>>>,
}

/// The state of the one connection.
enum Connection {
    /// Waiting until this time to connect.
    Down(Instant),
    /// The task that connects.
    Connecting(JoinHandle<Result<Link>>),
    /// A link, with the frame that waits for room in its queue.
    Up(Link, Option<Vec<u8>>),
}

/// Looks whether the first collector is back, while another stands in.
struct Probe {
    backoff: Backoff,
    at: Instant,
    task: Option<JoinHandle<Result<Link>>>,
}

/// What woke the worker.
enum Event {
    SpoolGrew,
    Probed(Result<Link>),
    Connected(Result<Link>),
    Received(Option<Vec<u8>>),
    RoomToSend,
    Stored(Result<()>),
    Time,
}

impl Worker {
    fn new(layout: &Layout, native: Native) -> Result<Self> {
        let host = Host::current()?;
        let mut targets = native.targets.into_iter();
        let first = targets.next().context("no collector")?;
        let shares = native.is_shared || targets.len() > 0;
        let mut sites = vec![Site::first(layout, first, shares)?];
        for target in targets {
            sites.push(Site::further(layout, target)?);
        }
        let rooms = rooms(layout, native.is_selected);
        Ok(Self {
            sender: sender(&host, &sites[0]),
            spool: SpooledStreams::open(rooms.clone(), &host)?,
            watch: SpoolWatch::start(rooms.iter().map(Room::streams).collect())?,
            layout: layout.clone(),
            failover_after: native.failover_after,
            is_selected: native.is_selected,
            released_by_all: native.released,
            state: native.state,
            sites,
            current: 0,
            heard_at: Instant::now(),
            probe: Probe {
                backoff: Backoff::new(seed(&host)),
                at: Instant::now(),
                task: None,
            },
            discovered_at: None,
            traced: BTreeMap::new(),
            released: BTreeMap::new(),
            started: Instant::now(),
            connection: Connection::Down(Instant::now()),
            storing: None,
            host,
        })
    }

    fn site(&mut self) -> &mut Site {
        &mut self.sites[self.current]
    }

    fn address(&self) -> &str {
        &self.sites[self.current].target.address
    }

    async fn run(&mut self, stopping: &Stopping) -> Result<()> {
        self.spool_grew()?;
        let mut drain_until = None;
        let mut watchdog = Watchdog::of_manager();
        service::ready(&format!("sending to {}", self.address()));
        loop {
            watchdog.alive();
            self.act().await?;
            self.state.lags(self.unsent());
            if stopping.requested() {
                if drain_until.is_none() {
                    service::stopping();
                }
                let until = *drain_until.get_or_insert_with(|| Instant::now() + DRAIN_TIMEOUT);
                if self.is_drained() || Instant::now() >= until {
                    return self.stop().await;
                }
            }
            let event = self.next_event().await;
            let now = self.started.elapsed();
            match event {
                Event::SpoolGrew => self.spool_grew()?,
                Event::Connected(Ok(link)) => {
                    tracing::info!(collector = self.address(), "connected");
                    self.state.connected();
                    self.connection = Connection::Up(link, None);
                    self.sender.connected(now);
                }
                Event::Connected(Err(error)) => {
                    tracing::warn!("cannot connect to {}: {error:#}", self.address());
                    self.state.failed(&error);
                    self.site().target.turn();
                    self.connection = Connection::Down(far_future());
                    self.sender.disconnected(now);
                }
                Event::Received(Some(bytes)) => {
                    self.heard_at = Instant::now();
                    self.sender.received(now, &bytes);
                }
                Event::Received(None) => {
                    tracing::warn!(collector = self.address(), "the connection broke");
                    self.state.failed(&anyhow::anyhow!("the connection broke"));
                    self.connection = Connection::Down(far_future());
                    self.sender.disconnected(now);
                }
                Event::RoomToSend => {}
                Event::Stored(stored) => {
                    stored?;
                    self.storing = None;
                    self.sender.receipt_stored(now);
                }
                Event::Probed(Ok(link)) => {
                    drop(link);
                    self.turn_to(0, "the first collector is back").await?;
                }
                Event::Probed(Err(error)) => {
                    tracing::debug!("the first collector is still away: {error:#}");
                    self.probe.at = Instant::now() + self.probe.backoff.next_wait();
                }
                Event::Time => self.time_passed(now),
            }
            if matches!(self.connection, Connection::Up(..)) && self.unsent() == 0 {
                // Nothing is asked of it.
                self.heard_at = Instant::now();
            }
            if self.sites.len() > 1 && self.heard_at.elapsed() >= self.failover_after {
                let next = (self.current + 1) % self.sites.len();
                self.turn_to(next, "the collector is away").await?;
            }
        }
    }

    /// Waits for whatever comes first, but not much longer than a stop may go unseen.
    async fn next_event(&mut self) -> Event {
        let now = Instant::now();
        let mut until = now + LOOK_EVERY;
        if let Some(deadline) = self.sender.deadline() {
            until = until.min(self.started + deadline);
        }
        let sender = &mut self.sender;
        let elapsed = self.started.elapsed();
        let link_event = async {
            match &mut self.connection {
                Connection::Down(at) => {
                    sleep_until(TokioInstant::from_std(*at)).await;
                    Event::Time
                }
                Connection::Connecting(task) => match task.await {
                    Ok(connected) => Event::Connected(connected),
                    Err(error) => Event::Connected(Err(error.into())),
                },
                Connection::Up(link, waiting) => {
                    if waiting.is_none() {
                        *waiting = sender.transmit(elapsed);
                    }
                    let frames = link.frames().cloned();
                    tokio::select! {
                        Some(permit) = async { Some(frames?.reserve_owned().await) }, if waiting.is_some() => {
                            match (permit, waiting.take()) {
                                (Ok(permit), Some(frame)) => {
                                    permit.send(frame);
                                    Event::RoomToSend
                                }
                                _ => Event::Received(None),
                            }
                        }
                        bytes = link.received.recv(), if sender.wants_bytes() => Event::Received(bytes),
                        else => std::future::pending().await,
                    }
                }
            }
        };
        let probe = self.probe.task.as_mut();
        let probed = async {
            match probe {
                Some(task) => Event::Probed(task.await.map_err(Into::into).flatten()),
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            event = link_event => event,
            event = probed => event,
            () = self.watch.changed() => Event::SpoolGrew,
            stored = stored(&mut self.storing) => Event::Stored(stored),
            () = sleep_until(TokioInstant::from_std(until)) => Event::Time,
        };
        if matches!(event, Event::Probed(_)) {
            self.probe.task = None;
        }
        event
    }

    fn time_passed(&mut self, now: Duration) {
        match &self.connection {
            Connection::Down(at) if Instant::now() >= *at => {
                let target = self.site().target_now();
                self.connection = Connection::Connecting(tokio::spawn(connect(target)));
            }
            Connection::Up(..) if self.sender.deadline().is_some_and(|at| now >= at) => {
                self.sender.timer(now);
            }
            _ => {}
        }
        if self.current > 0 && self.probe.task.is_none() && Instant::now() >= self.probe.at {
            let first = self.sites[0].target_now();
            self.probe.task = Some(tokio::spawn(connect(first)));
        }
    }

    /// Goes on with another collector: its own history, its own positions, and new streams.
    async fn turn_to(&mut self, site: usize, why: &str) -> Result<()> {
        let before = self.address().to_owned();
        self.disconnect(why).await;
        self.current = site;
        tracing::warn!(
            before,
            now = self.address(),
            why,
            "turning to another collector"
        );
        self.sender = sender(&self.host, &self.sites[site]);
        let rooms = rooms(&self.layout, self.is_selected);
        self.spool = SpooledStreams::open(rooms, &self.host)?;
        self.released.clear();
        self.discovered_at = None;
        // A receipt of the other one that is being stored is stored all the same.
        self.storing = None;
        self.connection = Connection::Down(Instant::now());
        self.heard_at = Instant::now();
        self.probe.at = Instant::now() + self.probe.backoff.next_wait();
        self.layout.turn()?;
        self.spool_grew()
    }

    /// Tells the sender what can be read now.
    fn spool_grew(&mut self) -> Result<()> {
        let is_due = self
            .discovered_at
            .is_none_or(|at| at.elapsed() >= DISCOVER_EVERY);
        if self.watch.take_appeared() || is_due {
            self.discovered_at = Some(Instant::now());
            self.discover()?;
        }
        let now = self.started.elapsed();
        for (id, spooled) in self.spool.spans() {
            match spooled {
                Ok(spooled) => {
                    if let Entry::Vacant(new) = self.released.entry(id) {
                        new.insert(spooled.released);
                        self.sites[self.current].passed(
                            &self.released_by_all,
                            id,
                            spooled.released,
                        )?;
                    }
                    self.sender.stream_available(now, spooled)?;
                }
                Err(error) => {
                    tracing::error!(stream = %id, "cannot read the spool: {error:#}");
                    self.sender.unreadable(WireStreamId(id.0));
                }
            }
        }
        Ok(())
    }

    fn discover(&mut self) -> Result<()> {
        let (layout, current) = (&self.layout, self.current);
        let (sites, is_selected) = (&mut self.sites, self.is_selected);
        self.spool.discover(|id, oldest| {
            if !is_selected && layout.selection().join(id.to_string()).exists() {
                // What was selected of it stands in another stream.
                return Ok(None);
            }
            if sites.len() == 1 {
                return Ok(Some(native_position(layout, id)));
            }
            // What was released before there was a second collector, the first one has.
            if !sites[1..].iter().any(|site| site.position(id).is_some()) {
                sites[0].adopt(id, crate::agent::released(layout, id))?;
            }
            let position = sites[current].position(id).unwrap_or(0);
            if position < oldest {
                tracing::info!(stream = %id, position, oldest, "this collector cannot have this stream");
                return Ok(None);
            }
            Ok(Some(position))
        })
    }

    /// Performs what the sender asks, to the last of it.
    async fn act(&mut self) -> Result<()> {
        while let Some(action) = self.sender.poll() {
            let now = self.started.elapsed();
            match action {
                SenderAction::Need { stream, first, .. } => self.supply(stream, first),
                SenderAction::VerifyCheckpoint {
                    origin,
                    old,
                    growth,
                } => {
                    let key = self.sites[self.current].log_key.key();
                    let verdict = verdict(key, &origin, &old, &growth);
                    self.sender.checkpoint_verified(now, verdict);
                }
                SenderAction::KeyShown(shown) => {
                    let log_key = &mut self.sites[self.current].log_key;
                    if log_key.follow(&shown)? {
                        tracing::info!(key = %log_key.key(), "the key of the collector's log");
                    } else {
                        tracing::error!(
                            "the collector shows a key of its log that does not follow the one that is known"
                        );
                    }
                }
                SenderAction::CheckHead(position) => {
                    let head = self
                        .spool
                        .head_before(StreamId(position.stream.0), position.next);
                    let same = head.is_ok_and(|head| head.0 == position.head);
                    self.sender.head_checked(now, position.stream, same);
                }
                SenderAction::Store(receipt) => self.store(&receipt),
                SenderAction::Released { stream, next } => {
                    self.release(StreamId(stream.0), next)?;
                }
                SenderAction::Finding(finding) => {
                    if is_of_another_history(&finding) && self.sites.len() > 1 {
                        // Another one stands in at once.
                        self.heard_at = Instant::now()
                            .checked_sub(self.failover_after)
                            .unwrap_or(self.heard_at);
                    }
                    self.report(&finding)?;
                }
                SenderAction::Disconnect { why } => self.disconnect(&why).await,
                SenderAction::Reconnect { after } => {
                    self.connection = Connection::Down(Instant::now() + after);
                }
            }
        }
        self.trace_receipts();
        Ok(())
    }

    /// For who measures: when which entries had a receipt.
    fn trace_receipts(&mut self) {
        if !tracing::enabled!(target: RECEIPTS, tracing::Level::TRACE) {
            return;
        }
        for (stream, next) in self.sender.confirmed() {
            let before = self.traced.entry(StreamId(stream.0)).or_default();
            if next > *before {
                *before = next;
                let at_ns = indelible_sys::clock::realtime_ns();
                tracing::trace!(target: RECEIPTS, %stream, next, at_ns);
            }
        }
    }

    fn supply(&mut self, stream: WireStreamId, first: u64) {
        let now = self.started.elapsed();
        match self.spool.batch(StreamId(stream.0), first) {
            Ok(batch) => {
                let supply = Supply {
                    stream,
                    first,
                    entries: batch.entries,
                    head_before: batch.head_before.0,
                    head_after: batch.head_after.0,
                    raw: &batch.raw,
                };
                self.sender.batch(now, &supply);
                // What was just handed over may not be all: reading ahead tells.
                for (_, spooled) in self.spool.spans() {
                    if let Ok(spooled) = spooled
                        && spooled.span.stream == stream
                    {
                        // Known streams are never refused.
                        let _ = self.sender.stream_available(now, spooled);
                    }
                }
            }
            Err(error) => {
                tracing::error!(%stream, first, "cannot read the spool: {error:#}");
                self.sender.unreadable(stream);
            }
        }
    }

    fn store(&mut self, receipt: &Receipt) {
        let work = self.site().receipts.store(receipt);
        let (done, storing) = oneshot::channel();
        tokio::task::spawn_blocking(move || done.send(work()));
        self.storing = Some(storing);
    }

    fn release(&mut self, stream: StreamId, next: u64) -> Result<()> {
        self.sites[self.current].passed(&self.released_by_all, stream, next)?;
        self.released.insert(stream, next);
        if self.spool.pass(stream, next) {
            self.spool_grew()?;
        }
        Ok(())
    }

    /// Findings go to the journal and, one JSON object per line, into the worker's folder.
    fn report(&self, finding: &Finding) -> Result<()> {
        tracing::error!(?finding, "finding");
        let path = self.layout.worker().join("findings.ndjson");
        let line = serde_json::json!({
            "v": 1,
            "time_ns": indelible_sys::clock::realtime_ns().to_string(),
            "finding": format!("{finding:?}"),
        });
        let mut file = fs::File::options().create(true).append(true).open(&path)?;
        writeln!(file, "{line}").with_context(|| format!("cannot write {}", path.display()))
    }

    async fn disconnect(&mut self, why: &str) {
        tracing::info!(collector = self.address(), why, "disconnecting");
        let connection = std::mem::replace(&mut self.connection, Connection::Down(far_future()));
        if let Connection::Up(link, waiting) = connection {
            let rest = std::iter::from_fn(|| self.sender.transmit(self.started.elapsed()));
            if let Err(error) = link.close(waiting.into_iter().chain(rest)).await {
                tracing::debug!("closing: {error:#}");
            }
        }
        self.sender.disconnected(self.started.elapsed());
    }

    fn is_drained(&self) -> bool {
        self.storing.is_none()
            && self
                .spool
                .ends()
                .all(|(id, next)| next <= self.released.get(&id).copied().unwrap_or(0))
    }

    async fn stop(&mut self) -> Result<()> {
        self.sender.shut_down(self.started.elapsed());
        self.act().await?;
        tracing::info!(unsent = self.unsent(), "worker stopped");
        Ok(())
    }

    /// Entries without a receipt, as far as the spool was read.
    fn unsent(&self) -> u64 {
        let released = |id| self.released.get(&id).copied().unwrap_or(0);
        let ends = self.spool.ends();
        ends.map(|(id, next)| next.saturating_sub(released(id)))
            .sum()
    }
}

/// What is sent: with a selection, that instead of capture's own streams.
fn rooms(layout: &Layout, is_selected: bool) -> Vec<Room> {
    let mut rooms = layout.present_rooms();
    if is_selected {
        rooms.retain(Room::is_optional);
        rooms.push(layout.selected());
    }
    rooms
}

fn sender(host: &Host, site: &Site) -> Sender {
    Sender::new(SenderConfig {
        machine_id: host.machine_id,
        boot_id: host.boot_id,
        held: site.held,
        level: COMPRESSION_LEVEL,
        seed: seed(host),
    })
}

/// Differs between hosts, so that they do not come back all at once.
fn seed(host: &Host) -> u64 {
    let mut seed = [0; 8];
    seed.copy_from_slice(&host.machine_id[..8]);
    u64::from_ne_bytes(seed) ^ u64::from(std::process::id())
}

/// Whether a finding says that a log is not the one that this host knows.
fn is_of_another_history(finding: &Finding) -> bool {
    matches!(
        finding,
        Finding::BadSignature { .. } | Finding::RolledBack { .. } | Finding::Rewritten { .. }
    )
}

async fn stored(storing: &mut Option<oneshot::Receiver<Result<()>>>) -> Result<()> {
    match storing {
        Some(receiver) => receiver.await.context("storing a receipt panicked")?,
        None => std::future::pending().await,
    }
}

fn far_future() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

/// Target of the messages that say when entries had a receipt.
const RECEIPTS: &str = "indelible::receipts";
/// zstd level of batches: the lowest costs a host the least.
const COMPRESSION_LEVEL: i32 = 1;
/// How often streams are looked for without a sign of a new one.
const DISCOVER_EVERY: Duration = Duration::from_secs(1);
/// How long a stopping worker goes on sending.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
