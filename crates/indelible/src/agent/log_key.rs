//! The collector's verifier key, which may be followed by others: the newest that followed the one that
//! was configured is kept, so that what an older one signs is refused for ever.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indelible_log::VerifierKey;

use crate::files;

/// The key, and the file that it is kept in.
#[derive(Debug)]
pub(super) struct LogKey {
    path: PathBuf,
    key: VerifierKey,
}

impl LogKey {
    /// The configured key, or what followed it as the file knows.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn open(path: &Path, configured: VerifierKey) -> Result<Self> {
        let shown = || format!("cannot use the log's key in {}", path.display());
        let kept = match std::fs::read_to_string(path) {
            Ok(text) => Some(VerifierKey::parse(text.trim_end()).with_context(shown)?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(shown),
        };
        Ok(Self {
            path: path.to_owned(),
            key: configured.or_successor(kept.as_ref()),
        })
    }

    /// The key.
    pub(super) fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Takes a key that the collector shows, if it is this one or followed it; whether it is.
    ///
    /// # Errors
    /// A file that cannot be written: the key stays what it was.
    pub(super) fn follow(&mut self, text: &str) -> Result<bool> {
        let Some(shown) = VerifierKey::parse(text)
            .ok()
            .filter(|shown| self.key.accepts(shown))
        else {
            return Ok(false);
        };
        let newest = self.key.or_successor(Some(&shown));
        if newest != self.key {
            files::replace(
                &self.path,
                0o644,
                format!("{}\n", newest.to_text()).as_bytes(),
            )
            .with_context(|| format!("cannot write {}", self.path.display()))?;
            self.key = newest;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use indelible_log::SigningKey;

    use super::*;

    #[test]
    fn what_followed_is_kept_and_what_was_is_not_believed_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.vkey");
        let new = |seed| SigningKey::from_seed("log.example/a", [seed; 32]).unwrap();
        let (a, b, thief) = (new(1), new(2), new(3));
        let of_a = a.verifier().clone();
        let of_b = a.hand_over(&of_a, &b, 10).unwrap();
        let forked = a.hand_over(&of_a, &thief, 12).unwrap();
        let mut kept = LogKey::open(&path, of_a.clone()).unwrap();
        assert!(!kept.follow("nonsense").unwrap());
        assert!(!kept.follow(&thief.verifier().to_text()).unwrap());
        assert!(kept.follow(&of_a.to_text()).unwrap());
        assert!(kept.follow(&of_b.to_text()).unwrap());
        let mut kept = LogKey::open(&path, of_a.clone()).unwrap();
        assert_eq!(kept.key(), &of_b);
        assert!(!kept.follow(&forked.to_text()).unwrap());
        assert!(!kept.follow(&of_a.to_text()).unwrap());
        // A host that was enrolled anew with another log starts from its key.
        assert_eq!(
            LogKey::open(&path, thief.verifier().clone()).unwrap().key(),
            thief.verifier()
        );
    }
}
