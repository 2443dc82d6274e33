//! What a migration changed, and what was there before.
//!
//! ```text
//! /etc/indelible/migration/
//!   record.json   {"v":1,"files":[{"path","former","now"}],"units":[{"unit","enabled","active"}]}
//!   former/N      a file as it was
//! ```
//! `former` and `now` are SHA-256 of the contents, null where there is no file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::found::{at, read};
use super::plan::{Plan, is_of_rsyslog, write};
use super::units::State;

/// The folder of the record.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
}

/// The record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    v: u8,
    files: Vec<Changed>,
    pub(crate) units: Vec<State>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    path: PathBuf,
    former: Option<String>,
    now: Option<String>,
}

impl Record {
    pub(crate) fn changes_rsyslog(&self) -> bool {
        is_of_rsyslog(self.files.iter().map(|file| file.path.as_path()))
    }
}

impl Journal {
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            folder: at(root, "/etc/indelible/migration"),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn exists(&self) -> bool {
        self.folder.join("record.json").exists()
    }

    /// Keeps what is there, before anything is changed.
    pub(crate) fn begin(&self, root: &Path, plan: &Plan, units: Vec<State>) -> Result<()> {
        let mut files = Vec::new();
        for (number, change) in plan.changes.iter().enumerate() {
            let former = read(&at(root, &change.path))?;
            if let Some(bytes) = &former {
                write(&self.former(number), bytes)?;
            }
            files.push(Changed {
                path: change.path.clone(),
                former: former.as_deref().map(hash),
                now: change.content.as_deref().map(hash),
            });
        }
        let record = Record { v: 1, files, units };
        let text = serde_json::to_vec_pretty(&record)?;
        // Written last: what it names is there.
        write(&self.folder.join("record.json"), &text)
    }

    pub(crate) fn read(&self) -> Result<Record> {
        let path = self.folder.join("record.json");
        let bytes = read(&path)?.context("the record of the migration is gone")?;
        let record: Record = serde_json::from_slice(&bytes)
            .with_context(|| format!("cannot understand {}", path.display()))?;
        ensure!(
            record.v == 1,
            "{} is of a newer version ({})",
            path.display(),
            record.v
        );
        Ok(record)
    }

    /// Puts the files back, the last changed first. One that is neither as it was nor as the
    /// migration left it was edited: it is kept beside, and told.
    pub(crate) fn restore(&self, root: &Path, record: &Record) -> Result<Vec<String>> {
        let mut kept = Vec::new();
        for (number, file) in record.files.iter().enumerate().rev() {
            let path = at(root, &file.path);
            let found = read(&path)?;
            let found_hash = found.as_deref().map(hash);
            if found_hash == file.former {
                continue;
            }
            if let Some(bytes) = found.filter(|_| found_hash != file.now) {
                let mut name = path.file_name().unwrap_or_default().to_owned();
                name.push(".indelible-edited");
                let beside = path.with_file_name(name);
                write(&beside, &bytes)?;
                kept.push(format!(
                    "{} was edited: kept as {}",
                    path.display(),
                    beside.display()
                ));
            }
            match &file.former {
                Some(expected) => {
                    let former = read(&self.former(number))?
                        .filter(|bytes| hash(bytes) == *expected)
                        .with_context(|| format!("what {} was is gone", path.display()))?;
                    write(&path, &former)?;
                }
                None => fs::remove_file(&path)
                    .with_context(|| format!("cannot remove {}", path.display()))?,
            }
        }
        Ok(kept)
    }

    /// Forgets the migration.
    pub(crate) fn end(&self) -> Result<()> {
        let shown = || format!("cannot remove {}", self.folder.display());
        fs::remove_file(self.folder.join("record.json")).with_context(shown)?;
        fs::remove_dir_all(&self.folder).with_context(shown)
    }

    fn former(&self, number: usize) -> PathBuf {
        self.folder.join("former").join(number.to_string())
    }
}

fn hash(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
