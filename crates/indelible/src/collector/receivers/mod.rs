//! Receivers of syslog and RELP.
//!
//! ```text
//! acceptor (limits, TLS) ─▶ syslog_tcp / relp ─▶ intake (numbers, hashes) ─▶ the log's writer
//! syslog_udp                                  ─▶ intake                   ─▶ the same
//! ```
//!
//! Each peer and receiver has a stream of its own, which its connections share and nobody else can
//! write: its owner in the log is `<receiver>:<peer>`, and an agent's name has no colon. Entries hold
//! the messages as they were received.

mod acceptor;
mod admission;
mod intake;
pub(crate) mod limits;
mod read;
mod relp;
mod streams;
mod syslog_tcp;
mod syslog_udp;
mod unfinished;

use std::sync::Arc;
use std::sync::mpsc::Sender;

use anyhow::{Context, Result};
use indelible_log::Checkpoint;
use indelible_log::log::StreamState;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::writer::Request;
use crate::config::CollectorConfig;
use crate::net::tls::Identity;
use acceptor::{Acceptor, Protocol};
pub(super) use intake::Credit;
use limits::{QUEUED_BYTES_MAX, UNFINISHED_BYTES_MAX};
use streams::PeerStreams;

/// What all receivers share.
#[derive(Clone)]
struct Shared {
    requests: Sender<Request>,
    newest: watch::Receiver<Checkpoint>,
    stopping: watch::Receiver<bool>,
    streams: Arc<PeerStreams>,
    /// Bytes that may wait for the writer.
    queue: Arc<Semaphore>,
    /// Bytes of unfinished messages.
    unfinished: Arc<Semaphore>,
}

/// Running receivers.
pub(super) struct Receivers {
    tasks: JoinSet<()>,
}

impl Receivers {
    /// Binds and starts what the configuration names; `known`: the streams of the log.
    pub(super) async fn start(
        config: &CollectorConfig,
        known: Vec<StreamState>,
        requests: Sender<Request>,
        newest: watch::Receiver<Checkpoint>,
        stopping: watch::Receiver<bool>,
    ) -> Result<Self> {
        let shared = Shared {
            requests,
            newest,
            stopping,
            streams: Arc::new(PeerStreams::new(known, config.peer_limits)),
            queue: Arc::new(Semaphore::new(QUEUED_BYTES_MAX)),
            unfinished: Arc::new(Semaphore::new(UNFINISHED_BYTES_MAX)),
        };
        let mut tasks = JoinSet::new();
        let plain = [
            (Protocol::SyslogTcp, &config.syslog_tcp),
            (Protocol::Relp, &config.relp),
        ];
        for (protocol, receiver) in plain {
            if let Some(receiver) = receiver {
                let acceptor = Acceptor::bind(protocol, receiver.clone(), None, &shared).await?;
                tasks.spawn(acceptor.run());
            }
        }
        let encrypted = [
            (Protocol::SyslogTls, &config.syslog_tls),
            (Protocol::RelpTls, &config.relp_tls),
        ];
        for (protocol, receiver) in encrypted {
            if let Some(receiver) = receiver {
                let files = match &receiver.tls {
                    Some(files) => files.clone(),
                    None => config.tls()?,
                };
                let tls = Identity::read(&files)?.receiver(receiver.client_certificates)?;
                let acceptor =
                    Acceptor::bind(protocol, receiver.plain(), Some(tls.into()), &shared).await?;
                tasks.spawn(acceptor.run());
            }
        }
        if let Some(receiver) = &config.syslog_udp {
            let receiver = syslog_udp::bind(receiver.address, &shared)?;
            let ended = receiver.spawn().context("cannot start a thread")?;
            tasks.spawn(async move {
                let _ = ended.await;
            });
        }
        Ok(Self { tasks })
    }

    /// Waits for all connections to end, after `stopping` was set.
    pub(super) async fn ended(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Returns when the collector is to stop, or has stopped.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stop| *stop).await);
}
