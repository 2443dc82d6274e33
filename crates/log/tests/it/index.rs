//! Block indexes: what they say of the blocks, that they can be made anew, and that `verify` knows a
//! wrong one.

use std::sync::Arc;

use indelible_log::dir::{Dir, RealDir, replace};
use indelible_log::hash::sha256;
use indelible_log::index::{Builder, Found, SegmentIndex, Terms, rebuild};
use indelible_log::limits::{BLOCK_ENTRIES, SEGMENT_ENTRIES};
use indelible_log::log::Sealing;
use indelible_log::verify::{ProblemKind, Report, VerifyOptions, verify_store};
use indelible_log::{EntryRef, Log, LogReader, Options, StreamId};

use crate::make::{Sender, TextTerms};

/// A store of a segment and some more, of two streams, the second of which begins in block 3.
fn store(terms: Option<Arc<dyn Terms>>) -> (tempfile::TempDir, Arc<dyn Dir>) {
    let scratch = tempfile::tempdir().unwrap();
    let dir = RealDir::open(scratch.path()).unwrap();
    let options = Options {
        sealing: Sealing::Inline,
        terms,
        ..Options::new("log.example/index")
    };
    let (mut log, _) = Log::open(dir.clone(), &options).unwrap();
    let (mut a, mut b) = (Sender::new(1), Sender::new(2));
    log.append(&a.batch(3 * BLOCK_ENTRIES + 100), "a.example")
        .unwrap();
    log.append(&b.batch(50), "b.example").unwrap();
    while log.commit().unwrap().checkpoint.size < SEGMENT_ENTRIES + 10 {
        log.append(&a.batch(9_000), "a.example").unwrap();
    }
    log.close().unwrap();
    (scratch, dir)
}

fn verify(dir: &Arc<dyn Dir>) -> Report {
    let options = VerifyOptions {
        terms: Some(Arc::new(TextTerms)),
        ..VerifyOptions::default()
    };
    verify_store(dir, &options).unwrap()
}

fn problems(dir: &Arc<dyn Dir>) -> Vec<(ProblemKind, String)> {
    let problems = verify(dir).problems;
    problems
        .into_iter()
        .map(|problem| (problem.kind, problem.detail))
        .collect()
}

#[test]
fn an_index_says_which_blocks_hold_what() {
    let (_scratch, dir) = store(Some(Arc::new(TextTerms)));
    assert_eq!(problems(&dir), []);
    let reader = LogReader::open(dir.clone()).unwrap();
    let (sealed, after) = reader.segments().unwrap();
    assert_eq!((&sealed[..], after), (&[0][..], SEGMENT_ENTRIES));
    let index = reader.index(0).unwrap().unwrap();
    assert_eq!(index.version(), 7);
    let all = index.matching(16, &mut |value| value == b"59").unwrap();
    assert_eq!(all, u16::MAX);
    assert_eq!(index.matching(16, &mut |_| false).unwrap(), 0);
    assert_eq!(index.matching(99, &mut |_| true).unwrap(), 0);
    // Serial 100 of the first stream is in the first block, 12,300 in the fourth.
    let of = |serial: u32| format!("{}/{serial}", StreamId([1; 16]));
    let blocks = |serial| {
        let wanted = of(serial);
        index.matching(17, &mut |value| value == wanted.as_bytes())
    };
    assert_eq!(blocks(100).unwrap(), 1);
    assert_eq!(blocks(12_300).unwrap(), 8);
    let second = index.of_streams(|id| id == StreamId([2; 16])).unwrap();
    assert_eq!(second, 8);
    let openings = index.openings().unwrap();
    let opened: Vec<_> = openings.iter().map(|opening| opening.index).collect();
    assert_eq!(opened, [0, 3 * BLOCK_ENTRIES + 100]);
    assert_eq!(openings[1].stream, StreamId([2; 16]));
    assert!(openings[1].payload.starts_with(b"{\"v\":1"));
    let serials = index.serials().unwrap();
    assert!(serials.holds(0, 1) && !serials.holds(1, 1));
    assert!(serials.holds(3, 30) && serials.holds(3, 12_300));
    let facts = index.facts();
    assert!(facts[0].time_max_ms <= facts[1].time_min_ms + 1);
    assert_eq!(facts[0].waiting.1, BLOCK_ENTRIES as u32 - 1);
    assert!(facts.iter().all(|facts| facts.payload_bytes > 100_000));
}

#[test]
fn an_index_can_be_made_anew() {
    let (_scratch, dir) = store(None);
    let before = verify(&dir);
    assert_eq!((before.unindexed, before.problems), (1, Vec::new()));
    let mut told = Vec::new();
    let done = rebuild(&*dir, &TextTerms, false, |done, all| told.push((done, all))).unwrap();
    assert_eq!((done.written, done.kept, &told[..]), (1, 0, &[(1, 1)][..]));
    assert_eq!(problems(&dir), []);
    assert_eq!(
        rebuild(&*dir, &TextTerms, false, |_, _| ()).unwrap().kept,
        1
    );
    assert_eq!(
        rebuild(&*dir, &TextTerms, true, |_, _| ()).unwrap().written,
        1
    );
}

/// One that was made of other entries, with every checksum in order.
#[test]
fn a_wrong_index_is_found() {
    let (_scratch, dir) = store(Some(Arc::new(TextTerms)));
    let reader = LogReader::open(dir.clone()).unwrap();
    let forge = |changes: &dyn Fn(u64, &EntryRef<'_>) -> Option<Vec<u8>>| {
        let mut builder = Builder::new(&TextTerms, 0);
        for part in reader.parts(0, SEGMENT_ENTRIES).unwrap() {
            for (at, bytes) in reader.decode(&part).unwrap().iter() {
                let entry = EntryRef::parse(bytes).unwrap();
                match changes(at, &entry) {
                    None => builder.push(&entry),
                    Some(other) => builder.push(&EntryRef::parse(&other).unwrap()),
                }
            }
        }
        let name = format!("{:020}.idx", 0);
        replace(&*dir, "segments", &name, &builder.finish().unwrap()).unwrap();
    };
    forge(&|_, _| None);
    assert_eq!(problems(&dir), []);
    // Another entry in place of one that is to be hidden.
    let hidden = Sender::new(1);
    forge(&|at, _| (at == 300).then(|| hidden.entry(1)));
    let found = problems(&dir);
    assert!(matches!(&found[..], [(ProblemKind::Index, _)]), "{found:?}");
    assert!(SegmentIndex::open(&*dir, 0).unwrap().is_some());
}

/// A value of its own for each entry.
#[derive(Clone, Copy, Debug)]
struct Distinct;

impl Terms for Distinct {
    fn version(&self) -> u16 {
        1
    }

    fn of(&self, entry: &EntryRef<'_>, found: &mut Found<'_>) {
        found.value(20, &sha256(entry.bytes()).0[..12]);
    }
}

/// A reader of thousands of indexes has no file open for any: short ones are held, of a long one each
/// section is read when it is asked for.
#[test]
fn short_indexes_are_held_and_long_ones_are_not() {
    let (_scratch, dir) = store(Some(Arc::new(TextTerms)));
    let path = format!("segments/{:020}.idx", 0);
    let reader = LogReader::open(dir.clone()).unwrap();
    let short = reader.index(0).unwrap().unwrap();
    rebuild(&*dir, &Distinct, true, |_, _| ()).unwrap();
    let is_of_block_3 = |index: &SegmentIndex| {
        let part = reader.block_at(3 * BLOCK_ENTRIES);
        let entries = reader.decode(&part).unwrap();
        let (_, wanted) = entries.iter().nth(77).unwrap();
        let wanted = sha256(wanted);
        index.matching(20, &mut |value| value == &wanted.0[..12])
    };
    let long = reader.index(0).unwrap().unwrap();
    assert_eq!(is_of_block_3(&long).unwrap(), 8);
    let opened = SegmentIndex::open(&*dir, 0).unwrap().unwrap();
    dir.unlink(&path).unwrap();
    assert_eq!(is_of_block_3(&opened).unwrap(), 8);
    assert!(is_of_block_3(&long).is_err());
    assert_eq!(
        short.matching(16, &mut |value| value == b"59").unwrap(),
        u16::MAX
    );
}
