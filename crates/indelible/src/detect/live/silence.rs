//! Hosts that send nothing any more: T1562.001, as far as a collector can see it.
//!
//! A host's capture writes a signed head each second, also when nothing happens, so that silence
//! means that it was stopped, that its network is cut, or that the host is down. Time is the
//! collector's, and counts from the start of the detections for hosts that were known before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::limits::HOSTS_MAX;
use crate::payload::finding::{AGENT_BACK, AGENT_SILENT, Finding};

/// Hosts and when they were heard.
#[derive(Debug)]
pub(super) struct Silence {
    /// `None` where silence is no finding.
    after_ms: Option<u64>,
    hosts: BTreeMap<String, Heard>,
    /// Grows when [`Silence::kept`] changes.
    changes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    at_ms: u64,
    is_silent: bool,
}

/// What is kept of a host across restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptHost {
    /// It was found to be silent.
    pub(super) silent: bool,
}

impl Silence {
    /// With the hosts that were known before, as if they had been heard now.
    pub(super) fn new(after_seconds: u32, kept: &BTreeMap<String, KeptHost>, now_ms: u64) -> Self {
        let heard = |(host, kept): (&String, &KeptHost)| {
            let heard = Heard {
                at_ms: now_ms,
                is_silent: kept.silent,
            };
            (host.clone(), heard)
        };
        Self {
            after_ms: (after_seconds > 0).then(|| u64::from(after_seconds) * 1000),
            hosts: kept.iter().map(heard).collect(),
            changes: 0,
        }
    }

    /// A head of a host came; a finding where it had been silent.
    pub(super) fn heard(&mut self, host: &str, now_ms: u64) -> Option<Finding> {
        self.after_ms?;
        let Some(known) = self.hosts.get_mut(host) else {
            if self.hosts.len() < HOSTS_MAX {
                let heard = Heard {
                    at_ms: now_ms,
                    is_silent: false,
                };
                self.hosts.insert(host.to_owned(), heard);
                self.changes += 1;
            }
            return None;
        };
        known.at_ms = now_ms;
        if !std::mem::take(&mut known.is_silent) {
            return None;
        }
        self.changes += 1;
        let mut finding = Finding::of(&AGENT_BACK, format!("{host} sends again"));
        finding.host = Some(host.to_owned());
        Some(finding)
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now_ms: u64, found: &mut Vec<Finding>) {
        let Some(after_ms) = self.after_ms else {
            return;
        };
        for (host, heard) in &mut self.hosts {
            if heard.is_silent || now_ms.saturating_sub(heard.at_ms) < after_ms {
                continue;
            }
            heard.is_silent = true;
            self.changes += 1;
            let why = format!("nothing came from {host} for {} s", after_ms / 1000);
            let mut finding = Finding::of(&AGENT_SILENT, why);
            finding.techniques = vec!["T1562.001".into()];
            finding.host = Some(host.clone());
            found.push(finding);
        }
    }

    /// What is to be kept.
    pub(super) fn kept(&self) -> BTreeMap<String, KeptHost> {
        let kept = |(host, heard): (&String, &Heard)| {
            let silent = heard.is_silent;
            (host.clone(), KeptHost { silent })
        };
        self.hosts.iter().map(kept).collect()
    }

    /// Grows when that changes.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_once_and_so_is_its_end() {
        let mut silence = Silence::new(60, &BTreeMap::new(), 0);
        assert_eq!(silence.heard("web1", 1_000), None);
        let mut found = Vec::new();
        for now_ms in [60_999, 61_000, 90_000] {
            silence.tick(now_ms, &mut found);
        }
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].id, "agent-silent");

        // A restart does not tell it again.
        let mut silence = Silence::new(60, &silence.kept(), 100_000);
        silence.tick(900_000, &mut found);
        assert_eq!(found.len(), 1);
        let back = silence.heard("web1", 900_001).unwrap();
        assert_eq!(back.id, "agent-back");
        silence.tick(960_001, &mut found);
        assert_eq!(found.len(), 2);
    }
}
