//! What was found, in the order in which it is shown.

use std::collections::HashSet;
use std::net::IpAddr;

use super::address::Network;
use super::engine::Lines;
use super::message::Method;
use super::sessions::Session;
use super::settings::{Outcome, Settings};
use super::tallies::Tallies;
use super::tally::{Group, LineId, Methods, Name, Seen, Source};

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// With these thresholds.
    pub settings: Settings,
    /// Sums over everything, evicted sources included.
    pub total: Total,
    /// Most failures first.
    pub sources: Vec<SourceReport>,
    /// Networks with more than one source, most failures first.
    pub networks: Vec<GroupReport>,
    /// Names that were tried or let in, most failures first.
    pub users: Vec<GroupReport>,
    /// Attacks, the worst first.
    pub campaigns: Vec<Campaign>,
    /// Logins after failures.
    pub logins: Vec<Login>,
    /// What was read.
    pub lines: Lines,
    /// What the bounds cost.
    pub evicted: Evicted,
}

/// Sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Refused credentials.
    pub failures: u64,
    /// Refused credentials and connections that named an account and got no further.
    pub attempts: u64,
    /// Connections.
    pub connections: u64,
    /// Logins.
    pub successes: u64,
}

/// What had to go to stay within the bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Sources.
    pub sources: u64,
    /// Their refused credentials.
    pub failures: u64,
    /// Networks.
    pub networks: u64,
    /// User names.
    pub users: u64,
    /// Connections whose end was not seen.
    pub connections: u64,
}

/// A source.
#[derive(Clone, Debug)]
pub struct SourceReport {
    /// Its address.
    pub address: IpAddr,
    /// Refused credentials.
    pub failures: u64,
    /// Attempts.
    pub attempts: u64,
    /// Connections.
    pub connections: u64,
    /// Logins.
    pub successes: u64,
    /// Connections that sshd dropped unasked.
    pub drops: u64,
    /// Tries by method.
    pub methods: Methods,
    /// Names, most failures first.
    pub users: Vec<Name>,
    /// How many different names; more than are listed where a bound was reached.
    pub names: u64,
    /// Refused credentials under names that are not listed or not known.
    pub failures_unlisted: u64,
    /// When and where it was seen.
    pub seen: Seen,
    /// What it is up to.
    pub outcome: Outcome,
}

/// A network or a name.
#[derive(Clone, Debug)]
pub struct GroupReport {
    /// Its address and length; the name as the client sent it.
    pub key: Key,
    /// Refused credentials.
    pub failures: u64,
    /// Attempts.
    pub attempts: u64,
    /// Connections (of a network).
    pub connections: u64,
    /// Logins.
    pub successes: u64,
    /// Different sources that made attempts.
    pub sources: u64,
    /// Different names (of a network).
    pub names: u64,
    /// Whether sshd would let the account in.
    pub valid: Option<bool>,
    /// When and where it was seen.
    pub seen: Seen,
}

/// What a campaign is named by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A source.
    Source(IpAddr),
    /// Sources of one network.
    Network(Network),
    /// Sources that tried one name.
    User(Box<[u8]>),
}

impl Key {
    /// What it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Key::Source(_) => "source",
            Key::Network(_) => "network",
            Key::User(_) => "user",
        }
    }
}

/// Attempts that belong together.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// What they have in common.
    pub key: Key,
    /// What it is.
    pub outcome: Outcome,
    /// Attempts.
    pub attempts: u64,
    /// Refused credentials.
    pub failures: u64,
    /// Connections; none are counted per name.
    pub connections: Option<u64>,
    /// Different sources.
    pub sources: u64,
    /// Different names.
    pub names: u64,
    /// When and where it was seen.
    pub seen: Seen,
}

/// Somebody got in after failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// From here.
    pub address: IpAddr,
    /// As this account.
    pub user: Option<Vec<u8>>,
    /// How; `None` where only audit records tell of it.
    pub method: Option<Method>,
    /// Key type and fingerprint.
    pub detail: Option<Vec<u8>>,
    /// ms since 1970.
    pub time_ms: u64,
    /// The line that says so.
    pub line: LineId,
    /// Attempts of the source until then.
    pub attempts_before: u64,
    /// Host and process of sshd.
    pub(crate) process: Option<(u32, u32)>,
    /// The login session and what was run in it, where audit events tell.
    pub session: Option<Session>,
}

/// Attempts per minute between first and last sight, in thousandths; `None` for a single moment.
pub fn rate_per_minute_milli(attempts: u64, seen: &Seen) -> Option<u64> {
    attempts
        .saturating_mul(60_000_000)
        .checked_div(seen.span_ms())
}

pub(crate) fn build(settings: Settings, mut tallies: Tallies, lines: Lines) -> Report {
    for (_, source) in tallies.sources.iter_mut() {
        settle(source, &mut tallies.total);
    }
    let distributed = u64::from(settings.distributed);
    let is_distributed = |group: &Group| group.sources.count() >= distributed;
    let names: HashSet<&[u8]> = tallies
        .users
        .iter()
        .filter(|(_, group)| is_distributed(group))
        .map(|(name, _)| &**name)
        .collect();
    let mut sources: Vec<SourceReport> = tallies
        .sources
        .iter()
        .map(|(address, source)| {
            let network = tallies.networks.get(&Network::of(*address));
            let of_many = network.is_some_and(is_distributed)
                || source.names.iter().any(|name| names.contains(&*name.name));
            source_report(*address, source, outcome(settings, source, of_many))
        })
        .collect();
    sources.sort_by(|a, b| {
        (b.failures, b.attempts, b.connections, a.address).cmp(&(
            a.failures,
            a.attempts,
            a.connections,
            b.address,
        ))
    });
    let mut networks: Vec<GroupReport> = groups(tallies.networks.iter(), |key| Key::Network(*key));
    let mut users: Vec<GroupReport> = groups(tallies.users.iter(), |key| Key::User(key.clone()));
    let mut campaigns: Vec<Campaign> = sources.iter().filter_map(of_source).collect();
    let many = networks
        .iter()
        .chain(&users)
        .filter(|group| group.sources >= distributed);
    campaigns.extend(many.map(of_group));
    campaigns.sort_by(|a, b| {
        (b.outcome, b.attempts)
            .cmp(&(a.outcome, a.attempts))
            .then_with(|| a.key.cmp(&b.key))
    });
    networks.retain(|network| network.sources > 1);
    users.retain(|user| user.attempts + user.failures + user.successes > 0 || user.valid.is_some());
    Report {
        settings,
        total: tallies.total,
        sources,
        networks,
        users,
        campaigns,
        logins: tallies.logins,
        lines,
        evicted: tallies.evicted,
    }
}

/// Of keyboard-interactive tries, PAM's child writes the audit records and sshd the messages: the
/// larger account holds.
fn settle(source: &mut Source, total: &mut Total) {
    let more = source.audit_orphans.saturating_sub(source.text_interactive);
    source.audit_orphans = 0;
    if more > 0 {
        source.failures += more;
        source.failures_unlisted += more;
        source.methods.refuse(None, more);
        source.attempts = source.attempts.max(source.failures);
        total.failures += more;
    }
}

pub(crate) fn outcome(settings: Settings, source: &Source, of_many: bool) -> Outcome {
    let names = source.names_seen.count();
    if source.compromised {
        return Outcome::Compromised;
    }
    if source.attempts == 0 {
        let only_logins = source.successes > 0 && source.drops == 0;
        return if only_logins {
            Outcome::Login
        } else {
            Outcome::Probe
        };
    }
    if names >= u64::from(settings.spray) && source.attempts <= names * Settings::SPRAY_DEPTH {
        return Outcome::Spray;
    }
    if source.burst {
        return Outcome::Brute;
    }
    if of_many {
        return Outcome::Distributed;
    }
    if source.attempts >= u64::from(settings.slow) {
        return Outcome::Slow;
    }
    // Who mistypes and then gets in is nobody to look at.
    if source.successes > 0 {
        Outcome::Login
    } else {
        Outcome::Probe
    }
}

fn source_report(address: IpAddr, source: &Source, outcome: Outcome) -> SourceReport {
    let mut users = source.names.clone();
    users.sort_by(|a, b| {
        b.failures
            .cmp(&a.failures)
            .then_with(|| a.name.cmp(&b.name))
    });
    SourceReport {
        address,
        failures: source.failures,
        attempts: source.attempts,
        connections: source.connections,
        successes: source.successes,
        drops: source.drops,
        methods: source.methods,
        users,
        names: source.names_seen.count(),
        failures_unlisted: source.failures_unlisted,
        seen: source.seen,
        outcome,
    }
}

fn groups<'a, K: 'a>(
    groups: impl Iterator<Item = (&'a K, &'a Group)>,
    key: impl Fn(&K) -> Key,
) -> Vec<GroupReport> {
    let mut all: Vec<GroupReport> = groups
        .map(|(of, group)| GroupReport {
            key: key(of),
            failures: group.failures,
            attempts: group.attempts,
            connections: group.connections,
            successes: group.successes,
            sources: group.sources.count(),
            names: group.names.count(),
            valid: group.valid,
            seen: group.seen,
        })
        .collect();
    all.sort_by(|a, b| {
        (b.failures, b.attempts)
            .cmp(&(a.failures, a.attempts))
            .then_with(|| a.key.cmp(&b.key))
    });
    all
}

fn of_source(source: &SourceReport) -> Option<Campaign> {
    // One of many is shown with the many.
    let is_own = source.outcome.is_finding() && source.outcome != Outcome::Distributed;
    is_own.then_some(Campaign {
        key: Key::Source(source.address),
        outcome: source.outcome,
        attempts: source.attempts,
        failures: source.failures,
        connections: Some(source.connections),
        sources: 1,
        names: source.names,
        seen: source.seen,
    })
}

fn of_group(group: &GroupReport) -> Campaign {
    let is_user = matches!(group.key, Key::User(_));
    Campaign {
        key: group.key.clone(),
        outcome: Outcome::Distributed,
        attempts: group.attempts,
        failures: group.failures,
        connections: (!is_user).then_some(group.connections),
        sources: group.sources,
        names: if is_user { 1 } else { group.names },
        seen: group.seen,
    }
}
