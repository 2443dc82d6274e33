//! Streams of made-up entries, the same for the same seed.

use indelible_log::hash::{Hash, chain_head, leaf_hash};
use indelible_log::index::{Found, Terms};
use indelible_log::{Batch, EntryRef, Header, Kind, StreamId, entry};

/// A sender with one stream.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) stream: StreamId,
    pub(crate) next: u64,
    pub(crate) head: Hash,
    /// Bytes of each record's text.
    pub(crate) text_bytes: usize,
}

impl Sender {
    pub(crate) fn new(id: u8) -> Self {
        Self {
            stream: StreamId([id; 16]),
            next: 0,
            head: Hash::ZERO,
            text_bytes: 20,
        }
    }

    /// The entry at a position of this stream.
    pub(crate) fn entry(&self, sequence: u64) -> Vec<u8> {
        let kind = if sequence == 0 {
            Kind::StreamOpened
        } else {
            Kind::Audit
        };
        let time_ns = 1_700_000_000_000_000_000 + sequence / 3 * 1_000_000;
        let header = Header {
            kind,
            flags: 0,
            stream: self.stream,
            sequence,
            time_ns,
        };
        let mut payload = match kind {
            Kind::StreamOpened => b"{\"v\":1,\"source\":\"kernel\"}".to_vec(),
            _ => format!(
                "\x05\x14audit(1700000000.{:03}:{sequence}): syscall=59",
                sequence % 1_000
            )
            .into_bytes(),
        };
        payload.resize(payload.len().max(self.text_bytes), b'x');
        let mut out = Vec::new();
        entry::push(&mut out, &header, &payload);
        out.split_off(2)
    }

    /// The next entries in the form of a batch.
    pub(crate) fn encoded(&mut self, entries: u64) -> (Vec<u8>, u64, Hash) {
        let (first, head_before) = (self.next, self.head);
        let mut out = Vec::new();
        for sequence in first..first + entries {
            let entry = self.entry(sequence);
            out.extend_from_slice(&(entry.len() as u16).to_be_bytes());
            out.extend_from_slice(&entry);
            self.head = chain_head(&self.head, &leaf_hash(&entry));
        }
        self.next += entries;
        (out, first, head_before)
    }

    /// The next entries as a batch.
    pub(crate) fn batch(&mut self, entries: u64) -> Batch {
        let (bytes, first, head_before) = self.encoded(entries);
        Batch::prepare(self.stream, first, head_before, &bytes).unwrap()
    }
}

/// Terms for tests: the time of day and serial of `audit(…)`, and what follows `syscall=`; every
/// hundredth record's serial as text of another field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextTerms;

impl Terms for TextTerms {
    fn version(&self) -> u16 {
        7
    }

    fn of(&self, entry: &EntryRef<'_>, found: &mut Found<'_>) {
        let Some((1300, text)) = entry.audit() else {
            return;
        };
        let serial = entry.header().sequence as u32;
        found.record(entry.header().time_ns / 1_000_000, serial, true);
        if let Some(at) = text.windows(8).position(|part| part == b"syscall=") {
            found.value(16, &text[at + 8..][..2]);
        }
        if serial.is_multiple_of(100) {
            let value = format!("{}/{serial}", entry.header().stream);
            found.value(17, value.as_bytes());
        }
    }
}

/// SplitMix64, so that a test repeats from its seed.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// A number from the environment, which sizes or seeds a test.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}
