//! Batches: a hostile one never yields more than it states, what it yields is framed and numbered
//! as stated, and valid entries survive packing.
#![no_main]

use indelible_wire::limits::BATCH_RAW_BYTES_WANTED;
use indelible_wire::native::batch::{RawBatch, check_entries, entries};
use indelible_wire::native::{Batch, BatchPacker, BatchUnpacker, FrameDecoder, Message, StreamId};
use libfuzzer_sys::fuzz_target;

const STREAM: StreamId = StreamId([7; 16]);

fuzz_target!(|data: &[u8]| {
    let Some((header, rest)) = data.split_first_chunk::<5>() else {
        return;
    };
    let [count, length_a, length_b, length_c, first] = *header;
    let raw_bytes = u32::from_be_bytes([0, length_a, length_b, length_c]);
    let hostile = Batch {
        stream: STREAM,
        first: first.into(),
        entries: u32::from(count).max(1),
        raw_bytes,
        head_before: [0; 32],
        head_after: [0; 32],
        packed: rest,
    };
    let mut unpacker = BatchUnpacker::new();
    if let Ok(raw) = unpacker.unpack(&hostile) {
        assert_eq!(raw.len(), raw_bytes as usize);
        assert_eq!(entries(&raw).count(), hostile.entries as usize);
    }

    // The same bytes as payloads of valid entries.
    let mut raw = Vec::new();
    let mut sequence = u64::from(first);
    for payload in rest.chunks(usize::from(count).max(1)).take(1_000) {
        let length = u16::try_from(36 + payload.len()).expect("a payload has at most 255 bytes");
        raw.extend_from_slice(&length.to_be_bytes());
        raw.extend_from_slice(&[1, if sequence == 0 { 7 } else { 1 }, 0, 0]);
        raw.extend_from_slice(&STREAM.0);
        raw.extend_from_slice(&sequence.to_be_bytes());
        raw.extend_from_slice(&[0; 8]);
        raw.extend_from_slice(payload);
        sequence += 1;
    }
    let count = u32::try_from(sequence - u64::from(first)).expect("at most 1,000 entries");
    if count == 0 || raw.len() > BATCH_RAW_BYTES_WANTED {
        return;
    }
    check_entries(STREAM, first.into(), count, &raw).expect("made to be valid");
    let frame = BatchPacker::new(1).pack(&RawBatch {
        stream: STREAM,
        first: first.into(),
        entries: count,
        head_before: [1; 32],
        head_after: [2; 32],
        raw: &raw,
    });
    let mut decoder = FrameDecoder::default();
    decoder.feed(&frame);
    let Ok(Some(Message::Batch(batch))) = decoder.poll() else {
        panic!("a packed batch is a whole frame");
    };
    assert_eq!(unpacker.unpack(&batch), Ok(raw));
});
