//! The collector's side of enrolment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::token::Tokens;
use super::{Answer, Request, read_line, write_line};
use crate::net::certificate::Certificate;
use crate::net::pki::{Pki, now_s};
use crate::net::tls::peer_name;

/// The authority that a collector enrols with.
#[derive(Clone, Debug)]
pub(crate) struct Enrolment {
    pki: Pki,
    tokens: Tokens,
    log_key: PathBuf,
}

impl Enrolment {
    pub(crate) fn new(folder: &Path) -> Self {
        let pki = Pki::at(folder);
        Self {
            tokens: Tokens::of(folder),
            log_key: pki.log_key(),
            pki,
        }
    }

    /// Answers one request.
    pub(crate) async fn serve(&self, mut stream: TlsStream<TcpStream>) -> Result<()> {
        let certificates = stream
            .get_ref()
            .1
            .peer_certificates()
            .map(<[CertificateDer<'_>]>::to_vec);
        let serving = async {
            let request: Request = read_line(&mut stream).await?;
            let name = request.name.clone();
            let answer = match self.grant(request, certificates.as_deref()) {
                Ok(granted) => {
                    tracing::info!(host = name, "issued a certificate");
                    granted
                }
                Err(error) => {
                    tracing::warn!(host = name, "refused a certificate: {error:#}");
                    Answer::Refused {
                        v: 1,
                        refused: format!("{error:#}"),
                    }
                }
            };
            write_line(&mut stream, &answer).await
        };
        timeout(TIMEOUT, serving)
            .await
            .context("no request in time")?
    }

    fn grant(&self, request: Request, shown: Option<&[CertificateDer<'_>]>) -> Result<Answer> {
        ensure!(request.v == 1, "version {} is unknown", request.v);
        let name = request.name;
        match (request.token, shown) {
            (Some(secret), _) => {
                // The token is used up whatever comes after it.
                let host = self.tokens.redeem(&secret, now_s())?;
                match host {
                    Some(host) => ensure!(host == name, "the token is for another host"),
                    None => ensure!(
                        !self.pki.knows(&name),
                        "there is a host {name:?} already; make a token with --host {name} to enrol it again"
                    ),
                }
            }
            (None, Some(shown)) => {
                let peer = peer_name(Some(shown))?;
                ensure!(
                    peer == name,
                    "{peer:?} cannot renew the certificate of {name:?}"
                );
                self.check_revocation(&peer, Some(shown))?;
            }
            (None, None) => bail!("neither a token nor a certificate"),
        }
        let log_key = std::fs::read_to_string(&self.log_key)
            .context("the collector has no log key yet")?
            .trim_end()
            .to_owned();
        Ok(Answer::Granted {
            v: 1,
            certificate: self.pki.sign_request(&name, &request.csr)?,
            authority: self.pki.authority_pem()?,
            log_key,
        })
    }

    /// Refuses a certificate that was issued before its host was revoked.
    ///
    /// # Errors
    /// Where it was, or where that cannot be told.
    pub(crate) fn check_revocation(
        &self,
        peer: &str,
        shown: Option<&[CertificateDer<'_>]>,
    ) -> Result<()> {
        let Some(revoked_s) = self.pki.revoked_s(peer)? else {
            return Ok(());
        };
        let certificate = shown.and_then(<[_]>::first).context("no certificate")?;
        let issued_s = Certificate::parse(certificate)?.begins_s;
        ensure!(
            issued_s > revoked_s,
            "{peer:?} was revoked; enrol it again with a token of `indelible token create --host {peer}`"
        );
        Ok(())
    }
}

/// How long a host may take for its request.
const TIMEOUT: Duration = Duration::from_secs(10);
