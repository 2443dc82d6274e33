//! One agent's connection: the sans-IO receiver, driven over TLS.
//!
//! Entries are hashed here, on the runtime's threads, so that the writer only chains and copies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use anyhow::{Context, Result};
use indelible_log::{Batch, Checkpoint, Hash, StreamId, VerifierKey};
use indelible_wire::native::{
    self, Append, Receiver, ReceiverAction, ReceiverConfig, StreamId as WireStreamId,
};
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Instant as TokioInstant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::http::Metrics;
use super::pace::Pace;
use super::writer::{Answer, ConnectionId, Request, Wanted};
use crate::config::receivers::PeerLimits;
use crate::net::checkpoint::{of_wire, to_wire};
use crate::net::enrol;
use crate::net::enrol::server::Enrolment;
use crate::net::link::Link;
use crate::net::tls::peer_name;

/// What every connection shares.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) origin: Arc<str>,
    pub(crate) requests: Sender<Request>,
    pub(crate) newest: watch::Receiver<Checkpoint>,
    /// The log's verifier key, where it has had others.
    pub(crate) key: watch::Receiver<Arc<str>>,
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) peer_limits: PeerLimits,
    pub(crate) metrics: Arc<Metrics>,
    /// The authority that hosts enrol with.
    pub(crate) enrolment: Option<Enrolment>,
}

/// Serves one connection to its end.
pub(crate) async fn serve(
    shared: Shared,
    id: ConnectionId,
    socket: TcpStream,
    address: SocketAddr,
) -> Result<()> {
    socket.set_nodelay(true).context("cannot set TCP_NODELAY")?;
    let stream = timeout(HANDSHAKE_TIMEOUT, shared.acceptor.accept(socket))
        .await
        .context("no TLS handshake in time")?
        .context("the TLS handshake failed")?;
    if let Some(enrolment) = &shared.enrolment
        && stream.get_ref().1.alpn_protocol() == Some(enrol::ALPN)
    {
        return enrolment.serve(stream).await;
    }
    let shown = stream.get_ref().1.peer_certificates().map(<[_]>::to_vec);
    let peer: Arc<str> = peer_name(shown.as_deref())?.into();
    let revoked = revoked(shared.enrolment.clone(), peer.clone(), shown);
    tracing::info!(%address, %peer, "connected");
    let started = Instant::now();
    let checkpoint = to_wire(&shared.newest.borrow());
    // Read after the checkpoint: it may be of a new key.
    let key = shared.key.borrow().clone();
    let config = ReceiverConfig {
        peer: peer.to_string(),
        origin: shared.origin.to_string(),
        checkpoint,
    };
    let (answers_in, answers) = unbounded_channel();
    let pace = Pace::new(shared.peer_limits, started);
    let mut receiver = Receiver::new(started.elapsed(), config);
    if !key.is_empty() {
        receiver.show_key(started.elapsed(), key.to_string());
    }
    let connection = Connection {
        id,
        peer,
        receiver,
        key,
        started,
        shared,
        answers_in,
        answers,
        pace,
        paused_until: None,
    };
    tokio::select! {
        ended = connection.run(Link::start(stream)) => ended,
        why = revoked => Err(why),
    }
}

/// Returns when the peer's certificate is, or becomes, revoked.
async fn revoked(
    enrolment: Option<Enrolment>,
    peer: Arc<str>,
    shown: Option<Vec<CertificateDer<'static>>>,
) -> anyhow::Error {
    let Some(enrolment) = enrolment else {
        return std::future::pending().await;
    };
    loop {
        if let Err(why) = enrolment.check_revocation(&peer, shown.as_deref()) {
            return why;
        }
        tokio::time::sleep(REVOCATION_EVERY).await;
    }
}

struct Connection {
    id: ConnectionId,
    /// The log's key as the agent was shown it; empty where it was not.
    key: Arc<str>,
    peer: Arc<str>,
    receiver: Receiver,
    started: Instant,
    shared: Shared,
    answers_in: UnboundedSender<Answer>,
    answers: UnboundedReceiver<Answer>,
    pace: Pace,
    /// Nothing is read from the agent before this time.
    paused_until: Option<Instant>,
}

impl Connection {
    async fn run(mut self, mut link: Link) -> Result<()> {
        let mut frame = None;
        loop {
            if let Some(why) = self.act()? {
                tracing::info!(peer = %self.peer, %why, "disconnected");
                let rest = std::iter::from_fn(|| self.receiver.transmit(self.started.elapsed()));
                return link.close(frame.into_iter().chain(rest)).await;
            }
            let now = self.started.elapsed();
            if frame.is_none() {
                frame = self.receiver.transmit(now);
            }
            let deadline = self
                .receiver
                .deadline()
                .map_or_else(far_future, |at| self.started + at);
            let Some(frames) = link.frames().cloned() else {
                return Ok(());
            };
            tokio::select! {
                permit = frames.reserve(), if frame.is_some() => match (permit, frame.take()) {
                    (Ok(permit), Some(frame)) => permit.send(frame),
                    _ => return Ok(()),
                },
                () = sleep_until(self.paused_until.unwrap_or(deadline).into()), if self.paused_until.is_some() => {
                    self.paused_until = None;
                }
                bytes = link.received.recv(), if self.receiver.wants_bytes() && self.paused_until.is_none() => match bytes {
                    Some(bytes) => {
                        self.receiver.received(self.started.elapsed(), &bytes);
                        self.pace(0, bytes.len());
                    }
                    None => {
                        tracing::info!(peer = %self.peer, "the connection broke");
                        return Ok(());
                    }
                },
                Some(answer) = self.answers.recv() => self.answered(answer)?,
                changed = self.shared.newest.changed() => {
                    changed.context("the log's writer has stopped")?;
                    let newest = to_wire(&self.shared.newest.borrow_and_update());
                    self.show_key();
                    self.receiver.committed(self.started.elapsed(), newest);
                }
                _ = self.shared.stopping.changed() => self.receiver.shut_down(self.started.elapsed()),
                () = sleep_until(TokioInstant::from_std(deadline)) => {
                    self.receiver.timer(self.started.elapsed());
                }
            }
            // Whatever else the writer answered goes in one step, so that receipts group.
            while let Ok(answer) = self.answers.try_recv() {
                self.answered(answer)?;
            }
        }
    }

    /// Shows the agent a key that it does not know, before what the key has signed.
    fn show_key(&mut self) {
        let key = self.shared.key.borrow().clone();
        if key != self.key {
            let now = self.started.elapsed();
            self.receiver.show_key(now, key.to_string());
            self.key = key;
        }
    }

    /// Performs what the receiver asks; a text ends the connection.
    fn act(&mut self) -> Result<Option<String>> {
        while let Some(action) = self.receiver.poll() {
            match action {
                ReceiverAction::Greeted {
                    machine_id,
                    boot_id,
                } => {
                    let (machine, boot) = (
                        crate::payload::hex(&machine_id),
                        crate::payload::hex(&boot_id),
                    );
                    tracing::debug!(peer = %self.peer, machine, boot, "greeted");
                }
                ReceiverAction::Contradicted { held } if self.gave_up(&held) => {
                    tracing::warn!(
                        peer = %self.peer, held = held.size,
                        "the agent holds a checkpoint that the restart of this log has given up: it is told so",
                    );
                }
                ReceiverAction::Contradicted { held } => {
                    tracing::error!(
                        peer = %self.peer, held = held.size, ours = self.shared.newest.borrow().size,
                        "the agent holds a checkpoint that this log does not continue",
                    );
                }
                ReceiverAction::LookUp { stream } => {
                    self.ask(Wanted::Position(StreamId(stream.0)))?;
                }
                ReceiverAction::Append(append) => self.append(append)?,
                ReceiverAction::NeedProof { old_size, new_size } => {
                    self.ask(Wanted::Proof {
                        peer: self.peer.clone(),
                        old_size,
                        new_size,
                    })?;
                }
                ReceiverAction::Disconnect { why } => return Ok(Some(why)),
            }
        }
        Ok(None)
    }

    /// Whether the keys of the log say that a checkpoint was given up.
    fn gave_up(&self, held: &native::Checkpoint) -> bool {
        let keys = VerifierKey::parse(&self.key);
        keys.is_ok_and(|keys| keys.gave_up(&of_wire(held)).is_some())
    }

    /// Notes what came, and pauses an agent that is beyond its rate.
    fn pace(&mut self, entries: usize, bytes: usize) {
        let now = Instant::now();
        let pause = self.pace.take(entries, bytes, now);
        if !pause.is_zero() {
            self.paused_until = self.paused_until.max(Some(now + pause));
        }
    }

    fn append(&mut self, append: Append) -> Result<()> {
        self.pace(append.entries as usize, 0);
        let stream = StreamId(append.stream.0);
        let head_before = Hash(append.head_before);
        let batch = Box::new(Batch::prepare(
            stream,
            append.first,
            head_before,
            &append.raw,
        ));
        let head_after = Hash(append.head_after);
        self.ask(Wanted::Append {
            stream,
            peer: self.peer.clone(),
            batch,
            head_after,
        })
    }

    fn ask(&self, wanted: Wanted) -> Result<()> {
        let request = Request {
            connection: self.id,
            answers: Some(self.answers_in.clone()),
            wanted,
        };
        self.shared
            .requests
            .send(request)
            .context("the log's writer has stopped")
    }

    fn answered(&mut self, answer: Answer) -> Result<()> {
        let now = self.started.elapsed();
        match answer {
            Answer::Position(stream, state) => {
                self.receiver
                    .stream_state(now, WireStreamId(stream.0), state);
            }
            Answer::Appended(result) => self.receiver.append_result(now, result),
            Answer::Proof(Some(proof)) => self.receiver.proof(now, proof),
            Answer::Proof(None) => return Err(anyhow::anyhow!(UNPROVABLE)),
        }
        Ok(())
    }
}

fn far_future() -> Instant {
    Instant::now() + std::time::Duration::from_secs(3600)
}

const UNPROVABLE: &str = "the checkpoint that the agent holds lies in what retention has removed, \
    and was never published";
/// How often it is asked whether a connected host was revoked.
const REVOCATION_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
/// How long a peer may take to prove who it is.
const HANDSHAKE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
