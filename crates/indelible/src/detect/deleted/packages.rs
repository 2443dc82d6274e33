//! What the host's package managers know of paths and of bytes.
//!
//! Only asked for the few candidates of a scan. A database that an intruder with root has edited
//! says what they want; what it explains is always printed with the finding.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use indelible_detect::deleted::Owner;
use indelible_sys::proc::FileId;

use super::candidate::Candidate;
use super::digest::Digests;
use super::{dpkg, rpm};

/// A file as a package manager lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) package: String,
    pub(super) unpacked_s: Option<u64>,
    pub(super) digest: Option<Known>,
    pub(super) same_version: Option<bool>,
}

/// The digest of a file in a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Md5([u8; 16]),
    Sha256([u8; 32]),
}

impl Known {
    fn is_of(self, digests: &Digests) -> bool {
        match self {
            Self::Md5(md5) => md5 == digests.md5,
            Self::Sha256(sha256) => sha256 == digests.sha256,
        }
    }
}

/// The answers for all candidates of a scan.
#[derive(Debug, Default)]
pub(super) struct Packages {
    listed: BTreeMap<Vec<u8>, Listed>,
    /// Digests of what stands at those paths now.
    present: BTreeMap<Vec<u8>, Digests>,
    /// Installed files with the bytes of a candidate: package and path.
    twins: HashMap<[u8; 16], (String, String)>,
}

impl Packages {
    /// Asks for every candidate that lives in this host's file system.
    pub(super) fn of(candidates: &[Candidate], digests: &HashMap<FileId, Digests>) -> Self {
        let wanted: BTreeSet<Vec<u8>> = candidates
            .iter()
            .filter(|candidate| candidate.on_host)
            .map(|candidate| candidate.unmarked_path().to_vec())
            .collect();
        if wanted.is_empty() && digests.is_empty() {
            return Self::default();
        }
        let bytes: BTreeSet<[u8; 16]> = digests.values().map(|digests| digests.md5).collect();
        let database = dpkg::Database::at(Path::new(dpkg::FOLDER));
        let mut packages = Self {
            listed: database.listed(&wanted),
            twins: database.twins(&bytes),
            present: BTreeMap::new(),
        };
        for path in &wanted {
            if !packages.listed.contains_key(path)
                && let Some(listed) = rpm::listed(path)
            {
                packages.listed.insert(path.clone(), listed);
            }
        }
        for path in packages.listed.keys() {
            let file = Path::new(std::ffi::OsStr::from_bytes(path));
            // A pipe that stands there would make the scan wait.
            if file.symlink_metadata().is_ok_and(|file| file.is_file())
                && let Some(digests) = File::open(file)
                    .ok()
                    .and_then(|file| Digests::of(file).ok())
            {
                packages.present.insert(path.clone(), digests);
            }
        }
        packages
    }

    /// The package that owns the candidate's path.
    pub(super) fn owner(&self, candidate: &Candidate, digests: Option<&Digests>) -> Option<Owner> {
        if !candidate.on_host {
            return None;
        }
        let path = candidate.unmarked_path();
        let listed = self.listed.get(path)?;
        let is_genuine = |digests: &Digests| Some(listed.digest?.is_of(digests));
        Some(Owner {
            package: listed.package.clone(),
            unpacked_s: listed.unpacked_s,
            path_is_genuine: self.present.get(path).and_then(is_genuine),
            image_is_genuine: digests.and_then(is_genuine),
            same_version: listed.same_version,
        })
    }

    /// Package and path of an installed file with these bytes.
    pub(super) fn twin(&self, digests: &Digests) -> Option<(&str, &str)> {
        let (package, path) = self.twins.get(&digests.md5)?;
        Some((package, path))
    }
}
