//! One listening socket: accepts, admits, shakes hands, and starts the protocol.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::admission::{Admission, Counted};
use super::limits::{ACCEPT_PAUSE, CONNECTIONS_MAX, GREETING_MAX};
use super::{Shared, relp, stopped, syslog_tcp};
use crate::config::receivers::StreamReceiver;
use crate::net::tls::peer_name_if_shown;

/// What is spoken on a listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    SyslogTcp,
    SyslogTls,
    Relp,
    RelpTls,
}

impl Protocol {
    /// Begins the owners of its streams.
    fn receiver(self) -> &'static str {
        match self {
            Self::SyslogTcp => "syslog-tcp",
            Self::SyslogTls => "syslog-tls",
            Self::Relp => "relp",
            Self::RelpTls => "relp-tls",
        }
    }

    /// The same where the peer proved no name and is known by its address.
    fn anonymous_receiver(self) -> &'static str {
        match self {
            Self::SyslogTls => "syslog-tls-anonymous",
            Self::RelpTls => "relp-tls-anonymous",
            plain => plain.receiver(),
        }
    }
}

pub(super) struct Acceptor {
    protocol: Protocol,
    config: StreamReceiver,
    tls: Option<TlsAcceptor>,
    listener: TcpListener,
    shared: Shared,
}

/// What one connection starts with.
struct Connection {
    protocol: Protocol,
    config: StreamReceiver,
    tls: Option<TlsAcceptor>,
    shared: Shared,
    address: SocketAddr,
    counted: Counted,
}

impl Acceptor {
    pub(super) async fn bind(
        protocol: Protocol,
        config: StreamReceiver,
        tls: Option<TlsAcceptor>,
        shared: &Shared,
    ) -> Result<Self> {
        let receiver = protocol.receiver();
        let listener = TcpListener::bind(config.address)
            .await
            .with_context(|| format!("cannot listen on {} for {receiver}", config.address))?;
        tracing::info!(receiver, address = %listener.local_addr()?, "listening");
        Ok(Self {
            protocol,
            config,
            tls,
            listener,
            shared: shared.clone(),
        })
    }

    /// Until `stopping`; then until its connections have ended.
    pub(super) async fn run(self) {
        let admission = Arc::new(Admission::new(self.config.connections_per_peer_max));
        let mut connections = JoinSet::new();
        let mut stopping = self.shared.stopping.clone();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                    match accepted {
                        Ok((socket, address)) => self.admit(socket, address, &admission, &mut connections),
                        // Out of descriptors, or the peer gave up: the next one may do better.
                        Err(error) => {
                            tracing::warn!(%error, "cannot accept a connection");
                            sleep(ACCEPT_PAUSE).await;
                        }
                    }
                }
                Some(_) = connections.join_next() => {}
                () = stopped(&mut stopping) => break,
            }
        }
        drop(self);
        while connections.join_next().await.is_some() {}
    }

    fn admit(
        &self,
        socket: TcpStream,
        address: SocketAddr,
        admission: &Arc<Admission>,
        connections: &mut JoinSet<()>,
    ) {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let Some(counted) = admission.count(address.ip()) else {
            return;
        };
        let connection = Connection {
            protocol: self.protocol,
            config: self.config.clone(),
            tls: self.tls.clone(),
            shared: self.shared.clone(),
            address,
            counted,
        };
        let receiver = self.protocol.receiver();
        connections.spawn(async move {
            if let Err(error) = connection.serve(socket).await {
                tracing::warn!(receiver, %address, "connection ended: {error:#}");
            }
        });
    }
}

impl Connection {
    async fn serve(self, socket: TcpStream) -> Result<()> {
        let _turn = self.counted.turn().await?;
        socket.set_nodelay(true).context("cannot set TCP_NODELAY")?;
        // A host that vanished says no goodbye.
        sockopt::set_socket_keepalive(&socket, true).context("cannot set SO_KEEPALIVE")?;
        let Some(tls) = &self.tls else {
            let peer = self.address.ip().to_string();
            return self.speak(socket, self.protocol.receiver(), &peer).await;
        };
        let stream = timeout(GREETING_MAX, tls.accept(socket))
            .await
            .context("no TLS handshake in time")?
            .context("the TLS handshake failed")?;
        let name = peer_name_if_shown(stream.get_ref().1.peer_certificates())?;
        let (receiver, peer) = match name {
            Some(name) => (self.protocol.receiver(), name),
            None => (
                self.protocol.anonymous_receiver(),
                self.address.ip().to_string(),
            ),
        };
        self.speak(stream, receiver, &peer).await
    }

    async fn speak<S>(&self, stream: S, receiver: &'static str, peer: &str) -> Result<()>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        ensure!(peer.len() <= PEER_BYTES_MAX, "the peer's name is too long");
        tracing::debug!(receiver, peer, address = %self.address, "connected");
        let own = self.shared.streams.of_peer(receiver, peer);
        match self.protocol {
            Protocol::SyslogTcp | Protocol::SyslogTls => {
                let framing = self.config.framing.known();
                syslog_tcp::serve(stream, &self.shared, own, self.address, framing).await
            }
            Protocol::Relp | Protocol::RelpTls => {
                relp::serve(stream, &self.shared, own, self.address).await
            }
        }
    }
}

/// Longest name of a peer, so that the owner of its stream fits into the log.
const PEER_BYTES_MAX: usize = 230;
