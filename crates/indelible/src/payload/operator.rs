//! Something an operator did, or had done (kind 10).

use serde::{Deserialize, Serialize};

use super::VERSION;

/// An action with who asked for it and why. Removals and erasures are [`indelible_log::retention::Declared`].
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OperatorAction<'a, T> {
    v: u8,
    /// `uid:N` of a command on this host, `token:NAME` or `certificate:NAME` of a reader
    /// over HTTP, `collector` itself; none
    /// where a process of ours saw what was done to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(flatten)]
    action: &'a T,
}

impl<'a, T: Serialize> OperatorAction<'a, T> {
    pub(crate) fn new(principal: &'a str, reason: Option<&'a str>, action: &'a T) -> Self {
        Self {
            v: VERSION,
            principal: Some(principal),
            reason,
            action,
        }
    }

    /// Something that was done to the process that says so.
    pub(crate) fn seen(action: &'a T) -> Self {
        Self {
            v: VERSION,
            principal: None,
            reason: None,
            action,
        }
    }
}

/// Actions that need no declaration of the log's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Action {
    /// Entries of a host are held: retention keeps them, and they cannot be erased.
    HoldAdd {
        /// Name of the hold.
        hold: String,
        /// The host's name in its certificate, or its address.
        host: String,
        /// RFC 3339, or none for all before `until`.
        since: Option<String>,
        /// RFC 3339, or none for all after `since`.
        until: Option<String>,
    },
    /// A hold ends.
    HoldRemove {
        /// Name of the hold.
        hold: String,
    },
    /// A search over HTTP.
    Search {
        /// What was asked for.
        query: String,
    },
    /// Entries were written to files.
    Export {
        /// What was asked for.
        query: String,
        /// Form of the files.
        format: String,
        /// Events or messages written.
        rows: u64,
        /// SHA-256 of the manifest, hexadecimal.
        manifest_sha256: String,
    },
    /// A proof, or a consistency proof, was read over HTTP.
    Proof {
        /// The path that was asked for.
        path: String,
    },
    /// Another program took capture's place.
    CaptureUpgraded {
        /// For people.
        detail: String,
    },
    /// Findings of detections are not told for a while.
    Suppress {
        /// Its id.
        suppression: String,
        /// Id of the findings.
        finding: String,
        /// Only those about this host.
        host: Option<String>,
        /// Only those about this program.
        exe: Option<String>,
        /// Only those whose reason holds this text.
        contains: Option<String>,
        /// ms since 1970.
        until_ms: u64,
    },
    /// A suppression was taken back.
    Unsuppress {
        /// Its id.
        suppression: String,
    },
    /// Other reads of one principal over HTTP, summed up over a minute.
    Reads {
        /// How many.
        count: u64,
    },
}
