//! A witness contradicts the store: what it says, and what proves it.

use indelible_log::published::Published;
use indelible_log::{Checkpoint, VerifierKey};

use crate::payload::finding::{self, Finding, Known};

/// Why nothing is published any more.
#[derive(Clone, Debug)]
pub(super) struct Alarm {
    known: &'static Known,
    why: String,
    witness: String,
    /// The checkpoint that was offered, as the log signed it.
    ours: String,
    /// The checkpoint that the witness shows, signed by the log, where it contradicts the store.
    theirs: Option<String>,
}

impl Alarm {
    /// The witness names a size beyond ours.
    pub(super) fn ahead(witness: &str, size: u64, offered: &Checkpoint) -> Self {
        let why = format!(
            "witness {witness} signed a checkpoint of {size} entries of this log, and the store holds {}: \
             it was rolled back",
            offered.size
        );
        Self::new(&finding::LOG_ROLLED_BACK, why, witness)
    }

    /// The witness says that ours does not continue what it signed.
    pub(super) fn inconsistent(witness: &str, old_size: u64, offered: &Checkpoint) -> Self {
        let why = format!(
            "witness {witness} finds that the checkpoint of {} entries does not continue the one of \
             {old_size} entries that it signed: the log was rewritten",
            offered.size
        );
        Self::new(&finding::LOG_REWRITTEN, why, witness)
    }

    fn new(known: &'static Known, why: String, witness: &str) -> Self {
        Self {
            known,
            why,
            witness: witness.to_owned(),
            ours: String::new(),
            theirs: None,
        }
    }

    /// Adds what was offered, and what the witness shows, where the log's own signature is under it
    /// and the store does not hold it.
    pub(super) fn with_evidence(
        mut self,
        published: &Published,
        offered: &Checkpoint,
        shown: Option<String>,
    ) -> Self {
        let key = published.key();
        self.ours = offered.to_note(&key);
        self.theirs = shown.filter(|note| contradicts(published, &key, offered, note));
        self
    }

    /// Whether the log's own signatures prove it, and not the word of the witness alone.
    pub(super) fn is_proven(&self) -> bool {
        self.theirs.is_some()
    }

    /// In a sentence.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// The finding, with both notes.
    pub(super) fn finding(&self) -> Finding {
        let mut finding = Finding::of(self.known, &self.why);
        let mut field = |name: &str, value: &str| {
            finding.fields.insert(name.to_owned(), value.to_owned());
        };
        field("witness", &self.witness);
        field("offered", &self.ours);
        if let Some(theirs) = &self.theirs {
            field("witnessed", theirs);
        }
        finding
    }
}

/// Whether a note that the log signed is of entries that the store does not hold.
fn contradicts(published: &Published, key: &VerifierKey, offered: &Checkpoint, note: &str) -> bool {
    let Ok(theirs) = key.open_note(note) else {
        return false;
    };
    theirs.size > offered.size
        || published
            .root(theirs.size)
            .is_ok_and(|root| root != theirs.root)
}
