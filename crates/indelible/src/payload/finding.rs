//! What somebody must look at (kind 8): what a detection says, with the entries that show it.

use std::collections::BTreeMap;

use indelible_detect::sigma::Level;
use serde::{Deserialize, Serialize};

use super::VERSION;

/// A finding. What is not known is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Finding {
    v: u8,
    /// What was found: the name of a detection of ours, or the id of a Sigma rule. Stable.
    pub(crate) id: String,
    /// Who says so.
    pub(crate) by: Finder,
    /// How bad it is.
    #[serde(with = "level")]
    pub(crate) level: Level,
    /// What `id` finds.
    pub(crate) title: String,
    /// What was seen, in a sentence. Holds text that an attacker chose.
    pub(crate) why: String,
    /// Techniques of ATT&CK.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) techniques: Vec<String>,
    /// The host that it is about, by the name in its certificate; only a collector knows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<String>,
    /// The host that it is about, as the machine calls itself; the writer of the stream where there is
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// The events that show it, oldest first; the last one decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) events: Vec<EventSeen>,
    /// The process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<u32>,
    /// Its program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exe: Option<String>,
    /// Who had logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auid: Option<u32>,
    /// More values, by their names; those of a Sigma rule by the rule's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) fields: BTreeMap<String, String>,
    /// Whose rule it is, for Sigma.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<RuleSource>,
    /// The suppression because of which nobody was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) suppressed: Option<String>,
}

/// Who finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Finder {
    /// The process that reads the kernel's records.
    Capture,
    /// The collector, of what it stores and of who sends.
    Collector,
    /// A built-in detection.
    Builtin,
    /// A Sigma rule.
    Sigma,
    /// The count of tries to get in over ssh.
    Ssh,
    /// Whoever runs the detections, of what it does itself.
    Detections,
}

/// An event, and the entries that hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventSeen {
    /// ms since 1970: the event's own time.
    pub(crate) time_ms: u64,
    /// The kernel's number of an audit event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) serial: Option<u64>,
    /// Where it stands; among them may be entries of other events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entries: Option<EntriesSeen>,
}

/// Entries `first` to `last` of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntriesSeen {
    /// Hexadecimal.
    pub(crate) stream: String,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// What a Sigma rule says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuleSource {
    pub(crate) author: Option<String>,
    pub(crate) license: String,
    /// Below the folder of rules.
    pub(crate) file: String,
}

/// A finding that the product itself knows of, beside those of detections.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) id: &'static str,
    pub(crate) by: Finder,
    pub(crate) level: Level,
    pub(crate) title: &'static str,
}

/// Another process switched auditing off.
pub(crate) static AUDIT_DISABLED: Known = Known {
    id: "audit-disabled",
    by: Finder::Capture,
    level: Level::Critical,
    title: "Another process switched auditing off",
};

/// Another process switched auditing on, or locked it.
pub(crate) static AUDIT_ENABLED: Known = Known {
    id: "audit-enabled",
    by: Finder::Capture,
    level: Level::Informational,
    title: "Another process switched auditing on, or locked it",
};

/// Another process changed how the kernel audits.
pub(crate) static AUDIT_RECONFIGURED: Known = Known {
    id: "audit-reconfigured",
    by: Finder::Capture,
    level: Level::Medium,
    title: "Another process changed how the kernel audits",
};

/// The kernel's audit daemon is another process.
pub(crate) static REGISTRATION_TAKEN: Known = Known {
    id: "registration-taken",
    by: Finder::Capture,
    level: Level::High,
    title: "Another process took the kernel's records over",
};

/// A level of the disk was reached for which the site demands something.
pub(crate) static DISK_SHORT: Known = Known {
    id: "disk-short",
    by: Finder::Capture,
    level: Level::High,
    title: "The disk of a host's spool fills up or fails",
};

/// Holes in the serials.
pub(crate) static EVENTS_MISSING: Known = Known {
    id: "events-missing",
    by: Finder::Collector,
    level: Level::Medium,
    title: "Serials of a host are missing: its kernel emitted events that are not here",
};

/// The kernel lost records.
pub(crate) static RECORDS_LOST: Known = Known {
    id: "records-lost",
    by: Finder::Collector,
    level: Level::Medium,
    title: "A kernel lost records that its host did not account for",
};

/// Nothing comes from a host.
pub(crate) static HOST_SILENT: Known = Known {
    id: "host-silent",
    by: Finder::Collector,
    level: Level::High,
    title: "A host is not heard any more",
};

/// Something comes from it again.
pub(crate) static HOST_BACK: Known = Known {
    id: "host-back",
    by: Finder::Collector,
    level: Level::Low,
    title: "A host is heard again",
};

/// A clock was set.
pub(crate) static CLOCK_STEPPED: Known = Known {
    id: "clock-stepped",
    by: Finder::Collector,
    level: Level::Low,
    title: "A clock was set",
};

/// A stream is shorter than its host says.
pub(crate) static ENTRIES_MISSING: Known = Known {
    id: "entries-missing",
    by: Finder::Collector,
    level: Level::High,
    title: "Entries that a host says it wrote never came",
};

/// A host head that nobody vouches for.
pub(crate) static HOST_KEY_BROKEN: Known = Known {
    id: "host-key-broken",
    by: Finder::Collector,
    level: Level::High,
    title: "A host head is not vouched for by its host's chain of keys",
};

/// A witness signed more of the log than the store holds.
pub(crate) static LOG_ROLLED_BACK: Known = Known {
    id: "log-rolled-back",
    by: Finder::Collector,
    level: Level::Critical,
    title: "A witness knows more of the log than the store holds",
};

/// A witness signed another history of the log.
pub(crate) static LOG_REWRITTEN: Known = Known {
    id: "log-rewritten",
    by: Finder::Collector,
    level: Level::Critical,
    title: "A witness knows another history of the log",
};

/// The log was restarted from an older copy.
pub(crate) static LOG_RESTARTED: Known = Known {
    id: "log-restarted",
    by: Finder::Collector,
    level: Level::High,
    title: "The log was restored from an older copy and restarted, as it declares",
};

/// Findings that were too many to be recorded one by one.
pub(crate) static LIMITED: Known = Known {
    id: "findings-limited",
    by: Finder::Detections,
    level: Level::Medium,
    title: "Findings were too many to be recorded one by one",
};

impl Finding {
    /// What was found by whom and why; nothing else is known yet.
    pub(crate) fn new(
        (id, by): (impl Into<String>, Finder),
        level: Level,
        title: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self {
            v: VERSION,
            id: id.into(),
            by,
            level,
            title: title.into(),
            why: why.into(),
            techniques: Vec::new(),
            peer: None,
            host: None,
            events: Vec::new(),
            pid: None,
            exe: None,
            auid: None,
            fields: BTreeMap::new(),
            rule: None,
            suppressed: None,
        }
    }

    /// The host that it is about: by its certificate, where somebody knows that.
    pub(crate) fn called(&self) -> Option<&str> {
        self.peer.as_deref().or(self.host.as_deref())
    }

    /// One of the product's own.
    pub(crate) fn of(known: &Known, why: impl Into<String>) -> Self {
        Self::new((known.id, known.by), known.level, known.title, why)
    }
}

/// A level by its name.
mod level {
    use indelible_detect::sigma::Level;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde asks for this signature"
    )]
    pub(super) fn serialize<S: Serializer>(level: &Level, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(level.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Level, D::Error> {
        let name = String::deserialize(from)?;
        name.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_come_back() {
        let mut finding = Finding::of(&AUDIT_DISABLED, "enabled was 1 and is 0");
        let text = serde_json::to_string(&finding).unwrap();
        assert_eq!(
            text,
            r#"{"v":1,"id":"audit-disabled","by":"capture","level":"critical","title":"Another process switched auditing off","why":"enabled was 1 and is 0"}"#
        );
        finding.events.push(EventSeen {
            time_ms: 1_700_000_000_123,
            serial: Some(7),
            entries: Some(EntriesSeen {
                stream: "00".repeat(16),
                first: 4,
                last: 9,
            }),
        });
        finding.fields.insert("a0".into(), "nc".into());
        let text = serde_json::to_string(&finding).unwrap();
        assert_eq!(serde_json::from_str::<Finding>(&text).unwrap(), finding);
        assert!(
            serde_json::from_str::<Finding>(&text.replace("critical", "worst")).is_err(),
            "{text}"
        );
    }
}
