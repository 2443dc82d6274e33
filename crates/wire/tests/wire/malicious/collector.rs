//! Collectors that acknowledge what they do not have, show another history, or stay silent.

use std::time::Duration;

use indelible_wire::limits::{
    BATCH_RAW_BYTES_WANTED, GREETING_MAX, OUTBOX_BYTES_MAX, RECEIPT_MAX, STALL_MAX, WINDOW_BATCHES,
    WINDOW_BYTES,
};
use indelible_wire::native::{
    Ack, AckedStream, Boot, Checkpoint, Finding, Growth, LeafRange, Message, Nak, NakReason,
    Position, Sender, SenderAction, SenderConfig, Span, Spooled, StreamId, Supply, Verdict,
    Welcome,
};

use super::{NOW, STREAM, said_by_sender};
use crate::model::random::Random;
use crate::model::{entry, put_entry};

const HELD: Checkpoint = Checkpoint {
    size: 100,
    root: [1; 32],
    signature: [1; 64],
};
const GROWN: Checkpoint = Checkpoint {
    size: 110,
    root: [2; 32],
    signature: [2; 64],
};

#[test]
fn lies_in_acknowledgements_end_the_connection_and_release_nothing() {
    let leaves = |first, count| vec![LeafRange { first, count }];
    let beyond = ack(STREAM, 6, leaves(105, 5), HELD.size, GROWN);
    check_lie(beyond, "what was not sent");
    let other = ack(StreamId([9; 16]), 5, leaves(105, 5), HELD.size, GROWN);
    check_lie(other, "what was not sent");
    let outside = ack(STREAM, 5, leaves(106, 5), HELD.size, GROWN);
    check_lie(outside, "beyond its checkpoint");
    let overflowing = ack(STREAM, 5, leaves(u64::MAX, 5), HELD.size, GROWN);
    check_lie(overflowing, "beyond its checkpoint");
    let elsewhere = ack(STREAM, 5, leaves(105, 5), HELD.size - 1, GROWN);
    check_lie(elsewhere, "was not shown");
}

#[test]
fn messages_out_of_place_end_the_connection() {
    check_lie(welcome(Vec::new(), HELD), "out of place");
    check_lie(Message::Stream(span(0, 3)), "out of place");
    let nak = |stream, sequence, reason| {
        Message::Nak(Nak {
            stream,
            sequence,
            reason,
            detail: String::new(),
        })
    };
    check_lie(nak(STREAM, 3, NakReason::Poison), "not sent");
    check_lie(nak(StreamId([9; 16]), 0, NakReason::Fork), "not named");
}

#[test]
fn a_history_that_does_not_continue_is_a_finding_once_and_releases_nothing() {
    let shown = Checkpoint { size: 99, ..GROWN };
    check_history(
        shown,
        Verdict::Good,
        Finding::RolledBack { held: HELD, shown },
    );
    check_history(
        shown,
        Verdict::Inconsistent,
        Finding::RolledBack { held: HELD, shown },
    );
    let shown = Checkpoint {
        size: HELD.size,
        ..GROWN
    };
    check_history(
        shown,
        Verdict::Good,
        Finding::Rewritten { held: HELD, shown },
    );
    check_history(
        GROWN,
        Verdict::Inconsistent,
        Finding::Rewritten {
            held: HELD,
            shown: GROWN,
        },
    );
    check_history(
        GROWN,
        Verdict::BadSignature,
        Finding::BadSignature { shown: GROWN },
    );
}

#[test]
fn an_emptied_collector_is_rolled_back() {
    let mut sender = sender(5);
    sender.connected(NOW);
    sender.received(NOW, &welcome(Vec::new(), Checkpoint::NONE).encode());
    let finding = Finding::RolledBack {
        held: HELD,
        shown: Checkpoint::NONE,
    };
    assert_eq!(sender.poll(), Some(SenderAction::Finding(finding)));
}

#[test]
fn positions_that_make_no_sense_end_the_connection() {
    let position = |stream, next| Position {
        stream,
        next,
        head: [3; 32],
    };
    for positions in [
        vec![position(StreamId([9; 16]), 1)],
        vec![position(STREAM, 1), position(STREAM, 1)],
    ] {
        let mut sender = sender(5);
        sender.connected(NOW);
        sender.received(NOW, &welcome(positions, HELD).encode());
        assert!(matches!(
            sender.poll(),
            Some(SenderAction::Disconnect { .. })
        ));
    }
}

#[test]
fn nothing_is_sent_or_released_before_the_caller_has_verified() {
    let mut sender = sender(5);
    sender.connected(NOW);
    let position = Position {
        stream: STREAM,
        next: 2,
        head: [3; 32],
    };
    sender.received(NOW, &welcome(vec![position], GROWN).encode());
    assert!(matches!(
        sender.poll(),
        Some(SenderAction::VerifyCheckpoint { .. })
    ));
    assert_eq!(sender.poll(), None);
    assert!(!sender.wants_bytes());
    sender.checkpoint_verified(NOW, Verdict::Good);
    assert_eq!(sender.poll(), Some(SenderAction::CheckHead(position)));
    assert_eq!(sender.poll(), None);
    sender.head_checked(NOW, STREAM, true);
    let Some(SenderAction::Store(receipt)) = sender.poll() else {
        panic!("a position beyond the released one is a receipt");
    };
    assert_eq!(receipt.streams[0].next, 2);
    assert!(matches!(
        sender.poll(),
        Some(SenderAction::Need { first: 2, .. })
    ));
    assert_eq!(sender.poll(), None);
    sender.receipt_stored(NOW);
    assert_eq!(
        sender.poll(),
        Some(SenderAction::Released {
            stream: STREAM,
            next: 2
        })
    );
}

#[test]
fn a_collector_that_never_reads_fills_no_memory() {
    let (mut sender, mut need) = flowing(1_000_000);
    said_by_sender(&mut sender);
    let mut random = Random(1);
    let mut supplied = 0;
    while let Some(SenderAction::Need { first, .. }) = need {
        supplied += supply(&mut sender, first, 15, 60_000, &mut random);
        need = sender.poll();
    }
    assert!(supplied <= OUTBOX_BYTES_MAX + BATCH_RAW_BYTES_WANTED);
    for number in 0..100_000 {
        sender.received(NOW, &Message::Ping(number).encode());
    }
    sender.timer(NOW + STALL_MAX);
    let Some(SenderAction::Disconnect { why }) = sender.poll() else {
        panic!("the connection ends");
    };
    assert!(why.contains("reads nothing"), "{why}");
    let waiting: usize = std::iter::from_fn(|| sender.transmit(NOW))
        .map(|frame| frame.len())
        .sum();
    assert!(waiting <= OUTBOX_BYTES_MAX + BATCH_RAW_BYTES_WANTED + 4_096);
}

#[test]
fn a_collector_that_never_acknowledges_gets_a_window_and_then_the_end() {
    for (entries, payload_bytes) in [(15, 60_000), (1, 1)] {
        let (mut sender, mut need) = flowing(1_000_000);
        let mut random = Random(1);
        let (mut bytes, mut batches) = (0, 0);
        while let Some(SenderAction::Need { first, .. }) = need {
            bytes += supply(&mut sender, first, entries, payload_bytes, &mut random);
            batches += 1;
            said_by_sender(&mut sender);
            need = sender.poll();
        }
        assert!(bytes <= WINDOW_BYTES && batches <= WINDOW_BATCHES);
        let mut now = NOW;
        let why = loop {
            now += Duration::from_secs(1);
            sender.received(now, &Message::Ping(1).encode());
            sender.timer(now);
            while sender.transmit(now).is_some() {}
            if let Some(SenderAction::Disconnect { why }) = sender.poll() {
                break why;
            }
        };
        assert!(why.contains("no receipt"), "{why}");
        assert_eq!(now, NOW + RECEIPT_MAX);
    }
}

#[test]
fn an_acknowledgement_opens_the_window_again() {
    let (mut sender, mut need) = flowing(1_000_000);
    let mut sent = 0;
    while let Some(SenderAction::Need { first, .. }) = need {
        supply(&mut sender, first, 15, 60_000, &mut Random(1));
        sent = first + 15;
        said_by_sender(&mut sender);
        need = sender.poll();
    }
    let acked = ack(STREAM, 15, Vec::new(), HELD.size, GROWN);
    sender.received(NOW, &acked.encode());
    assert!(matches!(
        sender.poll(),
        Some(SenderAction::VerifyCheckpoint { .. })
    ));
    sender.checkpoint_verified(NOW, Verdict::Good);
    assert!(matches!(sender.poll(), Some(SenderAction::Store(_))));
    assert!(
        matches!(sender.poll(), Some(SenderAction::Need { first, .. }) if first == sent),
        "the window does not wait for the receipt's fsync"
    );
    assert_eq!(sender.poll(), None);
}

#[test]
fn a_collector_that_only_pings_is_left() {
    let mut sender = sender(5);
    sender.connected(NOW);
    said_by_sender(&mut sender);
    sender.received(NOW + GREETING_MAX, &Message::Ping(1).encode());
    sender.timer(NOW + GREETING_MAX);
    assert!(matches!(
        sender.poll(),
        Some(SenderAction::Disconnect { .. })
    ));
    sender.disconnected(NOW);
    assert!(matches!(
        sender.poll(),
        Some(SenderAction::Reconnect { .. })
    ));
}

#[test]
fn poison_halts_its_stream_and_gives_the_window_back() {
    let (mut sender, _) = flowing(5);
    supply(&mut sender, 0, 5, 10, &mut Random(1));
    let nak = Nak {
        stream: STREAM,
        sequence: 0,
        reason: NakReason::Poison,
        detail: "bad".to_owned(),
    };
    sender.received(NOW, &Message::Nak(nak).encode());
    let finding = Finding::Poison {
        stream: STREAM,
        first: 0,
        next: 5,
        detail: "bad".to_owned(),
    };
    assert_eq!(sender.poll(), Some(SenderAction::Finding(finding)));
    let other = Spooled {
        span: Span {
            stream: StreamId([8; 16]),
            ..span(0, 3)
        },
        ..spooled(0)
    };
    sender.stream_available(NOW, other).expect("few streams");
    assert!(said_by_sender(&mut sender).contains(&Message::Stream(other.span)));
    assert!(sender.wants_bytes());
}

#[test]
fn our_own_broken_supply_never_leaves_the_host() {
    let (mut sender, _) = flowing(5);
    said_by_sender(&mut sender);
    let mut raw = Vec::new();
    put_entry(&mut raw, &entry(STREAM, 1, b"not the first"));
    let broken = Supply {
        stream: STREAM,
        first: 0,
        entries: 1,
        head_before: [0; 32],
        head_after: [4; 32],
        raw: &raw,
    };
    sender.batch(NOW, &broken);
    assert!(matches!(
        sender.poll(),
        Some(SenderAction::Finding(Finding::Poison { .. }))
    ));
    assert_eq!(said_by_sender(&mut sender), []);
}

/// A sender that has sent five entries hears `lie`.
fn check_lie(lie: Message<'_>, expect: &str) {
    let (mut sender, _) = flowing(5);
    supply(&mut sender, 0, 5, 10, &mut Random(1));
    sender.received(NOW, &lie.encode());
    match sender.poll() {
        Some(SenderAction::Disconnect { why }) => assert!(why.contains(expect), "{why}"),
        other => panic!("{other:?} for {lie:?}"),
    }
    assert_eq!(sender.poll(), None);
    assert!(matches!(
        said_by_sender(&mut sender).pop(),
        Some(Message::Close(_))
    ));
}

/// A sender that has sent five entries is shown another history, on two connections.
fn check_history(shown: Checkpoint, verdict: Verdict, expect: Finding) {
    let (mut sender, _) = flowing(5);
    supply(&mut sender, 0, 5, 10, &mut Random(1));
    let leaves = Vec::new();
    sender.received(NOW, &ack(STREAM, 5, leaves, HELD.size, shown).encode());
    assert!(matches!(
        sender.poll(),
        Some(SenderAction::VerifyCheckpoint { .. })
    ));
    sender.checkpoint_verified(NOW, verdict);
    assert_eq!(sender.poll(), Some(SenderAction::Finding(expect)));
    assert!(matches!(
        sender.poll(),
        Some(SenderAction::Disconnect { .. })
    ));
    sender.disconnected(NOW);
    let Some(SenderAction::Reconnect { after }) = sender.poll() else {
        panic!("it asks again");
    };
    assert_eq!(after, indelible_wire::limits::DISTRUST_WAIT);
    sender.connected(NOW);
    sender.received(NOW, &welcome(Vec::new(), shown).encode());
    sender.poll();
    sender.checkpoint_verified(NOW, verdict);
    assert!(
        matches!(sender.poll(), Some(SenderAction::Disconnect { .. })),
        "the same is not told twice"
    );
}

/// A sender after WELCOME, and its first Need.
fn flowing(entries: u64) -> (Sender, Option<SenderAction>) {
    let mut sender = sender(entries);
    sender.connected(NOW);
    let start = Position {
        stream: STREAM,
        next: 0,
        head: [0; 32],
    };
    sender.received(NOW, &welcome(vec![start], HELD).encode());
    let need = sender.poll();
    assert!(matches!(need, Some(SenderAction::Need { first: 0, .. })));
    (sender, need)
}

fn sender(entries: u64) -> Sender {
    let mut sender = Sender::new(SenderConfig {
        machine_id: [1; 16],
        boot_id: [2; 16],
        held: HELD,
        level: 1,
        seed: 1,
    });
    sender
        .stream_available(NOW, spooled(entries))
        .expect("few streams");
    sender
}

fn spooled(entries: u64) -> Spooled {
    Spooled {
        span: span(0, entries),
        boot: Boot::Current,
        released: 0,
    }
}

fn span(oldest: u64, next: u64) -> Span {
    Span {
        stream: STREAM,
        oldest,
        next,
    }
}

/// Answers Need; the raw bytes. Heads are free: nobody here computes them.
fn supply(
    sender: &mut Sender,
    first: u64,
    entries: u32,
    payload_bytes: usize,
    random: &mut Random,
) -> usize {
    let mut raw = Vec::new();
    for sequence in first..first + u64::from(entries) {
        let payload: Vec<u8> = (0..payload_bytes).map(|_| random.next() as u8).collect();
        put_entry(&mut raw, &entry(STREAM, sequence, &payload));
    }
    let supply = Supply {
        stream: STREAM,
        first,
        entries,
        head_before: [0; 32],
        head_after: [0; 32],
        raw: &raw,
    };
    sender.batch(NOW, &supply);
    raw.len()
}

fn welcome(streams: Vec<Position>, checkpoint: Checkpoint) -> Message<'static> {
    Message::Welcome(Welcome {
        origin: "log.example".to_owned(),
        growth: Growth {
            old_size: HELD.size,
            checkpoint,
            proof: Vec::new(),
        },
        streams,
    })
}

fn ack(
    stream: StreamId,
    next: u64,
    leaves: Vec<LeafRange>,
    old_size: u64,
    checkpoint: Checkpoint,
) -> Message<'static> {
    Message::Ack(Ack {
        streams: vec![AckedStream {
            stream,
            next,
            leaves,
        }],
        growth: Growth {
            old_size,
            checkpoint,
            proof: Vec::new(),
        },
    })
}
