//! What the agent's optional helper may read of processes.

use serde::Deserialize;

/// `[inspect]`: a helper with the privileges for it reads more of each process, where the table is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct InspectConfig {
    /// Variables of a process's environment that are recorded where they are set. Nothing else of an
    /// environment leaves the helper. `LD_PRELOAD`, `LD_AUDIT` and `LD_LIBRARY_PATH` unless given.
    pub(crate) environment: Vec<String>,
    /// Whether the file that a process runs is hashed (SHA-256).
    pub(crate) hash: bool,
    /// Larger files are not hashed, in bytes.
    pub(crate) hash_bytes_max: u64,
}

impl Default for InspectConfig {
    fn default() -> Self {
        Self {
            environment: LOADER.iter().map(|name| (*name).to_owned()).collect(),
            hash: true,
            hash_bytes_max: 256 << 20,
        }
    }
}

/// What has the dynamic linker load other code than the program asks for.
const LOADER: &[&str] = &["LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH"];
