//! An event stream: no panic, bounded, independent of how the bytes are cut; what was read comes back
//! when it is written again.
#![no_main]

use indelible_wire::limits::{SSE_DATA_BYTES_MAX, SSE_LINES_MAX};
use indelible_wire::sse::{Decoder, Message, push};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = data.split_first() else {
        return;
    };
    let whole = messages(bytes, bytes.len().max(1));
    assert_eq!(whole, messages(bytes, usize::from(*cut).max(1)));

    let mut written = Vec::new();
    let mut expect = whole.0;
    for message in &mut expect {
        assert!(message.lines.len() <= SSE_LINES_MAX);
        assert!(message.lines.iter().map(Vec::len).sum::<usize>() <= SSE_DATA_BYTES_MAX);
        let lines = message.lines.iter().map(Vec::as_slice);
        push(&message.event, lines, &mut written);
        // A name is one line.
        let name = message.event.split(['\n', '\r']).next();
        message.event = name.unwrap_or_default().to_owned();
    }
    expect.retain(|message| !message.event.is_empty() || !message.lines.is_empty());
    assert!(std::str::from_utf8(&written).is_ok());
    assert_eq!(messages(&written, usize::from(*cut).max(1)), (expect, false));
});

/// The messages, and whether the stream was refused after them.
fn messages(bytes: &[u8], chunk_bytes: usize) -> (Vec<Message>, bool) {
    let mut decoder = Decoder::default();
    let mut found = Vec::new();
    for mut chunk in bytes.chunks(chunk_bytes) {
        loop {
            match decoder.next(&mut chunk) {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break,
                Err(_) => return (found, true),
            }
        }
    }
    (found, false)
}
