//! Keys that follow each other: what they sign verifies, and nothing else does.

use std::sync::Arc;

use indelible_log::dir::{Dir, Fault, SimDir, read_small, replace};
use indelible_log::log::{LOCAL_PEER, LocalStream, Rotation, Sealing};
use indelible_log::published::Published;
use indelible_log::verify::{Report, Verdict, VerifyOptions, verify_store};
use indelible_log::{Checkpoint, Error, Kind, Log, Options, SigningKey, StreamId, VerifierKey};

use crate::make::Sender;

pub(crate) const ORIGIN: &str = "log.example/rotation";

/// A store with its writer, and a host that sends.
pub(crate) struct Store {
    pub(crate) disk: SimDir,
    pub(crate) log: Log,
    own: LocalStream,
    sender: Sender,
}

pub(crate) fn options() -> Options {
    Options {
        sealing: Sealing::Inline,
        ..Options::new(ORIGIN)
    }
}

impl Store {
    pub(crate) fn new(seed: u64) -> Self {
        let disk = SimDir::new(seed);
        let (log, _) = Log::open(disk.dir(), &options()).unwrap();
        let mut store = Self {
            disk,
            log,
            own: LocalStream::new(StreamId([9; 16])),
            sender: Sender::new(1),
        };
        store
            .say(Kind::StreamOpened, b"{\"v\":1,\"source\":\"collector\"}")
            .unwrap();
        store
    }

    pub(crate) fn dir(&self) -> Arc<dyn Dir> {
        self.disk.dir()
    }

    pub(crate) fn say(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error> {
        self.own.push(kind, 0, 1_700_000_000_000_000_000, payload);
        let batch = self.own.take().unwrap();
        self.log.append(&batch, LOCAL_PEER).unwrap();
        self.log.commit().map(drop)
    }

    pub(crate) fn grow(&mut self, entries: u64) -> Checkpoint {
        self.log.append(&self.sender.batch(entries), "h").unwrap();
        self.log.commit().unwrap();
        self.log.publish().unwrap()
    }

    fn rotate(&mut self) -> Result<(), Error> {
        let rotation = self.log.begin_rotation()?;
        self.follow(rotation)
    }

    /// Declares a new key, and lets it follow.
    pub(crate) fn follow(&mut self, rotation: Rotation) -> Result<(), Error> {
        let mut object = serde_json::to_value(rotation.declared()).unwrap();
        object["v"] = 1.into();
        let said = self.say(Kind::Operator, object.to_string().as_bytes());
        let finished = self.log.finish_rotation(rotation);
        said.and(finished)
    }

    /// Opens the store anew, as after a crash.
    pub(crate) fn again(self) -> Self {
        let Self { disk, log, .. } = self;
        drop(log);
        disk.crash();
        Self::open(disk)
    }

    pub(crate) fn open(disk: SimDir) -> Self {
        let (log, _) = Log::open(disk.dir(), &options()).unwrap();
        let state = |id: u8| log.stream(StreamId([id; 16])).unwrap();
        let mut sender = Sender::new(1);
        if let Some(state) = log.stream(sender.stream) {
            (sender.next, sender.head) = (state.next, state.head);
        }
        Self {
            own: LocalStream::resume(&state(9)),
            sender,
            disk,
            log,
        }
    }

    pub(crate) fn verify(&self, known: Option<&VerifierKey>) -> Report {
        verify(&self.dir(), known)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(read_small(&*self.dir(), name, 1 << 16).unwrap()).unwrap()
    }

    pub(crate) fn private(&self) -> SigningKey {
        SigningKey::parse(self.text("key").trim_end()).unwrap()
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        replace(&*self.dir(), "", name, text.as_bytes()).unwrap();
    }
}

pub(crate) fn verify(dir: &Arc<dyn Dir>, known: Option<&VerifierKey>) -> Report {
    let options = VerifyOptions {
        verifier: known.cloned(),
        ..VerifyOptions::default()
    };
    verify_store(dir, &options).unwrap()
}

pub(crate) fn assert_intact(report: &Report) {
    assert_ne!(report.verdict(), Verdict::Broken, "{report:#?}");
}

pub(crate) fn is_broken(report: &Report) -> bool {
    report.verdict() == Verdict::Broken
}

#[test]
fn a_log_goes_on_under_its_new_keys() {
    let mut store = Store::new(3);
    let first = store.log.verifier().clone();
    let published = Published::open(store.dir()).unwrap();
    let mut shown = vec![store.grow(5)];
    let early = published.prove(2, &shown[0]).unwrap();
    let mut keys = vec![first.clone()];
    for _ in 0..3 {
        store.rotate().unwrap();
        // Nothing but the entry that declares it: it can be published at once, or after more.
        shown.push(store.log.publish().unwrap());
        shown.push(store.grow(7));
        keys.push(store.log.verifier().clone());
        assert_intact(&store.verify(None));
    }
    store = store.again();
    shown.push(store.grow(7));
    let newest = store.log.verifier().clone();
    assert_eq!(newest.successions().count(), 3);
    for known in &keys {
        assert_intact(&store.verify(Some(known)));
        assert!(known.accepts(&newest));
    }
    for checkpoint in &shown {
        assert!(newest.verify(checkpoint));
        assert!(newest.open_note(&checkpoint.to_note(&newest)).is_ok());
    }
    // Readers that were there before see the new key by themselves, and old proofs still hold.
    let newest_shown = published.checkpoint().unwrap();
    assert_eq!(published.key(), newest);
    let entry = published.entry(2).unwrap();
    let proof = published.prove(2, &newest_shown).unwrap();
    assert_eq!(proof.verify(&entry, &newest), Ok(()));
    assert_eq!(early.verify(&entry, &newest), Ok(()));
    assert_eq!(early.verify(&entry, &first), Ok(()));
    assert!(proof.verify(&entry, &first).is_err());
}

#[test]
fn only_the_declared_successor_signs() {
    let mut store = Store::new(4);
    let old = store.private();
    store.grow(5);
    store.rotate().unwrap();
    let checkpoint = store.grow(7);
    let newest = store.log.verifier().clone();
    let good = ["key", "log.vkey", "checkpoint"].map(|name| (name, store.text(name)));

    // A thief of the old key signs what the log holds, and puts that in place of the note.
    let forged = old.sign(checkpoint.size, checkpoint.root);
    assert!(!newest.verify(&forged));
    store.put("checkpoint", &forged.to_note(old.verifier()));
    assert!(is_broken(&store.verify(None)));
    // With the old key back in place the log says that there is another.
    store.put("log.vkey", &format!("{}\n", old.verifier()));
    store.put("key", &format!("{}\n", old.to_private_text()));
    assert!(is_broken(&store.verify(None)));
    assert!(is_broken(&store.verify(Some(&newest))));
    // A successor of the thief's own, signed as it must be, that the log does not declare.
    let thief = SigningKey::from_seed(ORIGIN, [7; 32]).unwrap();
    let forked = old.hand_over(old.verifier(), &thief, 6).unwrap();
    store.put("log.vkey", &format!("{}\n", forked.to_text()));
    store.put("key", &format!("{}\n", thief.to_private_text()));
    let forged = thief.sign(checkpoint.size, checkpoint.root);
    store.put("checkpoint", &forged.to_note(&forked));
    let report = store.verify(Some(old.verifier()));
    let details: Vec<&str> = report
        .problems
        .iter()
        .map(|one| one.detail.as_str())
        .collect();
    assert!(
        details
            .iter()
            .any(|detail| detail.contains("does not declare")),
        "{details:?}"
    );
    assert!(
        details
            .iter()
            .any(|detail| detail.contains("declares a new key")),
        "{details:?}"
    );
    assert!(is_broken(&store.verify(Some(&newest))));

    // The declared one as if it were still about to follow, while the old one goes on.
    store.put("key.next", &format!("{}{}", good[0].1, good[1].1));
    store.put("log.vkey", &format!("{}\n", old.verifier()));
    store.put("key", &format!("{}\n", old.to_private_text()));
    let forged = old.sign(checkpoint.size, checkpoint.root);
    store.put("checkpoint", &forged.to_note(old.verifier()));
    assert!(is_broken(&store.verify(Some(old.verifier()))));
    store.dir().unlink("key.next").unwrap();

    good.iter().for_each(|(name, text)| store.put(name, text));
    assert_intact(&store.verify(Some(&newest)));
}

/// The power fails at every operation of a rotation.
#[test]
fn a_rotation_that_is_cut_short_is_whole_or_not_at_all() {
    let mut outcomes = [0, 0];
    for after in 0.. {
        let mut store = Store::new(100 + after);
        store.grow(3);
        let old = store.log.verifier().clone();
        store.disk.set_fault(after, Fault::PowerOff);
        let rotated = store.rotate();
        let struck = store.disk.is_off();
        store.disk.clear_fault();
        assert_eq!(rotated.is_ok(), !struck, "operation {after}: {rotated:?}");
        // What a verifier sees before anybody opens the store again.
        drop(rotated);
        let disk = store.disk.clone();
        disk.crash();
        assert_intact(&verify(&disk.dir(), Some(&old)));
        let mut store = store.again();
        assert!(
            store.dir().open_read("key.next").is_err(),
            "operation {after}"
        );
        let newest = store.log.verifier().clone();
        outcomes[usize::from(newest != old)] += 1;
        store.grow(2);
        assert_intact(&store.verify(Some(&old)));
        store.rotate().unwrap();
        store.grow(2);
        let store = store.again();
        assert_intact(&store.verify(Some(&newest)));
        if !struck {
            break;
        }
    }
    assert!(outcomes[0] > 3 && outcomes[1] > 3, "{outcomes:?}");
}
