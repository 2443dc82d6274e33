//! Hosts that are not heard any more: T1562.001, as far as a collector can see it.
//!
//! The collector notices silence itself and records it ([`HOST_SILENT`], [`HOST_BACK`]), after
//! seconds. Who is told of findings may want to hear of it later, since networks break and hosts are
//! started again: a silence that ends before is not told at all. Time is the collector's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::limits::HOSTS_MAX;
use crate::payload::finding::{Finding, HOST_BACK, HOST_SILENT};

/// Silences that nobody was told of yet.
#[derive(Debug)]
pub(super) struct Silence {
    /// `None` where nobody is to be told.
    after_ms: Option<u64>,
    untold: BTreeMap<String, Untold>,
}

/// A silence that may end before anybody is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Untold {
    since_ms: u64,
    finding: Finding,
}

impl Silence {
    /// With those that were untold before, as if they had begun now: hosts come back after a start.
    pub(super) fn new(after_seconds: u32, kept: &BTreeMap<String, Untold>, now_ms: u64) -> Self {
        let mut untold = kept.clone();
        for one in untold.values_mut() {
            one.since_ms = one.since_ms.max(now_ms);
        }
        Self {
            after_ms: (after_seconds > 0).then(|| u64::from(after_seconds) * 1000),
            untold,
        }
    }

    /// What is to be told now of a finding that the collector recorded.
    pub(super) fn passing(&mut self, finding: &Finding, now_ms: u64) -> Option<Finding> {
        let host = finding.host.as_deref().unwrap_or_default();
        if finding.id == HOST_SILENT.id {
            if self.after_ms.is_some() && self.untold.len() < HOSTS_MAX {
                let one = Untold {
                    since_ms: now_ms,
                    finding: finding.clone(),
                };
                self.untold.entry(host.to_owned()).or_insert(one);
            }
            return None;
        }
        let is_back = finding.id == HOST_BACK.id;
        if is_back && (self.untold.remove(host).is_some() || self.after_ms.is_none()) {
            return None;
        }
        Some(finding.clone())
    }

    /// Silences that have lasted.
    pub(super) fn due(&mut self, now_ms: u64) -> Vec<Finding> {
        let after_ms = self.after_ms.unwrap_or(u64::MAX);
        let due = self
            .untold
            .extract_if(.., |_, one| now_ms.saturating_sub(one.since_ms) >= after_ms);
        due.map(|(_, one)| one.finding).collect()
    }

    /// What is to be kept across restarts.
    pub(super) fn kept(&self) -> &BTreeMap<String, Untold> {
        &self.untold
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::finding::Known;

    fn of(known: &Known, host: &str) -> Finding {
        let mut finding = Finding::of(known, "why");
        finding.host = Some(host.to_owned());
        finding
    }

    #[test]
    fn a_silence_that_lasts_is_told_once_and_so_is_its_end() {
        let mut silence = Silence::new(60, &BTreeMap::new(), 0);
        let silent = of(&HOST_SILENT, "web1");
        assert_eq!(silence.passing(&silent, 1_000), None);
        assert_eq!(silence.due(60_999), []);
        assert_eq!(silence.due(61_000), std::slice::from_ref(&silent));
        assert_eq!(silence.due(90_000), []);
        let back = of(&HOST_BACK, "web1");
        assert_eq!(silence.passing(&back, 95_000), Some(back));
    }

    #[test]
    fn a_silence_that_ends_soon_is_not_told() {
        let mut silence = Silence::new(60, &BTreeMap::new(), 0);
        silence.passing(&of(&HOST_SILENT, "web1"), 1_000);
        assert_eq!(silence.passing(&of(&HOST_BACK, "web1"), 9_000), None);
        assert_eq!(silence.due(900_000), []);
    }

    #[test]
    fn a_start_waits_anew() {
        let mut silence = Silence::new(60, &BTreeMap::new(), 0);
        silence.passing(&of(&HOST_SILENT, "web1"), 1_000);
        let mut silence = Silence::new(60, silence.kept(), 100_000);
        assert_eq!(silence.due(159_999), []);
        assert_eq!(silence.due(160_000).len(), 1);
    }

    #[test]
    fn nobody_may_want_to_hear_of_it() {
        let mut silence = Silence::new(0, &BTreeMap::new(), 0);
        silence.passing(&of(&HOST_SILENT, "web1"), 1_000);
        assert_eq!(silence.due(u64::MAX), []);
        assert_eq!(silence.passing(&of(&HOST_BACK, "web1"), 9_000), None);
    }
}
