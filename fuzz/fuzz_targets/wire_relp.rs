//! Bytes of a RELP connection to frames and sessions: no panic, bounded, independent of how the
//! bytes are cut; frames come back; a server answers each message at most once, and only those
//! that are durable.
#![no_main]

use std::time::Duration;

use indelible_wire::limits::{RELP_CONTROL_BYTES_MAX, SYSLOG_MESSAGE_BYTES_MAX};
use indelible_wire::relp::{Client, Decoder, Event, Received, RelpError, Server, push};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = data.split_first() else {
        return;
    };
    let chunk_bytes = usize::from(*cut).max(1);
    let whole = frames(bytes, bytes.len().max(1));
    assert_eq!(whole, frames(bytes, chunk_bytes));

    let mut written = Vec::new();
    for (transaction, command, data) in &whole.0 {
        push(&mut written, *transaction, command, data);
    }
    assert_eq!(frames(&written, chunk_bytes), (whole.0, None));

    let mut server = Server::default();
    let (mut taken, mut answered) = (0, 0);
    for session in [&b"1 open 15 commands=syslog\n"[..], bytes] {
        for chunk in session.chunks(chunk_bytes) {
            server.received(chunk, &mut |message| match message {
                Received::Message(_) | Received::PartsEnd => taken += 1,
                Received::Part(_) => {}
            });
            let durable = server.unanswered() / 2;
            server.durable(durable);
            answered += durable;
        }
    }
    assert!(answered + server.unanswered() <= taken);
    let out = frames(&server.transmit().unwrap_or_default(), 64);
    assert_eq!(out.1, None);
    let accepted = out
        .0
        .iter()
        .filter(|(_, _, data)| data == b"200 OK")
        .count();
    assert!(accepted <= answered);

    let mut client = Client::with_default_window(Duration::ZERO);
    for chunk in bytes.chunks(chunk_bytes) {
        client.send(Duration::ZERO, b"message");
        client.received(chunk);
    }
    while client.poll().is_some() {}
});

type Frames = (Vec<(u32, String, Vec<u8>)>, Option<RelpError>);

fn frames(bytes: &[u8], chunk_bytes: usize) -> Frames {
    let mut decoder = Decoder::default();
    let (mut frames, mut parts) = (Vec::new(), Vec::new());
    for mut chunk in bytes.chunks(chunk_bytes) {
        loop {
            let (header, data) = match decoder.next(&mut chunk) {
                Ok(Some(Event::Frame(header, data))) => (header, data.to_vec()),
                Ok(Some(Event::Part(_, data))) => {
                    parts.extend_from_slice(data);
                    continue;
                }
                Ok(Some(Event::PartsEnd(header))) => (header, std::mem::take(&mut parts)),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            };
            let command = String::from_utf8(header.command().to_vec()).unwrap();
            frames.push((header.transaction, command, data));
        }
        assert!(decoder.pending_bytes() <= SYSLOG_MESSAGE_BYTES_MAX.max(RELP_CONTROL_BYTES_MAX));
    }
    (frames, None)
}
