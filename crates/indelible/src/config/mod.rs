//! Configuration files: TOML in kebab-case, unknown keys refused. Drop-ins win over the file, the
//! environment over both, flags over all (`layers`).

pub(crate) mod agent;
pub(crate) mod collector;
pub(crate) mod defaults;
pub(crate) mod detections;
pub(crate) mod disk;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod layers;
pub(crate) mod node;
pub(crate) mod outputs;
pub(crate) mod receivers;
pub(crate) mod retention;
pub(crate) mod selection;
#[cfg(test)]
mod shape;
pub(crate) mod typed;
pub(crate) mod witnesses;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use layers::{Configuration, Credentials, Mistake};
use node::Node;

pub(crate) use agent::{
    AgentConfig, Capture, CollectorAddress, MetricsAddress, SourceConfig, SpoolLimits, WhenFull,
};
pub(crate) use collector::CollectorConfig;
pub(crate) use detections::DetectionsConfig;
pub(crate) use inspect::InspectConfig;

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

impl TlsFiles {
    fn all(&self) -> [&Path; 3] {
        [&self.ca, &self.certificate, &self.key]
    }
}

/// Which of these files are not there. Credentials are there only for the unit that has them.
fn missing<'a>(files: impl IntoIterator<Item = &'a Path>) -> Vec<String> {
    files
        .into_iter()
        .filter(|path| !path.to_string_lossy().starts_with("credential:") && !path.exists())
        .map(|path| path.display().to_string())
        .collect()
}

/// An address to listen on, of a flag.
pub(crate) fn listened_on(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| no_address(text))
}

fn no_address(text: &str) -> String {
    format!(
        "{text:?} is no address to listen on: an IP address and a port, as 127.0.0.1:6514, \
         or 0.0.0.0:6514 for all of this machine"
    )
}

/// Where the packages put the agent's.
pub(crate) const INSTALLED_AGENT: &str = "/etc/indelible/agent.toml";
/// Where they put the collector's.
pub(crate) const INSTALLED_COLLECTOR: &str = "/etc/indelible/collector.toml";

/// Reads a configuration file with what is laid over it; errors carry line and column.
pub(crate) fn read<T: Configuration>(path: &Path) -> Result<T> {
    let environment: Vec<_> = std::env::vars_os().collect();
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let credentials = Credentials::In(folder.as_deref());
    let node = layers::read(path, T::NAME, &environment, credentials)
        .context("the configuration cannot be used")?;
    typed(&node).context("the configuration cannot be used")
}

/// What a configuration as it was written means.
pub(crate) fn typed<T: Configuration>(node: &Node) -> Result<T, Mistake> {
    typed::read(node).map_err(|misfit| Mistake {
        origin: misfit.origin.unwrap_or_else(|| node.origin.clone()),
        message: misfit.message,
    })
}
