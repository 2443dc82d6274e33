//! Audit records beside messages: each try is counted once.
//!
//! Records wait a few seconds for the messages. Then those of a process that wrote messages add
//! what the messages do not tell of; those of a process that wrote none, from an address that
//! messages speak of at that time, are of the child that asks PAM, and the larger of the two
//! accounts holds; any others are counted as they are.

use std::net::IpAddr;

use indelible_record::{Event, Record};

use super::audit::{self, About};
use super::connection::Connection;
use super::engine::Engine;
use super::tallies::{Delta, Moment};
use super::tally::LineId;
use crate::limits::ssh as limits;

/// An audit record that waits for messages about the same try.
#[derive(Debug)]
pub(crate) struct Deferred {
    pub(crate) at: LineId,
    pub(crate) time_ms: u64,
    pub(crate) node: Box<[u8]>,
    pub(crate) pid: u32,
    pub(crate) about: About,
    pub(crate) address: IpAddr,
    pub(crate) account: Option<Box<[u8]>>,
    pub(crate) success: bool,
    pub(crate) session: Option<u32>,
}

impl Engine {
    /// Takes a record of an audit log; returns whether it was sshd's.
    pub fn audit(&mut self, at: LineId, record: &Record<'_>) -> bool {
        let Some(found) = audit::read(record) else {
            return false;
        };
        self.advance(found.time_ms);
        let opens = found.about == About::Session || found.success;
        if let Some(session) = found.session.filter(|_| opens) {
            let host = self.audit_host(found.node, found.pid, found.address);
            self.sessions.open(host, found.pid, session, found.time_ms);
        }
        self.lines.audit += 1;
        let Some(address) = found.address.filter(|_| found.about != About::Session) else {
            return true;
        };
        if self.deferred.len() >= limits::DEFERRED_MAX {
            self.take_deferred(u64::MAX, 1);
        }
        self.deferred.push_back(Deferred {
            at,
            time_ms: found.time_ms,
            node: found.node.into(),
            pid: found.pid,
            about: found.about,
            address,
            account: found
                .account
                .map(|name| name[..name.len().min(limits::NAME_BYTES)].into()),
            success: found.success,
            session: found.session.map(|(ses, _)| ses),
        });
        true
    }

    /// Takes an event in which a program was started.
    pub fn event(&mut self, event: &Event) {
        if let Some((session, line)) = audit::command(event) {
            let time_ms = event.stamp().map_or(self.now_ms, |stamp| stamp.ms());
            let host = self.audit_host(event.node().unwrap_or_default(), 0, None);
            self.sessions.command(host, session, time_ms, line);
        }
    }

    /// The host of an audit record. Where it names none it is the one that knows the process, or
    /// the only one there is.
    fn audit_host(&mut self, node: &[u8], pid: u32, address: Option<IpAddr>) -> u32 {
        if !node.is_empty() {
            return self.host(node);
        }
        let named = self.hosts.iter().filter(|(name, _)| !name.is_empty());
        let mut numbers: Vec<u32> = named
            .map(|(_, number)| *number)
            .take(NODELESS_HOSTS_MAX)
            .collect();
        if let ([only], false) = (numbers.as_slice(), self.hosts.contains_key(&b""[..])) {
            return *only;
        }
        numbers.push(self.host(b""));
        let connections = &mut self.connections;
        let knows = |host: &u32| {
            let slot = connections.of_pid(*host, pid);
            slot.is_some_and(|slot| connections.at(slot).address == address)
        };
        let known = numbers.iter().copied().find(knows);
        known.unwrap_or_else(|| self.host(b""))
    }

    /// Counts audit records that have waited, from the oldest on.
    pub(crate) fn take_deferred(&mut self, before_ms: u64, count: usize) {
        for _ in 0..count {
            match self.deferred.front() {
                Some(first) if first.time_ms < before_ms => {}
                _ => return,
            }
            if let Some(record) = self.deferred.pop_front() {
                self.audited(&record);
            }
        }
    }

    fn audited(&mut self, record: &Deferred) {
        let moment = Moment {
            at: record.at,
            time_ms: record.time_ms,
        };
        let (address, pid) = (record.address, record.pid);
        let host = self.audit_host(&record.node, pid, Some(address));
        let user = record.account.as_deref().map(|name| (name, None));
        let slot = self.connections.of_pid(host, pid);
        let slot = slot.filter(|slot| self.connections.at(*slot).address == Some(address));
        let told = slot.is_some_and(|slot| self.connections.at(slot).channel.is_some());
        let is_covered = self.tallies.sources.get(&address).is_some_and(|source| {
            source
                .text_ms
                .is_some_and(|ms| ms.abs_diff(record.time_ms) <= limits::COVERED_MS)
        });
        if !told && is_covered {
            // Of the child that asks PAM: sshd's messages, under another process, tell of it.
            if record.about == About::Credential && !record.success {
                self.tallies.source(address, moment).audit_orphans += 1;
            }
            return;
        }
        let slot = slot.unwrap_or_else(|| {
            self.open(Connection {
                host,
                pid: Some(pid),
                address: Some(address),
                ..Connection::default()
            })
        });
        let is_new = record
            .session
            .is_none_or(|ses| self.sessions.is_new(host, ses));
        let known = self.connections.at(slot);
        let mut delta = Delta {
            user,
            ..Delta::default()
        };
        match (record.about, record.success) {
            (About::Credential, false) => {
                known.audit_tries += 1;
                if known.audit_tries > known.tries + known.audit_surplus {
                    known.audit_surplus += 1;
                    delta.audit_children = u64::from(!known.counted);
                    Engine::count(known, &mut delta, 1);
                }
            }
            (About::Login, true) if !told && is_new => {
                delta.connected = !std::mem::replace(&mut known.counted, true);
                known.accepted = true;
                self.tallies.apply(address, moment, &delta);
                let process = Some((host, pid));
                self.tallies
                    .accepted(address, moment, None, user, None, process);
                return;
            }
            (About::Login, false) if !told => {
                delta.connected = !std::mem::replace(&mut known.counted, true);
                // Tries by keyboard-interactive are those of children of this process.
                let source = self.tallies.source(address, moment);
                let of_children = std::mem::take(&mut source.audit_children) > 0;
                if known.attempts == 0 && !of_children && !known.accepted {
                    delta.attempts = 1;
                }
                known.attempts = known.attempts.max(1);
            }
            _ => return,
        }
        self.tallies.apply(address, moment, &delta);
    }
}

/// Hosts looked through for the process of an audit record that names none.
const NODELESS_HOSTS_MAX: usize = 64;
