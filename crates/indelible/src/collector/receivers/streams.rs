//! The streams that receivers write: one per receiver and peer, for ever.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indelible_log::log::{LocalStream, StreamState};
use indelible_log::{Kind, StreamId};
use indelible_sys::clock::realtime_ns;
use tokio::sync::Semaphore;

use super::limits::{PEER_QUEUED_BYTES_MAX, PEER_UNFINISHED_BYTES_MAX, STREAMS_MAX};
use crate::collector::pace::Pace;
use crate::config::receivers::PeerLimits;
use crate::payload::{StreamOpened, to_bytes};

/// All streams of the receivers, by the name that owns them in the log.
#[derive(Debug)]
pub(super) struct PeerStreams {
    by_owner: Mutex<HashMap<Arc<str>, Arc<PeerStream>>>,
    limits: PeerLimits,
}

/// One of them. Whoever holds [`PeerStream::lock`] numbers entries and hands them to the writer,
/// in that order.
#[derive(Debug)]
pub(super) struct PeerStream {
    /// `<receiver>:<peer>`; no agent can have such a name.
    pub(super) owner: Arc<str>,
    /// Entries name their source, because the stream is not one peer's alone.
    pub(super) is_shared: bool,
    /// The peer's part of the queue to the writer.
    pub(super) queue: Arc<Semaphore>,
    /// Bytes of unfinished messages that the peer may hold.
    pub(super) unfinished: Arc<Semaphore>,
    pace: Mutex<Pace>,
    local: Mutex<LocalStream>,
}

impl PeerStreams {
    /// Goes on with the streams that the log holds.
    pub(super) fn new(known: Vec<StreamState>, limits: PeerLimits) -> Self {
        let streams = known.into_iter().map(|state| {
            let owner: Arc<str> = state.peer.as_str().into();
            let is_shared = owner.ends_with(OTHERS) || owner.starts_with(UDP);
            let local = LocalStream::resume(&state);
            let stream = PeerStream::new(owner.clone(), is_shared, local, limits);
            (owner, stream)
        });
        Self {
            by_owner: Mutex::new(streams.collect()),
            limits,
        }
    }

    /// The stream of a peer, opened where the log has none.
    pub(super) fn of_peer(&self, receiver: &'static str, peer: &str) -> Arc<PeerStream> {
        let mut streams = self.by_owner.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = format!("{receiver}:{peer}");
        if let Some(stream) = streams.get(owner.as_str()) {
            return stream.clone();
        }
        if streams.len() < STREAMS_MAX {
            return open(
                &mut streams,
                owner.into(),
                receiver,
                Some(peer),
                self.limits,
            );
        }
        let others = format!("{receiver}{OTHERS}");
        match streams.get(others.as_str()) {
            Some(stream) => stream.clone(),
            None => open(&mut streams, others.into(), receiver, None, self.limits),
        }
    }

    /// The one stream of a UDP listener.
    pub(super) fn of_listener(&self, address: SocketAddr) -> Arc<PeerStream> {
        let mut streams = self.by_owner.lock().unwrap_or_else(PoisonError::into_inner);
        let owner: Arc<str> = format!("{UDP}{address}").into();
        match streams.get(&owner) {
            Some(stream) => stream.clone(),
            None => open(&mut streams, owner, SYSLOG_UDP, None, self.limits),
        }
    }
}

impl PeerStream {
    fn new(owner: Arc<str>, is_shared: bool, local: LocalStream, limits: PeerLimits) -> Arc<Self> {
        Arc::new(Self {
            owner,
            is_shared,
            queue: Arc::new(Semaphore::new(PEER_QUEUED_BYTES_MAX)),
            unfinished: Arc::new(Semaphore::new(PEER_UNFINISHED_BYTES_MAX)),
            pace: Mutex::new(Pace::new(limits, Instant::now())),
            local: Mutex::new(local),
        })
    }

    /// Notes what was taken from the peer; how long not to read from it.
    pub(super) fn pace(&self, messages: usize, bytes: usize) -> Duration {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.take(messages, bytes, Instant::now())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, LocalStream> {
        // Entries are pushed whole: one that panicked in between left a stream that goes on.
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The opening goes into the log with the first messages.
fn open(
    streams: &mut HashMap<Arc<str>, Arc<PeerStream>>,
    owner: Arc<str>,
    receiver: &'static str,
    peer: Option<&str>,
    limits: PeerLimits,
) -> Arc<PeerStream> {
    let mut local = LocalStream::new(StreamId::random());
    let opened = StreamOpened::received(receiver, peer);
    local.push(Kind::StreamOpened, 0, realtime_ns(), &to_bytes(&opened));
    let stream = PeerStream::new(owner.clone(), peer.is_none(), local, limits);
    streams.insert(owner, stream.clone());
    stream
}

/// Ends the owner of the stream that the peers beyond the limit share; a space is in no peer's
/// name.
const OTHERS: &str = ": others";
/// Begins the owner of a UDP listener's stream.
const UDP: &str = "syslog-udp:";
const SYSLOG_UDP: &str = "syslog-udp";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_one_stream_per_receiver_and_keeps_it() {
        let streams = PeerStreams::new(Vec::new(), PeerLimits::default());
        let first = streams.of_peer("relp", "192.0.2.1");
        assert!(Arc::ptr_eq(&first, &streams.of_peer("relp", "192.0.2.1")));
        let others = [
            streams.of_peer("relp", "192.0.2.2"),
            streams.of_peer("syslog-tcp", "192.0.2.1"),
            streams.of_listener("192.0.2.1:514".parse().unwrap()),
        ];
        assert!(
            others
                .iter()
                .all(|other| other.lock().id() != first.lock().id())
        );
        let state = StreamState {
            id: first.lock().id(),
            peer: first.owner.to_string(),
            next: 7,
            head: indelible_log::Hash([1; 32]),
        };
        let resumed =
            PeerStreams::new(vec![state], PeerLimits::default()).of_peer("relp", "192.0.2.1");
        let id = first.lock().id();
        let resumed_local = resumed.lock();
        assert_eq!((resumed_local.id(), resumed_local.next()), (id, 7));
        assert!(!resumed.is_shared && others[2].is_shared);
    }

    #[test]
    fn beyond_the_limit_peers_share_a_stream() {
        let streams = PeerStreams::new(Vec::new(), PeerLimits::default());
        for nth in 0..STREAMS_MAX {
            streams.of_peer("syslog-tcp", &nth.to_string());
        }
        let (a, b) = (
            streams.of_peer("syslog-tcp", "a"),
            streams.of_peer("syslog-tcp", "b"),
        );
        assert!(Arc::ptr_eq(&a, &b) && a.is_shared);
        assert!(!streams.of_peer("syslog-tcp", "7").is_shared);
    }
}
