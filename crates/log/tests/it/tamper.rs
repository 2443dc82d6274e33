//! Tampering with a store, thousands of times in a dozen ways: who finds it out.
//!
//! `verify` looks at the store alone; the heads folder knows the newest checkpoint besides; a
//! witness has signed it and is asked to sign the next one. Each trial must be found out by one of
//! them. The number of trials is `INDELIBLE_TRIALS`, the seed `INDELIBLE_SEED`.

use std::collections::BTreeMap;
use std::sync::Arc;

use indelible_log::dir::{Dir, SimDir, join, read_small, replace};
use indelible_log::log::Sealing;
use indelible_log::merkle::verify_consistency;
use indelible_log::published::Published;
use indelible_log::verify::{Mark, Verdict, VerifyOptions, verify_store};
use indelible_log::{Batch, Checkpoint, Log, Options, SigningKey};

use crate::make::{Random, Sender, TextTerms, number};

const ORIGIN: &str = "log.example/tamper";

/// A closed store, an older copy of it, and what others know of it.
struct Victim {
    disk: SimDir,
    older: SimDir,
    key: SigningKey,
    newest: Checkpoint,
    mark: Mark,
    entries: u64,
    changed: u64,
}

fn options() -> Options {
    Options {
        sealing: Sealing::Inline,
        terms: Some(Arc::new(TextTerms)),
        ..Options::new(ORIGIN)
    }
}

/// A verification that holds block indexes to the entries, too.
fn everything() -> VerifyOptions {
    VerifyOptions {
        terms: Some(Arc::new(TextTerms)),
        ..VerifyOptions::default()
    }
}

/// The entries of the store; `changed` is written otherwise.
fn write(disk: &SimDir, entries: u64, changed: Option<u64>) -> Checkpoint {
    let (mut log, _) = Log::open(disk.dir(), &options()).unwrap();
    let mut sender = Sender::new(1);
    sender.next = log.checkpoint().size;
    let position = log.stream(sender.stream);
    sender.head = position.map_or(sender.head, |position| position.head);
    while sender.next < entries {
        let (mut bytes, first, head) = sender.clone().encoded(4_000.min(entries - sender.next));
        let count = 4_000.min(entries - sender.next);
        if let Some(at) = changed.filter(|at| (first..first + count).contains(at)) {
            bytes = forged(&sender, first, count, at);
        }
        let batch = Batch::prepare(sender.stream, first, head, &bytes).unwrap();
        (sender.next, sender.head) = (batch.end(), batch.head_after());
        log.append(&batch, "host.example").unwrap();
        log.commit().unwrap();
    }
    log.close().unwrap()
}

/// A batch in which one entry says something else.
fn forged(sender: &Sender, first: u64, count: u64, at: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for sequence in first..first + count {
        let mut one = sender.entry(sequence);
        if sequence == at {
            let last = one.len() - 1;
            one[last] ^= 1;
        }
        bytes.extend_from_slice(&(one.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&one);
    }
    bytes
}

impl Victim {
    fn new(seed: u64, entries: u64) -> Self {
        let disk = SimDir::new(seed);
        let older_entries = entries - entries / 10;
        write(&disk, older_entries, None);
        let older = disk.copy();
        let newest = write(&disk, entries, None);
        let text = read_small(&*disk.dir(), "key", 1 << 10).unwrap();
        let key = SigningKey::parse(String::from_utf8(text).unwrap().trim_end()).unwrap();
        let report = verify_store(&disk.dir(), &everything()).unwrap();
        assert_eq!(report.verdict(), Verdict::Intact, "{report:#?}");
        Self {
            older,
            key,
            newest,
            mark: report.mark.unwrap(),
            entries,
            changed: entries / 3,
            disk,
        }
    }

    /// A store of its own with the victim's key, or another one.
    fn rewritten(&self, entries: u64, changed: Option<u64>, key: &SigningKey) -> SimDir {
        let disk = SimDir::new(9);
        let text = key.to_private_text() + "\n";
        replace(&*disk.dir(), "", "key", text.as_bytes()).unwrap();
        write(&disk, entries, changed);
        disk
    }
}

/// The ways.
const WAYS: [&str; 15] = [
    "one bit",
    "a few bytes",
    "a file cut short",
    "a file deleted",
    "a file longer",
    "two stretches of a file swapped",
    "a block swapped with another",
    "an index edited",
    "an older file among newer ones",
    "an older checkpoint",
    "rolled back to an older copy",
    "re-signed with the stolen key: shorter",
    "re-signed with the stolen key: edited",
    "re-signed with the stolen key: edited and longer",
    "re-signed with another key",
];

fn tamper(victim: &Victim, way: &str, random: &mut Random) -> SimDir {
    let copy = victim.disk.copy();
    let dir = copy.dir();
    let files = files(&*dir, "");
    let (path, len) = files[random.below(files.len() as u64) as usize].clone();
    match way {
        "one bit" => copy.flip(&path, random.below(len * 8)),
        "a few bytes" => {
            let at = random.below(len);
            for byte in at..len.min(at + 1 + random.below(8)) {
                copy.flip(&path, byte * 8 + random.below(8));
            }
        }
        "a file cut short" => dir
            .open_append(&path)
            .unwrap()
            .truncate(random.below(len))
            .unwrap(),
        "a file deleted" => dir.unlink(&path).unwrap(),
        "a file longer" => {
            let more = vec![random.next() as u8; 1 + random.below(40) as usize];
            dir.open_append(&path).unwrap().append(&more).unwrap();
        }
        "two stretches of a file swapped" => {
            let bytes = read_small(&*dir, &path, 64 << 20).unwrap();
            let mut swapped = bytes.clone();
            let size = 1 + random.below(len / 2) as usize;
            let (head, tail) = swapped.split_at_mut(len as usize - size);
            head[..size].swap_with_slice(tail);
            if swapped == bytes {
                copy.flip(&path, 0);
            } else {
                put(&*dir, &path, &swapped);
            }
        }
        "a block swapped with another" => swap_blocks(&copy, random),
        "an index edited" => {
            let path = "segments/00000000000000000000.idx";
            let (_, len) = files.iter().find(|(found, _)| found == path).unwrap();
            copy.flip(path, random.below(len * 8));
        }
        "an older file among newer ones" => {
            let older = victim.older.dir();
            let mut of_both = files.iter().filter_map(|(path, _)| {
                let (was, is) = (
                    read_small(&*older, path, 64 << 20).ok()?,
                    read_small(&*dir, path, 64 << 20).ok()?,
                );
                (was != is).then_some((path, was))
            });
            let (path, was) = of_both.next_back().expect("the newest file has grown");
            put(&*dir, path, &was);
        }
        "an older checkpoint" => {
            let size = 1 + random.below(victim.entries - 1);
            let root = Published::open(dir.clone()).unwrap().root(size).unwrap();
            let note = victim.key.sign(size, root).to_note(victim.key.verifier());
            put(&*dir, "checkpoint", note.as_bytes());
        }
        "rolled back to an older copy" => return victim.older.copy(),
        "re-signed with the stolen key: shorter" => {
            let entries = victim.entries - 1 - random.below(victim.entries / 2);
            return victim.rewritten(entries, None, &victim.key);
        }
        "re-signed with the stolen key: edited" => {
            let at = 1 + random.below(victim.entries - 1);
            return victim.rewritten(victim.entries, Some(at), &victim.key);
        }
        "re-signed with the stolen key: edited and longer" => {
            let entries = victim.entries + 1 + random.below(500);
            return victim.rewritten(entries, Some(victim.changed), &victim.key);
        }
        "re-signed with another key" => {
            let key = SigningKey::from_seed(ORIGIN, [random.next() as u8; 32]).unwrap();
            return victim.rewritten(victim.entries, Some(victim.changed), &key);
        }
        other => panic!("no such way: {other}"),
    }
    copy
}

/// Two blocks of one segment of the same length change places, headers and all; in a store without
/// segments two entries do.
fn swap_blocks(disk: &SimDir, random: &mut Random) {
    let dir = disk.dir();
    let (path, magic) = match dir.list("segments").unwrap().first() {
        Some(segment) => (join("segments", &segment.name), &b"BLK1"[..]),
        None => ("wal/00000000000000000000.wal".to_owned(), &b"audit("[..]),
    };
    let bytes = read_small(&*dir, &path, 64 << 20).unwrap();
    let places: Vec<usize> = bytes
        .windows(magic.len())
        .enumerate()
        .filter(|(_, window)| *window == magic)
        .map(|(at, _)| at)
        .collect();
    let one = random.below(places.len() as u64 - 1) as usize;
    let size = places[one + 1] - places[one];
    let other = places[(one + 1 + random.below(places.len() as u64 - 1) as usize) % places.len()];
    let other = other.min(bytes.len() - size);
    let mut swapped = bytes.clone();
    swapped[places[one]..places[one] + size].copy_from_slice(&bytes[other..other + size]);
    if swapped == bytes {
        swapped[places[one]] ^= 1;
    }
    put(&*dir, &path, &swapped);
}

fn put(dir: &dyn Dir, path: &str, bytes: &[u8]) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    replace(dir, folder, name, bytes).unwrap();
}

fn files(dir: &dyn Dir, folder: &str) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for item in dir.list(folder).unwrap() {
        let path = join(folder, &item.name);
        if item.is_dir {
            found.extend(files(dir, &path));
        } else if item.len > 1 {
            found.push((path, item.len));
        }
    }
    found
}

#[derive(Clone, Copy, Debug, Default)]
struct Found {
    trials: u32,
    verify: u32,
    heads: u32,
    mark: u32,
    witness: u32,
    missed: u32,
}

/// By whom the tampering is found out.
fn judge(victim: &Victim, disk: &SimDir, row: &mut Found) {
    let dir = disk.dir();
    // A tail above everything durable is no damage, and is told.
    let broken =
        |options: &VerifyOptions| verify_store(&dir, options).unwrap().verdict() != Verdict::Intact;
    let verify = broken(&everything());
    // Each of the others is asked as if it were alone; verification costs the most.
    let heads = verify
        || broken(&VerifyOptions {
            verifier: Some(victim.key.verifier().clone()),
            known: vec![("heads".to_owned(), victim.newest)],
            ..everything()
        });
    let mark = broken(&VerifyOptions {
        verifier: Some(victim.key.verifier().clone()),
        since: Some(victim.mark.clone()),
        ..everything()
    });
    let witness = contradicts(victim, &dir);
    row.trials += 1;
    row.verify += u32::from(verify);
    row.heads += u32::from(heads);
    row.mark += u32::from(mark);
    row.witness += u32::from(witness);
    row.missed += u32::from(!(verify || heads || witness));
}

/// Whether a witness that signed the newest checkpoint does not sign what the store offers.
fn contradicts(victim: &Victim, dir: &Arc<dyn Dir>) -> bool {
    let Ok(published) = Published::open(dir.clone()) else {
        return true;
    };
    let (Ok(offered), held) = (published.checkpoint(), victim.newest) else {
        return true;
    };
    if !victim.key.verifier().verify(&offered) || offered.size < held.size {
        return true;
    }
    let Ok(proof) = published.consistency(held.size, offered.size) else {
        return true;
    };
    verify_consistency(held.size, &held.root, offered.size, &offered.root, &proof).is_err()
}

#[test]
fn every_tampering_is_found_out() {
    let (trials, seed) = (number("INDELIBLE_TRIALS", 180), number("INDELIBLE_SEED", 7));
    eprintln!("seed {seed}");
    let mut random = Random(seed);
    let victims = [Victim::new(seed, 400), Victim::new(seed, 70_000)];
    let mut table: BTreeMap<&str, Found> = BTreeMap::new();
    for trial in 0..trials {
        let way = WAYS[trial as usize % WAYS.len()];
        // Every ninth trial is on a store with a segment and tiles.
        let with_segments = trial % 9 == 8 || way == "an index edited";
        let victim = &victims[usize::from(with_segments)];
        let disk = tamper(victim, way, &mut random);
        judge(victim, &disk, table.entry(way).or_default());
    }
    println!(
        "{:50} trials verify +heads  mark witness missed",
        "tampering"
    );
    let mut missed = 0;
    for way in WAYS {
        let row = table.get(way).copied().unwrap_or_default();
        let Found {
            trials,
            verify,
            heads,
            mark,
            witness,
            ..
        } = row;
        println!(
            "{way:50} {trials:6} {verify:6} {heads:6} {mark:5} {witness:7} {:6}",
            row.missed
        );
        missed += row.missed;
    }
    assert_eq!(missed, 0, "seed {seed}");
}

#[test]
fn going_on_from_a_mark_is_as_good_as_reading_everything() {
    let disk = SimDir::new(3);
    let mut options = everything();
    for entries in [10, 60_000, 65_536, 70_000, 140_000] {
        write(&disk, entries, None);
        let report = verify_store(&disk.dir(), &options).unwrap();
        assert_eq!(report.verdict(), Verdict::Intact, "{entries}: {report:#?}");
        assert_eq!(report.entries, entries);
        let whole = verify_store(&disk.dir(), &everything()).unwrap();
        assert_eq!(whole.mark, report.mark, "{entries}");
        let mark = report.mark.unwrap();
        assert_eq!(mark.first(), entries / 65_536 * 65_536);
        let key = Published::open(disk.dir()).unwrap().key();
        assert_eq!(Mark::parse(&mark.to_text(&key)), Ok((mark.clone(), key)));
        options.since = Some(mark);
    }
    // What was read before is not read again; what came since is.
    let copy = disk.copy();
    copy.flip("segments/00000000000000000000.seg", 90_000);
    let verdict = |disk: &SimDir, options: &VerifyOptions| {
        verify_store(&disk.dir(), options).unwrap().verdict()
    };
    assert_eq!(verdict(&copy, &options), Verdict::Intact);
    assert_eq!(verdict(&copy, &everything()), Verdict::Broken);
    let copy = disk.copy();
    copy.dir()
        .unlink("segments/00000000000000000000.seg")
        .unwrap();
    assert_eq!(verdict(&copy, &options), Verdict::Broken);
    // Another history of the same length does not go on from the mark.
    let key = read_small(&*disk.dir(), "key", 1 << 10).unwrap();
    let other = SimDir::new(4);
    replace(&*other.dir(), "", "key", &key).unwrap();
    write(&other, 140_000, Some(5));
    assert_eq!(verdict(&other, &everything()), Verdict::Intact);
    assert_eq!(verdict(&other, &options), Verdict::Broken);
}

#[test]
fn a_log_is_verified_by_what_it_shows() {
    use indelible_log::tile::Tile;
    use indelible_log::verify::{Shown, verify_shown};

    /// What a store shows, with one bit of one resource changed.
    struct Showing {
        published: Published,
        flip: Option<(String, usize)>,
        asked: Vec<String>,
    }

    impl Shown for Showing {
        fn get(&mut self, path: &str, _max: usize) -> std::io::Result<Option<Vec<u8>>> {
            self.asked.push(path.to_owned());
            let size = self.published.checkpoint().unwrap().size;
            let width = |path: &str| match path.split_once(".p/") {
                Some((path, width)) => (path.to_owned(), width.parse().unwrap()),
                None => (path.to_owned(), 256),
            };
            let mut found = if path == "checkpoint" {
                Some(self.published.checkpoint_note().unwrap().into_bytes())
            } else if path == "log.vkey" {
                // A log of others may show none.
                None
            } else if let Some(rest) = path.strip_prefix("tile/entries/") {
                let (full, width) = width(&format!("tile/0/{rest}"));
                let index = Tile::parse_full(&full).unwrap().index;
                self.published.bundle(index, width, size).unwrap()
            } else {
                let (full, width) = width(path);
                let tile = Tile {
                    width,
                    ..Tile::parse_full(&full).unwrap()
                };
                self.published.tile(tile, size).unwrap()
            };
            if let (Some(bytes), Some((flipped, bit))) = (&mut found, &self.flip)
                && flipped == path
            {
                let bit = bit % (bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            Ok(found)
        }
    }

    let disk = SimDir::new(5);
    write(&disk, 70_000, None);
    let published = || Published::open(disk.dir()).unwrap();
    let key = published().key();
    let mut whole = Showing {
        published: published(),
        flip: None,
        asked: Vec::new(),
    };
    let report = verify_shown(&mut whole, &key, &everything()).unwrap();
    assert!(whole.asked.len() > 2 * 273, "{}", whole.asked.len());
    assert_eq!(
        (report.verdict(), report.entries),
        (Verdict::Intact, 70_000),
        "{report:#?}"
    );
    let since = report.mark;
    assert_eq!(
        since,
        verify_store(&disk.dir(), &everything()).unwrap().mark
    );
    let options = VerifyOptions {
        since,
        ..everything()
    };
    let mut marked = Showing {
        asked: Vec::new(),
        ..whole
    };
    verify_shown(&mut marked, &key, &options).unwrap();
    assert!(marked.asked.len() < 60, "{:?}", marked.asked);
    let mut random = Random(11);
    // From the mark on is quicker; what is asked for there must be found out there.
    let early = [
        "tile/entries/000",
        "tile/0/000",
        "tile/1/000",
        "tile/2/000.p/1",
    ]
    .map(str::to_owned);
    let late = marked.asked.iter().filter(|path| *path != "log.vkey");
    let late = late.map(|path| (path, &options));
    let from_the_start = everything();
    let early = early.iter().map(|path| (path, &from_the_start));
    for (path, options) in late.chain(early) {
        let mut shown = Showing {
            published: published(),
            flip: Some((path.clone(), random.next() as usize % 1_000_000)),
            asked: Vec::new(),
        };
        let report = verify_shown(&mut shown, &key, options).unwrap();
        assert_eq!(report.verdict(), Verdict::Broken, "{path}");
    }
}
