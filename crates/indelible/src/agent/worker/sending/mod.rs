//! Sending to one collector at a time: the sans-IO sender decides, this folder performs. One thread.
//!
//! ```text
//! stock (spool) ─▶ sender ─▶ connection ─▶ the current one of sites
//!                     └──── receipts ◀───────┘
//! ```
//! Where the collector is away for long, the next one stands in: a sender of its own, with that one's
//! receipts and positions. Whoever writes streams then begins new ones (`Layout::turn`), because a log
//! takes a stream from its first entry on or not at all. What the first collector lacks it gets when
//! it is back, as far as it is still spooled.

mod connection;
mod restart;
mod sites;
mod stock;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::StreamId;
use indelible_sys::host::Host;
use indelible_wire::native::{Finding, Receipt, Sender, SenderAction, SenderConfig};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::{Instant as TokioInstant, sleep_until};

use super::LOOK_EVERY;
use super::site::Site;
use super::target::Target;
use super::verdict::verdict;
use crate::agent::layout::Layout;
use crate::agent::outputs::{Released, State};
use crate::agent::stopping::Stopping;
use crate::net::link::Link;
use crate::service::{self, Watchdog};
use connection::{Connection, Probe};
use sites::Sites;
use stock::Stock;

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
    state: Arc<State>,
    sites: Sites,
    probe: Probe,
    sender: Sender,
    stock: Stock,
    /// Receipts that were traced.
    traced: BTreeMap<StreamId, u64>,
    started: Instant,
    connection: Connection,
    storing: Option<oneshot::Receiver<Result<()>>>,
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
        let sites = Sites::open(
            layout,
            native.targets,
            native.failover_after,
            native.is_shared,
            native.released,
        )?;
        Ok(Self {
            layout: layout.clone(),
            state: native.state,
            sender: sender(&host, sites.current()),
            sites,
            probe: Probe::new(seed(&host)),
            stock: Stock::open(layout, &host, native.is_selected)?,
            traced: BTreeMap::new(),
            started: Instant::now(),
            connection: Connection::Down(Instant::now()),
            storing: None,
            host,
        })
    }

    async fn run(&mut self, stopping: &Stopping) -> Result<()> {
        self.offer()?;
        let mut drain_until = None;
        let mut watchdog = Watchdog::of_manager();
        service::ready(&format!("sending to {}", self.sites.address()));
        loop {
            watchdog.alive();
            self.act().await?;
            self.state.lags(self.stock.unsent());
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
                Event::SpoolGrew => self.offer()?,
                Event::Connected(Ok(link)) => {
                    tracing::info!(collector = self.sites.address(), "connected");
                    self.state.connected();
                    self.connection = Connection::Up(link, None);
                    self.sender.connected(now);
                }
                Event::Connected(Err(error)) => {
                    tracing::warn!("cannot connect to {}: {error:#}", self.sites.address());
                    self.state.failed(&error);
                    self.sites.current_mut().target.turn();
                    self.connection = Connection::idle();
                    self.sender.disconnected(now);
                }
                Event::Received(Some(bytes)) => {
                    self.sites.heard();
                    self.sender.received(now, &bytes);
                }
                Event::Received(None) => {
                    tracing::warn!(collector = self.sites.address(), "the connection broke");
                    self.state.failed(&anyhow::anyhow!("the connection broke"));
                    self.connection = Connection::idle();
                    self.sender.disconnected(now);
                }
                Event::RoomToSend => {}
                Event::Stored(stored) => {
                    stored?;
                    self.storing = None;
                    self.sender.receipt_stored(now);
                    let [held, _] = self.sender.shown();
                    self.sites.current_mut().held = held;
                }
                Event::Probed(Ok(link)) => {
                    drop(link);
                    self.turn_to(0, "the first collector is back").await?;
                }
                Event::Probed(Err(error)) => {
                    tracing::debug!("the first collector is still away: {error:#}");
                    self.probe.wait();
                }
                Event::Time => self.time_passed(now),
            }
            if self.connection.is_up() && self.stock.unsent() == 0 {
                // Nothing is asked of it.
                self.sites.heard();
            }
            if let Some(next) = self.sites.standing_in() {
                self.turn_to(next, "the collector is away").await?;
            }
        }
    }

    /// Waits for whatever comes first, but not much longer than a stop may go unseen.
    async fn next_event(&mut self) -> Event {
        let mut until = Instant::now() + LOOK_EVERY;
        if let Some(deadline) = self.sender.deadline() {
            until = until.min(self.started + deadline);
        }
        let elapsed = self.started.elapsed();
        tokio::select! {
            event = self.connection.next(&mut self.sender, elapsed) => event,
            event = self.probe.next() => event,
            () = self.stock.grown() => Event::SpoolGrew,
            stored = stored(&mut self.storing) => Event::Stored(stored),
            () = sleep_until(TokioInstant::from_std(until)) => Event::Time,
        }
    }

    fn time_passed(&mut self, now: Duration) {
        match &self.connection {
            Connection::Down(at) if Instant::now() >= *at => {
                let target = self.sites.current_mut().target_now();
                self.connection = Connection::start(target);
            }
            Connection::Up(..) if self.sender.deadline().is_some_and(|at| now >= at) => {
                self.sender.timer(now);
            }
            _ => {}
        }
        if self.probe.is_due()
            && let Some(first) = self.sites.target_of_first()
        {
            self.probe.start(first);
        }
    }

    /// Goes on with another collector: its own history, its own positions, and new streams.
    async fn turn_to(&mut self, site: usize, why: &str) -> Result<()> {
        let before = self.sites.address().to_owned();
        self.disconnect(why).await;
        self.sites.turn_to(site);
        tracing::warn!(
            before,
            now = self.sites.address(),
            why,
            "turning to another collector"
        );
        // A receipt of the other one that is being stored is stored all the same.
        self.storing = None;
        self.begin_anew()?;
        self.probe.wait();
        self.layout.turn()?;
        self.offer()
    }

    /// Begins with the current collector as if nothing had been sent or heard.
    fn begin_anew(&mut self) -> Result<()> {
        self.sender = sender(&self.host, self.sites.current());
        self.stock.begin_anew(&self.host)?;
        self.connection = Connection::Down(Instant::now());
        Ok(())
    }

    /// Tells the sender what can be read now.
    fn offer(&mut self) -> Result<()> {
        let now = self.started.elapsed();
        self.stock.offer(now, &mut self.sites, &mut self.sender)
    }

    /// Performs what the sender asks, to the last of it.
    async fn act(&mut self) -> Result<()> {
        while let Some(action) = self.sender.poll() {
            let now = self.started.elapsed();
            match action {
                SenderAction::Need { stream, first, .. } => {
                    self.stock.supply(now, stream, first, &mut self.sender);
                }
                SenderAction::VerifyCheckpoint {
                    origin,
                    old,
                    growth,
                } => {
                    let key = self.sites.current().log_key.key();
                    let verdict = verdict(key, &origin, &old, &growth);
                    self.sender.checkpoint_verified(now, verdict);
                }
                SenderAction::KeyShown(shown) => self.key_shown(&shown).await?,
                SenderAction::CheckHead(position) => {
                    let stream = StreamId(position.stream.0);
                    let same = self.stock.stood_at(stream, position.next, &position.head);
                    self.sender.head_checked(now, position.stream, same);
                }
                SenderAction::Store(receipt) => self.store(&receipt),
                SenderAction::Released { stream, next } => {
                    self.release(StreamId(stream.0), next)?;
                }
                SenderAction::Finding(finding) => {
                    if is_of_another_history(&finding) {
                        self.sites.give_up();
                    }
                    self.report(&finding, None)?;
                    self.go_on_after(&finding)?;
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

    fn store(&mut self, receipt: &Receipt) {
        let work = self.sites.current_mut().receipts.store(receipt);
        let (done, storing) = oneshot::channel();
        tokio::task::spawn_blocking(move || done.send(work()));
        self.storing = Some(storing);
    }

    fn release(&mut self, stream: StreamId, next: u64) -> Result<()> {
        self.sites.passed(stream, next)?;
        if self.stock.release(stream, next) {
            self.offer()?;
        }
        Ok(())
    }

    /// Findings go to the journal and, one JSON object per line, into the worker's folder.
    fn report(&self, finding: &impl Debug, evidence: Option<Value>) -> Result<()> {
        tracing::error!(?finding, "finding");
        let path = self.layout.worker().join("findings.ndjson");
        let mut line = json!({
            "v": 1,
            "time_ns": indelible_sys::clock::realtime_ns().to_string(),
            "finding": format!("{finding:?}"),
        });
        if let Some(evidence) = evidence {
            line["evidence"] = evidence;
        }
        let mut file = fs::File::options().create(true).append(true).open(&path)?;
        writeln!(file, "{line}").with_context(|| format!("cannot write {}", path.display()))
    }

    async fn disconnect(&mut self, why: &str) {
        tracing::info!(collector = self.sites.address(), why, "disconnecting");
        let connection = std::mem::replace(&mut self.connection, Connection::idle());
        if let Connection::Up(link, waiting) = connection {
            let rest = std::iter::from_fn(|| self.sender.transmit(self.started.elapsed()));
            if let Err(error) = link.close(waiting.into_iter().chain(rest)).await {
                tracing::debug!("closing: {error:#}");
            }
        }
        self.sender.disconnected(self.started.elapsed());
    }

    fn is_drained(&self) -> bool {
        self.storing.is_none() && self.stock.is_drained()
    }

    async fn stop(&mut self) -> Result<()> {
        self.sender.shut_down(self.started.elapsed());
        self.act().await?;
        tracing::info!(unsent = self.stock.unsent(), "worker stopped");
        Ok(())
    }
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

/// Target of the messages that say when entries had a receipt.
const RECEIPTS: &str = "indelible::receipts";
/// zstd level of batches: the lowest costs a host the least.
const COMPRESSION_LEVEL: i32 = 1;
/// How long a stopping worker goes on sending.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
