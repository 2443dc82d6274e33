//! The known answers of docs/protocol.md, for a second implementation and against our own slips.

use indelible_wire::native::{
    Ack, AckedStream, BatchUnpacker, Checkpoint, Close, CloseReason, FrameDecoder, Growth, Hello,
    LeafRange, Message, Nak, NakReason, Position, Resume, Span, StreamId, Welcome, batch,
};

use crate::model::{chain, entry, put_entry};

const DOCUMENT: &str = include_str!("../../../../docs/protocol.md");
const STREAM: StreamId = StreamId([0xa1; 16]);

#[test]
fn the_document_has_the_bytes_of_every_message() {
    let span = Span {
        stream: STREAM,
        oldest: 1,
        next: 3,
    };
    let position = Position {
        stream: STREAM,
        next: 1,
        head: [0xb2; 32],
    };
    let checkpoint = Checkpoint {
        size: 5,
        root: [0xc3; 32],
        signature: [0xd4; 64],
    };
    let growth = Growth {
        old_size: 4,
        checkpoint,
        proof: vec![[0xe5; 32]],
    };
    let hello = Hello {
        machine_id: [0x11; 16],
        boot_id: [0x22; 16],
        held: Checkpoint::NONE,
        streams: vec![span],
    };
    let welcome = Welcome {
        origin: "log.example".to_owned(),
        growth: growth.clone(),
        streams: vec![position],
    };
    let ack = Ack {
        streams: vec![AckedStream {
            stream: STREAM,
            next: 3,
            leaves: vec![LeafRange { first: 3, count: 2 }],
        }],
        growth: growth.clone(),
    };
    let nak = Nak {
        stream: STREAM,
        sequence: 2,
        reason: NakReason::Fork,
        detail: "é".to_owned(),
    };
    let close = Close {
        reason: CloseReason::ShuttingDown,
        detail: String::new(),
    };
    check("HELLO", &Message::Hello(hello));
    check("WELCOME", &Message::Welcome(welcome));
    check("STREAM", &Message::Stream(span));
    check("RESUME", &Message::Resume(Resume { position, growth }));
    check("ACK", &Message::Ack(ack));
    check("NAK", &Message::Nak(nak));
    check("CLOSE", &Message::Close(close));
    check("PING", &Message::Ping(0x0102_0304_0506_0708));
    check("PONG", &Message::Pong(0x0102_0304_0506_0708));
}

/// The compressed bytes of a BATCH depend on the encoder, so this vector is read, not written.
#[test]
fn the_document_has_a_batch_with_its_chain() {
    let entries = [
        entry(STREAM, 0, br#"{"v":1}"#),
        entry(STREAM, 1, b"\x05\x14hi"),
    ];
    let mut raw = Vec::new();
    entries.iter().for_each(|entry| put_entry(&mut raw, entry));
    let head = entries
        .iter()
        .fold([0; 32], |head, entry| chain(&head, entry));
    let mut decoder = FrameDecoder::default();
    decoder.feed(&from_hex(&documented("BATCH")));
    let Ok(Some(Message::Batch(batch))) = decoder.poll() else {
        panic!("the document has no BATCH");
    };
    assert_eq!((batch.stream, batch.first, batch.entries), (STREAM, 0, 2));
    assert_eq!(batch.head_before, [0; 32]);
    assert_eq!(batch.head_after, head);
    assert_eq!(BatchUnpacker::new().unpack(&batch), Ok(raw.clone()));
    let packer_input = batch::RawBatch {
        stream: STREAM,
        first: 0,
        entries: 2,
        head_before: [0; 32],
        head_after: head,
        raw: &raw,
    };
    let again = indelible_wire::native::BatchPacker::new(1).pack(&packer_input);
    let mut decoder = FrameDecoder::default();
    decoder.feed(&again);
    assert!(matches!(decoder.poll(), Ok(Some(Message::Batch(_)))));
}

fn check(name: &str, message: &Message<'_>) {
    assert_eq!(documented(name), to_hex(&message.encode()), "{name}");
}

/// The hexadecimal bytes in the line `NAME: …` of the document and the indented lines after it.
fn documented(name: &str) -> String {
    let start = format!("\n{name}: ");
    let at = DOCUMENT
        .find(&start)
        .unwrap_or_else(|| panic!("docs/protocol.md has no vector {name}"));
    let mut lines = DOCUMENT[at + start.len()..].lines();
    let first = lines.next().unwrap_or_default().to_owned();
    lines
        .take_while(|line| line.starts_with(' '))
        .fold(first, |hex, line| hex + line)
        .split_whitespace()
        .collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect()
}
