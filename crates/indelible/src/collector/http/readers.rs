//! Who may read: holders of a token, and of a certificate with a reader's name.

use std::sync::Arc;

use axum::Extension;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::IncomingStream;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpListener;

use super::noted::Principal;
use super::problem::Problem;
use super::tokens::Tokens;
use super::{Shared, TlsListener};
use crate::net::enrol::server::Enrolment;
use crate::net::tls::peer_name;

/// Who may read.
#[derive(Debug, Default)]
pub(super) struct Readers {
    pub(super) tokens: Tokens,
    /// Names in certificates of the collector's authority.
    pub(super) names: Vec<String>,
    /// Knows whose certificates were revoked.
    pub(super) enrolment: Option<Enrolment>,
}

/// Who is at the other end of a connection, as TLS has found.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    certificates: Option<Arc<[CertificateDer<'static>]>>,
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(_stream: IncomingStream<'_, TcpListener>) -> Self {
        Self { certificates: None }
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        let shown = stream.io().get_ref().1.peer_certificates();
        let owned = |shown: &[CertificateDer<'_>]| {
            shown.iter().map(|one| one.clone().into_owned()).collect()
        };
        Self {
            certificates: shown.map(owned),
        }
    }
}

impl Readers {
    /// The reader who shows this, if it is one.
    fn of(&self, secret: Option<&[u8]>, peer: &Peer) -> Option<Principal> {
        let by_token = secret.and_then(|secret| self.tokens.accept(secret, Timestamp::now()));
        by_token.or_else(|| self.by_certificate(peer.certificates.as_deref()?))
    }

    fn by_certificate(&self, shown: &[CertificateDer<'static>]) -> Option<Principal> {
        let name = peer_name(Some(shown)).ok()?;
        if !self.names.contains(&name) {
            return None;
        }
        let revoked =
            |enrolment: &Enrolment| enrolment.check_revocation(&name, Some(shown)).is_err();
        let is_revoked = self.enrolment.as_ref().is_some_and(revoked);
        (!is_revoked).then(|| Principal(format!("certificate:{name}").into()))
    }
}

/// Lets only readers through.
pub(super) async fn require(
    State(shown): State<Shared>,
    Extension(ConnectInfo(peer)): Extension<ConnectInfo<Peer>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let secret = request.headers().get(AUTHORIZATION);
    let secret = secret.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let principal = shown
        .readers
        .of(secret, &peer)
        .ok_or(Problem::Unauthorised)?;
    request.extensions_mut().insert(principal);
    Ok(next.run(request).await)
}
