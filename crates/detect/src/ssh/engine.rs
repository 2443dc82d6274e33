//! The engine: lines and audit records in, tallies out.
//!
//! Input comes in about the order of time. Everything is counted under the socket's peer: a line
//! whose peer is not certain waits, by its process, for one that is ([`super::connection`]).
//!
//! A try that messages and audit records both tell of is counted once ([`super::merge`]).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;

use super::connection::{Channel, Connection, Connections};
use super::escape::unescape;
use super::grammar;
use super::line::Line;
use super::merge::Deferred;
use super::message::{Kind, Message, Method, Peer, User};
use super::news::Following;
use super::report::{self, Report};
use super::sessions::Sessions;
use super::settings::Settings;
use super::tallies::{Delta, Moment, Tallies};
use super::tally::LineId;
use crate::limits::ssh as limits;

/// Counts who tried to get in.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    pub(crate) hosts: HashMap<Box<[u8]>, u32>,
    pub(crate) connections: Connections,
    pub(crate) tallies: Tallies,
    pub(crate) deferred: VecDeque<Deferred>,
    pub(crate) sessions: Sessions,
    pub(crate) following: Following,
    pub(crate) lines: Lines,
    pub(crate) now_ms: u64,
}

/// What was read, and how much of it was understood.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// Lines of sshd.
    pub sshd: u64,
    /// Of these, not understood.
    pub not_understood: u64,
    /// Of these, told before by another source: not counted again.
    pub duplicates: u64,
    /// Audit records of sshd.
    pub audit: u64,
    /// Understood, by kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// Not understood: an example of each shape, and how many had it.
    pub unknown: BTreeMap<Vec<u8>, u64>,
    /// Connections that sshd dropped without naming the peer.
    pub dropped_unnamed: u64,
    /// Refused credentials whose peer could not be told.
    pub unattributed: u64,
}

impl Engine {
    /// An engine with these thresholds.
    pub fn new(settings: Settings) -> Self {
        let settings = settings.bounded();
        Self {
            settings,
            hosts: HashMap::new(),
            connections: Connections::new(limits::CONNECTIONS_MAX),
            tallies: Tallies::new(settings),
            deferred: VecDeque::new(),
            sessions: Sessions::default(),
            following: Following::default(),
            lines: Lines::default(),
            now_ms: 0,
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    /// Takes a line that sshd wrote.
    pub fn line(&mut self, at: LineId, channel: Channel, line: &Line<'_>) {
        let moment = Moment {
            at,
            time_ms: line.time_ms.unwrap_or(self.now_ms),
        };
        self.advance(moment.time_ms);
        self.lines.sshd += 1;
        let Some(message) = grammar::parse(line.text, line.line_bytes) else {
            self.lines.not_understood += 1;
            self.unknown(line.text);
            return;
        };
        *self.lines.kinds.entry(message.kind).or_default() += 1;
        let host = self.host(line.host);
        // On hosts that are not told apart, process ids say nothing.
        let pid = line.pid.filter(|_| host != UNTOLD_HOST);
        self.message(host, pid, channel, moment, &message);
    }

    /// What was found.
    pub fn finish(mut self) -> Report {
        self.take_deferred(u64::MAX, usize::MAX);
        for connection in self.connections.drain() {
            self.lines.unattributed += connection.pending.iter().sum::<u64>();
        }
        for login in &mut self.tallies.logins {
            login.session = login
                .process
                .and_then(|(host, pid)| self.sessions.of_pid(host, pid));
        }
        report::build(self.settings, self.tallies, self.lines)
    }

    pub(crate) fn advance(&mut self, time_ms: u64) {
        self.now_ms = self.now_ms.max(time_ms);
        let due = self.now_ms.saturating_sub(limits::DEFERRED_MS);
        if self
            .deferred
            .front()
            .is_some_and(|first| first.time_ms < due)
        {
            self.take_deferred(due, usize::MAX);
        }
    }

    /// Numbers a host; its name counts up to the first dot, since programs differ in the rest.
    pub(crate) fn host(&mut self, name: &[u8]) -> u32 {
        let name = short_host(name);
        if let Some(number) = self.hosts.get(name) {
            return *number;
        }
        if self.hosts.len() >= limits::HOSTS_MAX {
            return UNTOLD_HOST;
        }
        let number = u32::try_from(self.hosts.len()).unwrap_or(UNTOLD_HOST);
        self.hosts.insert(name.into(), number);
        number
    }

    fn message(
        &mut self,
        host: u32,
        pid: Option<u32>,
        channel: Channel,
        moment: Moment,
        message: &Message<'_>,
    ) {
        match message.kind {
            Kind::PamModule | Kind::Server | Kind::Note => {}
            Kind::DroppedMore => self.lines.dropped_unnamed += u64::from(message.count),
            Kind::Penalty => {
                if let Some(address) = message.peer.address() {
                    self.tallies.source(address, moment);
                }
            }
            Kind::Session => {
                if let Peer::Known { address, .. } = message.peer
                    && let Some(source) = self.tallies.sources.get_mut(&address)
                {
                    source.seen.at(moment.time_ms, moment.at);
                }
            }
            _ => {
                let pid = if message.kind == Kind::GraceTimeout {
                    message.pid.or(pid)
                } else {
                    pid
                };
                let Some(slot) = self.connection(host, pid, channel, message) else {
                    return;
                };
                let known = self.connections.at(slot);
                match known.channel {
                    Some(first) if first != channel => self.lines.duplicates += 1,
                    _ => {
                        known.channel = Some(channel);
                        self.told(slot, moment, message);
                    }
                }
            }
        }
    }

    /// The connection that a message is about; a new one where it is the first to tell of it.
    fn connection(
        &mut self,
        host: u32,
        pid: Option<u32>,
        channel: Channel,
        message: &Message<'_>,
    ) -> Option<usize> {
        let of_pid = pid.and_then(|pid| self.connections.of_pid(host, pid));
        let Peer::Known { address, port, .. } = message.peer else {
            // Without a process there is nothing to join by.
            let pid = pid?;
            let open = of_pid.filter(|slot| !self.connections.at(*slot).closed);
            return Some(open.unwrap_or_else(|| {
                self.open(Connection {
                    host,
                    pid: Some(pid),
                    channel: Some(channel),
                    ..Connection::default()
                })
            }));
        };
        // A process that said goodbye and speaks again is another one with its number.
        let is_again =
            |known: &Connection| known.closed && port.is_none() && message.kind == Kind::Pam;
        if let Some(slot) = of_pid.filter(|slot| !is_again(self.connections.at(*slot)))
            && self.is_same(slot, address, port)
        {
            return Some(slot);
        }
        let of_peer = port.and_then(|port| self.connections.of_peer(host, address, port));
        if let Some(slot) = of_peer
            && self.continues(slot, pid, channel, message)
        {
            return Some(slot);
        }
        if pid.is_none() && port.is_none() {
            // A line about PAM without a process: counted under the source alone.
            return Some(self.open(Connection {
                host,
                address: Some(address),
                channel: Some(channel),
                counted: true,
                ..Connection::default()
            }));
        }
        let mut fresh = Connection {
            host,
            pid,
            address: Some(address),
            port,
            channel: Some(channel),
            ..Connection::default()
        };
        // What this process said before it named its peer was of this connection.
        if let Some(slot) = of_pid {
            let old = self.connections.at(slot);
            fresh.pending = std::mem::take(&mut old.pending);
            if old.address == Some(address) {
                fresh.pam_unpaired = std::mem::take(&mut old.pam_portless);
                fresh.tries = fresh.pam_unpaired;
                fresh.attempts = fresh.tries;
            }
        }
        Some(self.open(fresh))
    }

    /// Whether the process's connection is with this peer; a peer that was not known is from now.
    fn is_same(&mut self, slot: usize, address: IpAddr, port: Option<u16>) -> bool {
        let known = self.connections.at(slot);
        let is_same = known.address.is_none_or(|one| one == address)
            && (known.port.is_none() || port.is_none() || known.port == port);
        if is_same && (known.address.is_none() || known.port.is_none()) {
            known.address = Some(address);
            known.port = known.port.or(port);
            self.connections.index(slot);
        }
        is_same
    }

    /// Whether a message of another process, or of none, goes on with the socket's connection.
    fn continues(
        &mut self,
        slot: usize,
        pid: Option<u32>,
        channel: Channel,
        message: &Message<'_>,
    ) -> bool {
        let known = self.connections.at(slot);
        let is_end = matches!(
            message.kind,
            Kind::Closed | Kind::ReceivedDisconnect | Kind::Disconnecting | Kind::Broken
        );
        if known.pid.is_some() && pid.is_some() && known.pid != pid {
            // The process of a session ends what another one let in.
            return is_end && !message.preauth;
        }
        is_end || !known.closed || known.channel.is_some_and(|first| first != channel)
    }

    pub(crate) fn open(&mut self, connection: Connection) -> usize {
        let (slot, gone) = self.connections.open(connection);
        if let Some(gone) = gone {
            self.lines.unattributed += gone.pending.iter().sum::<u64>();
            self.tallies.evicted.connections += u64::from(!gone.closed);
        }
        slot
    }

    /// Counts what a message says of its connection.
    fn told(&mut self, slot: usize, moment: Moment, message: &Message<'_>) {
        let known = self.connections.at(slot);
        if !matches!(message.peer, Peer::Known { .. }) {
            Self::hold(known, message);
            return;
        }
        let Some(address) = known.address else {
            return;
        };
        let is_drop = message.kind == Kind::Dropped;
        let mut delta = Delta {
            from_text: true,
            connected: !known.counted && !is_drop,
            ..Delta::default()
        };
        known.counted |= delta.connected;
        if message.peer.port().is_some() {
            known.pam_portless = 0;
        }
        for (count, method) in std::mem::take(&mut known.pending).into_iter().zip(PENDING) {
            if count > 0 {
                let mut held = Delta {
                    method: Some(method),
                    ..Delta::default()
                };
                Self::refused(known, &mut held, count);
                self.tallies.apply(address, moment, &held);
            }
        }
        let known = self.connections.at(slot);
        let name = message.user.filter(|_| !is_drop);
        let name = name.map(|user| account(&user, message.preauth));
        delta.user = name.as_ref().map(|(name, valid)| (&**name, *valid));
        let count = u64::from(message.count);
        match message.kind {
            Kind::Failed => {
                delta.method = message.method;
                let count = self.failed(slot, address, moment, &mut delta, count);
                Self::refused(self.connections.at(slot), &mut delta, count);
            }
            Kind::Pam => {
                known.pam_unpaired += count;
                known.pam_portless += count;
                delta.method = message.method;
                Self::refused(known, &mut delta, count);
            }
            Kind::Accepted if !std::mem::replace(&mut known.accepted, true) => {
                let process = known.pid.map(|pid| (known.host, pid));
                self.tallies.apply(address, moment, &delta);
                let detail = message.detail.map(<[u8]>::to_vec);
                let method = Some(message.method.unwrap_or(Method::Other));
                self.tallies
                    .accepted(address, moment, method, delta.user, detail, process);
                return;
            }
            Kind::Dropped => delta.drops = count,
            Kind::InvalidUser | Kind::TooManyTries | Kind::NotAllowed | Kind::Prohibited => {
                Self::named(known, &mut delta);
            }
            Kind::Closed | Kind::Disconnecting | Kind::Broken => {
                if message.preauth {
                    Self::named(known, &mut delta);
                }
                known.closed = true;
            }
            Kind::GraceTimeout => known.closed = true,
            // `Received disconnect` is followed by `Disconnected from`.
            _ => {}
        }
        self.tallies.apply(address, moment, &delta);
    }

    /// Remembers refused credentials until the process names its peer.
    fn hold(known: &mut Connection, message: &Message<'_>) {
        let count = u64::from(message.count);
        match (message.kind, message.method) {
            (Kind::Failed, Some(Method::Password)) => known.pending[0] += count,
            (Kind::Failed, Some(Method::KeyboardInteractive)) => {
                let paired = known.pam_unpaired.min(count);
                known.pam_unpaired -= paired;
                known.pending[1] += count - paired;
            }
            (Kind::Pam, _) => {
                known.pam_unpaired += count;
                known.pending[1] += count;
            }
            _ => {}
        }
    }

    /// Of `count` refused tries, how many are credentials that nothing told of before.
    fn failed(
        &mut self,
        slot: usize,
        address: IpAddr,
        moment: Moment,
        delta: &mut Delta<'_>,
        count: u64,
    ) -> u64 {
        match delta.method {
            Some(Method::KeyboardInteractive) => {
                // PAM's line about the same try came first.
                let known = self.connections.at(slot);
                let unpaired = if known.pid.is_some() {
                    &mut known.pam_unpaired
                } else {
                    &mut self.tallies.source(address, moment).pam_unpaired
                };
                let paired = (*unpaired).min(count);
                *unpaired -= paired;
                count - paired
            }
            Some(method) if method.is_credential() => count,
            _ => {
                // Keys and questions are probes: what clients with several keys do before they
                // get in.
                delta.probes = count;
                0
            }
        }
    }

    /// Refused credentials that a message tells of.
    fn refused(known: &mut Connection, delta: &mut Delta<'_>, count: u64) {
        known.tries += count;
        // An audit record told of it before.
        let told = known.audit_surplus.min(count);
        known.audit_surplus -= told;
        if delta.method == Some(Method::KeyboardInteractive) {
            delta.interactive = count;
            delta.unpaired = if known.pid.is_none() { count } else { 0 };
        }
        Self::count(known, delta, count - told);
    }

    /// Refused credentials, whoever tells of them.
    pub(crate) fn count(known: &mut Connection, delta: &mut Delta<'_>, count: u64) {
        if count == 0 {
            return;
        }
        let all = known.tries.max(known.audit_tries).max(1);
        delta.failures += count;
        delta.attempts += all.saturating_sub(known.attempts);
        known.attempts = known.attempts.max(all);
    }

    /// A connection in which an account was named, whether or not anything was tried.
    fn named(known: &mut Connection, delta: &mut Delta<'_>) {
        if delta.user.is_some() && !known.accepted && known.attempts == 0 {
            known.attempts = 1;
            delta.attempts = 1;
        }
    }

    fn unknown(&mut self, text: &[u8]) {
        let shape: Vec<u8> = text
            .iter()
            .take(limits::UNKNOWN_BYTES)
            .map(|byte| if byte.is_ascii_digit() { b'#' } else { *byte })
            .collect();
        if self.lines.unknown.len() < limits::UNKNOWN_KINDS_MAX
            || self.lines.unknown.contains_key(&shape)
        {
            *self.lines.unknown.entry(shape).or_default() += 1;
        }
    }
}

/// The name as the client sent it, as far as it counts.
fn account<'a>(user: &User<'a>, preauth: bool) -> (std::borrow::Cow<'a, [u8]>, Option<bool>) {
    let name = unescape(user.name, if preauth { 2 } else { 1 });
    let length = name.len().min(limits::NAME_BYTES);
    let name = match name {
        std::borrow::Cow::Borrowed(name) => std::borrow::Cow::Borrowed(&name[..length]),
        std::borrow::Cow::Owned(mut name) => {
            name.truncate(length);
            std::borrow::Cow::Owned(name)
        }
    };
    (name, user.valid)
}

/// A host's name without its domain; addresses stay whole.
fn short_host(name: &[u8]) -> &[u8] {
    if super::address::parse(name).is_some() {
        return name;
    }
    let end = memchr::memchr(b'.', name).unwrap_or(name.len());
    &name[..end.min(255)]
}

/// Methods of the two numbers that wait in a connection.
const PENDING: [Method; 2] = [Method::Password, Method::KeyboardInteractive];
/// The host beyond those that are told apart.
const UNTOLD_HOST: u32 = u32::MAX;
