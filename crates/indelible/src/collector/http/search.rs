//! Searches: a query in, an event stream out, for as long as its reader takes it.
//!
//! ```text
//! POST ─ Query ─ slot ─ entry of the log ─ thread "search": engine ─▶ channel ─▶ body ─▶ reader
//! ```
//!
//! A search has threads of its own, below the collector's in priority, and a bounded channel to its
//! reader: one who reads slowly holds up nothing but his own search, and for no longer than
//! [`STALL_MAX`]. One who goes away ends it.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use indelible_sys::process;
use indelible_wire::sse;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::{Sleep, sleep, timeout};

use super::Shared;
use super::noted::Principal;
use super::problem::Problem;
use crate::payload::operator::Action;
use crate::search::remote::query::{QUERY_BYTES_MAX, Query, Understood};
use crate::search::remote::ship::{self, Outlet};

/// What searches share.
#[derive(Debug)]
pub(super) struct Searches {
    store: PathBuf,
    running: Arc<Mutex<Vec<Running>>>,
    stopping: watch::Receiver<bool>,
}

/// A search that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    principal: Principal,
    follows: bool,
}

/// The right to run one; it ends with this.
struct Slot {
    running: Arc<Mutex<Vec<Running>>>,
    ours: Running,
}

impl Searches {
    pub(super) fn new(store: PathBuf, stopping: watch::Receiver<bool>) -> Self {
        Self {
            store,
            running: Arc::default(),
            stopping,
        }
    }

    /// A slot, as soon as there is one.
    async fn slot(&self, principal: &Principal, follows: bool) -> Result<Slot, Problem> {
        let began = Instant::now();
        loop {
            match self.try_slot(principal, follows) {
                Ok(slot) => return Ok(slot),
                Err(problem) if began.elapsed() >= SLOT_PATIENCE => return Err(problem),
                Err(_) => sleep(SLOT_LOOK).await,
            }
        }
    }

    fn try_slot(&self, principal: &Principal, follows: bool) -> Result<Slot, Problem> {
        let (all_max, own_max) = match follows {
            true => (FOLLOWS_MAX, PRINCIPAL_FOLLOWS_MAX),
            false => (SEARCHES_MAX, PRINCIPAL_SEARCHES_MAX),
        };
        let ours = Running {
            principal: principal.clone(),
            follows,
        };
        let mut running = lock(&self.running);
        let alike = running.iter().filter(|other| other.follows == follows);
        let (mut all, mut own) = (0, 0);
        for other in alike {
            all += 1;
            own += usize::from(*other == ours);
        }
        if own >= own_max {
            return Err(Problem::TooMany);
        }
        if all >= all_max {
            return Err(Problem::Busy);
        }
        running.push(ours.clone());
        Ok(Slot {
            running: Arc::clone(&self.running),
            ours,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        if let Some(at) = running.iter().position(|other| *other == self.ours) {
            running.swap_remove(at);
        }
    }
}

fn lock(running: &Mutex<Vec<Running>>) -> std::sync::MutexGuard<'_, Vec<Running>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Searches the store, or follows it.
pub(super) async fn search(
    State(shown): State<Shared>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let is_zstd = accepts_zstd(&request);
    let body = timeout(
        BODY_PATIENCE,
        to_bytes(request.into_body(), QUERY_BYTES_MAX),
    )
    .await;
    let body = body
        .map_err(|_| Problem::Bad("the query did not come in time"))?
        .map_err(|_| Problem::Bad("the query is too long"))?;
    let query = Query::parse(&body).map_err(|error| Problem::Refused(error.to_string()))?;
    let understood = query
        .understood()
        .map_err(|error| Problem::Refused(error.to_string()))?;
    let slot = shown.searches.slot(&principal, understood.follow).await?;
    let query = query.to_json().chars().take(NOTED_CHARS_MAX).collect();
    shown
        .notes
        .note(&principal, Action::Search { query })
        .await?;
    let (sender, parts) = mpsc::channel(PARTS_AHEAD_MAX);
    let parts = Parts::new(parts, is_zstd).map_err(|_| Problem::Busy)?;
    let outlet = ToReader {
        sender,
        runtime: Handle::current(),
        stopping: shown.searches.stopping.clone(),
        ends: (!understood.follow).then(|| Instant::now() + SEARCH_TIME_MAX),
        why: Mutex::default(),
    };
    let store = shown.searches.store.clone();
    std::thread::Builder::new()
        .name("search".into())
        .spawn(move || run(&store, &understood, &outlet, slot))
        .map_err(|_| Problem::Busy)?;
    let mut response = (
        [
            (CONTENT_TYPE, sse::MEDIA_TYPE),
            (CACHE_CONTROL, "no-store"),
            (VARY, "accept-encoding"),
        ],
        Body::new(parts),
    )
        .into_response();
    if is_zstd {
        let encoding = HeaderValue::from_static("zstd");
        response.headers_mut().insert(CONTENT_ENCODING, encoding);
    }
    Ok(response)
}

fn run(store: &std::path::Path, understood: &Understood, outlet: &ToReader, slot: Slot) {
    // What comes in goes first.
    process::give_way();
    ship::ship(store, understood, outlet);
    let why = outlet.why.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(why) = *why {
        // The reader may be there again; nobody waits for him.
        let _ = outlet.sender.try_send(ship::failed(why));
    }
    drop(slot);
}

/// Whether the reader can take zstd: no weights, because nobody sends any that matter.
fn accepts_zstd(request: &Request) -> bool {
    let accepted = request.headers().get(ACCEPT_ENCODING);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.split(',').any(|word| word.trim() == "zstd"))
}

/// The way to a reader.
struct ToReader {
    sender: mpsc::Sender<Vec<u8>>,
    runtime: Handle,
    stopping: watch::Receiver<bool>,
    /// When the time of a search is over.
    ends: Option<Instant>,
    /// Why it was broken off.
    why: Mutex<Option<&'static str>>,
}

impl ToReader {
    fn end(&self, because: &'static str) {
        let mut why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        why.get_or_insert(because);
    }
}

impl Outlet for ToReader {
    fn give(&self, messages: Vec<u8>) -> ControlFlow<()> {
        if self.is_over() {
            return ControlFlow::Break(());
        }
        if messages.is_empty() {
            return ControlFlow::Continue(());
        }
        // A timer is made where there is a runtime to keep it.
        let send = async { timeout(STALL_MAX, self.sender.send(messages)).await };
        match self.runtime.block_on(send) {
            Ok(Ok(())) => ControlFlow::Continue(()),
            Ok(Err(_)) => ControlFlow::Break(()),
            Err(_) => {
                self.end("its reader took nothing for too long");
                ControlFlow::Break(())
            }
        }
    }

    fn is_over(&self) -> bool {
        if *self.stopping.borrow() {
            self.end("the collector stops");
        }
        if self.ends.is_some_and(|ends| Instant::now() >= ends) {
            self.end("the search took too long");
        }
        let why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        why.is_some() || self.sender.is_closed()
    }
}

/// The body of an answer.
struct Parts {
    parts: mpsc::Receiver<Vec<u8>>,
    zstd: Option<zstd::stream::write::Encoder<'static, Vec<u8>>>,
    /// Ends when it is time to say something.
    quiet: Pin<Box<Sleep>>,
}

impl Parts {
    fn new(parts: mpsc::Receiver<Vec<u8>>, is_zstd: bool) -> std::io::Result<Self> {
        let encoder = || zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL);
        Ok(Self {
            parts,
            zstd: is_zstd.then(encoder).transpose()?,
            quiet: Box::pin(sleep(QUIET_MAX)),
        })
    }

    fn encode(&mut self, text: Vec<u8>) -> std::io::Result<Bytes> {
        use std::io::Write as _;
        let Some(zstd) = &mut self.zstd else {
            return Ok(text.into());
        };
        zstd.write_all(&text)?;
        zstd.flush()?;
        Ok(std::mem::take(zstd.get_mut()).into())
    }
}

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let text = match self.parts.poll_recv(context) {
            Poll::Ready(Some(text)) => text,
            Poll::Ready(None) => {
                let Some(zstd) = self.zstd.take() else {
                    return Poll::Ready(None);
                };
                let rest = zstd.finish();
                return Poll::Ready(Some(rest.map(|rest| Frame::data(rest.into()))));
            }
            Poll::Pending => {
                if self.quiet.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                let mut comment = Vec::new();
                sse::push_comment(&mut comment);
                comment
            }
        };
        let next = tokio::time::Instant::now() + QUIET_MAX;
        self.quiet.as_mut().reset(next);
        Poll::Ready(Some(self.encode(text).map(Frame::data)))
    }
}

/// Searches at a time: each takes up to 64 MiB, and all cores.
const SEARCHES_MAX: usize = 3;
const PRINCIPAL_SEARCHES_MAX: usize = 2;
/// Readers at a time who wait for what comes.
const FOLLOWS_MAX: usize = 32;
const PRINCIPAL_FOLLOWS_MAX: usize = 8;
/// How long a search may wait for others to end, and how often it looks.
const SLOT_PATIENCE: Duration = Duration::from_secs(5);
const SLOT_LOOK: Duration = Duration::from_millis(50);
/// How long a query may take to come.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// How long a reader may take nothing: somebody who reads in a pager has that long per page.
const STALL_MAX: Duration = Duration::from_secs(300);
/// How long one search may take.
const SEARCH_TIME_MAX: Duration = Duration::from_secs(3_600);
/// Silence after which something is said.
const QUIET_MAX: Duration = Duration::from_secs(10);
/// Parts that are made and not sent; each has some 256 KiB.
const PARTS_AHEAD_MAX: usize = 4;
/// Longest query in an entry.
const NOTED_CHARS_MAX: usize = 8_000;
const ZSTD_LEVEL: i32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_shared() {
        let (_stop, stopping) = watch::channel(false);
        let searches = Searches::new(PathBuf::new(), stopping);
        let [alice, bob] = ["alice", "bob"].map(|name| Principal(name.into()));
        let own: Vec<_> = (0..PRINCIPAL_SEARCHES_MAX)
            .map(|_| searches.try_slot(&alice, false).ok().unwrap())
            .collect();
        assert!(matches!(
            searches.try_slot(&alice, false),
            Err(Problem::TooMany)
        ));
        assert!(searches.try_slot(&alice, true).is_ok());
        let last = searches.try_slot(&bob, false).ok().unwrap();
        assert!(matches!(searches.try_slot(&bob, false), Err(Problem::Busy)));
        drop(last);
        drop(own);
        assert!(lock(&searches.running).is_empty());
    }
}
