//! HTTP as a client: witnesses, webhooks, a collector elsewhere.
//!
//! Blocking, one call at a time, with a bound on time and size everywhere. Redirects are not
//! followed and no proxy is taken from the environment: what we send goes where the
//! configuration says.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// How long a connection may take to be made, a request to be sent, and an answer to begin.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Whom a client believes and what it shows.
#[derive(Debug, Default)]
pub(crate) struct Credentials<'a> {
    /// PEM file of the authorities that servers must come from; without it `https` is refused.
    pub(crate) ca: Option<&'a Path>,
    /// PEM files of a certificate and its key.
    pub(crate) certificate: Option<(&'a Path, &'a Path)>,
    /// What goes into `Authorization: Bearer`.
    pub(crate) token: Option<String>,
}

/// A client with its connections.
#[derive(Debug)]
pub(crate) struct Client {
    agent: ureq::Agent,
    authorization: Option<String>,
}

/// What a server answered; any status.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status, as in RFC 9110.
    pub(crate) status: u16,
    /// `Content-Type`, empty where there is none.
    pub(crate) media_type: String,
    /// `Content-Encoding`, empty where there is none: the body is as it was sent.
    pub(crate) encoding: String,
    body: ureq::Body,
}

impl Client {
    /// A client with these credentials; reads the files. `whole` is how long a call may take, from
    /// its beginning to the last byte of the answer; without it only the beginning is bounded.
    pub(crate) fn new(credentials: Credentials<'_>, whole: Option<Duration>) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let authorities = match credentials.ca {
            Some(path) => certificates(path)?,
            None => Vec::new(),
        };
        let certificate = match credentials.certificate {
            Some((chain, key)) => {
                let pem = read(key)?;
                let key = PrivateKey::from_pem(&pem)
                    .with_context(|| format!("cannot read the private key {}", key.display()))?;
                Some(ClientCert::new_with_certs(&certificates(chain)?, key))
            }
            None => None,
        };
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::new_with_certs(&authorities))
            .client_cert(certificate)
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("indelible/", env!("CARGO_PKG_VERSION")))
            .timeout_global(whole)
            .timeout_connect(Some(TIMEOUT))
            .timeout_send_request(Some(TIMEOUT))
            .timeout_send_body(Some(TIMEOUT))
            .timeout_recv_response(Some(TIMEOUT))
            .build()
            .into();
        Ok(Self {
            agent,
            authorization: credentials.token.map(|token| format!("Bearer {token}")),
        })
    }

    /// `GET url`.
    pub(crate) fn get(&self, url: &str) -> Result<Answer> {
        let mut request = self.agent.get(url);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        answer(url, request.call())
    }

    /// `POST url` with a body of the given media type.
    pub(crate) fn post(&self, url: &str, media_type: &str, body: &[u8]) -> Result<Answer> {
        let mut request = self.agent.post(url).header("content-type", media_type);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        answer(url, request.send(body))
    }

    /// As [`Client::post`], where the answer may be encoded as `encodings` says.
    pub(crate) fn post_accepting(
        &self,
        url: &str,
        media_type: &str,
        body: &[u8],
        encodings: &str,
    ) -> Result<Answer> {
        let mut request = self
            .agent
            .post(url)
            .header("content-type", media_type)
            .header("accept-encoding", encodings);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        answer(url, request.send(body))
    }

    /// Whether a token is shown.
    pub(crate) fn has_token(&self) -> bool {
        self.authorization.is_some()
    }
}

impl Answer {
    /// The body, where it has at most `max` bytes.
    pub(crate) fn bytes(self, max: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader().take(max + 1).read_to_end(&mut bytes)?;
        ensure!(
            bytes.len() as u64 <= max,
            "the answer has more than {max} bytes"
        );
        Ok(bytes)
    }

    /// The body as it comes.
    pub(crate) fn reader(self) -> impl Read + Send {
        self.body.into_reader()
    }
}

fn answer(
    url: &str,
    outcome: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Answer> {
    let response = outcome.with_context(|| format!("cannot reach {url}"))?;
    let (head, body) = response.into_parts();
    let field = |name: &str| {
        let value = head.headers.get(name);
        let text = value.and_then(|value| value.to_str().ok());
        text.unwrap_or_default().to_owned()
    };
    Ok(Answer {
        status: head.status.as_u16(),
        media_type: field("content-type"),
        encoding: field("content-encoding"),
        body,
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let pem = read(path)?;
    let all: Vec<_> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
        .collect::<Result<_, _>>()
        .with_context(|| format!("cannot read certificates from {}", path.display()))?;
    ensure!(!all.is_empty(), "no certificate in {}", path.display());
    Ok(all)
}
