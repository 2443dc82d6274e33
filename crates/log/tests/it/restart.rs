//! A log that was restored from an older copy: it goes on where that is declared, and only there.

use indelible_log::dir::Fault;
use indelible_log::hash::Hash;
use indelible_log::verify::{Report, Restart, Verdict, VerifyOptions, verify_store};
use indelible_log::{Checkpoint, Error, Log, Options, SigningKey, VerifierKey};

use crate::rotation::{ORIGIN, Store, assert_intact, is_broken, options, verify};

impl Store {
    fn restart(&mut self, kept: Option<u64>) -> Result<(), Error> {
        let restart = self.log.begin_restart(kept)?;
        self.follow(restart)
    }

    /// A store as it was before it went on to a checkpoint, and that checkpoint.
    fn restored(seed: u64) -> (Self, Checkpoint) {
        let mut store = Self::new(seed);
        store.grow(5);
        let backup = store.disk.copy();
        let lost = store.grow(20);
        let mut lost_host = crate::make::Sender::new(2);
        store.log.append(&lost_host.batch(3), "other").unwrap();
        store.log.commit().unwrap();
        store.log.publish().unwrap();
        (Self::open(backup), lost)
    }

    fn verify_with(&self, key: &VerifierKey, known: &[Checkpoint]) -> Report {
        let known = known.iter().map(|one| ("known".to_owned(), *one));
        let options = VerifyOptions {
            verifier: Some(key.clone()),
            known: known.collect(),
            ..VerifyOptions::default()
        };
        verify_store(&self.dir(), &options).unwrap()
    }
}

fn knowing(checkpoint: Checkpoint) -> Options {
    Options {
        known_checkpoint: Some(checkpoint),
        ..options()
    }
}

#[test]
fn a_restored_log_goes_on_where_that_is_declared() {
    let (store, lost) = Store::restored(5);
    let old = store.log.verifier().clone();
    let kept = store.log.checkpoint();
    assert!(kept.size < lost.size);

    // Who has seen more refuses it.
    assert!(is_broken(&store.verify_with(&old, &[lost])));
    let disk = store.disk.clone();
    drop(store);
    let refused = Log::open(disk.dir(), &knowing(lost)).err();
    assert!(
        matches!(refused, Some(Error::RolledBack { known, found })
            if (known, found) == (lost.size, kept.size)),
        "{refused:?}"
    );

    let mut store = Store::open(disk);
    store.restart(None).unwrap();
    let restarted = store.log.publish().unwrap();
    assert_eq!(restarted.size, kept.size + 1);
    let newest = store.log.verifier().clone();
    assert_eq!(newest.gave_up(&lost), Some(kept.size));
    assert_eq!(newest.gave_up(&kept), None);
    assert_eq!(newest.gave_up(&restarted), None);
    assert!(!newest.verify(&lost) && newest.verify(&kept) && newest.verify(&restarted));
    store.grow(40);

    // Also who knows the old key and what was lost, and sees that it was.
    for known in [&old, &newest] {
        let report = store.verify_with(known, &[lost, kept, restarted]);
        assert_eq!(
            report.verdict(),
            Verdict::IntactWithTailOrGaps,
            "{report:#?}"
        );
        assert_eq!(report.given_up, [("known".to_owned(), lost)]);
        let restart = Restart {
            entry: kept.size,
            kept: kept.size,
            time_ns: Some(1_700_000_000_000_000_000),
            key: newest.to_string(),
        };
        assert_eq!(report.restarts, [restart]);
    }
    let disk = store.disk.clone();
    drop(store);
    disk.crash();
    drop(Log::open(disk.dir(), &knowing(lost)).unwrap());
    let mut store = Store::open(disk);
    store.grow(5);
    assert_intact(&store.verify(Some(&old)));

    // What the new key has signed is not given up by what was declared before.
    let backup = store.disk.copy();
    let newer = store.grow(9);
    assert_eq!(newest.gave_up(&newer), None);
    let store = Store::open(backup);
    assert!(is_broken(&store.verify_with(&newest, &[newer])));
    let disk = store.disk.clone();
    drop(store);
    assert!(matches!(
        Log::open(disk.dir(), &knowing(newer)).err(),
        Some(Error::RolledBack { .. })
    ));
}

/// A collector has written to the restored store before anybody declared anything.
#[test]
fn a_restart_says_what_was_kept() {
    let (mut store, lost) = Store::restored(6);
    let old = store.log.verifier().clone();
    let kept = store.log.checkpoint().size;
    // As many entries as the lost log had at some time, and other ones.
    let ours = store.grow(4);
    assert!(ours.size < lost.size);
    let theirs = store.private().sign(ours.size, Hash([3; 32]));
    for wrong in [Some(ours.size + 1), Some(u64::MAX)] {
        let refused = store.restart(wrong);
        assert!(matches!(refused, Err(Error::Note { .. })), "{refused:?}");
    }
    store.restart(Some(kept)).unwrap();
    let newest = store.log.verifier().clone();
    store.grow(3);
    for (given_up, known) in [(&[][..], ours), (&[theirs][..], theirs)] {
        assert_eq!(newest.gave_up(&known), Some(kept));
        let report = store.verify_with(&old, &[known]);
        assert_intact(&report);
        let found: Vec<_> = report.given_up.iter().map(|(_, one)| *one).collect();
        assert_eq!(found, given_up);
    }
    // It cannot give up what an earlier restart has kept.
    let refused = store.restart(Some(kept));
    assert!(matches!(refused, Err(Error::Note { .. })), "{refused:?}");
    store.restart(None).unwrap();
    assert_eq!(store.verify(Some(&old)).restarts.len(), 2);
    assert_intact(&store.again().verify(Some(&old)));
}

#[test]
fn what_is_declared_otherwise_is_refused() {
    let (mut store, lost) = Store::restored(7);
    let old = store.private();
    let size = store.log.checkpoint().size;
    store.restart(None).unwrap();
    store.grow(3);
    let newest = store.log.verifier().clone();
    let good = ["key", "log.vkey", "checkpoint"].map(|name| (name, store.text(name)));

    // Edited, it is no key of a log any more.
    for (from, to) in [
        (format!(" {size} {size} "), format!(" {size} 2 ")),
        (format!(" {size} {size} "), format!(" {size} ")),
    ] {
        let edited = good[1].1.replacen(&from, &to, 1);
        assert_ne!(edited, good[1].1);
        assert!(VerifierKey::parse(edited.trim_end()).is_err(), "{edited}");
        store.put("log.vkey", &edited);
        assert!(is_broken(&store.verify(Some(&newest))));
    }
    // Signed by who does not have the log's key.
    let thief = SigningKey::from_seed(ORIGIN, [7; 32]).unwrap();
    let next = SigningKey::from_seed(ORIGIN, [8; 32]).unwrap();
    let forged = thief.restart(thief.verifier(), &next, size, 1).unwrap();
    assert!(!old.verifier().accepts(&forged) && !newest.accepts(&forged));
    assert_eq!(forged.gave_up(&lost), None);
    // By who has it, and not what the log declares: it gives up more.
    let forged = old.restart(old.verifier(), &next, size, 1).unwrap();
    assert!(old.verifier().accepts(&forged) && !newest.accepts(&forged));
    store.put("log.vkey", &format!("{}\n", forged.to_text()));
    store.put("key", &format!("{}\n", next.to_private_text()));
    assert!(is_broken(&store.verify(Some(old.verifier()))));
    assert!(is_broken(&store.verify(Some(&newest))));
    // A restart that was never declared: the store of before under the old key.
    good.iter().for_each(|(name, text)| store.put(name, text));
    store.put("log.vkey", &format!("{}\n", old.verifier()));
    store.put("key", &format!("{}\n", old.to_private_text()));
    assert!(is_broken(&store.verify(Some(old.verifier()))));
    good.iter().for_each(|(name, text)| store.put(name, text));
    assert_intact(&store.verify(Some(old.verifier())));
}

/// The power fails at every operation of a restart.
#[test]
fn a_restart_that_is_cut_short_is_whole_or_not_at_all() {
    let mut outcomes = [0, 0];
    for after in 0.. {
        let (mut store, lost) = Store::restored(200 + after);
        let old = store.log.verifier().clone();
        let size = store.log.checkpoint().size;
        store.disk.set_fault(after, Fault::PowerOff);
        let restarted = store.restart(None);
        let struck = store.disk.is_off();
        store.disk.clear_fault();
        assert_eq!(
            restarted.is_ok(),
            !struck,
            "operation {after}: {restarted:?}"
        );
        let disk = store.disk.clone();
        drop(store);
        disk.crash();
        assert_intact(&verify(&disk.dir(), Some(&old)));
        // The collector itself finishes it, or sees that nothing was declared.
        let opened = Log::open(disk.dir(), &knowing(lost)).map(|(log, _)| log);
        let is_declared = match opened {
            Ok(log) => log.verifier() != &old,
            Err(Error::RolledBack { .. }) => false,
            Err(error) => panic!("operation {after}: {error}"),
        };
        let mut store = Store::open(disk);
        assert!(
            store.dir().open_read("key.next").is_err(),
            "operation {after}"
        );
        let newest = store.log.verifier().clone();
        assert_eq!(is_declared, newest != old, "operation {after}");
        assert_eq!(newest.gave_up(&lost).is_some(), is_declared);
        outcomes[usize::from(is_declared)] += 1;
        if !is_declared {
            assert_eq!(store.log.checkpoint().size, size);
            store.restart(None).unwrap();
        }
        store.grow(2);
        let report = store.again().verify_with(&old, &[lost]);
        assert_intact(&report);
        assert_eq!((report.restarts.len(), report.given_up.len()), (1, 1));
        if !struck {
            break;
        }
    }
    assert!(outcomes[0] > 3 && outcomes[1] > 3, "{outcomes:?}");
}
