//! Procedures: shell scripts that do what an intruder does, or what looks like it, as data in
//! `tests/detections/procedures`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The procedures of one detection.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Procedures {
    /// The detection.
    pub(super) detection: String,
    /// What is loaded, in auditctl's language: nothing but what a login of [`AUID`] does. Sets that were
    /// written later have those of the first.
    #[serde(default)]
    pub(super) rules: Vec<String>,
    /// They change the whole host and not a folder: they are done on a machine of their own.
    #[serde(default)]
    pub(super) needs_machine: bool,
    /// What must be there before: run once, without a login.
    #[serde(default)]
    pub(super) prepare: String,
    /// The cases change the kernel's audit: it is put back before each.
    #[serde(default)]
    pub(super) resets: bool,
    #[serde(rename = "case", default)]
    pub(super) cases: Vec<Case>,
}

/// One procedure.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// What has to be found.
    pub(super) expect: Vec<String>,
    /// A script for /bin/sh.
    pub(super) run: String,
}

/// All of them, in the order of their files' names.
pub(super) fn read_all(folder: &Path) -> Result<Vec<Procedures>> {
    super::files(folder)?
        .iter()
        .map(|path| {
            let procedures = read(path)?;
            for rule in &procedures.rules {
                anyhow::ensure!(
                    rule.contains(&format!("-F auid={AUID}")),
                    "{}: {rule:?} is not held to the login {AUID}",
                    path.display()
                );
            }
            Ok(procedures)
        })
        .collect()
}

/// Those of one file.
pub(super) fn read(path: &Path) -> Result<Procedures> {
    let shown = || format!("cannot read {}", path.display());
    let text = fs::read_to_string(path).with_context(shown)?;
    toml::from_str(&text).with_context(shown)
}

/// The procedures of a later set, with the rules and the preparation of those of the first.
pub(super) fn read_later(folder: &Path, others: Vec<Procedures>) -> Result<Vec<Procedures>> {
    let mut all = read_all(folder)?;
    let mut others = others;
    for one in &mut all {
        let known = others
            .iter_mut()
            .find(|other| other.detection == one.detection)
            .with_context(|| format!("there are no procedures of {}", one.detection))?;
        one.rules = std::mem::take(&mut known.rules);
        one.resets = known.resets;
        one.needs_machine = known.needs_machine;
        one.prepare = format!("{}\n{}", known.prepare, one.prepare);
    }
    Ok(all)
}

/// The login of all procedures: rules are held to it, so that nothing else is recorded.
pub(super) const AUID: u32 = 4242;
