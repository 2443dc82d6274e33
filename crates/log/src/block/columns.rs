//! Encoding 1 of a block: column by column, and the text of records field by field.
//!
//! A record of one type looks like the next: the same keys in the same order. So a text is split
//! at its spaces; the keys (up to the first `=` of each part) make a *template*, and the values
//! at one place of one template make a column. `audit(seconds.ms:serial): ` at the start of a
//! text becomes two numbers, as differences to the record before.
//!
//! Messages are not so regular. Where most of a block's are of no template that was seen before, splitting
//! them costs as much as everything else together and makes nothing smaller: the rest is left whole.
//!
//! ```text
//! raw     column* , each: varint length ‖ bytes; numbers are varints, z: zigzag difference
//!  0 streams     [u8;16] ids in order of appearance
//!  1 stream      number of the entry's stream
//!  2 sequence    z to the next one of the stream
//!  3 time        z to the entry before
//!  4 kind        u8
//!  5 flags       number
//!  6 type        of kind 1: record type
//!  7 form        2 · template + (1 where the text begins with a stamp)
//!  8 stamp       z of seconds · 1000 + ms        9 serial     z
//! 10 templates   per template: number of parts, then per part: length of the key ‖ key
//! 11 lengths     of texts without template      12 texts      without template (number 0)
//! 13 …           per template from number 1, per part: the values, each ended by a space
//!  … checks      first byte of each leaf hash
//! ```

mod decode;
mod encode;
mod stamp;

pub(super) use decode::{Decoder, Head, LENGTH_BYTES, decode, rebuild};
pub(super) use encode::Columns;
pub(super) use stamp::{STAMP_BEGIN, STAMP_END};

/// What differences are taken to.
#[derive(Debug, Default)]
struct Before {
    time_ns: u64,
    stamp_ms: u64,
    serial: u64,
}

const STREAMS: usize = 0;
const STREAM: usize = 1;
const SEQUENCE: usize = 2;
const TIME: usize = 3;
const KIND: usize = 4;
const FLAGS: usize = 5;
const TYPE: usize = 6;
const FORM: usize = 7;
const STAMP: usize = 8;
const SERIAL: usize = 9;
const TEMPLATES: usize = 10;
const LENGTHS: usize = 11;
const TEXTS: usize = 12;
const FIXED: usize = 13;

const TEMPLATES_MAX: usize = 512;
const PARTS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::encode::TEMPLATES_FIRST;
    use super::*;
    use crate::entry::{EntryRef, Header, Kind, StreamId, push};
    use crate::hash::{Hash, leaf_hash};

    fn encode(entries: &[EntryRef<'_>], leaves: &[Hash]) -> Vec<u8> {
        encode_with(&mut Columns::default(), entries, leaves)
    }

    fn encode_with(columns: &mut Columns, entries: &[EntryRef<'_>], leaves: &[Hash]) -> Vec<u8> {
        let mut raw = Vec::new();
        columns.clear();
        for (entry, leaf) in entries.iter().zip(leaves) {
            columns.push(entry, leaf);
        }
        columns.finish(&mut raw);
        raw
    }

    /// Encodes texts of audit records and compares what comes back.
    fn check(texts: &[&[u8]]) {
        let mut framed = Vec::new();
        for (sequence, text) in (3..).zip(texts) {
            let stream = StreamId([sequence as u8 % 2; 16]);
            let kind = if sequence % 5 == 4 {
                Kind::Syslog
            } else {
                Kind::Audit
            };
            let payload = [&1300u16.to_be_bytes(), *text].concat();
            push(
                &mut framed,
                &Header {
                    kind,
                    flags: 0,
                    stream,
                    sequence,
                    time_ns: sequence / 2,
                },
                &payload,
            );
        }
        let entries: Vec<EntryRef<'_>> = crate::entry::split(&framed)
            .map(|entry| EntryRef::parse(entry.unwrap()).unwrap())
            .collect();
        let leaves: Vec<Hash> = entries.iter().map(EntryRef::leaf_hash).collect();
        let raw = encode(&entries, &leaves);
        // What was kept of another block leaves no trace.
        let mut columns = Columns::default();
        encode_with(&mut columns, &entries[entries.len() / 2..], &leaves);
        assert_eq!(encode_with(&mut columns, &entries, &leaves), raw);
        let decoded = decode(&raw, entries.len()).unwrap();
        assert!(rebuild(&raw, &decoded));
        assert!(!rebuild(&raw[..raw.len() - 1], &decoded));
        for (at, entry) in entries.iter().enumerate() {
            assert_eq!(decoded.bytes(at), entry.bytes());
            assert!(decoded.check_holds(at, &leaf_hash(entry.bytes())));
        }
    }

    #[test]
    fn texts_come_back() {
        check(&[
            b"audit(1700000000.001:7): arch=c000003e syscall=59 key=\"a\"",
            b"audit(1700000000.001:7): arch=c000003e syscall=60 key=(null)",
            b"audit(01.001:7): leading zero",
            b"audit(1.1000:7): ms",
            b"audit(1.001:+7): sign",
            b"audit(18446744073709551615.000:1): overflow",
            b"audit(1.001:7):",
            b"audit(1.001:7): ",
            b"",
            b" ",
            b"  two  spaces ",
            b"=",
            b"a=b=c =d e=",
            b"\xff\x00=\n",
        ]);
    }

    #[test]
    fn messages_that_are_not_regular_are_left_whole() {
        let raw = |regular: bool| {
            let texts: Vec<String> = (0..2_000)
                .map(|nth| match regular {
                    true => format!("user={nth} failed from port {}", nth * 7),
                    false => format!("a{nth}=1 b{}=2 c", nth * 7),
                })
                .collect();
            let mut framed = Vec::new();
            for (sequence, text) in (1..).zip(&texts) {
                let header = Header {
                    kind: Kind::Syslog,
                    flags: 0,
                    stream: StreamId([1; 16]),
                    sequence,
                    time_ns: 5,
                };
                push(&mut framed, &header, text.as_bytes());
            }
            let entries: Vec<EntryRef<'_>> = crate::entry::split(&framed)
                .map(|entry| EntryRef::parse(entry.unwrap()).unwrap())
                .collect();
            let leaves: Vec<Hash> = entries.iter().map(EntryRef::leaf_hash).collect();
            let raw = encode(&entries, &leaves);
            let decoded = decode(&raw, entries.len()).unwrap();
            assert!(entries.iter().map(EntryRef::bytes).eq(decoded.iter()));
            Decoder::new(&raw).unwrap().templates().len()
        };
        assert_eq!(raw(true), 1);
        assert!((TEMPLATES_FIRST..64).contains(&raw(false)));
    }

    proptest! {
        #[test]
        fn any_texts_come_back(texts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..80),
                "[a-c =]{0,40}".prop_map(String::into_bytes),
                "audit\\([0-9]{1,3}\\.[0-9]{2,4}:[0-9]{1,9}\\):? [ab]{1,3}=[0-9]{0,3}".prop_map(String::into_bytes),
            ],
            1..40,
        )) {
            let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
            check(&texts);
        }

        #[test]
        fn any_bytes_decode_or_not(raw in prop::collection::vec(any::<u8>(), 0..300), entries in 0usize..50) {
            let _ = decode(&raw, entries);
        }
    }
}
