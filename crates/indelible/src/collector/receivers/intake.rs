//! The way of messages into a peer's stream: numbered, hashed and handed to the log's writer,
//! within what may wait for it.

use std::collections::VecDeque;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use anyhow::{Context, Result};
use indelible_log::Kind;
use indelible_log::cut::Cut;
use indelible_log::entry::{CUT_BY_SOURCE, FROM_ADDRESS};
use indelible_log::log::LocalStream;
use indelible_sys::clock::realtime_ns;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Shared;
use super::limits::{BATCH_BYTES_WANTED, BATCH_ENTRIES_WANTED, PEER_QUEUED_BYTES_MAX};
use super::streams::PeerStream;
use crate::collector::writer::{Answer, Request, Wanted};
use crate::payload::{Gap, to_bytes};

/// One connection's end of its peer's stream.
pub(super) struct Intake {
    stream: Arc<PeerStream>,
    queue: Arc<Semaphore>,
    way: Way,
}

/// What a batch needs besides the stream.
struct Way {
    owner: Arc<str>,
    requests: Sender<Request>,
    /// Who is told what became of each batch.
    answers: Option<UnboundedSender<Answer>>,
    /// Messages in each batch that was handed over and is not answered, where answers are wanted.
    sent: VecDeque<usize>,
    /// The source that payloads begin with, where the stream is shared.
    source: Option<SocketAddr>,
    /// A payload with its source.
    payload: Vec<u8>,
    /// A long message, so far.
    parts: Option<Cut>,
}

/// Room in the queue to the writer; given back when the writer has taken the batch.
#[derive(Debug)]
pub(crate) struct Credit {
    _peer: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

/// What was read at one time, on its way into the stream.
pub(super) struct Gathering<'a> {
    way: &'a mut Way,
    local: &'a mut LocalStream,
    time_ns: u64,
    entries: usize,
    messages: usize,
    /// The first failure to hand a batch over.
    failed: Result<()>,
}

impl Intake {
    /// For a connection from `source`.
    pub(super) fn new(
        shared: &Shared,
        stream: Arc<PeerStream>,
        source: Option<SocketAddr>,
        answers: Option<UnboundedSender<Answer>>,
    ) -> Self {
        let way = Way {
            owner: stream.owner.clone(),
            requests: shared.requests.clone(),
            answers,
            sent: VecDeque::new(),
            source: source.filter(|_| stream.is_shared),
            payload: Vec::new(),
            parts: None,
        };
        Self {
            stream,
            queue: shared.queue.clone(),
            way,
        }
    }

    /// The stream that messages go to.
    pub(super) fn stream(&self) -> &PeerStream {
        &self.stream
    }

    /// Room for so many bytes, if there is any at once.
    pub(super) fn try_credit(&self, bytes: usize) -> Option<Credit> {
        let permits = permits(bytes);
        let peer = self.stream.queue.clone().try_acquire_many_owned(permits);
        let all = self.queue.clone().try_acquire_many_owned(permits);
        Some(Credit {
            _peer: peer.ok()?,
            _all: all.ok()?,
        })
    }

    /// Waits for room for so many bytes.
    pub(super) async fn credit(&self, bytes: usize) -> Result<Credit> {
        let permits = permits(bytes);
        let peer = self.stream.queue.clone().acquire_many_owned(permits);
        let peer = peer.await?;
        let all = self.queue.clone().acquire_many_owned(permits).await?;
        Ok(Credit {
            _peer: peer,
            _all: all,
        })
    }

    /// Gathers what `fill` finds into batches and hands them over, under one capture time.
    ///
    /// # Errors
    /// The writer has stopped.
    pub(super) fn take(
        &mut self,
        credit: Option<Credit>,
        fill: impl FnOnce(&mut Gathering<'_>),
    ) -> Result<()> {
        let mut local = self.stream.lock();
        let mut gathering = Gathering {
            way: &mut self.way,
            local: &mut local,
            time_ns: realtime_ns(),
            entries: 0,
            messages: 0,
            failed: Ok(()),
        };
        fill(&mut gathering);
        gathering.hand_over(credit);
        gathering.failed
    }

    /// Messages in the batch whose answer came, which is the oldest that was handed over.
    pub(super) fn answered(&mut self) -> usize {
        self.way.sent.pop_front().unwrap_or(0)
    }
}

impl Gathering<'_> {
    /// A message as received; `whole`: its source did not cut it.
    pub(super) fn message(&mut self, bytes: &[u8], whole: bool) {
        let flags = if whole { 0 } else { CUT_BY_SOURCE };
        match self.way.source {
            None => self.push(Kind::Syslog, flags, bytes),
            Some(source) => self.message_from(source, bytes, flags),
        }
        self.messages += 1;
    }

    /// A datagram as received.
    pub(super) fn datagram(&mut self, source: SocketAddr, bytes: &[u8]) {
        self.message_from(source, bytes, 0);
    }

    /// Some bytes of a message that is too long to be held, in order.
    pub(super) fn part(&mut self, bytes: &[u8]) {
        let source = self.way.source;
        let parts = self.way.parts.get_or_insert_with(|| {
            let mut parts = Cut::default();
            if let Some(source) = source {
                parts.push(format!("{source} ").as_bytes());
            }
            parts
        });
        parts.push(bytes);
    }

    /// The end of the message of the parts before.
    pub(super) fn parts_end(&mut self, whole: bool) {
        let (mut flags, payload) = self.way.parts.take().unwrap_or_default().finish();
        if !whole {
            flags |= CUT_BY_SOURCE;
        }
        if self.way.source.is_some() {
            flags |= FROM_ADDRESS;
        }
        self.push(Kind::Syslog, flags, &payload);
        self.messages += 1;
    }

    /// An absence.
    pub(super) fn gap(&mut self, gap: &Gap) {
        self.push(Kind::Gap, 0, &to_bytes(gap));
    }

    fn message_from(&mut self, source: SocketAddr, bytes: &[u8], flags: u16) {
        let mut payload = std::mem::take(&mut self.way.payload);
        payload.clear();
        // Writing into a vector cannot fail.
        let _ = write!(payload, "{source} ");
        payload.extend_from_slice(bytes);
        self.push(Kind::Syslog, flags | FROM_ADDRESS, &payload);
        self.way.payload = payload;
    }

    fn push(&mut self, kind: Kind, flags: u16, payload: &[u8]) {
        self.local.push(kind, flags, self.time_ns, payload);
        self.entries += 1;
        if self.entries >= BATCH_ENTRIES_WANTED || self.local.len_bytes() >= BATCH_BYTES_WANTED {
            self.hand_over(None);
        }
    }

    fn hand_over(&mut self, credit: Option<Credit>) {
        if self.local.len_bytes() == 0 {
            return;
        }
        let handed = self
            .local
            .take()
            .context("entries of our own")
            .and_then(|batch| self.way.send(batch, credit));
        if self.way.answers.is_some() {
            self.way.sent.push_back(self.messages);
        }
        (self.entries, self.messages) = (0, 0);
        if self.failed.is_ok() {
            self.failed = handed;
        }
    }
}

impl Way {
    fn send(&self, batch: indelible_log::Batch, credit: Option<Credit>) -> Result<()> {
        let request = Request {
            connection: 0,
            answers: self.answers.clone(),
            wanted: Wanted::Store {
                owner: self.owner.clone(),
                batch: Box::new(batch),
                credit,
            },
        };
        let sent = self.requests.send(request);
        sent.context("the log's writer has stopped")
    }
}

/// Semaphores count in `u32`; no read is larger than what one peer may queue.
fn permits(bytes: usize) -> u32 {
    bytes.clamp(CREDIT_BYTES_MIN, PEER_QUEUED_BYTES_MAX) as u32
}

/// What the shortest batch costs.
const CREDIT_BYTES_MIN: usize = 1 << 10;
