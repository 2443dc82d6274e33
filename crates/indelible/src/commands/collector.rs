//! `indelible collector`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::config::collector::{HttpConfig, default_native, default_reserve_bytes};
use crate::config::receivers::{DatagramReceiver, PeerLimits, StreamReceiver, TlsReceiver};
use crate::config::retention::RetentionConfig;
use crate::config::witnesses::WitnessConfig;
use crate::config::{self, CollectorConfig};
use crate::net::pki::{COLLECTOR, Pki};
use crate::{collector, exit};

/// Receive entries from agents and keep them provably
#[derive(Debug, Args)]
pub(super) struct Collector {
    /// Configuration file (TOML); the flags below win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The collector's store
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    store: Option<PathBuf>,
    /// Address of the native receiver [default: 127.0.0.1:6514]
    #[arg(long, value_name = "ADDR", value_parser = config::listened_on)]
    native: Option<SocketAddr>,
    /// Address for syslog over TCP (`*.* @@ADDR` of rsyslog)
    #[arg(long, value_name = "ADDR", value_parser = config::listened_on)]
    syslog_tcp: Option<SocketAddr>,
    /// Address for syslog over UDP (`*.* @ADDR` of rsyslog)
    #[arg(long, value_name = "ADDR", value_parser = config::listened_on)]
    syslog_udp: Option<SocketAddr>,
    /// Address for syslog over TLS; clients need a certificate unless configured otherwise
    #[arg(long, value_name = "ADDR", value_parser = config::listened_on)]
    syslog_tls: Option<SocketAddr>,
    /// Address for RELP, acknowledged when durable
    #[arg(long, value_name = "ADDR", value_parser = config::listened_on)]
    relp: Option<SocketAddr>,
    /// Address for RELP over TLS; clients need a certificate unless configured otherwise
    #[arg(long, value_name = "ADDR", value_parser = config::listened_on)]
    relp_tls: Option<SocketAddr>,
    /// Folder with the certificate authority, made where it is missing [default: STORE.pki]
    #[arg(long, value_name = "DIR")]
    pki: Option<PathBuf>,
    /// Name of the log in its checkpoints, a URL without scheme [default: HOST/indelible]
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// Folder outside the store that keeps the newest checkpoint, to recognise a rolled-back store
    #[arg(long, value_name = "DIR")]
    heads: Option<PathBuf>,
    /// Address for the log, proofs and metrics over HTTP
    #[arg(long, value_name = "ADDR", value_parser = config::listened_on)]
    http: Option<SocketAddr>,
    /// HTTP with TLS, under the collector's certificate
    #[arg(long, requires = "http")]
    http_tls: bool,
    /// File with the tokens that may read entries over HTTP: NAME EXPIRES SHA256, a line each
    #[arg(long, value_name = "FILE", requires = "http")]
    http_tokens: Option<PathBuf>,
    /// Name in a certificate of the collector's authority whose holder may read entries over HTTP; may be
    /// given several times
    #[arg(long, value_name = "NAME", requires = "http")]
    http_reader: Vec<String>,
    /// A witness to cosign checkpoints: its C2SP verifier key and its URL in one argument; may be
    /// given several times
    #[arg(long, value_name = "KEY URL", value_parser = WitnessConfig::parse)]
    witness: Vec<WitnessConfig>,
    /// Witnesses that must have signed a checkpoint before it is shown [default: more than half]
    #[arg(long, value_name = "COUNT")]
    witness_quorum: Option<usize>,
    /// Find what intruders do while entries come, with the built-in detections
    #[arg(long)]
    detect: bool,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    supervised: bool,
}

impl Collector {
    pub(super) fn run(self) -> Result<u8> {
        let (config, pki) = self.configuration()?;
        let log_key = pki.map(|pki| pki.log_key());
        collector::run(&config, log_key.as_deref(), self.supervised)?;
        Ok(exit::DONE)
    }

    /// The configuration, and the authority, which gets the log's key for hosts that enrol.
    fn configuration(&self) -> Result<(CollectorConfig, Option<Pki>)> {
        let (mut config, pki) = match (&self.config, &self.store) {
            (Some(path), _) => {
                let config: CollectorConfig = config::read(path)?;
                let pki = config.authority.as_deref().map(Pki::at);
                if let Some(pki) = pki.as_ref().filter(|_| config.tls.is_none()) {
                    pki.ensure()?;
                }
                (config, pki)
            }
            (None, Some(store)) => {
                let folder = self
                    .pki
                    .clone()
                    .unwrap_or_else(|| store.with_extension("pki"));
                let pki = Pki::at(&folder);
                if pki.ensure()? {
                    tracing::info!(
                        "made an authority in {0}; hosts enrol with a token of `indelible token create \
                         --pki {0} --address THIS-HOST:PORT`",
                        folder.display()
                    );
                }
                let config = CollectorConfig {
                    store: store.clone(),
                    origin: None,
                    heads: None,
                    reserve_bytes: default_reserve_bytes(),
                    retention: RetentionConfig::default(),
                    peer_limits: PeerLimits::default(),
                    native: default_native(),
                    tls: Some(pki.files(COLLECTOR)),
                    authority: Some(folder),
                    http: None,
                    witness: Vec::new(),
                    witness_quorum: None,
                    syslog_tcp: None,
                    syslog_udp: None,
                    syslog_tls: None,
                    relp: None,
                    relp_tls: None,
                    detections: None,
                };
                (config, Some(pki))
            }
            (None, None) => anyhow::bail!("neither --config nor --store is given"),
        };
        if let Some(store) = &self.store {
            config.store.clone_from(store);
        }
        if let Some(native) = self.native {
            config.native = native;
        }
        self.set_receivers(&mut config);
        if self.detect {
            config.detections.get_or_insert_default();
        }
        if self.origin.is_some() {
            config.origin.clone_from(&self.origin);
        }
        if self.heads.is_some() {
            config.heads.clone_from(&self.heads);
        }
        if let Some(address) = self.http {
            config.http = Some(HttpConfig {
                address,
                tls: self.http_tls,
                tokens: self.http_tokens.clone(),
                readers: self.http_reader.clone(),
            });
        }
        if !self.witness.is_empty() {
            config.witness.clone_from(&self.witness);
        }
        config.witness_quorum = self.witness_quorum.or(config.witness_quorum);
        Ok((config, pki))
    }

    /// A flag sets the address alone: what the file says besides it stays.
    fn set_receivers(&self, config: &mut CollectorConfig) {
        for (flag, receiver) in [
            (self.syslog_tcp, &mut config.syslog_tcp),
            (self.relp, &mut config.relp),
        ] {
            if let Some(address) = flag {
                let receiver = receiver.get_or_insert_with(|| StreamReceiver::new(address));
                receiver.address = address;
            }
        }
        for (flag, receiver) in [
            (self.syslog_tls, &mut config.syslog_tls),
            (self.relp_tls, &mut config.relp_tls),
        ] {
            if let Some(address) = flag {
                let receiver = receiver.get_or_insert_with(|| TlsReceiver::new(address));
                receiver.address = address;
            }
        }
        if let Some(address) = self.syslog_udp {
            config.syslog_udp = Some(DatagramReceiver { address });
        }
    }
}
