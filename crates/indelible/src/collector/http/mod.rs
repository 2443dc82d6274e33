//! The collector over HTTP: the log as C2SP tlog-tiles has it, proofs, metrics, health.
//!
//! It reads the store like any other reader and has no way to change it. Everybody may see the
//! newest checkpoint, the log's key, the metrics and the health; searches, entries, and the tiles from
//! which short entries could be guessed, are for readers.

mod log;
mod metrics;
mod noted;
mod problem;
mod readers;
mod search;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::http::header::{CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use indelible_log::Checkpoint;
use indelible_log::dir::RealDir;
use indelible_log::published::Published;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::writer;
use crate::config::CollectorConfig;
use crate::config::collector::HttpConfig;
use crate::net::enrol::server::Enrolment;
use crate::net::tls::Identity;
pub(crate) use metrics::Metrics;
use readers::{Peer, Readers};
use search::Searches;
use tokens::Tokens;

/// What the handlers share.
pub(super) struct Shown {
    published: Published,
    newest: watch::Receiver<Checkpoint>,
    metrics: Arc<Metrics>,
    readers: Readers,
    searches: Searches,
    /// Whether a checkpoint is shown only when witnesses have cosigned it.
    witnessed: bool,
    notes: noted::Notes,
}

type Shared = Arc<Shown>;

/// A server that is ready to start.
pub(super) struct Server {
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    shown: Shared,
}

impl Server {
    /// Opens the store for reading and binds the address.
    ///
    /// # Errors
    /// An address that is open to others without TLS and tokens; files that cannot be read.
    pub(super) async fn bind(
        config: &HttpConfig,
        identity: impl FnOnce() -> Result<Identity>,
        collector: &CollectorConfig,
        newest: watch::Receiver<Checkpoint>,
        metrics: Arc<Metrics>,
        requests: Sender<writer::Request>,
        stopping: watch::Receiver<bool>,
    ) -> Result<Self> {
        let knows_readers = config.tokens.is_some() || !config.readers.is_empty();
        ensure!(
            config.address.ip().is_loopback() || (config.tls && knows_readers),
            "HTTP on {} would be open to others: it needs TLS (--http-tls), and tokens \
             (--http-tokens FILE) or readers with certificates (--http-reader NAME)",
            config.address
        );
        ensure!(
            config.tls || config.readers.is_empty(),
            "readers with certificates (--http-reader) need TLS (--http-tls)"
        );
        let tokens = match &config.tokens {
            Some(path) => Tokens::read(path)?,
            None => Tokens::default(),
        };
        let dir = RealDir::open(&collector.store)?;
        let shown = Arc::new(Shown {
            published: Published::open(dir).context("cannot read the store")?,
            newest,
            metrics,
            readers: Readers {
                tokens,
                names: config.readers.clone(),
                enrolment: collector.authority.as_deref().map(Enrolment::new),
            },
            searches: Searches::new(collector.store.clone(), stopping),
            witnessed: !collector.witness.is_empty(),
            notes: noted::Notes::new(requests),
        });
        let acceptor = match config.tls {
            true => Some(TlsAcceptor::from(
                identity()?.http_server(!config.readers.is_empty())?,
            )),
            false => None,
        };
        let listener = TcpListener::bind(config.address)
            .await
            .with_context(|| format!("cannot listen on {}", config.address))?;
        tracing::info!(address = %listener.local_addr()?, tls = config.tls, "HTTP");
        Ok(Self {
            listener,
            acceptor,
            router: router(shown.clone()),
            shown,
        })
    }

    /// Answers until the collector stops.
    pub(super) async fn serve(self, mut stopping: watch::Receiver<bool>) -> Result<()> {
        let shown = self.shown;
        let notes = async {
            loop {
                tokio::time::sleep(noted::SUM_EVERY).await;
                shown.notes.sum_up();
            }
        };
        let stopped = async move {
            let _ = stopping.wait_for(|stopping| *stopping).await;
        };
        let router = self.router.into_make_service_with_connect_info::<Peer>();
        let served = async {
            match self.acceptor {
                None => {
                    axum::serve(self.listener, router)
                        .with_graceful_shutdown(stopped)
                        .await
                }
                Some(acceptor) => {
                    let listener = TlsListener {
                        listener: self.listener,
                        acceptor,
                        handshakes: JoinSet::new(),
                    };
                    axum::serve(listener, router)
                        .with_graceful_shutdown(stopped)
                        .await
                }
            }
        };
        let served = tokio::select! {
            served = served => served,
            () = notes => Ok(()),
        };
        shown.notes.sum_up();
        Ok(served?)
    }
}

/// Every path that is answered. docs/openapi.json describes each; a test compares the two.
fn router(shown: Shared) -> Router {
    let readers = Router::new()
        .route("/tile/{*rest}", get(log::tile))
        .route("/api/v1/entries/{index}", get(log::entry))
        .route("/api/v1/proofs/{index}", get(log::proof))
        .route("/api/v1/consistency/{old}/{new}", get(log::consistency))
        .route_layer(middleware::from_fn_with_state(shown.clone(), noted::note))
        .route_layer(middleware::from_fn_with_state(
            shown.clone(),
            readers::require,
        ));
    // It is an entry of its own, with its query.
    let searches = Router::new()
        .route("/api/v1/search", post(search::search))
        .route_layer(middleware::from_fn_with_state(
            shown.clone(),
            readers::require,
        ));
    Router::new()
        .route("/checkpoint", get(log::checkpoint))
        .route("/pending-checkpoint", get(log::pending))
        .route("/log.vkey", get(log::key))
        .route("/metrics", get(metrics::text))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(metrics::ready))
        .route("/openapi.json", get(openapi))
        .merge(readers)
        .merge(searches)
        .layer(middleware::from_fn(safe_headers))
        .with_state(shown)
}

/// The description of this interface.
async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

/// Entries hold bytes that attackers chose: no browser may take them for a page.
async fn safe_headers(request: Request<axum::body::Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in SAFE_HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

const SAFE_HEADERS: [(HeaderName, &str); 2] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        axum::http::header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
];

const OPENAPI: &str = include_str!("../../../../../docs/openapi.json");

/// Accepts connections and shakes hands with many at a time: one that says nothing holds up nobody.
struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                (socket, address) = axum::serve::Listener::accept(&mut self.listener),
                    if self.handshakes.len() < HANDSHAKES_MAX =>
                {
                    let handshake = self.acceptor.accept(socket);
                    self.handshakes.spawn(async move {
                        let done = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await;
                        Some((done.ok()?.ok()?, address))
                    });
                }
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(accepted)) = done {
                        return accepted;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// TLS handshakes at a time.
const HANDSHAKES_MAX: usize = 256;
const HANDSHAKE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The routes of this file, as it spells them.
    fn routes() -> BTreeSet<String> {
        let source = include_str!("mod.rs");
        let quoted = source
            .split(".route(\"")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once("\", ")?.0.to_owned()));
        quoted.collect()
    }

    #[test]
    fn the_description_has_every_path_and_no_other() {
        let description: serde_json::Value = serde_json::from_str(super::OPENAPI).unwrap();
        let described = description["paths"].as_object().unwrap();
        let described: BTreeSet<String> = described
            .keys()
            // Tiles and bundles are several paths there, and one route here.
            .map(|path| match path.starts_with("/tile/") {
                true => "/tile/{*rest}".to_owned(),
                false => path.clone(),
            })
            .collect();
        assert_eq!(described, routes());
    }
}
