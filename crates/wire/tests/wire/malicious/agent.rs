//! Agents that write what is not theirs, jump, repeat, flood, and send bombs.

use std::time::Duration;

use indelible_wire::limits::{
    BATCH_RAW_BYTES_MAX, GREETING_MAX, OUTBOX_BYTES_MAX, STALL_MAX, UNANSWERED_BATCHES_MAX,
};
use indelible_wire::native::{
    AppendResult, Batch, Checkpoint, Hello, Message, NakReason, Receiver, ReceiverAction,
    ReceiverConfig, Span, StreamId,
};

use super::{NOW, STREAM, said_by_receiver};
use crate::model::log::Log;
use crate::model::random::Random;
use crate::model::spool::{Read, Spool};
use crate::model::{entry, put_entry};

#[test]
fn bombs_are_poison_and_never_reach_the_log() {
    let zeros = vec![0; 64 * 1024 * 1024];
    let bomb = zstd::bulk::compress(&zeros, 3).expect("zeros compress");
    drop(zeros);
    let small = zstd::bulk::compress(&[0; 100], 3).expect("zeros compress");
    let unstated = zstd::stream::encode_all(&[0_u8; 100][..], 3).expect("zeros compress");
    let bomb_bytes = BATCH_RAW_BYTES_MAX as u32;
    check_poison(&bomb, 100);
    check_poison(&bomb, bomb_bytes);
    check_poison(&small, bomb_bytes);
    check_poison(&small, 99);
    check_poison(&small[..small.len() - 1], 100);
    check_poison(&[&small[..], &small[..]].concat(), 100);
    check_poison(&[&small[..], &small[..]].concat(), 200);
    check_poison(&[&small[..], b"tail"].concat(), 100);
    check_poison(&unstated, 100);
    check_poison(b"", 0);
    check_poison(b"not zstd at all", 100);
    // A skippable frame (RFC 8878 section 3.1.2) holds nothing.
    check_poison(b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip", 0);
}

#[test]
fn entries_that_are_not_what_the_batch_says_are_poison() {
    let good = |sequence| entry(STREAM, sequence, b"payload");
    let with = |change: fn(&mut Vec<u8>)| {
        let mut entry = good(0);
        change(&mut entry);
        entry
    };
    check_entries_poison(&[entry(StreamId([9; 16]), 0, b"")], 1);
    check_entries_poison(&[entry(STREAM, 1, b"")], 1);
    check_entries_poison(&[good(0), good(2)], 2);
    check_entries_poison(&[good(0), good(0)], 2);
    check_entries_poison(&[good(0)], 2);
    check_entries_poison(&[good(0), good(1)], 1);
    check_entries_poison(&[with(|entry| entry[0] = 2)], 1);
    check_entries_poison(&[with(|entry| entry[1] = 1)], 1);
    check_entries_poison(&[with(|entry| entry.truncate(35))], 1);
    check_entries_poison(&[entry(STREAM, 0, &[0; 65_001])], 1);
    check_entries_poison(&[], 1);
}

#[test]
fn a_stream_of_another_peer_is_denied_whatever_follows() {
    let mut site = Site::new();
    let spool = site.spool(3);
    let read = spool.read(STREAM, 0, 3).expect("spooled");
    site.log.append("somebody else", &append_of(&read));
    site.log.commit();
    let mut receiver = site.receiver();
    receiver.received(NOW, &hello(&[STREAM]).encode());
    site.work(&mut receiver);
    let said = said_by_receiver(&mut receiver);
    let [Message::Welcome(welcome), Message::Nak(nak)] = &said[..] else {
        panic!("{said:?}");
    };
    assert!(welcome.streams.is_empty());
    assert_eq!(nak.reason, NakReason::Denied);
    receiver.received(NOW, &batch(&spool, 0, 3));
    site.work(&mut receiver);
    assert_eq!(said_by_receiver(&mut receiver), []);
    assert_eq!(site.log.size(), 3);
}

#[test]
fn a_jump_is_answered_once_and_what_follows_is_dropped() {
    let mut site = Site::new();
    let spool = site.spool(10);
    let mut receiver = site.welcomed();
    receiver.received(NOW, &batch(&spool, 0, 2));
    for first in [3, 2, 5] {
        receiver.received(NOW, &batch(&spool, first, 2));
    }
    site.work(&mut receiver);
    let said = said_by_receiver(&mut receiver);
    assert!(
        matches!(&said[..], [Message::Nak(nak), Message::Ack(ack)]
            if nak.reason == NakReason::Later && nak.sequence == 3 && ack.streams[0].next == 2),
        "{said:?}"
    );
    assert_eq!(site.log.size(), 2);
}

#[test]
fn a_repeated_batch_is_acknowledged_and_stored_once() {
    let mut site = Site::new();
    let spool = site.spool(10);
    let mut receiver = site.welcomed();
    for (first, entries) in [(0, 4), (0, 4), (2, 1), (1, 6)] {
        receiver.received(NOW, &batch(&spool, first, entries));
    }
    site.work(&mut receiver);
    let said = said_by_receiver(&mut receiver);
    let [Message::Ack(ack)] = &said[..] else {
        panic!("one ACK for all: {said:?}");
    };
    assert_eq!(ack.streams[0].next, 7);
    assert_eq!(ack.streams[0].leaves.len(), 1);
    assert_eq!(ack.streams[0].leaves[0].count, 7);
    assert_eq!(site.log.size(), 7);
}

#[test]
fn another_past_is_a_fork() {
    let mut site = Site::new();
    let spool = site.spool(4);
    let mut other = spool.clone();
    other.wipe(STREAM, 2);
    (0..4).for_each(|_| other.append(STREAM, b"it was never so"));
    for first in [1, 2, 3, 4] {
        let mut site = site.clone();
        let mut receiver = site.welcomed();
        receiver.received(NOW, &batch(&spool, 0, 4));
        receiver.received(NOW, &batch(&other, first, 2));
        site.work(&mut receiver);
        let said = said_by_receiver(&mut receiver);
        assert!(
            said.iter().any(
                |message| matches!(message, Message::Nak(nak) if nak.reason == NakReason::Fork)
            ),
            "{first}: {said:?}"
        );
        assert_eq!(site.log.size(), 4);
    }
    site.log.commit();
}

#[test]
fn a_flood_stops_being_read_and_goes_on_when_the_log_has_caught_up() {
    let mut site = Site::new();
    let spool = site.spool(2_000);
    let mut receiver = site.welcomed();
    let mut sequence = 0;
    while receiver.wants_bytes() {
        receiver.received(NOW, &batch(&spool, sequence, 1));
        sequence += 1;
    }
    assert_eq!(sequence, UNANSWERED_BATCHES_MAX as u64);
    // Not reading is no reason to think that the agent is silent.
    receiver.timer(NOW + Duration::from_secs(45));
    assert_eq!(said_by_receiver(&mut receiver), [Message::Ping(0)]);
    site.work(&mut receiver);
    assert!(receiver.wants_bytes());
    assert!(matches!(
        &said_by_receiver(&mut receiver)[..],
        [Message::Ack(ack)] if ack.streams[0].next == sequence
    ));
}

#[test]
fn an_agent_that_never_reads_fills_no_memory() {
    let mut site = Site::new();
    let mut receiver = site.welcomed();
    let mut pings = 0;
    while receiver.wants_bytes() {
        receiver.received(NOW, &Message::Ping(pings).encode());
        pings += 1;
    }
    receiver.timer(NOW + STALL_MAX);
    assert!(matches!(
        receiver.poll(),
        Some(ReceiverAction::Disconnect { .. })
    ));
    let waiting: usize = std::iter::from_fn(|| receiver.transmit(NOW))
        .map(|frame| frame.len())
        .sum();
    assert!(waiting <= OUTBOX_BYTES_MAX + 4_096);
}

#[test]
fn nothing_is_acknowledged_before_a_checkpoint_covers_it() {
    let mut site = Site::new();
    let spool = site.spool(10);
    let mut receiver = site.welcomed();
    receiver.received(NOW, &batch(&spool, 0, 2));
    site.append(&mut receiver);
    assert_eq!(said_by_receiver(&mut receiver), []);
    let covering_two = site.log.commit();
    receiver.received(NOW, &batch(&spool, 2, 3));
    site.append(&mut receiver);
    receiver.committed(NOW, covering_two);
    site.append(&mut receiver);
    let said = said_by_receiver(&mut receiver);
    let [Message::Ack(ack)] = &said[..] else {
        panic!("{said:?}");
    };
    assert_eq!((ack.streams[0].next, ack.growth.checkpoint.size), (2, 2));
    receiver.committed(NOW, site.log.commit());
    assert_eq!(
        receiver.poll(),
        Some(ReceiverAction::NeedProof {
            old_size: 2,
            new_size: 5
        })
    );
    receiver.proof(NOW, site.log.proof(2, 5));
    let said = said_by_receiver(&mut receiver);
    assert!(matches!(&said[..], [Message::Ack(ack)] if ack.streams[0].next == 5));
}

#[test]
fn broken_conversations_end() {
    let ends = |frames: &[Vec<u8>], welcomed: bool| {
        let mut site = Site::new();
        let mut receiver = match welcomed {
            true => site.welcomed(),
            false => site.receiver(),
        };
        frames
            .iter()
            .for_each(|frame| receiver.received(NOW, frame));
        site.work(&mut receiver);
        matches!(
            said_by_receiver(&mut receiver).last(),
            Some(Message::Close(_))
        )
    };
    let site = Site::new();
    let first_batch = batch(&site.spool(3), 0, 3);
    assert!(ends(&[hello(&[STREAM, STREAM]).encode()], false));
    assert!(ends(&[hello(&[STREAM]).encode()], true));
    assert!(ends(std::slice::from_ref(&first_batch), false));
    assert!(ends(&[hello(&[STREAM]).encode(), first_batch], false));
    assert!(ends(&[b"GET / HTTP/1.1\r\n".to_vec()], false));
    assert!(ends(&[vec![0xff; 5]], false));
    assert!(ends(&[vec![0, 0, 0, 0, 5]], true));
    assert!(ends(
        &[Message::Nak(indelible_wire::native::Nak {
            stream: STREAM,
            sequence: 0,
            reason: NakReason::Fork,
            detail: String::new(),
        })
        .encode()],
        true
    ));
}

#[test]
fn half_a_hello_is_waited_for_and_then_given_up() {
    let site = Site::new();
    let mut receiver = site.receiver();
    let frame = hello(&[STREAM]).encode();
    receiver.received(NOW + GREETING_MAX / 2, &frame[..frame.len() - 1]);
    assert_eq!(receiver.poll(), None);
    assert_eq!(receiver.deadline(), Some(NOW + Duration::from_secs(10)));
    receiver.timer(NOW + GREETING_MAX);
    assert!(matches!(
        receiver.poll(),
        Some(ReceiverAction::Disconnect { .. })
    ));
    assert!(!receiver.wants_bytes());
    assert_eq!(receiver.deadline(), None);
}

/// A log and what a caller does between it and a receiver.
#[derive(Clone)]
struct Site {
    log: Log,
}

impl Site {
    fn new() -> Self {
        Self { log: Log::new() }
    }

    fn spool(&self, entries: u64) -> Spool {
        let mut spool = Spool::new();
        spool.open_stream_as(STREAM);
        (1..entries).for_each(|number| spool.append(STREAM, &number.to_be_bytes()));
        spool
    }

    fn receiver(&self) -> Receiver {
        Receiver::new(
            NOW,
            ReceiverConfig {
                peer: "host".to_owned(),
                origin: "log.example".to_owned(),
                checkpoint: self.log.checkpoint(),
            },
        )
    }

    /// A receiver that has said WELCOME to STREAM.
    fn welcomed(&mut self) -> Receiver {
        let mut receiver = self.receiver();
        receiver.received(NOW, &hello(&[STREAM]).encode());
        self.work(&mut receiver);
        assert!(matches!(
            said_by_receiver(&mut receiver)[..],
            [Message::Welcome(_)]
        ));
        receiver
    }

    fn append(&mut self, receiver: &mut Receiver) {
        while let Some(action) = receiver.poll() {
            match action {
                ReceiverAction::LookUp { stream } => {
                    receiver.stream_state(NOW, stream, self.log.state(stream));
                }
                ReceiverAction::Append(append) => {
                    let result = self.log.append("host", &append);
                    receiver.append_result(NOW, result);
                }
                ReceiverAction::NeedProof { old_size, new_size } => {
                    receiver.proof(NOW, self.log.proof(old_size, new_size));
                }
                ReceiverAction::Greeted { .. }
                | ReceiverAction::Contradicted { .. }
                | ReceiverAction::Disconnect { .. } => {}
            }
        }
    }

    /// Appends, commits, and says so.
    fn work(&mut self, receiver: &mut Receiver) {
        self.append(receiver);
        receiver.committed(NOW, self.log.commit());
        self.append(receiver);
    }
}

fn hello(streams: &[StreamId]) -> Message<'static> {
    let span = |stream: &StreamId| Span {
        stream: *stream,
        oldest: 0,
        next: 3,
    };
    Message::Hello(Hello {
        machine_id: [1; 16],
        boot_id: [2; 16],
        held: Checkpoint::NONE,
        streams: streams.iter().map(span).collect(),
    })
}

fn batch(spool: &Spool, first: u64, entries: u64) -> Vec<u8> {
    let read = spool.read(STREAM, first, entries).expect("spooled");
    Message::Batch(Batch {
        stream: STREAM,
        first,
        entries: read.entries,
        raw_bytes: read.raw.len() as u32,
        head_before: read.head_before,
        head_after: read.head_after,
        packed: &zstd::bulk::compress(&read.raw, 1).expect("it compresses"),
    })
    .encode()
}

fn append_of(read: &Read) -> indelible_wire::native::Append {
    indelible_wire::native::Append {
        stream: STREAM,
        first: 0,
        entries: read.entries,
        head_before: read.head_before,
        head_after: read.head_after,
        raw: read.raw.clone(),
    }
}

fn check_poison(packed: &[u8], raw_bytes: u32) {
    check_refused(packed, raw_bytes, 1);
}

fn check_entries_poison(entries: &[Vec<u8>], count: u32) {
    let mut raw = Vec::new();
    entries.iter().for_each(|entry| put_entry(&mut raw, entry));
    let packed = zstd::bulk::compress(&raw, 1).expect("it compresses");
    check_refused(&packed, raw.len() as u32, count);
}

/// The batch is NAKed as poison and nothing is asked of the log.
fn check_refused(packed: &[u8], raw_bytes: u32, entries: u32) {
    let mut receiver = Site::new().welcomed();
    let batch = Batch {
        stream: STREAM,
        first: 0,
        entries,
        raw_bytes,
        head_before: [0; 32],
        head_after: [0; 32],
        packed,
    };
    receiver.received(NOW, &Message::Batch(batch).encode());
    assert_eq!(receiver.poll(), None);
    let said = said_by_receiver(&mut receiver);
    assert!(
        matches!(&said[..], [Message::Nak(nak)] if nak.reason == NakReason::Poison),
        "{said:?}"
    );
}

#[test]
fn an_answer_that_nobody_asked_for_changes_nothing() {
    let mut site = Site::new();
    let mut receiver = site.welcomed();
    let mut random = Random(1);
    receiver.proof(NOW, vec![[0; 32]]);
    receiver.stream_state(NOW, StreamId([random.next() as u8; 16]), None);
    receiver.append_result(
        NOW,
        AppendResult::Accepted {
            next: 5,
            leaves: None,
            log_size: 0,
        },
    );
    assert_eq!(said_by_receiver(&mut receiver), []);
    assert_eq!(receiver.poll(), None);
}
