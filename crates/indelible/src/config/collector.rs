//! The collector's configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::TlsFiles;
use super::receivers::{DatagramReceiver, StreamReceiver, TlsReceiver};

/// What `indelible collector` runs with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CollectorConfig {
    /// The collector's store.
    pub(crate) store: PathBuf,
    /// Name of the log in its checkpoints: a URL without scheme, no spaces, no `+`.
    pub(crate) origin: Option<String>,
    /// Folder outside the store that keeps the newest checkpoint, so that a rolled-back store is
    /// refused at the next start.
    pub(crate) heads: Option<PathBuf>,
    /// Free bytes on the store's disk below which nothing more is taken, so that sealing can go on.
    #[serde(default = "default_reserve_bytes")]
    pub(crate) reserve_bytes: u64,
    /// Address of the native receiver.
    #[serde(default = "default_native")]
    pub(crate) native: SocketAddr,
    /// Certificates and key.
    pub(crate) tls: TlsFiles,
    /// Folder of the authority that hosts enrol with; nobody can enrol where it is missing.
    pub(crate) authority: Option<PathBuf>,
    /// The log, proofs and metrics over HTTP; nothing where it is missing.
    pub(crate) http: Option<HttpConfig>,
    /// Syslog over TCP.
    pub(crate) syslog_tcp: Option<StreamReceiver>,
    /// Syslog over UDP.
    pub(crate) syslog_udp: Option<DatagramReceiver>,
    /// Syslog over TLS (RFC 5425).
    pub(crate) syslog_tls: Option<TlsReceiver>,
    /// RELP.
    pub(crate) relp: Option<StreamReceiver>,
    /// RELP over TLS.
    pub(crate) relp_tls: Option<TlsReceiver>,
}

/// HTTP towards readers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct HttpConfig {
    /// Where to listen. Beyond loopback both of the following are needed.
    pub(crate) address: SocketAddr,
    /// TLS with the collector's certificate.
    #[serde(default)]
    pub(crate) tls: bool,
    /// File with the tokens that may read entries: `NAME EXPIRES SHA256`, a line each.
    pub(crate) tokens: Option<PathBuf>,
}

/// A few segments and their tiles.
pub(crate) fn default_reserve_bytes() -> u64 {
    32 << 20
}

/// Loopback on the port of syslog over TLS, which firewalls know.
pub(crate) fn default_native() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 6514))
}

impl CollectorConfig {
    /// The log's name: as configured, or after this host.
    pub(crate) fn origin(&self) -> String {
        self.origin.clone().unwrap_or_else(|| {
            let host = rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned();
            format!("{host}/indelible")
        })
    }
}
