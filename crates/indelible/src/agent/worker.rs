//! The worker: sends the spool to the collector, stores receipts, releases what they cover.
//!
//! The sans-IO sender decides; this file performs. One thread, one connection at a time.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::{Checkpoint, Hash, StreamId, VerifierKey, merkle};
use indelible_sys::host::Host;
use indelible_sys::lock::FileLock;
use indelible_sys::sandbox::Sandbox;
use indelible_wire::native::{
    self, Finding, Growth, Receipt, Sender, SenderAction, SenderConfig, StreamId as WireStreamId,
    Supply, Verdict,
};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant as TokioInstant, sleep_until, timeout};
use tokio_rustls::TlsConnector;

use super::context;
use super::layout::Layout;
use super::metrics::Listener;
use super::outputs::{Cursors, Prepared, Released, Running, State, native_position};
use super::receipts::Receipts;
use super::spooled::SpooledStreams;
use super::stopping::Stopping;
use super::watch::SpoolWatch;
use crate::config::SpoolLimits;
use crate::config::outputs::NATIVE;
use crate::net::enrol::identity::IdentityFolder;
use crate::net::link::Link;
use crate::net::tls::Identity;
use crate::service::{self, Watchdog};

/// Where to send, and how to know the collector.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `HOST:PORT`.
    pub(crate) address: String,
    /// Further addresses, the one to try next first.
    pub(crate) alternates: VecDeque<String>,
    /// The name that its certificate must carry.
    pub(crate) name: String,
    /// The key that signs its checkpoints.
    pub(crate) log_key: VerifierKey,
    pub(crate) tls: Arc<ClientConfig>,
    /// The identity that this host renews by itself.
    pub(crate) renewed: Option<IdentityFolder>,
}

impl Target {
    /// Turns to the next address, where there is another.
    fn turn(&mut self) {
        if let Some(next) = self.alternates.pop_front() {
            let before = std::mem::replace(&mut self.address, next);
            self.alternates.push_back(before);
        }
    }
}

/// What the worker may reach: it reads the streams and writes its own folder, and finds its
/// collector's address as every program does.
///
/// `outputs` are the folders of files that outputs write.
pub(crate) fn sandbox(layout: &Layout, outputs: Vec<PathBuf>) -> Sandbox {
    let rooms = layout.rooms();
    let streams = rooms
        .iter()
        .flat_map(|room| [room.streams(), room.openings()]);
    let known = RESOLVING.iter().chain(DESCRIBING);
    Sandbox {
        read: streams.chain(known.map(PathBuf::from)).collect(),
        write: [layout.worker(), layout.context().folder().to_owned()]
            .into_iter()
            .chain([layout.outputs().folder().to_owned()])
            .chain(outputs)
            .collect(),
    }
}

/// Sends until asked to stop; then for a few seconds more, as long as something is left. Without a
/// collector it is the outputs alone that send.
pub(crate) fn run(
    layout: &Layout,
    target: Option<Target>,
    outputs: Prepared,
    context: Option<SpoolLimits>,
    metrics: Option<Listener>,
    stopping: &Stopping,
) -> Result<()> {
    let _lock = FileLock::try_now(&layout.worker_lock()).with_context(|| {
        format!(
            "the worker cannot use the spool {}",
            layout.worker().display()
        )
    })?;
    if let Some(limits) = context {
        describe_processes(layout.clone(), limits, stopping.clone())?;
    }
    let has_outputs = !outputs.is_empty();
    let outputs = outputs.start(layout, stopping)?;
    let mut native = Native {
        positions: None,
        released: outputs.released(),
        state: Arc::new(State::collector()),
    };
    if has_outputs && target.is_some() {
        native.positions = Some(Cursors::open(&layout.output(NATIVE))?);
    }
    if let Some(metrics) = metrics {
        let own = target.is_some().then(|| native.state.clone());
        metrics.serve(
            layout,
            own.into_iter().chain(outputs.states().to_vec()).collect(),
        )?;
    }
    match target {
        Some(target) => send(layout, target, native, stopping)?,
        None => wait_for(&outputs, stopping)?,
    }
    outputs.join();
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

fn send(layout: &Layout, target: Target, native: Native, stopping: &Stopping) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (tls, newest_tls) = watch::channel(target.tls.clone());
        if let Some(identity) = target.renewed.clone() {
            tokio::spawn(keep_renewing(identity, tls));
        }
        let mut worker = Worker::new(layout, target, newest_tls, native)?;
        worker.run(stopping).await
    })
}

/// Starts the thread that describes processes. It goes on trying where it fails: nothing that is
/// delivered depends on it.
fn describe_processes(layout: Layout, limits: SpoolLimits, stopping: Stopping) -> Result<()> {
    let described = context::Described::before(&layout);
    let describe = move || {
        while let Err(error) = context::run(&layout, &described, limits, &stopping) {
            tracing::warn!("processes are not described: {error:#}");
            let until = Instant::now() + DESCRIBE_PAUSE;
            while Instant::now() < until && !stopping.requested() {
                std::thread::sleep(LOOK_EVERY);
            }
        }
    };
    std::thread::Builder::new()
        .name("context".into())
        .spawn(describe)
        .context("cannot start a thread")?;
    Ok(())
}

/// What the collector's output shares with the others.
struct Native {
    /// Its positions, where there are others: what is released is then not its position alone.
    positions: Option<Cursors>,
    released: Arc<Released>,
    state: Arc<State>,
}

impl Native {
    /// Notes that the collector has everything before `next`.
    fn passed(&mut self, stream: StreamId, next: u64) -> Result<()> {
        if let Some(positions) = &mut self.positions {
            positions.pass(stream, next)?;
        }
        self.released.passed(COLLECTOR, stream, next)
    }
}

struct Worker {
    layout: Layout,
    native: Native,
    target: Target,
    /// Changes when the certificate is renewed.
    newest_tls: watch::Receiver<Arc<ClientConfig>>,
    sender: Sender,
    spool: SpooledStreams,
    watch: SpoolWatch,
    receipts: Receipts,
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

/// What woke the worker.
enum Event {
    SpoolGrew,
    Connected(Result<Link>),
    Received(Option<Vec<u8>>),
    RoomToSend,
    Stored(Result<()>),
    Time,
}

impl Worker {
    fn new(
        layout: &Layout,
        target: Target,
        newest_tls: watch::Receiver<Arc<ClientConfig>>,
        native: Native,
    ) -> Result<Self> {
        let host = Host::current()?;
        let (receipts, kept) = Receipts::open(&layout.receipts())?;
        let held = match kept.filter(|kept| kept.origin == target.log_key.name()) {
            Some(kept) => kept.checkpoint()?,
            None => native::Checkpoint::NONE,
        };
        let mut seed = [0; 8];
        seed.copy_from_slice(&host.machine_id[..8]);
        let sender = Sender::new(SenderConfig {
            machine_id: host.machine_id,
            boot_id: host.boot_id,
            held,
            level: COMPRESSION_LEVEL,
            seed: u64::from_ne_bytes(seed) ^ u64::from(std::process::id()),
        });
        Ok(Self {
            layout: layout.clone(),
            native,
            target,
            newest_tls,
            sender,
            spool: SpooledStreams::open(layout, crate::payload::hex(&host.boot_id))?,
            watch: SpoolWatch::start(
                layout
                    .present_rooms()
                    .iter()
                    .map(super::layout::Room::streams)
                    .collect(),
            )?,
            receipts,
            released: BTreeMap::new(),
            started: Instant::now(),
            connection: Connection::Down(Instant::now()),
            storing: None,
        })
    }

    async fn run(&mut self, stopping: &Stopping) -> Result<()> {
        self.spool_grew()?;
        let mut drain_until = None;
        let mut watchdog = Watchdog::of_manager();
        service::ready(&format!("sending to {}", self.target.address));
        loop {
            watchdog.alive();
            self.act().await?;
            self.native.state.lags(self.unsent());
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
                    tracing::info!(collector = self.target.address, "connected");
                    self.native.state.connected();
                    self.connection = Connection::Up(link, None);
                    self.sender.connected(now);
                }
                Event::Connected(Err(error)) => {
                    tracing::warn!("cannot connect to {}: {error:#}", self.target.address);
                    self.native.state.failed(&error);
                    self.target.turn();
                    self.connection = Connection::Down(far_future());
                    self.sender.disconnected(now);
                }
                Event::Received(Some(bytes)) => self.sender.received(now, &bytes),
                Event::Received(None) => {
                    tracing::warn!(collector = self.target.address, "the connection broke");
                    self.native
                        .state
                        .failed(&anyhow::anyhow!("the connection broke"));
                    self.connection = Connection::Down(far_future());
                    self.sender.disconnected(now);
                }
                Event::RoomToSend => {}
                Event::Stored(stored) => {
                    stored?;
                    self.storing = None;
                    self.sender.receipt_stored(now);
                }
                Event::Time => self.time_passed(now),
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
        tokio::select! {
            event = link_event => event,
            () = self.watch.changed() => Event::SpoolGrew,
            stored = stored(&mut self.storing) => Event::Stored(stored),
            () = sleep_until(TokioInstant::from_std(until)) => Event::Time,
        }
    }

    fn time_passed(&mut self, now: Duration) {
        match &self.connection {
            Connection::Down(at) if Instant::now() >= *at => {
                self.target.tls = self.newest_tls.borrow().clone();
                self.connection =
                    Connection::Connecting(tokio::spawn(connect(self.target.clone())));
            }
            Connection::Up(..) if self.sender.deadline().is_some_and(|at| now >= at) => {
                self.sender.timer(now);
            }
            _ => {}
        }
    }

    /// Tells the sender what can be read now.
    fn spool_grew(&mut self) -> Result<()> {
        self.spool.discover()?;
        let now = self.started.elapsed();
        for (id, spooled) in self.spool.spans() {
            match spooled {
                Ok(spooled) => {
                    if let Entry::Vacant(new) = self.released.entry(id) {
                        new.insert(spooled.released);
                        self.native.passed(id, spooled.released)?;
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
                    let verdict = verdict(&self.target.log_key, &origin, &old, &growth);
                    self.sender.checkpoint_verified(now, verdict);
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
                SenderAction::Finding(finding) => self.report(&finding)?,
                SenderAction::Disconnect { why } => self.disconnect(&why).await,
                SenderAction::Reconnect { after } => {
                    self.connection = Connection::Down(Instant::now() + after);
                }
            }
        }
        Ok(())
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
        let work = self.receipts.store(receipt);
        let (done, storing) = oneshot::channel();
        tokio::task::spawn_blocking(move || done.send(work()));
        self.storing = Some(storing);
    }

    fn release(&mut self, stream: StreamId, next: u64) -> Result<()> {
        self.native.passed(stream, next)?;
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
        tracing::info!(collector = self.target.address, why, "disconnecting");
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
            && self.spool.ends().all(|(id, next)| {
                next <= self
                    .released
                    .get(&id)
                    .copied()
                    .unwrap_or_else(|| native_position(&self.layout, id))
            })
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

async fn stored(storing: &mut Option<oneshot::Receiver<Result<()>>>) -> Result<()> {
    match storing {
        Some(receiver) => receiver.await.context("storing a receipt panicked")?,
        None => std::future::pending().await,
    }
}

async fn connect(target: Target) -> Result<Link> {
    let connecting = async {
        let socket = TcpStream::connect(&target.address).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from(target.name).context("not a DNS name")?;
        let stream = TlsConnector::from(target.tls).connect(name, socket).await?;
        Ok(Link::start(stream))
    };
    timeout(CONNECT_TIMEOUT, connecting)
        .await
        .context("no connection in time")?
}

/// Renews the certificate whenever that is due; a connection that stands goes on with the old one.
async fn keep_renewing(identity: IdentityFolder, tls: watch::Sender<Arc<ClientConfig>>) {
    loop {
        match renewed(&identity).await {
            Ok(None) => {}
            Ok(Some(config)) => {
                tracing::info!("renewed this host's certificate");
                tls.send_replace(config);
            }
            Err(error) => tracing::warn!("cannot renew this host's certificate: {error:#}"),
        }
        tokio::time::sleep(RENEWAL_EVERY).await;
    }
}

async fn renewed(identity: &IdentityFolder) -> Result<Option<Arc<ClientConfig>>> {
    if !identity.is_renewal_due()? {
        return Ok(None);
    }
    identity.renew().await?;
    Ok(Some(Identity::read(&identity.files())?.client()?))
}

/// Is the log that the collector shows a continuation of the one that we know?
fn verdict(key: &VerifierKey, origin: &str, old: &native::Checkpoint, growth: &Growth) -> Verdict {
    let shown = Checkpoint {
        size: growth.checkpoint.size,
        root: Hash(growth.checkpoint.root),
        signature: growth.checkpoint.signature,
    };
    if origin != key.name() || !key.verify(&shown) {
        return Verdict::BadSignature;
    }
    if old.size == 0 || shown.size <= old.size {
        // A smaller or equal size needs no proof: the sender compares sizes and roots itself.
        return Verdict::Good;
    }
    let proof: Vec<Hash> = growth.proof.iter().copied().map(Hash).collect();
    match merkle::verify_consistency(old.size, &Hash(old.root), shown.size, &shown.root, &proof) {
        Ok(()) => Verdict::Good,
        Err(_) => Verdict::Inconsistent,
    }
}

fn far_future() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

/// What resolving a name and asking for this host's identity reads.
const RESOLVING: &[&str] = &[
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/ld.so.cache",
    "/etc/machine-id",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/run/systemd/resolve",
    "/run/nscd",
    "/proc/sys/kernel",
    "/dev/urandom",
];
/// What a description of processes is made of.
const DESCRIBING: &[&str] = &["/proc", "/etc/passwd", "/etc/group"];
/// Number of the collector among the required outputs.
const COLLECTOR: usize = 0;
/// How often it is asked whether the certificate must be renewed.
const RENEWAL_EVERY: Duration = Duration::from_secs(600);
/// zstd level of batches: the lowest costs a host the least.
const COMPRESSION_LEVEL: i32 = 1;
/// How late a request to stop is seen, and how often streams are looked for without a sign.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a stopping worker goes on sending.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long after a failure processes are described again.
const DESCRIBE_PAUSE: Duration = Duration::from_secs(5);
/// From the first packet to the end of the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
