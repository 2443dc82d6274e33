//! Both peers against any bytes in any order, with callers that answer everything: no panic, no
//! loop, and memory that does not grow with what is received.
#![no_main]

use std::time::Duration;

use indelible_wire::native::{
    AppendResult, Boot, Checkpoint, LeafRange, Receiver, ReceiverAction, ReceiverConfig, Sender,
    SenderAction, SenderConfig, Span, Spooled, StreamId, Verdict,
};
use libfuzzer_sys::fuzz_target;

const NOW: Duration = Duration::from_secs(1);

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let pieces = bytes.chunks(usize::from(*choice).max(1));
    collector(pieces.clone());
    agent(pieces, *choice);
});

fn collector<'a>(pieces: impl Iterator<Item = &'a [u8]>) {
    let checkpoint = Checkpoint {
        size: 9,
        root: [1; 32],
        signature: [2; 64],
    };
    let mut receiver = Receiver::new(
        NOW,
        ReceiverConfig {
            peer: "host".to_owned(),
            origin: "log".to_owned(),
            checkpoint,
        },
    );
    for piece in pieces {
        if receiver.wants_bytes() {
            receiver.received(NOW, piece);
        }
        while let Some(action) = receiver.poll() {
            match action {
                ReceiverAction::LookUp { stream } => receiver.stream_state(NOW, stream, None),
                ReceiverAction::Append(append) => receiver.append_result(
                    NOW,
                    AppendResult::Accepted {
                        next: append.first + u64::from(append.entries),
                        leaves: Some(LeafRange {
                            first: 0,
                            count: append.entries,
                        }),
                        log_size: 9,
                    },
                ),
                ReceiverAction::NeedProof { .. } => receiver.proof(NOW, vec![[3; 32]]),
                ReceiverAction::Greeted { .. }
                | ReceiverAction::Contradicted { .. }
                | ReceiverAction::Disconnect { .. } => {}
            }
        }
        while receiver.transmit(NOW).is_some() {}
    }
}

fn agent<'a>(pieces: impl Iterator<Item = &'a [u8]>, choice: u8) {
    let mut sender = Sender::new(SenderConfig {
        machine_id: [1; 16],
        boot_id: [2; 16],
        held: Checkpoint::NONE,
        level: 1,
        seed: 3,
    });
    let spooled = Spooled {
        span: Span {
            stream: StreamId([7; 16]),
            oldest: 0,
            next: 5,
        },
        boot: Boot::Current,
        released: 0,
    };
    sender
        .stream_available(NOW, spooled)
        .expect("one stream is few");
    sender.connected(NOW);
    for piece in pieces {
        if sender.wants_bytes() {
            sender.received(NOW, piece);
        }
        while let Some(action) = sender.poll() {
            match action {
                SenderAction::Need { stream, .. } => sender.unreadable(stream),
                SenderAction::VerifyCheckpoint { .. } => {
                    let verdict = match choice % 8 {
                        0 => Verdict::Inconsistent,
                        1 => Verdict::BadSignature,
                        _ => Verdict::Good,
                    };
                    sender.checkpoint_verified(NOW, verdict);
                }
                SenderAction::CheckHead(position) => {
                    sender.head_checked(NOW, position.stream, choice % 3 > 0);
                }
                SenderAction::Store(_) => sender.receipt_stored(NOW),
                SenderAction::Disconnect { .. } => {
                    sender.disconnected(NOW);
                    sender.connected(NOW);
                }
                SenderAction::Released { .. }
                | SenderAction::KeyShown(_)
                | SenderAction::Finding(_)
                | SenderAction::Reconnect { .. } => {}
            }
        }
        while sender.transmit(NOW).is_some() {}
    }
}
