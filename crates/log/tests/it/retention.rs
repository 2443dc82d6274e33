//! Removed segments and erased entries: the tree stays what it was, and only what is declared passes.

use std::sync::Arc;

use indelible_log::dir::{Dir, Fault, SimDir};
use indelible_log::log::{LOCAL_PEER, LocalStream, Sealing};
use indelible_log::merkle::verify_consistency;
use indelible_log::published::Published;
use indelible_log::retention::{Declared, Erasure, Plan, oldest};
use indelible_log::verify::{ProblemKind, Report, Verdict, VerifyOptions, verify_store};
use indelible_log::{Checkpoint, Error, Kind, Log, LogReader, Options, StreamId};

use crate::make::Sender;

const ORIGIN: &str = "example.org/log";

/// A log with a stream of its own and one of an agent.
struct Store {
    disk: SimDir,
    dir: Arc<dyn Dir>,
    log: Log,
    own: LocalStream,
    sender: Sender,
    published: Vec<Checkpoint>,
    /// Sizes of checkpoints that were in receipts alone.
    shown: Vec<u64>,
}

impl Store {
    fn new() -> Self {
        let disk = SimDir::new(5);
        let dir = disk.dir();
        let (log, _) = Log::open(dir.clone(), &options()).unwrap();
        let mut store = Self {
            disk,
            dir,
            log,
            own: LocalStream::new(StreamId([9; 16])),
            sender: Sender::new(1),
            published: Vec::new(),
            shown: Vec::new(),
        };
        store.say(Kind::StreamOpened, b"{\"v\":1,\"source\":\"collector\"}");
        store
    }

    /// Appends an entry of the log's own, durably.
    fn say(&mut self, kind: Kind, payload: &[u8]) {
        self.own.push(kind, 0, 1_700_000_000_000_000_000, payload);
        let batch = self.own.take().unwrap();
        self.log.append(&batch, LOCAL_PEER).unwrap();
        self.log.commit().unwrap();
    }

    fn declare(&mut self, declared: &Declared) {
        let mut object = serde_json::to_value(declared).unwrap();
        object["v"] = 1.into();
        self.say(Kind::Operator, object.to_string().as_bytes());
    }

    /// Fills so many segments and one more, with a published checkpoint now and then.
    fn fill(&mut self, segments: u64) {
        let mut nth = 0;
        while self.log.checkpoint().size < (segments + 1) * 65_536 + 100 {
            nth += 1;
            self.log.append(&self.sender.batch(3_001), "h").unwrap();
            let receipt = self.log.commit().unwrap().checkpoint;
            if nth == 3 {
                self.shown.push(receipt.size);
                self.published.push(receipt);
            }
            if nth % 5 == 0 {
                self.say(Kind::TimeMark, b"{\"v\":1}");
                self.published.push(self.log.publish().unwrap());
            }
        }
        self.log.seal_all().unwrap();
    }

    fn plan(&self) -> Plan {
        let oldest = oldest(&*self.dir).unwrap().unwrap();
        Plan::of(&self.dir, &oldest, &self.shown, |_, _| false).unwrap()
    }

    fn remove(&mut self) {
        let plan = self.plan();
        let root = self.log.root(plan.to()).unwrap();
        self.declare(&plan.declared(&root));
        self.log.remove(&plan).unwrap();
    }

    fn verify(&mut self) -> Report {
        self.log.publish().unwrap();
        verify(&self.dir)
    }
}

fn options() -> Options {
    Options {
        sealing: Sealing::Inline,
        ..Options::new(ORIGIN)
    }
}

fn verify(dir: &Arc<dyn Dir>) -> Report {
    verify_store(dir, &VerifyOptions::default()).unwrap()
}

fn kinds(report: &Report) -> Vec<ProblemKind> {
    report.problems.iter().map(|problem| problem.kind).collect()
}

#[test]
fn what_was_removed_is_a_proven_prefix() {
    let mut store = Store::new();
    store.fill(2);
    for removed in [65_536, 131_072] {
        store.remove();
        let report = store.verify();
        assert_eq!(report.verdict(), Verdict::Intact, "{:?}", report.problems);
        assert_eq!(report.removed, removed);
        let size = store.log.checkpoint().size;
        assert_eq!(report.entries, size - removed);
    }
    // Each checkpoint that was published is still proven by the newest one, for readers too.
    let newest = store.log.publish().unwrap();
    let published = Published::open(store.dir.clone()).unwrap();
    assert!(
        store
            .published
            .iter()
            .filter(|old| old.size < 131_072)
            .count()
            > 4
    );
    for old in &store.published {
        for proof in [
            published.consistency(old.size, newest.size).unwrap(),
            store.log.consistency(old.size, newest.size).unwrap(),
        ] {
            verify_consistency(old.size, &old.root, newest.size, &newest.root, &proof).unwrap();
        }
    }
    let known = VerifyOptions {
        known: vec![("elsewhere".to_owned(), store.published[1])],
        ..VerifyOptions::default()
    };
    let report = verify_store(&store.dir, &known).unwrap();
    assert_eq!(report.verdict(), Verdict::Intact, "{:?}", report.problems);
    // How its streams began is kept, under the declaration.
    let openings = LogReader::open(store.dir.clone()).unwrap();
    let openings = openings.carried_openings().unwrap();
    assert_eq!(openings.len(), 2);
    assert!(openings.contains(&Sender::new(1).entry(0)));
    // The entries are gone and say so; reading goes on behind them.
    assert!(matches!(
        published.entry(7),
        Err(Error::Removed { index: 7 })
    ));
    let reader = LogReader::open(store.dir.clone()).unwrap();
    assert_eq!(reader.first().unwrap(), 131_072);
    assert_eq!(reader.part_at(0).unwrap().unwrap().first(), 131_072);
    // The store opens again.
    let options = Options {
        known_checkpoint: Some(store.published[0]),
        ..options()
    };
    drop(store.log);
    let (log, report) = Log::open(store.dir.clone(), &options).unwrap();
    assert_eq!(report.entries, newest.size);
    assert_eq!(
        log.stream(StreamId([1; 16])).unwrap().next,
        store.sender.next
    );
}

#[test]
fn a_removal_that_is_not_declared_is_broken() {
    let mut store = Store::new();
    store.fill(1);
    let plan = store.plan();
    store.log.remove(&plan).unwrap();
    assert_eq!(kinds(&store.verify()), [ProblemKind::Undeclared]);
    // A declaration in another's stream declares nothing.
    let root = store.log.root(plan.to()).unwrap();
    let text = serde_json::to_vec(&plan.declared(&root)).unwrap();
    let mut guest = LocalStream::new(StreamId([8; 16]));
    guest.push(Kind::StreamOpened, 0, 0, b"{\"v\":1}");
    guest.push(Kind::Operator, 0, 0, &text);
    store.log.append(&guest.take().unwrap(), "guest").unwrap();
    store.log.commit().unwrap();
    assert_eq!(kinds(&store.verify()), [ProblemKind::Undeclared]);
    store.declare(&plan.declared(&root));
    assert_eq!(store.verify().verdict(), Verdict::Intact);
    // Without the file that says where the log begins, entries are missing.
    store.dir.unlink("removed").unwrap();
    assert!(kinds(&store.verify()).contains(&ProblemKind::FileMissing));
}

#[test]
fn erased_entries_keep_their_place_in_the_tree() {
    let mut store = Store::new();
    store.fill(1);
    let index = 40_000;
    let published = Published::open(store.dir.clone()).unwrap();
    let newest = store.log.publish().unwrap();
    let before = published.prove(index, &newest).unwrap();
    let erasure = Erasure::of(&*store.dir, index).unwrap();
    store.log.erase(&erasure).unwrap();
    assert_eq!(kinds(&store.verify()), [ProblemKind::Undeclared]);
    store.declare(&erasure.declared());
    let report = store.verify();
    assert_eq!(report.verdict(), Verdict::Intact, "{:?}", report.problems);
    assert_eq!(report.erased, 1);
    assert!(matches!(published.entry(index), Err(Error::Erased { .. })));
    assert!(matches!(
        Erasure::of(&*store.dir, index),
        Err(Error::Erased { .. })
    ));
    // A fresh reader computes the same hashes from what is left.
    let fresh = Published::open(store.dir.clone()).unwrap();
    assert_eq!(fresh.prove(index, &newest).unwrap(), before);
    assert!(fresh.bundle(index / 256, 256, newest.size).is_err());
    assert!(fresh.bundle(index / 256 + 1, 256, newest.size).is_ok());
    let reader = LogReader::open(store.dir.clone()).unwrap();
    let part = reader
        .decode(&reader.part_at(index).unwrap().unwrap())
        .unwrap();
    assert!(part.iter().all(|(at, _)| at != index));
    let erased: Vec<u64> = part.erased_from(0).map(|(at, _)| at).collect();
    assert_eq!(erased, [index]);
    // The newest entries cannot be erased yet.
    assert!(matches!(
        Erasure::of(&*store.dir, 131_072),
        Err(Error::NotSealed { .. })
    ));
    // An erased entry can be removed with its segment.
    store.remove();
    assert_eq!(store.verify().verdict(), Verdict::Intact);
}

#[test]
fn a_crash_at_any_moment_leaves_a_whole_store() {
    let mut store = Store::new();
    store.fill(1);
    let plan = store.plan();
    let erasure = Erasure::of(&*store.dir, 17).unwrap();
    let root = store.log.root(plan.to()).unwrap();
    store.declare(&plan.declared(&root));
    store.declare(&erasure.declared());
    store.log.publish().unwrap();
    drop(store.log);
    let mut crashes = 0;
    for erase in [false, true] {
        for after in 0.. {
            let disk = store.disk.copy();
            let dir = disk.dir();
            let (mut log, _) = Log::open(dir.clone(), &options()).unwrap();
            disk.set_fault(after, Fault::PowerOff);
            let done = match erase {
                true => log.erase(&erasure),
                false => log.remove(&plan),
            };
            if done.is_ok() {
                break;
            }
            crashes += 1;
            drop(log);
            disk.crash();
            let (_, report) = Log::open(dir.clone(), &options()).unwrap();
            assert!(report.entries > 65_536);
            let report = verify(&dir);
            assert_eq!(
                report.verdict(),
                Verdict::Intact,
                "after {after}: {:?}",
                report.problems
            );
        }
    }
    assert!(crashes > 15, "{crashes}");
}

#[test]
fn a_full_disk_keeps_what_was_to_be_removed() {
    let mut store = Store::new();
    store.fill(1);
    let plan = store.plan();
    let root = store.log.root(plan.to()).unwrap();
    store.declare(&plan.declared(&root));
    for after in 1..6 {
        store.disk.set_fault(after, Fault::NoSpace);
        let removed = store.log.remove(&plan);
        store.disk.clear_fault();
        match removed {
            Ok(()) => break,
            Err(Error::NoSpace { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        assert_eq!(store.verify().verdict(), Verdict::Intact);
    }
    store.log.remove(&plan).unwrap();
    assert_eq!(store.verify().removed, 65_536);
}
