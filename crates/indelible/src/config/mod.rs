//! Configuration files: TOML in kebab-case, unknown keys refused. Flags win over the file.

pub(crate) mod agent;
pub(crate) mod collector;
pub(crate) mod receivers;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) use agent::{
    AgentConfig, Capture, CollectorAddress, SourceConfig, SpoolLimits, WhenFull,
};
pub(crate) use collector::CollectorConfig;

/// The files of one side of a mutually authenticated connection, as PEM.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TlsFiles {
    /// Certificates of the authority that signed the other side's.
    pub(crate) ca: PathBuf,
    /// Own certificate chain.
    pub(crate) certificate: PathBuf,
    /// Own private key.
    pub(crate) key: PathBuf,
}

/// Reads a configuration file; errors carry line and column.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}
