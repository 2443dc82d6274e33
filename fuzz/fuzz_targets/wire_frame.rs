//! Bytes to messages: no panic, bounded, independent of how the bytes are cut, and whatever
//! decodes encodes to the same bytes.
#![no_main]

use indelible_wire::native::FrameDecoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = data.split_first() else {
        return;
    };
    let mut whole = FrameDecoder::default();
    whole.feed(bytes);
    let mut encoded = Vec::new();
    let failed = loop {
        match whole.poll() {
            Ok(Some(message)) => encoded.extend_from_slice(&message.encode()),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert_eq!(encoded[..], bytes[..encoded.len()]);
    if !failed {
        assert_eq!(encoded.len() + whole.pending_bytes(), bytes.len());
    }

    let mut pieces = FrameDecoder::default();
    let mut again = Vec::new();
    'feed: for piece in bytes.chunks(usize::from(*cut).max(1)) {
        pieces.feed(piece);
        loop {
            match pieces.poll() {
                Ok(Some(message)) => again.extend_from_slice(&message.encode()),
                Ok(None) => break,
                Err(_) => break 'feed,
            }
        }
    }
    assert_eq!(encoded, again);
});
