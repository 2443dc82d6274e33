//! Verification finds every flipped bit, cut and deleted file below the durable checkpoint, and
//! names the place.

use std::sync::Arc;

use indelible_log::dir::{Dir, SimDir};
use indelible_log::log::Sealing;
use indelible_log::spool::{SpoolOptions, SpoolWriter};
use indelible_log::verify::{Report, Verdict, VerifyOptions, verify_spool, verify_store};
use indelible_log::{Log, Options};

use crate::make::{Random, Sender, TextTerms, number};

fn options() -> Options {
    Options {
        sealing: Sealing::Inline,
        terms: Some(Arc::new(TextTerms)),
        ..Options::new("log.example/flip")
    }
}

/// A closed store: everything in it is below its published checkpoint.
fn store(entries: u64) -> SimDir {
    let disk = SimDir::new(1);
    let (mut log, _) = Log::open(disk.dir(), &options()).unwrap();
    let mut senders = [Sender::new(1), Sender::new(2)];
    let mut left = entries;
    while left > 0 {
        for (sender, peer) in senders.iter_mut().zip(["a.example", "b.example"]) {
            let count = left.min(3 + left / 8).min(9_000);
            if count > 0 {
                log.append(&sender.batch(count), peer).unwrap();
                left -= count;
            }
        }
        log.commit().unwrap();
    }
    log.close().unwrap();
    disk
}

fn verify(disk: &SimDir) -> Report {
    let options = VerifyOptions {
        terms: Some(Arc::new(TextTerms)),
        ..VerifyOptions::default()
    };
    verify_store(&disk.dir(), &options).unwrap()
}

fn files(dir: &dyn Dir, folder: &str) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for item in dir.list(folder).unwrap() {
        let path = indelible_log::dir::join(folder, &item.name);
        if item.is_dir {
            found.extend(files(dir, &path));
        } else if item.len > 0 {
            found.push((path, item.len));
        }
    }
    found
}

/// The report on a store with one bit flipped must be broken and name the file, at an offset that
/// is not behind the bit; but the length before an entry counts as part of it.
fn check_flip(disk: &SimDir, path: &str, bit: u64) {
    disk.flip(path, bit);
    let report = verify(disk);
    disk.flip(path, bit);
    assert_eq!(
        report.verdict(),
        Verdict::Broken,
        "bit {bit} of {path} was missed"
    );
    let named = report
        .problems
        .iter()
        .any(|problem| problem.file == path && problem.offset <= bit / 8 + 2);
    assert!(named, "bit {bit} of {path}: {:#?}", report.problems);
}

#[test]
fn every_bit_of_a_small_store() {
    let disk = store(4);
    assert_eq!(
        verify(&disk).verdict(),
        Verdict::Intact,
        "{:#?}",
        verify(&disk)
    );
    for (path, len) in files(&*disk.dir(), "") {
        for bit in 0..len * 8 {
            check_flip(&disk, &path, bit);
        }
    }
}

fn random_bits(seed: u64, bits: u64) {
    let disk = store(70_000);
    let report = verify(&disk);
    assert_eq!(
        (report.verdict(), report.entries),
        (Verdict::Intact, 70_000),
        "{report:#?}"
    );
    let files = files(&*disk.dir(), "");
    let mut random = Random(seed);
    for round in 0..bits {
        let (path, len) = &files[(round as usize) % files.len()];
        check_flip(&disk, path, random.below(len * 8));
    }
}

/// `INDELIBLE_FLIPS` of them; `cargo xtask soak crashes` tries 1,200, which takes minutes.
#[test]
fn random_bits_of_a_store_with_segments() {
    random_bits(number("INDELIBLE_SEED", 5), number("INDELIBLE_FLIPS", 30));
}

#[test]
fn a_changed_entry_is_named() {
    let disk = store(500);
    let path = "wal/00000000000000000000.wal";
    let bytes = indelible_log::dir::read_small(&*disk.dir(), path, 1 << 20).unwrap();
    for sequence in [1, 7, 100, 200] {
        let needle = Sender::new(2).entry(sequence);
        let at = bytes
            .windows(needle.len())
            .position(|window| window == needle)
            .unwrap();
        let within = needle.len() - 3;
        disk.flip(path, (at + within) as u64 * 8);
        let report = verify(&disk);
        disk.flip(path, (at + within) as u64 * 8);
        let problem = &report.problems[0];
        assert_eq!(problem.stream, Some(Sender::new(2).stream));
        assert_eq!(
            (problem.sequence, problem.offset),
            (Some(sequence), at as u64)
        );
        assert!(problem.entry.is_some() && problem.time_ns.is_some());
        assert_eq!(report.problems.len(), 1, "{:#?}", report.problems);
        assert_eq!(report.entries, 499);
    }
}

#[test]
fn cut_and_deleted_files() {
    for entries in [12, 70_000] {
        let disk = store(entries);
        for (path, len) in files(&*disk.dir(), "") {
            for cut in [0, 1, len / 2, len - 1] {
                let copy = disk.copy();
                copy.dir()
                    .open_append(&path)
                    .unwrap()
                    .truncate(cut)
                    .unwrap();
                assert_eq!(
                    verify(&copy).verdict(),
                    Verdict::Broken,
                    "{path} cut to {cut}"
                );
            }
            let copy = disk.copy();
            copy.dir().unlink(&path).unwrap();
            // An index is a view: without it a store is intact, and it is said.
            let expect = match path.ends_with(".idx") {
                true => Verdict::IntactWithTailOrGaps,
                false => Verdict::Broken,
            };
            assert_eq!(verify(&copy).verdict(), expect, "{path} deleted");
            let copy = disk.copy();
            copy.dir().open_append(&path).unwrap().append(b"x").unwrap();
            assert_ne!(
                verify(&copy).verdict(),
                Verdict::Intact,
                "{path} appended to"
            );
        }
    }
}

#[test]
fn above_the_durable_checkpoint_it_is_a_torn_tail() {
    let disk = SimDir::new(2);
    let (mut log, _) = Log::open(disk.dir(), &options()).unwrap();
    let mut sender = Sender::new(1);
    let path = "wal/00000000000000000000.wal";
    let len = || disk.dir().open_read(path).unwrap().len().unwrap();
    let mut starts = Vec::new();
    for _ in 0..4 {
        starts.push(len());
        log.append(&sender.batch(3), "a").unwrap();
        log.commit().unwrap();
    }
    drop(log);
    let end = len();
    // The fourth frame's seal has the checkpoint after the third.
    for bit in starts[0] * 8..end * 8 {
        disk.flip(path, bit);
        let report = verify(&disk);
        let expect = match bit / 8 {
            at if at < starts[2] => Verdict::Broken,
            // The third frame is covered by the seal of the fourth.
            at if at < starts[3] => Verdict::Broken,
            _ => Verdict::IntactWithTailOrGaps,
        };
        assert_eq!(report.verdict(), expect, "bit {bit}: {report:#?}");
        if expect == Verdict::IntactWithTailOrGaps {
            let tail = report.torn_tail.unwrap();
            assert_eq!((tail.file.as_str(), tail.offset), (path, starts[3]));
            assert_eq!(report.entries, 9);
        }
        if bit % 13 == 0 {
            let opened = Log::open(disk.copy().dir(), &options());
            assert_eq!(opened.is_ok(), expect != Verdict::Broken, "bit {bit}");
        }
        disk.flip(path, bit);
    }
}

#[test]
fn a_rolled_back_store_is_broken_for_who_knows_more() {
    let disk = store(20);
    let older = disk.copy();
    let (mut log, _) = Log::open(disk.dir(), &options()).unwrap();
    let mut sender = Sender::new(3);
    log.append(&sender.batch(3), "c").unwrap();
    let known = log.close().unwrap();
    let options = VerifyOptions {
        known: vec![("elsewhere".into(), known)],
        ..VerifyOptions::default()
    };
    assert_eq!(
        verify_store(&disk.dir(), &options).unwrap().verdict(),
        Verdict::Intact
    );
    assert_eq!(verify(&older).verdict(), Verdict::Intact);
    assert_eq!(
        verify_store(&older.dir(), &options).unwrap().verdict(),
        Verdict::Broken
    );
}

#[test]
fn every_bit_of_a_small_spool() {
    let disk = SimDir::new(3);
    let mut sender = Sender::new(1);
    let options = SpoolOptions {
        file_bytes: 600,
        history_bytes: 0,
    };
    let (mut writer, _) = SpoolWriter::open(&disk.dir(), sender.stream, options).unwrap();
    for _ in 0..4 {
        writer.append(&sender.encoded(3).0).unwrap();
        writer.sync_handle().sync().unwrap();
    }
    let last_synced = files(&*disk.dir(), "");
    writer.append(&sender.encoded(3).0).unwrap();
    drop(writer);
    assert_eq!(
        verify_spool(&disk.dir()).unwrap().verdict(),
        Verdict::Intact
    );
    assert!(last_synced.len() > 1);
    for (path, len) in last_synced {
        for bit in 0..len * 8 {
            disk.flip(&path, bit);
            let report = verify_spool(&disk.dir()).unwrap();
            assert_eq!(
                report.verdict(),
                Verdict::Broken,
                "bit {bit} of {path} was missed"
            );
            assert!(report.problems.iter().any(|problem| problem.file == path));
            disk.flip(&path, bit);
        }
    }
}
