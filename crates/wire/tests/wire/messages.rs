//! Every message survives its bytes, however they are cut; known answers of docs/protocol.md.

use indelible_wire::limits::{BATCH_ENTRIES_MAX, BATCH_RAW_BYTES_MAX};
use indelible_wire::native::{
    Ack, AckedStream, Batch, Checkpoint, Close, CloseReason, FrameDecoder, Growth, Hello,
    LeafRange, Message, Nak, NakReason, Position, Resume, Span, StreamId, Welcome,
};
use proptest::prelude::*;

fn span() -> impl Strategy<Value = Span> {
    (any::<[u8; 16]>(), any::<u64>(), any::<u64>()).prop_map(|(id, a, b)| Span {
        stream: StreamId(id),
        oldest: a.min(b),
        next: a.max(b),
    })
}

fn position() -> impl Strategy<Value = Position> {
    (any::<[u8; 16]>(), any::<u64>(), any::<[u8; 32]>()).prop_map(|(id, next, head)| Position {
        stream: StreamId(id),
        next,
        head: if next == 0 { [0; 32] } else { head },
    })
}

fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    (any::<u64>(), any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(size, root, half)| {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&half);
        match size % 5 {
            0 => Checkpoint::NONE,
            _ => Checkpoint {
                size,
                root,
                signature,
            },
        }
    })
}

fn growth() -> impl Strategy<Value = Growth> {
    (
        any::<u64>(),
        checkpoint(),
        prop::collection::vec(any::<[u8; 32]>(), 0..=63),
    )
        .prop_map(|(old_size, checkpoint, proof)| Growth {
            old_size,
            checkpoint,
            proof,
        })
}

fn leaves() -> impl Strategy<Value = LeafRange> {
    (any::<u64>(), 1..=u32::MAX).prop_map(|(first, count)| LeafRange { first, count })
}

fn acked() -> impl Strategy<Value = AckedStream> {
    (
        any::<[u8; 16]>(),
        any::<u64>(),
        prop::collection::vec(leaves(), 0..5),
    )
        .prop_map(|(id, next, leaves)| AckedStream {
            stream: StreamId(id),
            next,
            leaves,
        })
}

fn message() -> impl Strategy<Value = Message<'static>> {
    let reason = prop_oneof![
        Just(NakReason::Later),
        Just(NakReason::Poison),
        Just(NakReason::Fork),
        Just(NakReason::Denied)
    ];
    let end = prop_oneof![
        Just(CloseReason::Done),
        Just(CloseReason::ShuttingDown),
        Just(CloseReason::ProtocolError)
    ];
    prop_oneof![
        (
            any::<[u8; 16]>(),
            any::<[u8; 16]>(),
            checkpoint(),
            prop::collection::vec(span(), 0..9)
        )
            .prop_map(
                |(machine_id, boot_id, held, streams)| Message::Hello(Hello {
                    machine_id,
                    boot_id,
                    held,
                    streams
                })
            ),
        (
            "\\PC{0,40}",
            growth(),
            prop::collection::vec(position(), 0..9)
        )
            .prop_map(|(origin, growth, streams)| Message::Welcome(Welcome {
                origin,
                growth,
                streams
            })),
        span().prop_map(Message::Stream),
        (position(), growth())
            .prop_map(|(position, growth)| Message::Resume(Resume { position, growth })),
        (
            position(),
            1..=BATCH_ENTRIES_MAX,
            0..=BATCH_RAW_BYTES_MAX as u32,
            prop::collection::vec(any::<u8>(), 0..300)
        )
            .prop_map(|(at, entries, raw_bytes, packed)| Message::Batch(Batch {
                stream: at.stream,
                first: at.next >> 1,
                entries,
                raw_bytes,
                head_before: at.head,
                head_after: [7; 32],
                packed: packed.leak(),
            })),
        (prop::collection::vec(acked(), 0..9), growth())
            .prop_map(|(streams, growth)| Message::Ack(Ack { streams, growth })),
        (any::<[u8; 16]>(), any::<u64>(), reason, "\\PC{0,40}").prop_map(
            |(id, sequence, reason, detail)| Message::Nak(Nak {
                stream: StreamId(id),
                sequence,
                reason,
                detail
            })
        ),
        (end, "\\PC{0,40}").prop_map(|(reason, detail)| Message::Close(Close { reason, detail })),
        any::<u64>().prop_map(Message::Ping),
        any::<u64>().prop_map(Message::Pong),
        "[ -~\n]{0,300}".prop_map(Message::Key),
    ]
}

proptest! {
    #[test]
    fn messages_survive_any_cut(
        messages in prop::collection::vec(message(), 1..6),
        cuts in prop::collection::vec(1_usize..200, 1..20),
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(Message::encode).collect();
        let mut decoder = FrameDecoder::default();
        let (mut rest, mut expected, mut cuts) = (&bytes[..], messages.iter(), cuts.iter().cycle());
        while !rest.is_empty() {
            let cut = cuts.next().map_or(1, |cut| *cut).min(rest.len());
            decoder.feed(&rest[..cut]);
            rest = &rest[cut..];
            while let Some(message) = decoder.poll().expect("what was encoded decodes") {
                prop_assert_eq!(Some(&message), expected.next());
            }
        }
        prop_assert_eq!(expected.next(), None);
        prop_assert_eq!(decoder.pending_bytes(), 0);
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes(
        message in message(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = message.encode();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let mut decoder = FrameDecoder::default();
        decoder.feed(&bytes);
        if let Ok(Some(message)) = decoder.poll() {
            let again = message.encode();
            prop_assert_eq!(&bytes[..again.len()], &again[..]);
        }
    }

    #[test]
    fn garbage_never_panics_and_stays_bounded(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let mut decoder = FrameDecoder::default();
        decoder.feed(&bytes);
        while let Ok(Some(_)) = decoder.poll() {}
        prop_assert!(decoder.pending_bytes() <= bytes.len());
    }
}
