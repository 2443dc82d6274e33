//! What readers did becomes entries of the log: proofs each, before they are answered; other reads
//! summed up once per principal and minute.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::Shared;
use super::problem::Problem;
use crate::collector::operations::{Operation, Order, Wanted};
use crate::collector::writer;
use crate::payload::operator::Action;

/// Who reads: `token:NAME`, `certificate:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Principal(pub(super) Arc<str>);

/// Notes in the log.
#[derive(Debug)]
pub(super) struct Notes {
    requests: Sender<writer::Request>,
    /// Reads of each principal that no entry counts yet. There are as many as tokens.
    reads: Mutex<BTreeMap<Arc<str>, u64>>,
}

impl Notes {
    pub(super) fn new(requests: Sender<writer::Request>) -> Self {
        Self {
            requests,
            reads: Mutex::default(),
        }
    }

    /// Notes what a principal does; it is durable when this returns.
    ///
    /// # Errors
    /// It could not be noted, so it must not be done.
    pub(super) async fn note(&self, principal: &Principal, action: Action) -> Result<(), Problem> {
        let (reply, answer) = channel();
        let operation = operation(&principal.0, action);
        let request = writer::Request::operation(operation, reply);
        self.requests
            .send(request)
            .map_err(|_| Problem::NotNoted("the log's writer has ended".to_owned()))?;
        let told = tokio::task::spawn_blocking(move || answer.recv()).await;
        match told {
            Ok(Ok(Ok(_))) => Ok(()),
            Ok(Ok(Err(why))) => Err(Problem::NotNoted(why)),
            _ => Err(Problem::NotNoted("the log's writer has ended".to_owned())),
        }
    }

    fn count(&self, principal: &Principal) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        *reads.entry(principal.0.clone()).or_default() += 1;
    }

    /// Hands the sums of reads to the log. Nobody waits for what becomes of them.
    pub(super) fn sum_up(&self) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        for (principal, count) in std::mem::take(&mut *reads) {
            let (reply, _) = channel();
            let operation = operation(&principal, Action::Reads { count });
            // The collector is stopping; its last minute of reads is lost with it.
            let _ = self
                .requests
                .send(writer::Request::operation(operation, reply));
        }
    }
}

fn operation(principal: &str, action: Action) -> Operation {
    Operation {
        principal: principal.to_owned(),
        wanted: Wanted::Order(Order::Note { action }),
    }
}

/// Notes a request of a reader.
pub(super) async fn note(
    State(shown): State<Shared>,
    Extension(principal): Extension<Principal>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let path = request.uri().path();
    let is_proof = PROOFS.iter().any(|prefix| path.starts_with(prefix));
    match is_proof {
        true => {
            let path = path.chars().take(PATH_CHARS_MAX).collect();
            shown.notes.note(&principal, Action::Proof { path }).await?;
        }
        false => shown.notes.count(&principal),
    }
    Ok(next.run(request).await)
}

/// How often reads are summed up.
pub(super) const SUM_EVERY: Duration = Duration::from_secs(60);
/// Paths of which each request is an entry.
const PROOFS: [&str; 2] = ["/api/v1/proofs/", "/api/v1/consistency/"];
/// Longest path in an entry.
const PATH_CHARS_MAX: usize = 200;
