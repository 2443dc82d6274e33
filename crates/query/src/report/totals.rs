//! The report of a run without options: how many of everything.

use super::classes;
use super::facts::{Facts, NO_PID, NOT_GIVEN, Outcome};
use super::tally::{Numbers, Tally};

/// Counts of events, and of different values.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    counts: [u64; Count::ALL.len()],
    users: Numbers,
    pids: Numbers,
    terminals: Tally,
    hosts: Tally,
    executables: Tally,
    commands: Tally,
    files: Tally,
    keys: Tally,
}

/// What is counted in events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Config,
    Mods,
    Logins,
    FailedLogins,
    Auths,
    FailedAuths,
    Avcs,
    Mac,
    FailedSyscalls,
    Anomalies,
    Responses,
    Crypto,
    Integrity,
    Virt,
    Events,
}

impl Count {
    const ALL: [Count; 15] = [
        Count::Config,
        Count::Mods,
        Count::Logins,
        Count::FailedLogins,
        Count::Auths,
        Count::FailedAuths,
        Count::Avcs,
        Count::Mac,
        Count::FailedSyscalls,
        Count::Anomalies,
        Count::Responses,
        Count::Crypto,
        Count::Integrity,
        Count::Virt,
        Count::Events,
    ];
}

/// One line of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its text.
    pub(super) text: &'static str,
    /// Its name in JSON and CSV.
    pub(super) name: &'static str,
    pub(super) count: u64,
}

impl Totals {
    /// Counts an event.
    pub(super) fn add(&mut self, facts: &Facts) {
        let mut one = |count: Count| self.counts[count as usize] += 1;
        one(Count::Events);
        if facts.has(classes::is_config) {
            one(Count::Config);
        }
        if facts.has(classes::is_mods) {
            one(Count::Mods);
        }
        if facts.has(classes::is_login) {
            match facts.outcome {
                Outcome::Success => one(Count::Logins),
                Outcome::Failed => one(Count::FailedLogins),
                Outcome::Unset => {}
            }
        }
        let is_auth = facts.has(classes::is_counted_auth);
        match facts.outcome {
            Outcome::Success if is_auth => one(Count::Auths),
            Outcome::Failed if is_auth || facts.has(classes::is_management) => {
                one(Count::FailedAuths);
            }
            _ => {}
        }
        if facts.has(classes::is_avc) {
            one(Count::Avcs);
        }
        if facts.has(classes::is_mac) {
            one(Count::Mac);
        }
        if facts.syscall > 0 && facts.outcome == Outcome::Failed {
            one(Count::FailedSyscalls);
        }
        if facts.has(classes::is_anomaly) {
            one(Count::Anomalies);
        }
        if facts.has(classes::is_response) {
            one(Count::Responses);
        }
        if facts.has(classes::is_crypto) {
            one(Count::Crypto);
        }
        if facts.has(classes::is_integrity) {
            one(Count::Integrity);
        }
        if facts.has(classes::is_virt) {
            one(Count::Virt);
        }
        self.values(facts);
    }

    fn values(&mut self, facts: &Facts) {
        if facts.auid != NOT_GIVEN {
            self.users.add(facts.auid);
        }
        if facts.pid != NO_PID {
            self.pids.add(facts.pid);
        }
        for (tally, value) in [
            (&mut self.terminals, &facts.terminal),
            (&mut self.hosts, &facts.host),
            (&mut self.executables, &facts.exe),
            (&mut self.commands, &facts.comm),
        ] {
            if let Some(text) = facts.maybe(value) {
                tally.add(text);
            }
        }
        facts
            .files
            .iter()
            .for_each(|file| self.files.add(facts.text(file)));
        facts
            .keys
            .iter()
            .for_each(|key| self.keys.add(facts.text(key)));
    }

    /// Adds what came later.
    pub(super) fn absorb(&mut self, later: Totals, bytes_max: usize) {
        for (count, more) in std::iter::zip(&mut self.counts, later.counts) {
            *count += more;
        }
        self.users.absorb(&later.users);
        self.pids.absorb(&later.pids);
        // Six tables share the room.
        let each = bytes_max / 6;
        self.terminals.absorb(later.terminals, each);
        self.hosts.absorb(later.hosts, each);
        self.executables.absorb(later.executables, each);
        self.commands.absorb(later.commands, each);
        self.files.absorb(later.files, each);
        self.keys.absorb(later.keys, each);
    }

    /// Whether values were left out, so that the numbers of different values are lower bounds.
    pub(super) fn is_cut(&self) -> bool {
        let tallies = [
            &self.terminals,
            &self.hosts,
            &self.executables,
            &self.commands,
            &self.files,
            &self.keys,
        ];
        tallies.iter().any(|tally| tally.cut().occurrences > 0)
    }

    /// The lines, in the report's order.
    pub(super) fn lines(&self) -> [Line; 23] {
        let line = |text, name, count| Line { text, name, count };
        let events = |text, name, count: Count| line(text, name, self.counts[count as usize]);
        let values = |text, name, count: usize| line(text, name, count as u64);
        [
            events("changes in configuration", "config_changes", Count::Config),
            events(
                "changes to accounts, groups, or roles",
                "account_changes",
                Count::Mods,
            ),
            events("logins", "logins", Count::Logins),
            events("failed logins", "failed_logins", Count::FailedLogins),
            events("authentications", "authentications", Count::Auths),
            events(
                "failed authentications",
                "failed_authentications",
                Count::FailedAuths,
            ),
            values("users", "users", self.users.len()),
            values("terminals", "terminals", self.terminals.len()),
            values("host names", "hosts", self.hosts.len()),
            values("executables", "executables", self.executables.len()),
            values("commands", "commands", self.commands.len()),
            values("files", "files", self.files.len()),
            events("AVC's", "avcs", Count::Avcs),
            events("MAC events", "mac_events", Count::Mac),
            events("failed syscalls", "failed_syscalls", Count::FailedSyscalls),
            events("anomaly events", "anomalies", Count::Anomalies),
            events("responses to anomaly events", "responses", Count::Responses),
            events("crypto events", "crypto_events", Count::Crypto),
            events("integrity events", "integrity_events", Count::Integrity),
            events("virt events", "virt_events", Count::Virt),
            values("keys", "keys", self.keys.len()),
            values("process IDs", "pids", self.pids.len()),
            events("events", "events", Count::Events),
        ]
    }
}
