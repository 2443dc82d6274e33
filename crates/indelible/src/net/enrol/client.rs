//! The host's side of enrolment.

use std::sync::Arc;
use std::time::Duration;

use ::aws_lc_rs::digest::{SHA256, digest};
use anyhow::{Context, Result, bail};
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::identity::Granted;
use super::token::Token;
use super::{ALPN, Answer, Request, read_line, write_line};
use crate::net::tls::Identity;
use crate::payload::{hex, unhex};

/// Enrols this host under a name; the key is made here.
pub(crate) async fn enroll(token: &Token, host: &str) -> Result<Granted> {
    let sha256 = unhex(&token.authority_sha256).context("the token's hash of the authority")?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = PinnedAuthority {
        sha256,
        provider: provider.clone(),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    let secret = Some(token.secret.clone());
    ask(&token.address, &token.name, config, host, secret).await
}

/// Gets a new certificate and key in place of those that this host has.
pub(crate) async fn renew(
    address: &str,
    name: &str,
    identity: Identity,
    host: &str,
) -> Result<Granted> {
    let mut config = ClientConfig::clone(&*identity.client()?);
    config.alpn_protocols = vec![ALPN.to_vec()];
    ask(address, name, config, host, None).await
}

async fn ask(
    address: &str,
    name: &str,
    config: ClientConfig,
    host: &str,
    token: Option<String>,
) -> Result<Granted> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![host.to_owned()])
        .with_context(|| format!("{host:?} cannot stand in a certificate"))?;
    params.distinguished_name.push(DnType::CommonName, host);
    let request = Request {
        v: 1,
        csr: params.serialize_request(&key)?.pem()?,
        name: host.to_owned(),
        token,
    };
    let asking = async {
        let socket = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        let server = ServerName::try_from(name.to_owned()).context("not a DNS name")?;
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(server, socket)
            .await
            .with_context(|| format!("{address} is not the collector of this token or identity"))?;
        write_line(&mut stream, &request).await?;
        read_line(&mut stream).await
    };
    let answer = timeout(TIMEOUT, asking)
        .await
        .with_context(|| format!("no answer from {address} in time"))??;
    match answer {
        Answer::Granted {
            certificate,
            authority,
            log_key,
            ..
        } => Ok(Granted {
            certificate,
            key: key.serialize_pem(),
            authority,
            log_key,
        }),
        Answer::Refused { refused, .. } => bail!("the collector refused: {refused}"),
    }
}

/// Believes a server whose chain holds the authority with this hash, and whose certificate that
/// authority signed for the name.
#[derive(Debug)]
struct PinnedAuthority {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authority = intermediates
            .iter()
            .find(|shown| digest(&SHA256, shown).as_ref() == self.sha256);
        let Some(authority) = authority else {
            let shown: Vec<String> = intermediates
                .iter()
                .map(|shown| hex(digest(&SHA256, shown).as_ref()))
                .collect();
            tracing::debug!(wanted = hex(&self.sha256), ?shown, "another authority");
            return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        };
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone())?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
                .build()
                .map_err(|error| Error::General(error.to_string()))?;
        verifier.verify_server_cert(end_entity, &[], server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// From the first packet to the answer.
const TIMEOUT: Duration = Duration::from_secs(15);
