//! What is counted, in bounded tables: one line at a time, everywhere at once.

use std::collections::hash_map::RandomState;
use std::net::IpAddr;

use super::address::Network;
use super::message::Method;
use super::news::Touched;
use super::report::{Evicted, Login, Total};
use super::settings::Settings;
use super::table::Table;
use super::tally::{Group, LineId, Source};
use crate::limits::ssh as limits;

/// Everything that is counted.
#[derive(Debug)]
pub(crate) struct Tallies {
    pub(crate) sources: Table<IpAddr, Source>,
    pub(crate) networks: Table<Network, Group>,
    pub(crate) users: Table<Box<[u8]>, Group>,
    pub(crate) logins: Vec<Login>,
    pub(crate) evicted: Evicted,
    pub(crate) total: Total,
    pub(crate) touched: Touched,
    name_budget: usize,
    hasher: RandomState,
    settings: Settings,
}

/// What one line adds.
#[derive(Debug, Default)]
pub(crate) struct Delta<'a> {
    /// A message says so, not an audit record.
    pub(crate) from_text: bool,
    /// It is the first to tell of its connection.
    pub(crate) connected: bool,
    /// Connections dropped unasked.
    pub(crate) drops: u64,
    /// Refused credentials.
    pub(crate) failures: u64,
    /// Other refused tries.
    pub(crate) probes: u64,
    pub(crate) attempts: u64,
    /// By which the tries were made; `None` where audit records alone tell of them.
    pub(crate) method: Option<Method>,
    /// Tries by keyboard-interactive that messages tell of.
    pub(crate) interactive: u64,
    /// Of these, such whose `Failed` line may follow and names no process.
    pub(crate) unpaired: u64,
    /// Of the failures, such of processes that have not said yet whether they serve a connection.
    pub(crate) audit_children: u64,
    pub(crate) user: Option<(&'a [u8], Option<bool>)>,
}

impl Delta<'_> {
    /// Nothing that a network or a name would count.
    fn is_empty(&self) -> bool {
        !self.connected && self.failures == 0 && self.attempts == 0 && self.user.is_none()
    }
}

/// Where and when something was said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: LineId,
    pub(crate) time_ms: u64,
}

impl Tallies {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            sources: Table::new(limits::SOURCES_MAX),
            networks: Table::new(limits::NETWORKS_MAX),
            users: Table::new(limits::USERS_MAX),
            logins: Vec::new(),
            evicted: Evicted::default(),
            total: Total::default(),
            touched: Touched::default(),
            name_budget: limits::NAME_BYTES_MAX,
            hasher: RandomState::new(),
            settings,
        }
    }

    pub(crate) fn source(&mut self, address: IpAddr, moment: Moment) -> &mut Source {
        self.touched.note(address);
        let (evicted, budget) = (&mut self.evicted, &mut self.name_budget);
        let source = self.sources.entry(address, |_, gone| {
            evicted.sources += 1;
            evicted.failures += gone.failures;
            *budget += gone.name_cost();
        });
        source.seen.at(moment.time_ms, moment.at);
        source
    }

    /// Forgets what was not seen since then.
    pub(crate) fn forget(&mut self, before_ms: u64) {
        let budget = &mut self.name_budget;
        self.sources.retain(|source| {
            let stays = source.seen.last_ms >= before_ms;
            if !stays {
                *budget += source.name_cost();
            }
            stays
        });
        let stays = |group: &Group| group.seen.last_ms >= before_ms;
        self.networks.retain(stays);
        self.users.retain(stays);
    }

    fn network(&mut self, address: IpAddr, moment: Moment) -> &mut Group {
        let evicted = &mut self.evicted;
        let network = self
            .networks
            .entry(Network::of(address), |_, _| evicted.networks += 1);
        network.seen.at(moment.time_ms, moment.at);
        network
    }

    fn user(&mut self, name: &[u8], valid: Option<bool>, moment: Moment) -> &mut Group {
        let evicted = &mut self.evicted;
        let user = self.users.entry(name.into(), |_, _| evicted.users += 1);
        user.valid = valid.or(user.valid);
        user.seen.at(moment.time_ms, moment.at);
        user
    }

    /// Counts what one line says, everywhere.
    pub(crate) fn apply(&mut self, address: IpAddr, moment: Moment, delta: &Delta<'_>) {
        let settings = self.settings;
        let hasher = self.hasher.clone();
        self.total.failures += delta.failures;
        self.total.attempts += delta.attempts;
        self.total.connections += u64::from(delta.connected);
        // Making room for a source gives back what the names of others cost.
        self.source(address, moment);
        let mut budget = self.name_budget;
        let Some(source) = self.sources.get_mut(&address) else {
            return;
        };
        if delta.from_text {
            source.text_ms = Some(moment.time_ms);
        }
        source.connections += u64::from(delta.connected);
        source.drops += delta.drops;
        source.failures += delta.failures;
        source.text_interactive += delta.interactive;
        source.pam_unpaired += delta.unpaired;
        source.audit_children += delta.audit_children;
        if delta.failures + delta.probes > 0 {
            source
                .methods
                .refuse(delta.method, delta.failures + delta.probes);
        }
        if delta.attempts > 0 {
            let keep = settings.brute.max(settings.compromised) as usize;
            let brute = settings.brute as usize;
            source.attempt(
                delta.attempts,
                moment.time_ms,
                keep,
                brute,
                settings.window_ms,
            );
        }
        match delta.user {
            Some((name, valid)) => source.name(name, valid, delta.failures, &mut budget, &hasher),
            None => source.failures_unlisted += delta.failures,
        }
        self.name_budget = budget;
        if delta.is_empty() {
            return;
        }
        let network = self.network(address, moment);
        network.connections += u64::from(delta.connected);
        network.failures += delta.failures;
        network.attempts += delta.attempts;
        if delta.attempts > 0 {
            network.sources.insert(&address, &hasher);
        }
        let Some((name, valid)) = delta.user else {
            return;
        };
        network.names.insert(name, &hasher);
        let user = self.user(name, valid, moment);
        user.failures += delta.failures;
        user.attempts += delta.attempts;
        if delta.attempts > 0 {
            user.sources.insert(&address, &hasher);
        }
    }

    pub(crate) fn accepted(
        &mut self,
        address: IpAddr,
        moment: Moment,
        method: Option<Method>,
        user: Option<(&[u8], Option<bool>)>,
        detail: Option<Vec<u8>>,
        process: Option<(u32, u32)>,
    ) {
        let settings = self.settings;
        self.total.successes += 1;
        let source = self.source(address, moment);
        source.successes += 1;
        if let Some(method) = method {
            source.methods.accept(method);
        }
        let since = moment.time_ms.saturating_sub(settings.memory_ms);
        let recent = source.recent_ms.iter().filter(|ms| **ms >= since).count();
        let is_after_failures = recent >= settings.compromised as usize;
        source.compromised |= is_after_failures;
        let attempts_before = source.attempts;
        self.network(address, moment).successes += 1;
        if let Some((name, _)) = user {
            self.user(name, Some(true), moment).successes += 1;
        }
        if is_after_failures && self.logins.len() < limits::LOGINS_MAX {
            self.logins.push(Login {
                address,
                user: user.map(|(name, _)| name.to_vec()),
                method,
                detail,
                time_ms: moment.time_ms,
                line: moment.at,
                attempts_before,
                process,
                session: None,
            });
        }
    }
}
