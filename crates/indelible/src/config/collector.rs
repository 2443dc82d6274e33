//! The collector's configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::DetectionsConfig;
use super::TlsFiles;
use super::layers::Configuration;
use super::receivers::{DatagramReceiver, PeerLimits, StreamReceiver, TlsReceiver};
use super::retention::RetentionConfig;
use super::witnesses::WitnessConfig;
use crate::net::pki::{COLLECTOR, Pki};

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
    /// When segments are removed; never where it is missing.
    #[serde(default)]
    pub(crate) retention: RetentionConfig,
    /// How fast one peer may be.
    #[serde(default)]
    pub(crate) peer_limits: PeerLimits,
    /// Address of the native receiver.
    #[serde(default = "default_native")]
    pub(crate) native: SocketAddr,
    /// Certificates and key; where they are not given, those of the authority, which is made if it
    /// is missing.
    pub(crate) tls: Option<TlsFiles>,
    /// Folder of the authority that hosts enrol with; nobody can enrol without it.
    pub(crate) authority: Option<PathBuf>,
    /// The log, proofs and metrics over HTTP; nothing where it is missing.
    pub(crate) http: Option<HttpConfig>,
    /// Whom to ask to cosign checkpoints. With a witness, `/checkpoint` shows what enough of them
    /// have signed.
    #[serde(default)]
    pub(crate) witness: Vec<WitnessConfig>,
    /// How many witnesses must have signed a checkpoint before it is shown; more than half where
    /// it is missing.
    pub(crate) witness_quorum: Option<usize>,
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
    /// What is found while entries come; nothing where it is missing.
    pub(crate) detections: Option<DetectionsConfig>,
}

/// HTTP towards readers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct HttpConfig {
    /// Where to listen. Beyond loopback TLS is needed, and tokens or readers.
    pub(crate) address: SocketAddr,
    /// TLS with the collector's certificate.
    #[serde(default)]
    pub(crate) tls: bool,
    /// File with the tokens that may read entries: `NAME EXPIRES SHA256`, a line each.
    pub(crate) tokens: Option<PathBuf>,
    /// Names in certificates of the collector's authority whose holders may read entries. Issue their
    /// certificates first (`indelible pki issue`): a host cannot enrol under a name that is known.
    #[serde(default)]
    pub(crate) readers: Vec<String>,
}

/// A few segments and their tiles.
pub(crate) fn default_reserve_bytes() -> u64 {
    32 << 20
}

/// Loopback on the port of syslog over TLS, which firewalls know.
pub(crate) fn default_native() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 6514))
}

impl Configuration for CollectorConfig {
    const NAME: &'static str = "collector";
}

impl CollectorConfig {
    /// Certificates and key.
    ///
    /// # Errors
    /// Where there is neither `tls` nor `authority`.
    pub(crate) fn tls(&self) -> Result<TlsFiles> {
        let of_authority = || {
            let authority = self.authority.as_ref();
            authority.map(|folder| Pki::at(folder).files(COLLECTOR))
        };
        self.tls
            .clone()
            .or_else(of_authority)
            .context("the collector needs certificates: `tls` or `authority` in its configuration")
    }

    /// Files that it names and that are not there.
    pub(crate) fn missing_files(&self) -> Vec<String> {
        let own = self.tls.iter().flat_map(TlsFiles::all);
        let tokens = self.http.iter().filter_map(|http| http.tokens.as_deref());
        let receivers = [&self.syslog_tls, &self.relp_tls];
        let theirs = receivers
            .into_iter()
            .flatten()
            .filter_map(|receiver| receiver.tls.as_ref())
            .flat_map(TlsFiles::all);
        super::missing(own.chain(tokens).chain(theirs))
    }

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
