//! Bytes of a syslog connection to messages: no panic, bounded, independent of how the bytes are
//! cut; and messages that were framed come back.
#![no_main]

use indelible_wire::limits::SYSLOG_MESSAGE_BYTES_MAX;
use indelible_wire::syslog::{FrameError, Framer, Framing, Piece, framing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = data.split_first() else {
        return;
    };
    let whole = messages(bytes, bytes.len().max(1), None);
    let pieces = messages(bytes, usize::from(*cut).max(1), None);
    assert_eq!(whole, pieces);

    let made: Vec<&[u8]> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty() && *line != b"\r")
        .collect();
    for kind in [Framing::Lines, Framing::Octets] {
        let mut framed = Vec::new();
        for message in &made {
            framing::push(&mut framed, kind, message);
        }
        let (back, error) = messages(&framed, usize::from(*cut).max(1), Some(kind));
        assert_eq!(error, None);
        assert!(back.iter().all(|(_, finished)| *finished));
        assert!(
            back.iter()
                .map(|(message, _)| &message[..])
                .eq(made.iter().copied())
        );
    }
});

type Messages = (Vec<(Vec<u8>, bool)>, Option<FrameError>);

fn messages(bytes: &[u8], chunk_bytes: usize, framing: Option<Framing>) -> Messages {
    let mut framer = Framer::new(framing);
    let (mut messages, mut parts) = (Vec::new(), Vec::new());
    let mut keep = |piece: Piece<'_>| match piece {
        Piece::Message { bytes, finished } => {
            assert!(bytes.len() <= SYSLOG_MESSAGE_BYTES_MAX);
            messages.push((bytes.to_vec(), finished));
        }
        Piece::Part(bytes) => parts.extend_from_slice(bytes),
        Piece::PartsEnd { finished } => messages.push((std::mem::take(&mut parts), finished)),
    };
    for mut chunk in bytes.chunks(chunk_bytes) {
        loop {
            match framer.next(&mut chunk) {
                Ok(Some(piece)) => keep(piece),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
        assert!(framer.pending_bytes() <= SYSLOG_MESSAGE_BYTES_MAX + 16);
    }
    while let Some(piece) = framer.finish(true) {
        keep(piece);
    }
    (messages, None)
}
