//! Receivers of syslog and RELP in the collector's configuration.

use std::net::SocketAddr;

use indelible_wire::syslog::Framing;
use serde::Deserialize;

use super::TlsFiles;
use crate::collector::receivers::limits::{
    PEER_BYTES_PER_SECOND, PEER_CONNECTIONS_MAX, PEER_MESSAGES_PER_SECOND,
};

/// How fast one peer may be; beyond it, it is not read from. Agents, and peers of syslog over TCP or
/// TLS and of RELP, each with all of its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PeerLimits {
    /// Messages or entries of one peer per second.
    #[serde(default = "default_messages")]
    pub(crate) messages_per_second: u64,
    /// Bytes of one peer per second.
    #[serde(default = "default_bytes")]
    pub(crate) bytes_per_second: u64,
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            messages_per_second: default_messages(),
            bytes_per_second: default_bytes(),
        }
    }
}

/// A receiver of syslog or RELP over TCP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StreamReceiver {
    /// Where to listen.
    pub(crate) address: SocketAddr,
    /// How messages are told apart; not for RELP.
    #[serde(default)]
    pub(crate) framing: FramingChoice,
    /// Connections of one address at a time.
    #[serde(default = "default_connections")]
    pub(crate) connections_per_peer_max: usize,
}

/// The same over TLS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TlsReceiver {
    /// Where to listen.
    pub(crate) address: SocketAddr,
    /// How messages are told apart; not for RELP.
    #[serde(default)]
    pub(crate) framing: FramingChoice,
    /// Connections of one address at a time.
    #[serde(default = "default_connections")]
    pub(crate) connections_per_peer_max: usize,
    /// What clients must show. A name in a verified certificate is the peer's identity; without
    /// one it is the address.
    #[serde(default)]
    pub(crate) client_certificates: ClientCertificates,
    /// Certificates and key, where they are not those of the collector.
    pub(crate) tls: Option<TlsFiles>,
}

/// A receiver of syslog over UDP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DatagramReceiver {
    /// Where to listen.
    pub(crate) address: SocketAddr,
}

/// How messages of a connection are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FramingChoice {
    /// Found from how each connection begins.
    #[default]
    Auto,
    /// A decimal length before each message.
    Octets,
    /// A line feed after each message.
    Lines,
}

/// What clients of a TLS receiver must show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ClientCertificates {
    /// A certificate of the authority.
    #[default]
    Required,
    /// One of the authority, or none.
    Optional,
    /// None is asked for.
    None,
}

impl StreamReceiver {
    /// Everything but the address as it is by default.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            framing: FramingChoice::default(),
            connections_per_peer_max: default_connections(),
        }
    }
}

impl TlsReceiver {
    /// Everything but the address as it is by default.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            framing: FramingChoice::default(),
            connections_per_peer_max: default_connections(),
            client_certificates: ClientCertificates::default(),
            tls: None,
        }
    }

    /// What it shares with a receiver without TLS.
    pub(crate) fn plain(&self) -> StreamReceiver {
        StreamReceiver {
            address: self.address,
            framing: self.framing,
            connections_per_peer_max: self.connections_per_peer_max,
        }
    }
}

impl FramingChoice {
    /// The framing, where it is not to be found.
    pub(crate) fn known(self) -> Option<Framing> {
        match self {
            Self::Auto => None,
            Self::Octets => Some(Framing::Octets),
            Self::Lines => Some(Framing::Lines),
        }
    }
}

fn default_messages() -> u64 {
    PEER_MESSAGES_PER_SECOND
}

fn default_bytes() -> u64 {
    PEER_BYTES_PER_SECOND
}

fn default_connections() -> usize {
    PEER_CONNECTIONS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CollectorConfig;

    #[test]
    fn receivers_are_named_and_unknown_keys_refused() {
        let text = "store = '/s'\ntls = { ca = 'a', certificate = 'b', key = 'c' }\n\
                    [syslog-tcp]\naddress = '[::]:514'\nframing = 'lines'\n\
                    [relp-tls]\naddress = '0.0.0.0:2514'\nclient-certificates = 'none'\n";
        let config: CollectorConfig = toml::from_str(text).unwrap();
        let lines = config.syslog_tcp.unwrap().framing.known();
        assert_eq!(lines, Some(Framing::Lines));
        let relp = config.relp_tls.unwrap();
        assert_eq!(relp.client_certificates, ClientCertificates::None);
        assert_eq!(
            (relp.plain().framing.known(), config.syslog_udp),
            (None, None)
        );
        let text = format!("{text}framng = 'auto'\n");
        let error = toml::from_str::<CollectorConfig>(&text).unwrap_err();
        assert!(
            error.to_string().contains("unknown field `framng`"),
            "{error}"
        );
    }
}
