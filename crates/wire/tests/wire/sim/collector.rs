//! A collector: the log, the connections and the work between them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use indelible_wire::native::{
    Append, AppendResult, Checkpoint, NakReason, Receiver, ReceiverAction, ReceiverConfig, StreamId,
};

use crate::model::log::Log;
use crate::model::random::Random;

pub(super) struct Collector {
    pub(super) log: Log,
    pub(super) connections: BTreeMap<u32, Connection>,
    /// Which connection may write a stream: the newest that named it.
    writers: BTreeMap<StreamId, u32>,
    /// Appends on their way to the log.
    queue: VecDeque<(u32, Append)>,
    pub(super) contradicted: Vec<Checkpoint>,
}

pub(super) struct Connection {
    pub(super) receiver: Receiver,
    peer: String,
}

impl Collector {
    pub(super) fn new() -> Self {
        Self {
            log: Log::new(),
            connections: BTreeMap::new(),
            writers: BTreeMap::new(),
            queue: VecDeque::new(),
            contradicted: Vec::new(),
        }
    }

    pub(super) fn accept(&mut self, now: Duration, connection: u32, peer: &str) {
        let config = ReceiverConfig {
            peer: peer.to_owned(),
            origin: "log.example".to_owned(),
            checkpoint: self.log.checkpoint(),
        };
        let receiver = Receiver::new(now, config);
        let peer = peer.to_owned();
        self.connections
            .insert(connection, Connection { receiver, peer });
    }

    /// Takes some of the queue into the log.
    pub(super) fn append_some(&mut self, now: Duration, random: &mut Random) {
        for _ in 0..random.below(6) {
            let Some((connection, append)) = self.queue.pop_front() else {
                return;
            };
            let Some(at) = self.connections.get_mut(&connection) else {
                continue;
            };
            let result = match self.writers.get(&append.stream) == Some(&connection) {
                true => self.log.append(&at.peer, &append),
                false => AppendResult::Refused {
                    reason: NakReason::Later,
                    detail: "a newer connection writes this stream".to_owned(),
                },
            };
            at.receiver.append_result(now, result);
        }
    }

    pub(super) fn commit(&mut self, now: Duration) {
        let checkpoint = self.log.commit();
        for connection in self.connections.values_mut() {
            connection.receiver.committed(now, checkpoint);
        }
    }

    /// Everything that is not committed is gone; the caller cuts the links.
    pub(super) fn crash(&mut self) {
        self.log.crash();
        self.connections.clear();
        self.writers.clear();
        self.queue.clear();
    }

    /// Does what the receiver of a connection asks; true if it hangs up.
    pub(super) fn act(&mut self, now: Duration, connection: u32) -> bool {
        let Some(at) = self.connections.get_mut(&connection) else {
            return false;
        };
        while let Some(action) = at.receiver.poll() {
            match action {
                ReceiverAction::Greeted { .. } => {}
                ReceiverAction::Contradicted { held } => self.contradicted.push(held),
                ReceiverAction::LookUp { stream } => {
                    self.writers.insert(stream, connection);
                    let state = self.log.state(stream);
                    at.receiver.stream_state(now, stream, state);
                }
                ReceiverAction::Append(append) => self.queue.push_back((connection, append)),
                ReceiverAction::NeedProof { old_size, new_size } => {
                    let proof = self.log.proof(old_size, new_size);
                    at.receiver.proof(now, proof);
                }
                ReceiverAction::Disconnect { .. } => return true,
            }
        }
        false
    }
}
