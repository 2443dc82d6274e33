//! Suppressions: findings of which nobody is told for a while, because somebody said why.
//!
//! A suppression is a file that `detect suppress` leaves; the detections find it there, write an
//! entry about it (kind 10), and heed it from then on, until it expires or its file is gone. What is
//! suppressed is still recorded, with the suppression's id.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::limits::{SUPPRESSION_BYTES_MAX, SUPPRESSIONS_MAX};
use super::state::{Folder, replace};
use crate::payload::finding::Finding;
use crate::payload::operator::Action;

/// What is not told, until when, who says so and why. What is left out matches anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suppression {
    /// Random; names its file.
    pub(crate) id: String,
    /// Id of the finding: a detection's or a rule's.
    pub(crate) finding: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exe: Option<String>,
    /// Text that the reason holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) contains: Option<String>,
    pub(crate) reason: String,
    /// Who asked for it: `uid:N`.
    pub(crate) principal: String,
    /// ms since 1970.
    pub(crate) until_ms: u64,
}

impl Suppression {
    /// As the log has it.
    pub(super) fn action(&self) -> Action {
        Action::Suppress {
            suppression: self.id.clone(),
            finding: self.finding.clone(),
            host: self.host.clone(),
            exe: self.exe.clone(),
            contains: self.contains.clone(),
            until_ms: self.until_ms,
        }
    }

    /// Whether a finding is not to be told at a time.
    pub(super) fn covers(&self, finding: &Finding, now_ms: u64) -> bool {
        let is =
            |wanted: &Option<String>, value: &Option<String>| wanted.is_none() || wanted == value;
        now_ms < self.until_ms
            && self.finding == finding.id
            && (is(&self.host, &finding.host) || is(&self.host, &finding.peer))
            && is(&self.exe, &finding.exe)
            && self
                .contains
                .as_ref()
                .is_none_or(|text| finding.why.contains(text))
    }
}

impl Folder {
    /// Leaves a suppression for the detections.
    pub(crate) fn suppress(&self, suppression: &Suppression) -> Result<()> {
        let name = format!("{}.json", suppression.id);
        let path = self.suppressions().join(name);
        replace(&path, &serde_json::to_vec(suppression)?)
    }

    /// Takes a suppression back.
    pub(crate) fn unsuppress(&self, id: &str) -> Result<()> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            bail!("{id:?} is no suppression; `detect suppressions` lists them");
        }
        let path = self.suppressions().join(format!("{id}.json"));
        fs::remove_file(&path).with_context(|| {
            format!(
                "cannot remove {}; `detect suppressions` lists them",
                path.display()
            )
        })
    }

    /// All that are there, by their ids. A file that is none is told and left.
    pub(crate) fn suppressions_left(&self) -> Result<BTreeMap<String, Suppression>> {
        let folder = self.suppressions();
        let shown = || format!("cannot list {}", folder.display());
        let mut all = BTreeMap::new();
        for item in fs::read_dir(&folder).with_context(shown)? {
            let path = item.with_context(shown)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            if all.len() == SUPPRESSIONS_MAX {
                tracing::warn!("more than {SUPPRESSIONS_MAX} suppressions; the rest do not count");
                break;
            }
            match read(&path) {
                Ok(Some(suppression)) => {
                    all.insert(suppression.id.clone(), suppression);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!("{error:#}"),
            }
        }
        Ok(all)
    }
}

/// `None` where it is gone meanwhile.
fn read(path: &std::path::Path) -> Result<Option<Suppression>> {
    let shown = || format!("cannot read {}", path.display());
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.with_context(shown)?,
    };
    let mut bytes = Vec::new();
    file.take(SUPPRESSION_BYTES_MAX)
        .read_to_end(&mut bytes)
        .with_context(shown)?;
    let suppression: Suppression = serde_json::from_slice(&bytes).with_context(shown)?;
    if path.file_stem().is_none_or(|stem| *stem != *suppression.id) {
        bail!("{} holds a suppression of another id", path.display());
    }
    Ok(Some(suppression))
}

#[cfg(test)]
mod tests {
    use indelible_detect::sigma::Level;

    use super::*;
    use crate::payload::finding::Finder;

    fn suppression(id: &str) -> Suppression {
        Suppression {
            id: id.into(),
            finding: "log-clearing".into(),
            host: Some("web1".into()),
            exe: None,
            contains: Some("/var/log/app".into()),
            reason: "known".into(),
            principal: "uid:0".into(),
            until_ms: 100,
        }
    }

    #[test]
    fn a_suppression_covers_what_it_names_until_it_expires() {
        let suppression = suppression("a");
        let named = |id: &str, why: &str| {
            let mut finding = Finding::new((id, Finder::Builtin), Level::High, "t", why);
            finding.host = Some("web1".into());
            finding
        };
        let finding = named("log-clearing", "rm removed /var/log/app/x");
        assert!(suppression.covers(&finding, 99));
        assert!(!suppression.covers(&finding, 100));
        // By the name in the certificate as well as by what the machine calls itself.
        let mut certified = finding;
        certified.host = Some("localhost".into());
        assert!(!suppression.covers(&certified, 99));
        certified.peer = Some("web1".into());
        assert!(suppression.covers(&certified, 99));
        assert!(!suppression.covers(&named("log-clearing", "rm removed /x"), 1));
        assert!(!suppression.covers(&named("time-change", "/var/log/app"), 1));
    }

    #[test]
    fn suppressions_come_back_and_others_files_do_not_count() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::create(place.path()).unwrap();
        folder.suppress(&suppression("a1")).unwrap();
        let left = folder.suppressions_left().unwrap();
        assert_eq!(left["a1"], suppression("a1"));
        fs::write(folder.suppressions().join("b.json"), "{}").unwrap();
        fs::copy(
            folder.suppressions().join("a1.json"),
            folder.suppressions().join("c.json"),
        )
        .unwrap();
        assert_eq!(folder.suppressions_left().unwrap().len(), 1);
        assert!(folder.unsuppress("../state").is_err());
        folder.unsuppress("a1").unwrap();
        assert_eq!(folder.suppressions_left().unwrap().len(), 0);
    }
}
