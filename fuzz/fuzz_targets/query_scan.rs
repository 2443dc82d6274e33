//! Any bytes as a log: the same events in the same order wherever it is cut into pieces, and, of
//! those that hold a needle, the same when only the needle is looked for.
#![no_main]

use std::io;
use std::sync::Arc;

use indelible_query::criteria::{Needles, Window};
use indelible_query::scan::{Joiner, Piece, Reach, Scanner, Text};
use libfuzzer_sys::fuzz_target;

struct Held(Arc<Vec<u8>>);

impl Text for Held {
    fn bytes(&self) -> io::Result<Arc<Vec<u8>>> {
        Ok(Arc::clone(&self.0))
    }
}

const REACH: Reach = Reach {
    near: 400,
    far: 2000,
    hold: 3000,
};

type Event = Vec<Vec<u8>>;

/// The events of the log, in pieces of about `piece` bytes.
fn search(log: &[u8], piece: usize, needle: Option<&[u8]>) -> Vec<Event> {
    let needles = needle.and_then(|needle| Needles::any_of(vec![needle.to_vec()]));
    let scanner = Scanner::new(needles.as_ref(), Window::ALL);
    let mut joiner = Joiner::new(&scanner, REACH, 2000, true);
    let (mut events, mut at, mut bytes) = (Vec::new(), 0, Vec::new());
    let mut lines = log.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        bytes.extend_from_slice(line);
        let next = lines.peek().map_or(usize::MAX, |next| next.len());
        if bytes.len().saturating_add(next) <= piece {
            continue;
        }
        let scanned = scanner.scan(&bytes);
        let end = at + bytes.len() as u64;
        let text = Held(Arc::new(std::mem::take(&mut bytes)));
        let piece = Piece { at, end, text, scanned };
        joiner.push(piece).expect("held");
        at = end;
    }
    joiner.end().expect("held");
    while let Some(event) = joiner.take() {
        events.push(event.lines().map(<[u8]>::to_vec).collect());
    }
    events
}

fuzz_target!(|bytes: &[u8]| {
    let [piece, needle, log @ ..] = bytes else {
        return;
    };
    let whole = search(log, 1, None);
    let cut = search(log, 1 + usize::from(*piece), None);
    assert_eq!(whole, cut);
    // No event is found by its needle that is not there; and each line with one is in an event.
    let needle = [*needle];
    if needle == *b"\n" {
        return;
    }
    let found = search(log, 1 + usize::from(*piece), Some(&needle));
    let mut lines: Vec<&Vec<u8>> = whole.iter().flatten().collect();
    lines.sort();
    let holds = |line: &[u8]| line.contains(&needle[0]);
    let mut with_needle: Vec<&Vec<u8>> = found.iter().flatten().filter(|line| holds(line)).collect();
    with_needle.sort();
    lines.retain(|line| holds(line));
    assert_eq!(lines, with_needle);
    assert!(found.iter().all(|event| event.iter().any(|line| holds(line))));
});
