//! A new key for a log: declared in the log by an entry that the old key's last checkpoint covers; or, when
//! a log that was restored is restarted, by the first one under the new key.
//!
//! ```text
//! begin    write key.next: the new private key, the verifier key as it will be
//! (caller) append the declaration as the very next entry, commit
//! finish   replace log.vkey, replace key, remove key.next
//! ```
//!
//! Whoever opens a store in which `key.next` stands finishes it if the entry is there, and drops the
//! new key if not: nobody has seen it then.

use std::sync::Arc;

use crate::dir::{Dir, read_text, replace};
use crate::entry::{EntryRef, Kind};
use crate::error::{Error, Result};
use crate::note::{NoteError, SigningKey, Succession, VerifierKey};
use crate::retention::Declared;

use super::Log;
use super::files::{KEY, NEXT_KEY, VERIFIER};

/// A key that is about to follow the log's.
#[derive(Debug)]
pub struct Rotation {
    pub(super) next: SigningKey,
    pub(super) keys: VerifierKey,
}

impl Rotation {
    /// What the entry of kind 10 says; it must be the next entry of the log.
    pub fn declared(&self) -> Declared {
        declared(&self.keys)
    }

    /// The size of the log with that entry.
    pub fn declared_size(&self) -> u64 {
        let newest = self.keys.successions().next();
        newest.map_or(0, |one| one.declared_size())
    }

    /// What stands in the store, if anything does.
    pub(super) fn read(dir: &dyn Dir) -> Result<Option<Self>> {
        let text = match read_text(dir, NEXT_KEY) {
            Err(Error::Missing { .. }) => return Ok(None),
            other => other?,
        };
        let parse = |text: &str| {
            let (private, keys) = text.split_once('\n').ok_or(NoteError::Form)?;
            let next = SigningKey::parse(private)?;
            let keys = VerifierKey::parse(keys.trim_end_matches('\n'))?;
            let fits = keys.is_of(&next) && keys.successions().next().is_some();
            match fits {
                true => Ok(Self { next, keys }),
                false => Err(NoteError::KeyId),
            }
        };
        parse(&text).map(Some).map_err(|source| Error::Note {
            path: NEXT_KEY.to_owned(),
            source,
        })
    }

    /// Whether this entry declares it.
    pub(super) fn is_declared_by(&self, entry: &EntryRef<'_>) -> bool {
        entry.header().kind == Kind::Operator
            && Declared::parse(entry.payload()).as_ref() == Some(&self.declared())
    }

    fn write(&self, dir: &dyn Dir) -> Result<()> {
        let text = format!("{}\n{}\n", self.next.to_private_text(), self.keys.to_text());
        replace(dir, "", NEXT_KEY, text.as_bytes()).map_err(Error::io("write", NEXT_KEY))
    }

    /// Puts the new key in place. Done again, it does the same.
    pub(super) fn finish(&self, dir: &dyn Dir) -> Result<()> {
        let keys = format!("{}\n", self.keys.to_text());
        replace(dir, "", VERIFIER, keys.as_bytes()).map_err(Error::io("write", VERIFIER))?;
        let private = format!("{}\n", self.next.to_private_text());
        replace(dir, "", KEY, private.as_bytes()).map_err(Error::io("write", KEY))?;
        drop_next(dir)
    }
}

/// Removes what [`Rotation::write`] wrote.
pub(super) fn drop_next(dir: &dyn Dir) -> Result<()> {
    dir.unlink(NEXT_KEY)
        .map_err(Error::io("remove", NEXT_KEY))?;
    dir.sync_dir("").map_err(Error::io("sync", NEXT_KEY))
}

/// What became of a log's verifier key.
type Followed = std::result::Result<VerifierKey, NoteError>;

/// What declares the newest key.
fn declared(keys: &VerifierKey) -> Declared {
    let newest = keys.successions().next();
    Declared::succession(newest.unwrap_or_else(|| Succession {
        key: keys.to_string(),
        until: 0,
        given_up_beyond: None,
        earlier: String::new(),
    }))
}

impl Log {
    /// Makes a key to follow the log's. What [`Rotation::declared`] gives must be the next entry; then
    /// [`Log::finish_rotation`] is due, whatever came of the entry.
    ///
    /// # Errors
    /// [`Error::NoSpace`] leaves everything as it was. As many keys as a log can have; any other error
    /// poisons the log.
    pub fn begin_rotation(&mut self) -> Result<Rotation> {
        let until = self.tree.size() + 1;
        self.begin(|key, keys, next| key.hand_over(keys, next, until))
    }

    /// As [`Log::begin_rotation`], for a log that was restored from an older copy: what its key had signed
    /// of more than `kept` entries is given up; where that is not said, of more than there are.
    ///
    /// # Errors
    /// Those of [`Log::begin_rotation`]; entries that are kept and not there, or were under an earlier key.
    pub fn begin_restart(&mut self, kept: Option<u64>) -> Result<Rotation> {
        let until = self.tree.size();
        let kept = kept.unwrap_or(until);
        self.begin(|key, keys, next| key.restart(keys, next, until, kept))
    }

    fn begin(
        &mut self,
        follow: impl FnOnce(&SigningKey, &VerifierKey, &SigningKey) -> Followed,
    ) -> Result<Rotation> {
        self.check()?;
        let of_key = |source| Error::Note {
            path: KEY.to_owned(),
            source,
        };
        let next = SigningKey::generate(self.keys.name()).map_err(of_key)?;
        let keys = follow(&self.key, &self.keys, &next).map_err(of_key)?;
        let rotation = Rotation { next, keys };
        let written = rotation.write(&*self.dir);
        self.guard(written)?;
        Ok(rotation)
    }

    /// Lets the new key follow, where its declaration is durable.
    ///
    /// # Errors
    /// Where it is not, [`Error::Poisoned`]: who opens the log finds out what became of it. Any other
    /// error poisons the log, too.
    pub fn finish_rotation(&mut self, rotation: Rotation) -> Result<()> {
        self.check()?;
        let is_durable = self.checkpoint.size == rotation.declared_size();
        let finished = match is_durable {
            true => rotation.finish(&*Arc::clone(&self.dir)),
            false => Err(Error::Poisoned),
        };
        self.guard(finished)?;
        self.key = rotation.next;
        self.keys = rotation.keys;
        self.checkpoint = self.key.sign(self.checkpoint.size, self.checkpoint.root);
        Ok(())
    }
}
