//! Keys and checkpoints of a store.

use std::collections::BTreeSet;

use crate::dir::read_small;
use crate::error::{Error, Result};
use crate::limits::TEXT_BYTES_MAX;
use crate::note::{Checkpoint, SigningKey, VerifierKey};

use super::super::report::ProblemKind;
use super::super::source::Source;
use super::super::wal::{Form, search_frames};
use super::files::{CHECKPOINT, KEY, VERIFIER, WITNESSED, wal_path};
use super::{StoreVerifier, VerifyOptions};

impl StoreVerifier<'_> {
    pub(super) fn keys(&mut self, options: &VerifyOptions) -> Result<()> {
        let stored = match self.text(VERIFIER)? {
            Some(text) => {
                let key = line(&text).and_then(|line| VerifierKey::parse(line).ok());
                if key.is_none() {
                    self.problem(ProblemKind::Key, VERIFIER, 0, "it is not a verifier key");
                }
                key
            }
            None => None,
        };
        self.key = options.verifier.clone().or_else(|| stored.clone());
        if stored.is_some() && stored != self.key {
            self.problem(
                ProblemKind::Key,
                VERIFIER,
                0,
                "it is not the key that is known",
            );
        }
        if options.without_private_key && !self.files.texts.contains(KEY) {
            return Ok(());
        }
        let Some(text) = self.text(KEY)? else {
            return Ok(());
        };
        let private = line(&text).and_then(|line| SigningKey::parse(line).ok());
        match private {
            Some(private)
                if Some(private.verifier()) == self.key.as_ref() || self.key.is_none() => {}
            Some(_) => self.problem(
                ProblemKind::Key,
                KEY,
                0,
                "it does not belong to the verifier key",
            ),
            None => self.problem(ProblemKind::Key, KEY, 0, "it is not a signing key"),
        }
        Ok(())
    }

    /// The checkpoint that witnesses have cosigned, if there is one.
    pub(super) fn witnessed(&mut self, options: &VerifyOptions) -> Result<Option<Checkpoint>> {
        if !self.files.texts.contains(WITNESSED) {
            if !options.witnesses.is_empty() {
                self.missing(WITNESSED);
            }
            return Ok(None);
        }
        let (Some(text), Some(key)) = (self.text(WITNESSED)?, self.key.clone()) else {
            return Ok(None);
        };
        match key.open_note(&text) {
            Ok(checkpoint) => {
                let name = key.name();
                self.account
                    .hold_to_witnesses(options, name, &checkpoint, &text, WITNESSED);
                Ok(Some(checkpoint))
            }
            Err(error) => {
                self.problem(ProblemKind::Checkpoint, WITNESSED, 0, error.to_string());
                Ok(None)
            }
        }
    }

    pub(super) fn published(&mut self) -> Result<Option<Checkpoint>> {
        let Some(text) = self.text(CHECKPOINT)? else {
            return Ok(None);
        };
        let Some(key) = &self.key else {
            return Ok(None);
        };
        match key.open_note(&text) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(error) => {
                self.problem(ProblemKind::Checkpoint, CHECKPOINT, 0, error.to_string());
                Ok(None)
            }
        }
    }

    /// Reads a text file; one that is missing or no text is a problem.
    fn text(&mut self, path: &str) -> Result<Option<String>> {
        if !self.files.texts.contains(path) {
            self.missing(path);
            return Ok(None);
        }
        match read_small(self.dir, path, TEXT_BYTES_MAX) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                self.problem(
                    ProblemKind::Checkpoint,
                    path,
                    TEXT_BYTES_MAX as u64,
                    "it is too long",
                );
                Ok(None)
            }
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    /// Collects the sizes of all checkpoints, so that the roots there are noted on the way.
    pub(super) fn watch(&mut self, sizes: impl Iterator<Item = u64>) -> Result<()> {
        let mut watched: BTreeSet<u64> = sizes.collect();
        for number in &self.files.wals {
            let source = Source::open(self.dir, &wal_path(*number))?;
            search_frames(&source, Form::Log, 0, |frame| {
                watched.extend(frame.checkpoint().map(|checkpoint| checkpoint.size));
                false
            })?;
        }
        self.account.watched = watched;
        Ok(())
    }
}

/// The only line of a text.
fn line(text: &str) -> Option<&str> {
    text.strip_suffix('\n').filter(|line| !line.contains('\n'))
}
