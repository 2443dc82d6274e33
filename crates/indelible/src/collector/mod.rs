//! The collector: receives entries from agents, keeps them provably, acknowledges them.
//!
//! ```text
//! agents ─TLS─▶ connection (hash) ─▶ writer: log.append, log.commit ─▶ receipts
//! syslog, RELP ─▶ receivers (number, hash) ─▶ the same writer        ─▶ RELP's answers
//! ```

mod connection;
mod detections;
mod full;
mod gaps;
mod heads;
mod http;
mod keys;
pub(crate) mod operations;
mod own_stream;
mod pace;
mod peers;
pub(crate) mod receivers;
mod shown;
mod witness;
mod writer;

use std::path::Path;
use std::sync::{Arc, mpsc};

use anyhow::{Context, Result};
use indelible_log::dir::RealDir;
use indelible_log::log::StreamState;
use indelible_log::{Checkpoint, Kind, Log, Options, Sealing};
use indelible_sys::process;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::agent::wait_for_end_of_input;
use crate::config::CollectorConfig;
use crate::net::enrol::server::Enrolment;
use crate::net::tls::Identity;
use crate::payload::finding::{self, Finding};
use crate::payload::to_bytes;
use crate::service;
use crate::terms::EntryTerms;
use connection::Shared;
use full::Disk;
use gaps::Gaps;
use heads::Heads;
use http::Metrics;
use keys::Keys;
use operations::control::Control;
use operations::retention::Retention;
use own_stream::OwnStream;
use peers::Peers;
use receivers::Receivers;
use witness::Witnesses;
use writer::Writer;

/// Runs until SIGTERM or SIGINT; then commits what was received and publishes the last checkpoint.
/// `log_key` is where to leave the key that agents verify receipts with; a supervised collector
/// also stops when its standard input ends.
pub(crate) fn run(
    config: &CollectorConfig,
    log_key: Option<&Path>,
    supervised: bool,
) -> Result<()> {
    let acceptor =
        TlsAcceptor::from(Identity::read(&config.tls()?)?.server(config.authority.is_some())?);
    let (log, own, heads) = open(config)?;
    let keys = Keys::new(log.verifier(), log_key.map(Path::to_owned))?;
    let key = keys.watch();
    let origin = log.verifier().name().into();
    let known = log.streams().filter(|stream| stream.peer.contains(':'));
    let known = known.collect();
    let (requests, received) = mpsc::channel();
    let (newest, shown) = watch::channel(log.checkpoint());
    let metrics = Metrics::new();
    let peers = Peers::of(&log);
    let gaps = Gaps::open(
        &config.store,
        log.checkpoint().size,
        own.id(),
        peers.clone(),
    )?;
    let own_stream = own.id();
    let disk = Disk::new(&config.store, config.reserve_bytes);
    let witnesses = Witnesses::ask(config, metrics.clone())?;
    let writer = Writer::new(
        log,
        own,
        received,
        newest,
        heads,
        disk,
        metrics.clone(),
        keys,
        peers.clone(),
    );
    let writer = std::thread::Builder::new()
        .name("writer".into())
        .spawn(|| writer.run())?;
    let (stop, stopping) = watch::channel(false);
    gaps.start(requests.clone(), shown.clone(), stopping.clone())?;
    if let Some(witnesses) = witnesses {
        witnesses.start(requests.clone(), stopping.clone())?;
    }
    let detections = match &config.detections {
        Some(settings) => Some(detections::start(
            settings,
            &config.store,
            own_stream,
            metrics.clone(),
            peers,
            (requests.clone(), shown.clone(), stopping.clone()),
        )?),
        None => None,
    };
    let shared = Shared {
        acceptor,
        origin,
        requests,
        newest: shown,
        key,
        stopping,
        peer_limits: config.peer_limits,
        metrics,
        enrolment: config.authority.as_deref().map(Enrolment::new),
    };
    let served =
        tokio::runtime::Runtime::new()?.block_on(serve(config, known, shared, stop, supervised));
    if let Some(detections) = detections {
        detections.ended();
    }
    let written = writer
        .join()
        .unwrap_or_else(|_| anyhow::bail!("the log's writer panicked"));
    written.and(served)
}

fn open(config: &CollectorConfig) -> Result<(Log, OwnStream, Option<Heads>)> {
    let shown = config.store.display();
    let dir = RealDir::create(&config.store).with_context(|| format!("cannot create {shown}"))?;
    let mut options = Options::new(config.origin());
    options.terms = Some(Arc::new(EntryTerms));
    options.sealing = Sealing::Background(process::give_way);
    // The verifier key is the store's own: without a store there is nothing to hold it to.
    if let Some(folder) = &config.heads
        && let Some(key) = store_key(&config.store)?
    {
        options.known_checkpoint = Heads::open(folder, key)?.kept()?;
    }
    let (mut log, report) = Log::open(dir, &options).map_err(|error| {
        let hint = match error {
            indelible_log::Error::RolledBack { .. } => {
                " (was it restored from a backup? then see `indelible restart-log`)"
            }
            _ => "",
        };
        anyhow::Error::new(error).context(format!("cannot open the store {shown}{hint}"))
    })?;
    let heads = match &config.heads {
        Some(folder) => Some(Heads::open(folder, log.verifier().clone())?),
        None => None,
    };
    if report.cut_bytes > 0 {
        tracing::warn!(
            bytes = report.cut_bytes,
            "cut a torn tail, above everything acknowledged"
        );
    }
    let mut own = OwnStream::open(&mut log)?;
    if let (Some(heads), Some(known)) = (&heads, &options.known_checkpoint)
        && let Some(kept) = log.verifier().gave_up(known)
        && !holds(&log, known)
    {
        heads.put_aside(known)?;
        note_restart(&mut log, &mut own, known, kept)?;
    }
    tracing::info!(entries = report.entries, key = %log.verifier(), "opened the store");
    Ok((log, own, heads))
}

/// Whether a checkpoint is of what the log holds.
fn holds(log: &Log, checkpoint: &Checkpoint) -> bool {
    let root = log.root(checkpoint.size);
    root.is_ok_and(|root| root == checkpoint.root)
}

/// Writes down that a checkpoint was kept outside the store which its restart has given up.
fn note_restart(
    log: &mut Log,
    own: &mut OwnStream,
    given_up: &Checkpoint,
    kept: u64,
) -> Result<()> {
    let why = format!(
        "the heads folder had a checkpoint of {} entries; the log was restarted from {kept}, as it declares",
        given_up.size
    );
    tracing::warn!("{why}");
    let mut finding = Finding::of(&finding::LOG_RESTARTED, why);
    let note = given_up.to_note(log.verifier());
    finding.fields.insert("given_up".to_owned(), note);
    own.append(log, Kind::Finding, &to_bytes(&finding))?;
    log.commit().context("cannot write to the log")?;
    Ok(())
}

async fn serve(
    config: &CollectorConfig,
    known: Vec<StreamState>,
    shared: Shared,
    stop: watch::Sender<bool>,
    supervised: bool,
) -> Result<()> {
    let listener = TcpListener::bind(config.native)
        .await
        .with_context(|| format!("cannot listen on {}", config.native))?;
    tracing::info!(receiver = "native", address = %listener.local_addr()?, "listening");
    let (requests, newest) = (shared.requests.clone(), shared.newest.clone());
    let receivers =
        Receivers::start(config, known, requests, newest, shared.stopping.clone()).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let input_ended = Arc::new(Notify::new());
    if supervised {
        let ended = input_ended.clone();
        std::thread::spawn(move || {
            wait_for_end_of_input();
            ended.notify_one();
        });
    }
    let mut newest = shared.newest.clone();
    let mut connections = JoinSet::new();
    if let Some(http) = &config.http {
        let server = http::Server::bind(
            http,
            || Identity::read(&config.tls()?),
            config,
            newest.clone(),
            shared.metrics.clone(),
            shared.requests.clone(),
            shared.stopping.clone(),
        )
        .await?;
        let serving = server.serve(shared.stopping.clone());
        connections.spawn(async move {
            if let Err(error) = serving.await {
                tracing::warn!("HTTP ended: {error:#}");
            }
        });
    }
    service::ready(&format!("receiving at {}", listener.local_addr()?));
    match Control::bind(&config.store, shared.requests.clone()) {
        Ok(control) => {
            connections.spawn(control.run(shared.stopping.clone()));
        }
        // Everything else works without it.
        Err(error) => tracing::warn!("no orders are taken: {error:#}"),
    }
    Retention {
        store: config.store.clone(),
        policy: config.retention.clone(),
        requests: shared.requests.clone(),
        stopping: shared.stopping.clone(),
    }
    .spawn()?;
    let mut next_id = 0;
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((socket, address)) => {
                    next_id += 1;
                    let serving = connection::serve(shared.clone(), next_id, socket, address);
                    let open = shared.metrics.connections.clone();
                    connections.spawn(async move {
                        open.inc();
                        if let Err(error) = serving.await {
                            tracing::warn!(%address, "connection ended: {error:#}");
                        }
                        open.dec();
                    });
                }
                // Out of descriptors, or the peer gave up: the next one may do better.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = input_ended.notified() => break,
            changed = wait_for_end(&mut newest) => return changed,
        }
    }
    service::stopping();
    drop(listener);
    drop(shared);
    stop.send_replace(true);
    let ended = async {
        while connections.join_next().await.is_some() {}
        receivers.ended().await;
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, ended).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
    Ok(())
}

/// Returns when the writer is gone: its error says more.
async fn wait_for_end(newest: &mut watch::Receiver<Checkpoint>) -> Result<()> {
    while newest.changed().await.is_ok() {}
    Ok(())
}

fn store_key(store: &Path) -> Result<Option<indelible_log::VerifierKey>> {
    let path = store.join("log.vkey");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(
            indelible_log::VerifierKey::parse(text.trim_end())
                .with_context(|| format!("in {}", path.display()))?,
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Connections at a time.
const CONNECTIONS_MAX: usize = 10_000;
/// How long to wait after a failed accept.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);
/// How long connections may take to say goodbye.
const DRAIN_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
