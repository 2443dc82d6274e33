//! TLS 1.3 with certificates on both sides, one crypto provider (aws-lc-rs).

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::config::TlsFiles;
use crate::config::outputs::OutputTls;
use crate::config::receivers::ClientCertificates;

/// The application protocol of docs/protocol.md.
const ALPN: &[u8] = b"indelible/1";
/// HTTP/1.1 by its registered name.
const ALPN_HTTP: &[u8] = b"http/1.1";

/// Certificates and key of one side, read while this process may still read them.
#[derive(Debug)]
pub(crate) struct Identity {
    authorities: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// The authorities themselves: a host that enrols knows one by its hash.
    shown: Vec<CertificateDer<'static>>,
}

impl Identity {
    /// Reads the three files.
    pub(crate) fn read(files: &TlsFiles) -> Result<Self> {
        let mut authorities = RootCertStore::empty();
        let shown = certificates(&files.ca)?;
        for certificate in &shown {
            authorities
                .add(certificate.clone())
                .with_context(|| format!("not a usable authority: {}", files.ca.display()))?;
        }
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .with_context(|| format!("cannot read the private key {}", files.key.display()))?;
        Ok(Self {
            authorities: Arc::new(authorities),
            chain: certificates(&files.certificate)?,
            key,
            shown,
        })
    }

    /// The agent's side: the collector must prove its name.
    pub(crate) fn client(self) -> Result<Arc<ClientConfig>> {
        let mut config = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .with_root_certificates(self.authorities)
            .with_client_auth_cert(self.chain, self.key)
            .context("certificate and key do not belong together")?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Arc::new(config))
    }

    /// The side of a receiver of syslog or RELP. TLS 1.2 is spoken too, because RFC 5425 and its
    /// senders are older than 1.3.
    pub(crate) fn receiver(self, clients: ClientCertificates) -> Result<Arc<ServerConfig>> {
        let verifier = WebPkiClientVerifier::builder(self.authorities);
        let verifier = match clients {
            ClientCertificates::Required => verifier.build()?,
            ClientCertificates::Optional => verifier.allow_unauthenticated().build()?,
            ClientCertificates::None => WebPkiClientVerifier::no_client_auth(),
        };
        let config = ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain, self.key)
            .context("certificate and key do not belong together")?;
        Ok(Arc::new(config))
    }

    /// The collector's side: nobody without a certificate of the authority gets in, but to enrol
    /// where `enrols`; whoever serves must then ask for the peer's name.
    pub(crate) fn server(self, enrols: bool) -> Result<Arc<ServerConfig>> {
        let mut verifier = WebPkiClientVerifier::builder(self.authorities);
        let mut chain = self.chain;
        let mut protocols = vec![ALPN.to_vec()];
        if enrols {
            verifier = verifier.allow_unauthenticated();
            chain.extend(self.shown);
            protocols.push(super::enrol::ALPN.to_vec());
        }
        let mut config = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .with_client_cert_verifier(verifier.build()?)
            .with_single_cert(chain, self.key)
            .context("certificate and key do not belong together")?;
        config.alpn_protocols = protocols;
        Ok(Arc::new(config))
    }

    /// The collector's side of HTTP: clients show tokens or, where that is of use, certificates.
    pub(crate) fn http_server(self, asks_for_certificates: bool) -> Result<Arc<ServerConfig>> {
        let verifier = match asks_for_certificates {
            true => WebPkiClientVerifier::builder(self.authorities)
                .allow_unauthenticated()
                .build()?,
            false => WebPkiClientVerifier::no_client_auth(),
        };
        let mut config = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain, self.key)
            .context("certificate and key do not belong together")?;
        config.alpn_protocols = vec![ALPN_HTTP.to_vec()];
        Ok(Arc::new(config))
    }
}

/// The side of a plain output: the peer must prove its name; this host does where it has a
/// certificate for it. TLS 1.2 is spoken too, because RFC 5425 and its receivers are older than 1.3.
pub(crate) fn towards_peer(files: &OutputTls) -> Result<Arc<ClientConfig>> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(&files.ca)? {
        authorities
            .add(certificate)
            .with_context(|| format!("not a usable authority: {}", files.ca.display()))?;
    }
    let builder = ClientConfig::builder().with_root_certificates(authorities);
    let config = match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => {
            let shown = || format!("cannot read the private key {}", key.display());
            let key = PrivateKeyDer::from_pem_file(key).with_context(shown)?;
            builder
                .with_client_auth_cert(certificates(certificate)?, key)
                .context("certificate and key do not belong together")?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

/// The peer name where the peer showed a certificate; it was then verified.
pub(crate) fn peer_name_if_shown(
    certificates: Option<&[CertificateDer<'_>]>,
) -> Result<Option<String>> {
    certificates
        .filter(|certificates| !certificates.is_empty())
        .map(|certificates| peer_name(Some(certificates)))
        .transpose()
}

/// The peer name: the first DNS name of a verified certificate.
pub(crate) fn peer_name(certificates: Option<&[CertificateDer<'_>]>) -> Result<String> {
    let certificate = certificates
        .and_then(<[_]>::first)
        .context("the peer showed no certificate")?;
    let certificate = webpki::EndEntityCert::try_from(certificate)
        .map_err(|error| anyhow::anyhow!("the peer's certificate cannot be read: {error:?}"))?;
    let name = certificate.valid_dns_names().next().map(str::to_owned);
    name.context("the peer's certificate carries no DNS name")
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = || format!("cannot read certificates from {}", path.display());
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .with_context(read)?
        .collect::<Result<_, _>>()
        .with_context(read)?;
    ensure!(!chain.is_empty(), "no certificate in {}", path.display());
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::pki::{COLLECTOR, Pki};

    #[test]
    fn issued_certificates_carry_their_name_and_make_both_sides() {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::at(folder.path());
        pki.ensure().unwrap();
        pki.issue("web1.example").unwrap();
        Identity::read(&pki.files(COLLECTOR))
            .unwrap()
            .server(true)
            .unwrap();
        let agent = Identity::read(&pki.files("web1.example")).unwrap();
        assert_eq!(peer_name(Some(&agent.chain)).unwrap(), "web1.example");
        agent.client().unwrap();
    }

    #[test]
    fn a_missing_file_is_named() {
        let files = TlsFiles {
            ca: "/nonexistent/ca.pem".into(),
            certificate: "/a".into(),
            key: "/b".into(),
        };
        let error = Identity::read(&files).unwrap_err();
        assert!(
            format!("{error:#}").contains("/nonexistent/ca.pem"),
            "{error:#}"
        );
    }
}
