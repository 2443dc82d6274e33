//! Keys and checkpoints of a store.

use std::collections::BTreeSet;

use crate::dir::read_small;
use crate::error::{Error, Result};
use crate::limits::TEXT_BYTES_MAX;
use crate::note::{Checkpoint, SigningKey, VerifierKey};

use super::super::report::ProblemKind;
use super::super::source::Source;
use super::super::wal::{Form, search_frames};
use super::files::{CHECKPOINT, KEY, NEXT_KEY, VERIFIER, WITNESSED, wal_path};
use super::{StoreVerifier, VerifyOptions};

impl StoreVerifier<'_> {
    pub(super) fn keys(&mut self, options: &VerifyOptions) -> Result<()> {
        let stored = match self.text(VERIFIER)? {
            Some(text) => {
                let lines = text.strip_suffix('\n');
                let key = lines.and_then(|lines| VerifierKey::parse(lines).ok());
                if key.is_none() {
                    self.problem(ProblemKind::Key, VERIFIER, 0, "it is not a verifier key");
                }
                key
            }
            None => None,
        };
        // The store may have a newer key than the one that is known, if that one has said so.
        self.key = match (&options.verifier, &stored) {
            (Some(known), stored) => Some(known.or_successor(stored.as_ref())),
            (None, stored) => stored.clone(),
        };
        if stored.is_some() && stored != self.key {
            let detail = "it is not the key that is known, nor one that followed it";
            self.problem(ProblemKind::Key, VERIFIER, 0, detail);
        }
        self.next_key = self.read_next_key();
        if options.without_private_key && !self.files.texts.contains(KEY) {
            return Ok(());
        }
        let Some(text) = self.text(KEY)? else {
            return Ok(());
        };
        let is_rotating = self.next_key.is_some();
        let private = line(&text).and_then(|line| SigningKey::parse(line).ok());
        match private {
            Some(private)
                if self.key.as_ref().is_none_or(|key| {
                    key.is_of(&private) || is_rotating && key.knows(&private)
                }) => {}
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

    /// The key that is about to follow: whoever opens the store finishes that, or drops it.
    fn read_next_key(&self) -> Option<VerifierKey> {
        let bytes = read_small(self.dir, NEXT_KEY, TEXT_BYTES_MAX).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (_, keys) = text.strip_suffix('\n')?.split_once('\n')?;
        let next = VerifierKey::parse(keys).ok()?;
        let is_ours = self.key.as_ref().is_some_and(|key| key.accepts(&next));
        is_ours.then_some(next)
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
