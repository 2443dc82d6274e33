//! Who sends a stream: the name in the certificate, as the log's table of streams has it.
//!
//! It is the identity of a host, because nobody but the authority gives it. The name that stands in a
//! stream's first entry is what the machine calls itself: a claim.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use indelible_log::{Log, StreamId};

/// Senders by stream; the writer enters those of new streams. As many as the log has streams.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers(Arc<Mutex<HashMap<StreamId, Arc<str>>>>);

impl Peers {
    /// Those of the streams that a log holds.
    pub(super) fn of(log: &Log) -> Self {
        let peers = Self::default();
        log.streams()
            .for_each(|stream| peers.note(stream.id, &stream.peer));
        peers
    }

    /// Enters the sender of a stream of an agent. Streams of receivers belong to `<receiver>:<peer>`, and
    /// say themselves whose they are; the collector's own has no sender.
    pub(super) fn note(&self, stream: StreamId, peer: &str) {
        if peer.is_empty() || peer.contains(':') {
            return;
        }
        let peers = self.0.lock();
        let mut peers = peers.unwrap_or_else(PoisonError::into_inner);
        peers.entry(stream).or_insert_with(|| peer.into());
    }

    /// The name in the certificate of who sends a stream.
    pub(crate) fn name(&self, stream: StreamId) -> Option<String> {
        let peers = self.0.lock();
        let peers = peers.unwrap_or_else(PoisonError::into_inner);
        peers.get(&stream).map(|peer| peer.as_ref().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_keeps_its_first_sender() {
        let peers = Peers::default();
        let [agent, receiver, own] = [1, 2, 3].map(|id| StreamId([id; 16]));
        peers.note(agent, "web1.example");
        let by_writer = |peers: Peers| peers.note(agent, "other.example");
        by_writer(peers.clone());
        peers.note(receiver, "relp:[::1]:5");
        peers.note(own, "");
        assert_eq!(peers.name(agent).as_deref(), Some("web1.example"));
        assert_eq!((peers.name(receiver), peers.name(own)), (None, None));
    }
}
