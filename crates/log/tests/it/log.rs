//! The log: appending, committing, opening again, refusing.

use indelible_log::dir::RealDir;
use indelible_log::log::{Reason, Sealing};
use indelible_log::merkle::{verify_consistency, verify_inclusion};
use indelible_log::{Batch, BatchError, Error, Hash, Log, Options};

use crate::make::Sender;

fn options() -> Options {
    Options {
        sealing: Sealing::Inline,
        ..Options::new("log.example/test")
    }
}

#[test]
fn appended_entries_are_there_after_opening_again() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = RealDir::open(scratch.path()).unwrap();
    let (mut log, report) = Log::open(dir.clone(), &options()).unwrap();
    assert!(report.created);
    let (mut a, mut b) = (Sender::new(1), Sender::new(2));
    let first = log.append(&a.batch(10), "a.example").unwrap();
    assert_eq!((first.first_leaf, first.entries, first.next), (0, 10, 10));
    let second = log.append(&b.batch(5), "b.example").unwrap();
    assert_eq!(second.first_leaf, 10);
    assert_eq!(log.stream(a.stream).unwrap().next, 0, "not durable yet");
    let old = log.commit().unwrap().checkpoint;
    assert_eq!(old.size, 15);
    assert!(log.verifier().verify(&old));
    assert_eq!(log.stream(a.stream).unwrap().next, 10);
    drop(log);

    let (mut log, report) = Log::open(dir.clone(), &options()).unwrap();
    assert_eq!(
        (report.entries, report.above_checkpoint, report.created),
        (15, 15, false)
    );
    assert_eq!(log.checkpoint(), old);
    let state = log.stream(b.stream).unwrap();
    assert_eq!(
        (state.next, state.head, state.peer.as_str()),
        (5, b.head, "b.example")
    );
    log.append(&a.batch(3), "a.example").unwrap();
    let new = log.close().unwrap();
    let (log, report) = Log::open(dir, &options()).unwrap();
    assert_eq!((report.entries, report.above_checkpoint), (18, 0));
    let proof = log.consistency(15, 18).unwrap();
    assert_eq!(
        verify_consistency(15, &old.root, 18, &new.root, &proof),
        Ok(())
    );
}

#[test]
fn a_second_writer_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = RealDir::open(scratch.path()).unwrap();
    let first = Log::open(dir.clone(), &options()).unwrap();
    assert!(matches!(
        Log::open(dir.clone(), &options()),
        Err(Error::Locked { .. })
    ));
    drop(first);
    assert!(Log::open(dir.clone(), &options()).is_ok());
    let other = Options::new("other.example");
    assert!(matches!(Log::open(dir, &other), Err(Error::Origin { .. })));
}

#[test]
fn segments_are_sealed_and_proofs_go_on_across_them() {
    for sealing in [Sealing::Inline, Sealing::Background(|| ())] {
        let scratch = tempfile::tempdir().unwrap();
        let dir = RealDir::open(scratch.path()).unwrap();
        let options = Options {
            sealing,
            ..options()
        };
        let (mut log, _) = Log::open(dir.clone(), &options).unwrap();
        let mut sender = Sender::new(1);
        let mut leaves = Vec::new();
        let mut roots = vec![(0, log.checkpoint().root)];
        for _ in 0..30 {
            let batch = sender.batch(10_001);
            leaves.extend_from_slice(batch.leaves());
            log.append(&batch, "a").unwrap();
            let checkpoint = log.commit().unwrap().checkpoint;
            roots.push((checkpoint.size, checkpoint.root));
        }
        log.close().unwrap();
        let (log, report) = Log::open(dir, &options).unwrap();
        assert_eq!(report.entries, 300_030);
        assert_eq!(
            scratch.path().join("segments").read_dir().unwrap().count(),
            4
        );
        assert_eq!(scratch.path().join("wal").read_dir().unwrap().count(), 1);
        let (size, root) = roots[30];
        for (old, old_root) in &roots {
            let proof = log.consistency(*old, size).unwrap();
            assert_eq!(
                verify_consistency(*old, old_root, size, &root, &proof),
                Ok(()),
                "{old}"
            );
        }
        for index in [
            0, 1, 4_095, 65_535, 65_536, 131_073, 262_143, 262_144, 300_029,
        ] {
            let proof = log.inclusion(index, size).unwrap();
            let leaf = &leaves[index as usize];
            assert_eq!(
                verify_inclusion(leaf, index, size, &proof, &root),
                Ok(()),
                "{index}"
            );
        }
    }
}

#[test]
fn a_batch_may_be_sent_again_but_not_changed() {
    let scratch = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(RealDir::open(scratch.path()).unwrap(), &options()).unwrap();
    let mut sender = Sender::new(1);
    let start = sender.clone();
    let first = sender.batch(4);
    let second = sender.batch(4);
    let reason =
        |log: &mut Log, batch: &Batch, peer: &str| log.append(batch, peer).unwrap_err().reason;

    assert_eq!(reason(&mut log, &second, "a"), Reason::Later, "ahead");
    log.append(&first, "a").unwrap();
    assert_eq!(
        log.append(&first, "a").unwrap().entries,
        0,
        "the same again"
    );
    assert_eq!(reason(&mut log, &first, "b"), Reason::Denied);
    let overlapping = start.clone().batch(8);
    let appended = log.append(&overlapping, "a").unwrap();
    assert_eq!(
        (appended.entries, appended.first_leaf, appended.next),
        (4, 4, 8)
    );
    assert_eq!(
        log.append(&second, "a").unwrap().entries,
        0,
        "across a boundary"
    );
    log.commit().unwrap();

    let mut other = start.clone();
    other.text_bytes = 60;
    assert_eq!(
        reason(&mut log, &other.batch(8), "a"),
        Reason::Fork,
        "other content"
    );
    let (bytes, _, _) = sender.encoded(1);
    let forked = Batch::prepare(sender.stream, 8, Hash([1; 32]), &bytes).unwrap();
    assert_eq!(
        reason(&mut log, &forked, "a"),
        Reason::Fork,
        "another head before"
    );
    let mut again = start;
    let inside = again.batch(2);
    assert_eq!(
        reason(&mut log, &inside, "a"),
        Reason::Later,
        "ends inside a batch"
    );
    assert_eq!(log.commit().unwrap().entries, 0);
}

#[test]
fn what_no_log_accepts() {
    let mut sender = Sender::new(1);
    let (bytes, _, _) = sender.encoded(2);
    let prepare = |stream, first, bytes: &[u8]| Batch::prepare(stream, first, Hash::ZERO, bytes);
    assert_eq!(
        prepare(sender.stream, 0, &[]).err(),
        Some(BatchError::Empty)
    );
    let other = Sender::new(2).stream;
    assert_eq!(
        prepare(other, 0, &bytes).err(),
        Some(BatchError::Stream { sequence: 0 })
    );
    let shifted = prepare(sender.stream, 1, &bytes).err();
    assert_eq!(
        shifted,
        Some(BatchError::Sequence {
            wanted: 1,
            found: 0
        })
    );
    let cut = prepare(sender.stream, 0, &bytes[..bytes.len() - 1]).err();
    assert!(matches!(cut, Some(BatchError::Entry { sequence: 1, .. })));
    let (unopened, _, _) = Sender {
        next: 1,
        ..Sender::new(1)
    }
    .encoded(1);
    let mut unopened = unopened;
    unopened[2 + 27] = 0; // the low byte of the sequence number
    let opening = prepare(sender.stream, 0, &unopened).err();
    assert_eq!(opening, Some(BatchError::Opening { sequence: 0 }));
}

#[test]
fn a_rolled_back_store_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = RealDir::open(scratch.path()).unwrap();
    let (mut log, _) = Log::open(dir.clone(), &options()).unwrap();
    let mut sender = Sender::new(1);
    log.append(&sender.batch(5), "a").unwrap();
    let known = log.close().unwrap();
    let mut ahead = known;
    ahead.size += 1;
    let mut rewritten = known;
    rewritten.root = Hash([9; 32]);
    for (known, fine) in [(known, true), (ahead, false), (rewritten, false)] {
        let options = Options {
            known_checkpoint: Some(known),
            ..options()
        };
        match Log::open(dir.clone(), &options) {
            Ok(_) => assert!(fine),
            Err(error) => assert!(
                !fine && matches!(error, Error::RolledBack { .. }),
                "{error}"
            ),
        }
    }
}
