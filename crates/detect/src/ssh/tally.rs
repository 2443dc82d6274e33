//! What is counted: under each source, each network, each user name.

use super::distinct::Distinct;
use super::message::Method;
use super::settings::Outcome;
use super::table::Weight;
use crate::limits::ssh::{NAME_BYTES_MAX, NAME_OVERHEAD_BYTES, NAMES_PER_SOURCE_MAX};

/// A line of the sources: which file (or other source, in the order they were given), which line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineId {
    /// Number of the file, from 0.
    pub file: u32,
    /// Number of the line, from 1; of an entry in a store its leaf index.
    pub line: u64,
}

/// First and last sight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// ms since 1970.
    pub first_ms: u64,
    /// ms since 1970.
    pub last_ms: u64,
    /// Where it was first seen.
    pub first_line: LineId,
    /// Where it was last seen.
    pub last_line: LineId,
}

impl Seen {
    pub(crate) fn at(&mut self, time_ms: u64, line: LineId) {
        if self.last_line == LineId::default() || time_ms < self.first_ms {
            self.first_ms = time_ms;
            self.first_line = line;
        }
        if self.last_line == LineId::default() || time_ms >= self.last_ms {
            self.last_ms = time_ms;
            self.last_line = line;
        }
    }

    pub(crate) fn span_ms(&self) -> u64 {
        self.last_ms.saturating_sub(self.first_ms)
    }
}

/// Refused and accepted tries by method, in the order of [`Method::ALL`], and those that only
/// audit records tell of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Methods {
    /// Refused.
    pub refused: [u32; Method::ALL.len()],
    /// Let in.
    pub accepted: [u32; Method::ALL.len()],
    /// Refused by PAM, as audit records say: a password or keyboard-interactive.
    pub refused_audit: u32,
}

impl Methods {
    pub(crate) fn refuse(&mut self, method: Option<Method>, count: u64) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let cell = match method {
            Some(method) => &mut self.refused[slot(method)],
            None => &mut self.refused_audit,
        };
        *cell = cell.saturating_add(count);
    }

    pub(crate) fn accept(&mut self, method: Method) {
        let cell = &mut self.accepted[slot(method)];
        *cell = cell.saturating_add(1);
    }
}

fn slot(method: Method) -> usize {
    Method::ALL
        .iter()
        .position(|one| *one == method)
        .unwrap_or(Method::ALL.len() - 1)
}

/// A user name under a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// As the client sent it, at most 100 bytes.
    pub name: Box<[u8]>,
    /// Whether sshd would let the account in; `None` where nothing said so.
    pub valid: Option<bool>,
    /// Refused credentials.
    pub failures: u64,
}

/// What came from one address.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) failures: u64,
    pub(crate) attempts: u64,
    pub(crate) connections: u64,
    pub(crate) successes: u64,
    /// Connections that sshd dropped unasked.
    pub(crate) drops: u64,
    pub(crate) methods: Methods,
    pub(crate) seen: Seen,
    /// What was said of it last, where the log is being written.
    pub(crate) told: Option<Outcome>,
    /// Sorted by name.
    pub(crate) names: Vec<Name>,
    pub(crate) names_seen: Distinct,
    /// Refused credentials under names that are not listed.
    pub(crate) failures_unlisted: u64,
    /// Times of the newest attempts, oldest first.
    pub(crate) recent_ms: std::collections::VecDeque<u64>,
    /// As many attempts as make a brute force stood in one window.
    pub(crate) burst: bool,
    /// Tries by keyboard-interactive that messages tell of.
    pub(crate) text_interactive: u64,
    /// Tries that audit records tell of, of processes that wrote no message.
    pub(crate) audit_orphans: u64,
    /// Of PAM's lines without a process id, those whose `Failed` line has not come.
    pub(crate) pam_unpaired: u64,
    /// Tries that audit records tell of, of processes that no connection is known of.
    pub(crate) audit_children: u64,
    /// When a message told of it last.
    pub(crate) text_ms: Option<u64>,
    /// Somebody got in after failures.
    pub(crate) compromised: bool,
}

impl Source {
    /// Notes a name; `budget` is what names may still cost in all.
    pub(crate) fn name(
        &mut self,
        name: &[u8],
        valid: Option<bool>,
        failures: u64,
        budget: &mut usize,
        hasher: &impl std::hash::BuildHasher,
    ) {
        match self.names.binary_search_by(|known| (*known.name).cmp(name)) {
            Ok(at) => {
                let known = &mut self.names[at];
                known.failures += failures;
                known.valid = valid.or(known.valid);
            }
            Err(at) => {
                self.names_seen.insert(name, hasher);
                let cost = name.len() + NAME_OVERHEAD_BYTES;
                if self.names.len() >= NAMES_PER_SOURCE_MAX || *budget < cost {
                    self.failures_unlisted += failures;
                    return;
                }
                *budget -= cost;
                let name = Name {
                    name: name.into(),
                    valid,
                    failures,
                };
                self.names.insert(at, name);
            }
        }
    }

    /// What its names cost, to give back when it goes.
    pub(crate) fn name_cost(&self) -> usize {
        let cost = |name: &Name| name.name.len() + NAME_OVERHEAD_BYTES;
        self.names
            .iter()
            .map(cost)
            .sum::<usize>()
            .min(NAME_BYTES_MAX)
    }

    /// Notes attempts at a time, of which `keep` are remembered; true once `brute` of them stood
    /// in a window.
    pub(crate) fn attempt(
        &mut self,
        count: u64,
        time_ms: u64,
        keep: usize,
        brute: usize,
        window_ms: u64,
    ) {
        self.attempts += count;
        for _ in 0..count.min(keep as u64) {
            if self.recent_ms.len() >= keep {
                self.recent_ms.pop_front();
            }
            self.recent_ms.push_back(time_ms);
        }
        let at = self.recent_ms.len().checked_sub(brute.max(1));
        if let Some(first) = at.and_then(|at| self.recent_ms.get(at)) {
            self.burst |= time_ms.saturating_sub(*first) <= window_ms;
        }
    }
}

impl Weight for Source {
    fn weight(&self) -> (u64, u64) {
        let kept = if self.compromised {
            u64::MAX
        } else {
            self.attempts + self.successes
        };
        (kept, self.seen.last_ms)
    }
}

/// What came from one network, or was tried under one name.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) failures: u64,
    pub(crate) attempts: u64,
    pub(crate) connections: u64,
    pub(crate) successes: u64,
    pub(crate) valid: Option<bool>,
    pub(crate) seen: Seen,
    /// Sources that failed.
    pub(crate) sources: Distinct,
    /// Names that were tried (of a network).
    pub(crate) names: Distinct,
}

impl Weight for Group {
    fn weight(&self) -> (u64, u64) {
        (self.attempts + self.successes, self.seen.last_ms)
    }
}
