//! Sieving a block: of its audit records only those are rebuilt that can be part of an event that is
//! looked for. To rebuild all takes several times as long as everything else that a search does with a
//! block, and of mostly one event in 4,096 records anything is wanted.
//!
//! ```text
//! columns ─ needle in a value ─▶ candidates ─ their stamps ─▶ all records with one of these ─▶ Kept
//!                                                              the others, by type and stamp ─▶ Left
//! ```
//!
//! A text stands in columns cut at its blanks and behind its keys (`columns.rs`), so a needle without
//! blanks is in one value whole, in a key, or in a key's end and its value's begin. What is found there
//! is a candidate and no more: whoever asked looks at its text again.
//!
//! Where that is not certain (a record without a stamp, rows, too many candidates for this to be worth
//! anything), nothing is sieved, and the block is unpacked as ever.

use memchr::memmem;

use crate::entry::{ERASED, Kind};
use crate::limits::{BLOCK_ENTRIES, SIEVE_NEEDLES_MAX};

use super::columns::{Decoder, Head, LENGTH_BYTES, STAMP_BEGIN, STAMP_END};

/// What is looked for.
#[derive(Debug)]
pub enum Sieve {
    /// Byte strings, one of which stands in the text of a record.
    Needles(Vec<Needle>),
    /// Times (ms since 1970) and serials, ascending.
    Stamps(Vec<(u64, u32)>),
}

/// A byte string without blanks.
#[derive(Debug)]
pub struct Needle {
    whole: memmem::Finder<'static>,
    /// Up to its `=`, and what follows, where it has one.
    halves: Option<(Vec<u8>, memmem::Finder<'static>)>,
}

/// An entry of a block that was sieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sieved<'e> {
    /// A record of an event that may be looked for.
    Kept {
        /// Its place in the block, from 0.
        at: u32,
        /// The entry.
        entry: &'e [u8],
    },
    /// A record of another event.
    Left {
        /// Its type.
        record_type: u16,
        /// Its time, ms since 1970.
        ms: u64,
        /// Its serial.
        serial: u32,
    },
    /// An entry whose payload was erased.
    Erased,
}

impl Sieve {
    /// For records with one of these byte strings; none where these cannot be looked for in columns.
    pub fn needles<'n>(needles: impl IntoIterator<Item = &'n [u8]>) -> Option<Self> {
        let needles: Option<Vec<Needle>> = needles.into_iter().map(Needle::new).collect();
        let needles = needles.filter(|needles| needles.len() <= SIEVE_NEEDLES_MAX)?;
        Some(Self::Needles(needles))
    }

    /// For records with one of these stamps: milliseconds since 1970 and serial.
    pub fn stamps(mut stamps: Vec<(u64, u32)>) -> Self {
        stamps.sort_unstable();
        stamps.dedup();
        Self::Stamps(stamps)
    }

    /// Whether one of the byte strings is in a text.
    pub fn may_be_in(&self, text: &[u8]) -> bool {
        match self {
            Self::Needles(needles) => needles
                .iter()
                .any(|needle| needle.whole.find(text).is_some()),
            Self::Stamps(_) => true,
        }
    }

    /// Gives the audit records of a block in columns, and the entries that were erased, in order; no,
    /// before anything is given, where it cannot be sieved.
    pub(super) fn columns(
        &self,
        raw: &[u8],
        entries: usize,
        take: &mut dyn FnMut(Sieved<'_>),
    ) -> Option<()> {
        let mut decoder = Decoder::new(raw)?;
        let heads = heads(&mut decoder, entries)?;
        let found;
        let stamps = match self {
            Self::Stamps(stamps) => stamps,
            Self::Needles(needles) => {
                found = stamps_of(needles, raw, &heads)?;
                &found
            }
        };
        let is_kept = |head: &Head| match stamps[..] {
            [] => false,
            [one] => stamp(head) == Some(one),
            _ => stamp(head).is_some_and(|stamp| stamps.binary_search(&stamp).is_ok()),
        };
        let kept = heads.iter().filter(|head| is_kept(head)).count();
        if kept * WORTH_IT > entries {
            return None;
        }
        // Rebuilt before anything is given: what cannot be is damage, which the usual way reports.
        let (mut rebuilt, mut ends) = (Vec::new(), Vec::with_capacity(kept));
        let mut skipped = vec![0; decoder.templates().len() + 1];
        for head in &heads {
            if is_kept(head) {
                decoder.skip_texts(head.template, std::mem::take(&mut skipped[head.template]))?;
                decoder.rebuild(head, &mut rebuilt)?;
                ends.push(rebuilt.len());
            } else {
                skipped[head.template] += 1;
            }
        }
        let (mut begin, mut ends) = (0, ends.into_iter());
        for (at, head) in heads.iter().enumerate() {
            if head.header.flags & ERASED != 0 {
                take(Sieved::Erased);
            } else if is_kept(head)
                && let Some(end) = ends.next()
            {
                let entry = &rebuilt[begin + LENGTH_BYTES..end];
                take(Sieved::Kept {
                    at: at as u32,
                    entry,
                });
                begin = end;
            } else if let Some((record_type, (ms, serial))) = head.record_type.zip(stamp(head)) {
                take(Sieved::Left {
                    record_type,
                    ms,
                    serial,
                });
            }
        }
        Some(())
    }
}

impl Needle {
    /// None where it can stand across a blank, or in a stamp, which are in columns of their own.
    fn new(needle: &[u8]) -> Option<Self> {
        let is_of_stamp = |byte: &u8| {
            byte.is_ascii_digit()
                || b".:".contains(byte)
                || STAMP_BEGIN.contains(byte)
                || STAMP_END.contains(byte)
        };
        if needle.contains(&b' ') || needle.iter().all(is_of_stamp) {
            return None;
        }
        let finder = |bytes: &[u8]| memmem::Finder::new(bytes).into_owned();
        let halves = memchr::memchr(b'=', needle).map(|equals| {
            let (key, value) = needle.split_at(equals + 1);
            (key.to_vec(), finder(value))
        });
        Some(Self {
            whole: finder(needle),
            halves,
        })
    }

    /// Calls `found` with offsets of the column's values that may hold it, ascending; no where all may.
    fn find(&self, key: &[u8], values: &[u8], mut found: impl FnMut(usize)) -> Option<()> {
        if self.whole.find(key).is_some() {
            return None;
        }
        let halves = self.halves.as_ref();
        let finder = match halves.filter(|(half, _)| key.ends_with(half)) {
            Some((_, value)) if value.needle().is_empty() => return None,
            // Whatever holds the whole needle holds its second half.
            Some((_, value)) => value,
            None => &self.whole,
        };
        let mut from = 0;
        while let Some(at) = values.get(from..).and_then(|rest| finder.find(rest)) {
            found(from + at);
            // One is enough of each value.
            let end = memchr::memchr(b' ', &values[from + at..]);
            from = end.map_or(values.len(), |end| from + at + end + 1);
        }
        Some(())
    }
}

/// What stands of all entries in the fixed columns; none where a record's stamp or type does not stand
/// there.
fn heads(decoder: &mut Decoder<'_>, entries: usize) -> Option<Vec<Head>> {
    let templates = decoder.templates().len();
    let mut heads = Vec::with_capacity(entries.min(BLOCK_ENTRIES as usize));
    for _ in 0..entries {
        let head = decoder.head()?;
        let is_known = head.header.kind != Kind::Audit
            || head.header.flags & ERASED != 0
            || head.record_type != Some(WHOLE_LINE) && stamp(&head).is_some();
        if !is_known || head.template > templates {
            return None;
        }
        heads.push(head);
    }
    Some(heads)
}

/// The stamp of an audit record that was not erased.
fn stamp(head: &Head) -> Option<(u64, u32)> {
    let is_record = head.header.kind == Kind::Audit && head.header.flags & ERASED == 0;
    let (ms, serial) = head.stamp.filter(|_| is_record)?;
    Some((ms, u32::try_from(serial).ok()?))
}

/// Stamps of the records that may hold a needle, ascending; none where too many may.
fn stamps_of(needles: &[Needle], raw: &[u8], heads: &[Head]) -> Option<Vec<(u64, u32)>> {
    // The other decoder has read the fixed columns.
    let mut decoder = Decoder::new(raw)?;
    let mut of_template: Vec<Vec<u16>> = vec![Vec::new(); decoder.templates().len() + 1];
    for (at, head) in heads.iter().enumerate() {
        of_template[head.template].push(at as u16);
    }
    let mut found: Vec<(u64, u32)> = Vec::new();
    let mut note = |at: u16| found.extend(stamp(&heads[usize::from(at)]));
    let (without, of_template) = of_template.split_first()?;
    for at in without {
        let text = decoder.text()?;
        if needles
            .iter()
            .any(|needle| needle.whole.find(text).is_some())
        {
            note(*at);
        }
    }
    for (template, entries) in std::iter::zip(decoder.templates(), of_template) {
        for (key, values) in template {
            for needle in needles {
                let (mut from, mut before) = (0, 0);
                let places = needle.find(key, values.0, |at| {
                    before += memchr::memchr_iter(b' ', &values.0[from..at]).count();
                    from = at;
                    entries.get(before).into_iter().for_each(|at| note(*at));
                });
                if places.is_none() {
                    entries.iter().for_each(|at| note(*at));
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// Record type of an audit entry that is a whole line as received.
const WHOLE_LINE: u16 = 0;
/// Where more than one in so many entries is kept, all are unpacked at once.
const WORTH_IT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{BLOCK_HEADER_BYTES, BlockHeader, Entries, pack, unpack};
    use crate::entry::{EntryRef, Header, StreamId, push};
    use crate::hash::Hash;

    const NEEDLES: [&[u8]; 9] = [
        b"shadow",
        b"pid=12",
        b"pid=",
        b"id=1",
        b"12",
        b"a=b",
        b"3): ",
        b"x",
        b"uid=0 pid",
    ];

    /// Records of events that are mixed with each other, and messages among them.
    fn block(random: &mut impl FnMut(u64) -> u64) -> (BlockHeader, Vec<u8>, Entries) {
        let mut entries = Entries::default();
        let mut framed = Vec::new();
        for sequence in 0..200 {
            let (ms, serial) = (1_700_000_000_000 + random(40), 100 + random(4));
            let pid = random(40);
            let stamp = format!("audit({}.{:03}:{serial}): ", ms / 1_000, ms % 1_000);
            let text = match random(40) {
                0 => format!("{stamp}uid=0 pid={pid} key=\"shadow\""),
                1 => format!("{stamp}x a=b={pid}"),
                2 => stamp,
                3..20 => format!("{stamp}uid=0 pid={pid} key=\"other\""),
                _ => format!("{stamp}cwd=\"/\""),
            };
            let kind = match random(10) {
                0 => Kind::Syslog,
                _ => Kind::Audit,
            };
            let header = Header {
                kind,
                flags: 0,
                stream: StreamId([random(2) as u8; 16]),
                sequence,
                time_ns: ms * 1_000_000,
            };
            framed.clear();
            let payload = match kind {
                Kind::Audit => [&1300u16.to_be_bytes(), text.as_bytes()].concat(),
                _ => text.into_bytes(),
            };
            push(&mut framed, &header, &payload);
            entries.push(&framed[LENGTH_BYTES..]);
        }
        let leaf = |bytes| EntryRef::parse(bytes).unwrap().leaf_hash();
        let leaves: Vec<Hash> = entries.iter().map(leaf).collect();
        let packed = pack(0, &entries, &leaves, Hash::ZERO);
        let (header, stored) = packed.split_first_chunk::<BLOCK_HEADER_BYTES>().unwrap();
        let header = BlockHeader::parse(header).unwrap();
        let raw = crate::codec::decompress(stored, header.raw_len as usize).unwrap();
        let entries = unpack(&header, stored).unwrap();
        (header, raw, entries)
    }

    #[test]
    fn all_records_of_an_event_with_a_needle_are_kept() {
        let seed = u64::from(std::process::id());
        println!("seed {seed}");
        let mut state = seed | 1;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let mut sieved = 0;
        for _ in 0..100 {
            let (header, raw, entries) = block(&mut random);
            for needle in NEEDLES {
                let Some(sieve) = Sieve::needles([needle]) else {
                    assert!(needle.contains(&b' ') || *needle == *b"12", "{needle:?}");
                    continue;
                };
                sieved += u64::from(check(&sieve, needle, &header, &raw, &entries));
            }
        }
        println!("{sieved} were sieved");
        assert!(sieved > 100);
    }

    fn check(
        sieve: &Sieve,
        needle: &[u8],
        header: &BlockHeader,
        raw: &[u8],
        entries: &Entries,
    ) -> bool {
        let (mut kept, mut left) = (Vec::new(), 0);
        let done = sieve.columns(raw, header.entries as usize, &mut |sieved| match sieved {
            Sieved::Kept { at, entry } => {
                assert_eq!(entry, entries.bytes(at as usize));
                kept.push(at);
            }
            Sieved::Left { record_type, .. } => {
                assert_eq!(record_type, 1300);
                left += 1;
            }
            Sieved::Erased => panic!("nothing was erased"),
        });
        if done.is_none() {
            assert!(kept.is_empty() && left == 0);
            return false;
        }
        let records = || {
            (0..entries.len()).filter_map(|at| {
                let (_, text) = EntryRef::parse(entries.bytes(at)).ok()?.audit()?;
                Some((at as u32, text))
            })
        };
        let stamp = |text: &[u8]| text[..memchr::memchr(b')', text).unwrap()].to_vec();
        let holding = records().filter(|(_, text)| memmem::find(text, needle).is_some());
        let wanted: Vec<Vec<u8>> = holding.map(|(_, text)| stamp(text)).collect();
        for (at, text) in records() {
            let is_wanted = wanted.contains(&stamp(text));
            assert!(!is_wanted || kept.contains(&at), "{at} with {needle:?}");
        }
        assert_eq!(records().count(), kept.len() + left);
        true
    }

    #[test]
    fn by_stamps() {
        let (header, raw, entries) = block(&mut |below| 7 % below);
        let mut kept = 0;
        let sieve = Sieve::stamps(vec![(5, 5), (1, 1)]);
        let mut take =
            |sieved: Sieved<'_>| kept += usize::from(matches!(sieved, Sieved::Kept { .. }));
        assert!(sieve.columns(&raw, entries.len(), &mut take).is_some());
        assert_eq!(kept, 0);
        // All have the same one: that is no sieve.
        let sieve = Sieve::stamps(vec![(1_700_000_000_007, 103)]);
        let done = sieve.columns(&raw, header.entries as usize, &mut |_| panic!("given"));
        assert!(done.is_none());
    }
}
