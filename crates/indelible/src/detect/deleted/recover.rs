//! Copies of the files that run, for whoever must examine them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::candidate::Candidate;
use super::{Found, limits, show};

/// A folder with one file per image, and a manifest.
pub(super) struct Recovery {
    folder: PathBuf,
    manifest: File,
}

impl Recovery {
    /// Makes the folder, readable by nobody else, and opens its manifest.
    pub(super) fn into(folder: &Path) -> Result<Self> {
        let shown = || format!("cannot recover into {}", folder.display());
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other.with_context(shown)?,
        }
        let manifest = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(folder.join(MANIFEST))
            .with_context(shown)?;
        Ok(Self {
            folder: folder.to_owned(),
            manifest,
        })
    }

    /// Copies the bytes that run, unless a copy is there, and adds a line to the manifest.
    pub(super) fn copy(&mut self, candidate: &Candidate, found: &Found) -> Result<Option<PathBuf>> {
        let Some(sha256) = &found.sha256 else {
            return Ok(None);
        };
        let target = self.folder.join(format!("{sha256}.bin"));
        if !target.exists() {
            // The process may end at any time; the finding stands without a copy then.
            let Ok(image) = candidate.open() else {
                return Ok(None);
            };
            self.write(image, &target)
                .with_context(|| format!("cannot write {}", target.display()))?;
        }
        let mut line = show::json_of(found);
        line["recovered"] = target.to_string_lossy().into();
        writeln!(self.manifest, "{line}").context("cannot write the manifest")?;
        Ok(Some(target))
    }

    /// Under a temporary name first, so that a name that is a digest is always true.
    fn write(&self, image: File, target: &Path) -> io::Result<()> {
        let mut temporary = tempfile::Builder::new()
            .prefix(".recovering-")
            .tempfile_in(&self.folder)?;
        io::copy(&mut image.take(limits::IMAGE_BYTES_MAX), &mut temporary)?;
        temporary.as_file().sync_all()?;
        fs::set_permissions(
            temporary.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o400),
        )?;
        temporary.persist(target).map_err(|error| error.error)?;
        Ok(())
    }

    /// Makes the copies and the manifest durable.
    pub(super) fn finish(self) -> Result<()> {
        self.manifest.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        Ok(())
    }
}

/// One finding per line, as `--format json` shows it, with the place of its copy.
const MANIFEST: &str = "manifest.ndjson";
