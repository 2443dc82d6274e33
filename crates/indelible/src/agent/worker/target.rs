//! Where the worker sends to, and how it knows who answers there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use indelible_log::VerifierKey;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::net::enrol::identity::IdentityFolder;
use crate::net::link::Link;

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
    pub(super) fn turn(&mut self) {
        if let Some(next) = self.alternates.pop_front() {
            let before = std::mem::replace(&mut self.address, next);
            self.alternates.push_back(before);
        }
    }
}

/// Opens a connection, handshake included.
pub(super) async fn connect(target: Target) -> Result<Link> {
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

/// From the first packet to the end of the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
