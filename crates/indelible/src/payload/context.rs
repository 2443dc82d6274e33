//! What surrounds a process that caused an event (kind 9): names, ancestry, unit, container.
//!
//! An entry speaks of the event that it names and of the later ones of the same process, until
//! another entry of that process comes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::VERSION;

/// The context of a process from one event on. What is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Context {
    pub(crate) v: u8,
    /// Hexadecimal.
    pub(crate) boot_id: String,
    /// The event's time, ms since 1970.
    pub(crate) time_ms: u64,
    /// The event's serial.
    pub(crate) serial: u32,
    /// Stream whose records were read, and the last sequence number of them.
    pub(crate) read: ReadUpTo,
    /// The process itself.
    pub(crate) process: Process,
    /// Its parent, and that one's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) parents: Vec<Process>,
    /// Names of the users that the event's record names by number, as this host resolves them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) users: BTreeMap<u32, String>,
    /// Names of its groups.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) groups: BTreeMap<u32, String>,
    /// The systemd unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
    /// The container's id, as its runtime named the control group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) container: Option<String>,
}

/// How far a stream was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadUpTo {
    /// Hexadecimal.
    pub(crate) stream: String,
    pub(crate) sequence: u64,
}

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Its program, where a record said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exe: Option<String>,
    /// Its arguments; bytes that are no UTF-8 are replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) argv: Vec<String>,
    /// There were more arguments, or longer ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) argv_cut: bool,
    /// The script that an interpreter runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) script: Option<String>,
    /// Variables of its environment that the host records (`[inspect]`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) environment: BTreeMap<String, String>,
    /// SHA-256 of the file that it runs, hexadecimal (`[inspect]`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exe_sha256: Option<String>,
    /// When it started, ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started_ms: Option<u64>,
}

impl Context {
    pub(crate) fn of_event(boot_id: &str, time_ms: u64, serial: u32) -> Self {
        Self {
            v: VERSION,
            boot_id: boot_id.to_owned(),
            time_ms,
            serial,
            ..Self::default()
        }
    }
}
