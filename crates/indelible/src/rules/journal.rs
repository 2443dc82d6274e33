//! Where the journal of a load stands while the load is under way.
//!
//! ```text
//! FOLDER/rules.journal   the load that is under way; absent otherwise
//! FOLDER/rules.lock      held by the one load that may be under way
//! ```
//!
//! Rules do not outlive a boot, so the folder may be one that does not either.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indelible_rules::Rule;
use indelible_rules::compile::hexadecimal;
use indelible_rules::journal::Journal;
use indelible_sys::host::Host;
use indelible_sys::lock::FileLock;
use tempfile::NamedTempFile;

use super::limits::JOURNAL_BYTES_MAX;

/// The folder of the journal, locked.
#[derive(Debug)]
pub(super) struct JournalFolder {
    path: PathBuf,
    boot: String,
    _lock: FileLock,
}

impl JournalFolder {
    /// Creates the folder where it is missing and waits for a load that is under way.
    pub(super) fn lock(path: &Path) -> Result<Self> {
        let shown = path.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot create {shown}"))?;
        let lock = FileLock::wait(&path.join("rules.lock"))?;
        Ok(Self {
            path: path.to_owned(),
            boot: hexadecimal(&Host::current()?.boot_id),
            _lock: lock,
        })
    }

    /// The load of this boot that was cut short, if there is one.
    pub(super) fn unfinished(&self) -> Result<Option<Journal>> {
        let path = self.journal();
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => file.take(JOURNAL_BYTES_MAX).read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let journal = Journal::decode(&bytes).with_context(|| {
            let shown = path.display();
            format!("cannot read {shown} (remove it to start from what is loaded)")
        })?;
        Ok((journal.boot == self.boot).then_some(journal))
    }

    /// Writes down a load before its first step; durable on return.
    pub(super) fn begin(&self, before: &[Rule], wanted: &[Rule]) -> Result<()> {
        let journal = Journal {
            boot: self.boot.clone(),
            before: before.to_vec(),
            wanted: wanted.to_vec(),
        };
        let mut file = NamedTempFile::new_in(&self.path)?;
        file.write_all(&journal.encode()?)?;
        file.as_file().sync_all()?;
        file.persist(self.journal())?;
        Ok(File::open(&self.path)?.sync_all()?)
    }

    /// Forgets the load: it is done, or undone.
    pub(super) fn end(&self) -> Result<()> {
        match fs::remove_file(self.journal()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn journal(&self) -> PathBuf {
        self.path.join("rules.journal")
    }
}
