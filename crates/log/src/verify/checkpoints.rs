//! Holding the tree to checkpoints, and checkpoints to those who signed them.

use super::account::Account;
use super::report::ProblemKind;
use super::store::VerifyOptions;
use crate::note::{Checkpoint, VerifierKey};

impl Account {
    /// What is known from elsewhere, without what a restart gave up and the log cannot hold.
    pub(super) fn still_known(
        &mut self,
        key: Option<&VerifierKey>,
        options: &VerifyOptions,
    ) -> Vec<(String, Checkpoint)> {
        let is_given_up = |(_, checkpoint): &(String, Checkpoint)| {
            key.is_some_and(|key| !key.verify(checkpoint) && key.gave_up(checkpoint).is_some())
        };
        let (given_up, known) = options.all_known().into_iter().partition(is_given_up);
        self.report.given_up = given_up;
        known
    }

    /// Holds the tree to a checkpoint that is known from elsewhere. One that the restored log signed
    /// before its restart may be of what was lost, as well.
    pub(super) fn hold_to_known(&mut self, key: &VerifierKey, name: &str, known: &Checkpoint) {
        let root = self.root(known.size);
        if root.is_some_and(|root| root != known.root) && key.gave_up(known).is_some() {
            self.report.given_up.push((name.to_owned(), *known));
        } else {
            self.hold_to(key, known, name, 0);
        }
    }

    /// Holds the tree to a checkpoint that stands at an offset of a file.
    pub(super) fn hold_to(
        &mut self,
        key: &VerifierKey,
        checkpoint: &Checkpoint,
        file: &str,
        offset: u64,
    ) {
        let signed = match self.last_signed {
            Some((last, signed)) if last == *checkpoint => signed,
            _ => key.verify(checkpoint),
        };
        let again = self.last_signed.replace((*checkpoint, signed)) == Some((*checkpoint, signed));
        if !signed {
            if !again {
                let detail = "it is not signed by the log's key";
                self.problem(ProblemKind::Checkpoint, file, offset, detail);
            }
        } else if checkpoint.size > self.size() {
            let found = self.size();
            let detail = format!(
                "{} entries were durable and only {found} are here",
                checkpoint.size
            );
            self.problem(ProblemKind::Truncated, file, offset, detail);
        } else if let Some(root) = self.root(checkpoint.size) {
            let newest = self.report.checkpoint.map(|newest| newest.size);
            if root != checkpoint.root {
                let detail = format!(
                    "the first {} entries have root {root}, not {}",
                    checkpoint.size, checkpoint.root
                );
                self.problem(ProblemKind::Root, file, offset, detail);
            } else if newest.is_none_or(|newest| newest <= checkpoint.size) {
                self.report.checkpoint = Some(*checkpoint);
            }
        }
    }

    /// Holds a note that the log signed to the witnesses of the options.
    pub(super) fn hold_to_witnesses(
        &mut self,
        options: &VerifyOptions,
        origin: &str,
        checkpoint: &Checkpoint,
        note: &str,
        file: &str,
    ) {
        let mut lacking = Vec::new();
        for witness in &options.witnesses {
            match witness.open_note(origin, checkpoint, note) {
                Ok(_) => self.report.cosigned_by.push(witness.name().to_owned()),
                Err(error) => lacking.push(format!("{}: {error}", witness.name())),
            }
        }
        let quorum = options.quorum.unwrap_or(options.witnesses.len());
        if self.report.cosigned_by.len() < quorum {
            let detail = format!(
                "cosigned by {} witnesses, {quorum} are asked for; {}",
                self.report.cosigned_by.len(),
                lacking.join(", ")
            );
            self.problem(ProblemKind::Cosignature, file, 0, detail);
        }
    }

    /// Nobody who verified more before is shown less.
    pub(super) fn not_less_than_before(
        &mut self,
        options: &VerifyOptions,
        shown: Option<&Checkpoint>,
        file: &str,
    ) {
        if let (Some(mark), Some(shown)) = (&options.since, shown)
            && shown.size < mark.checkpoint.size
        {
            let detail = format!(
                "{} entries were verified before, and it is of {}",
                mark.checkpoint.size, shown.size
            );
            self.problem(ProblemKind::Truncated, file, 0, detail);
        }
    }
}
