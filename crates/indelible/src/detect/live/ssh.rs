//! Tries to get in over ssh, while they happen: T1110, T1078.

use std::collections::BTreeMap;

use indelible_detect::sigma::Level;
use indelible_detect::ssh::{Engine, LineId, Login, News, Outcome, Session, Settings};
use indelible_log::{EntryRef, Kind};

use super::found::cut;
use super::limits::{COMMANDS_BYTES_MAX, HOSTS_MAX, VALUE_BYTES_MAX};
use crate::detect::ssh::entry::EntryLook;
use crate::payload::finding::{EntriesSeen, EventSeen, Finder, Finding};

/// Counts, and says when something became an attack.
pub(super) struct SshWatch {
    engine: Engine,
    look: EntryLook,
    /// Streams of the entries that findings point at are not remembered: the newest one's is.
    entries: u64,
    /// Hosts by their names up to the first dot, by which the engine knows them.
    hosts: BTreeMap<Vec<u8>, String>,
}

impl SshWatch {
    pub(super) fn new() -> Self {
        Self {
            engine: Engine::live(Settings::default()),
            look: EntryLook::new(0),
            entries: 0,
            hosts: BTreeMap::new(),
        }
    }

    /// Takes an entry of a host.
    pub(super) fn entry(&mut self, entry: &EntryRef<'_>, host: &str, found: &mut Vec<Finding>) {
        let is_of_interest = match entry.header().kind {
            Kind::Audit => true,
            Kind::Syslog | Kind::Journal | Kind::FileLine => {
                memchr::memmem::find(entry.payload(), b"sshd").is_some()
            }
            _ => false,
        };
        if !is_of_interest {
            return;
        }
        self.entries += 1;
        let at = LineId {
            file: 0,
            line: self.entries,
        };
        if !self.look.entry(at, entry, host.as_bytes()) {
            return;
        }
        self.look.give(&mut self.engine);
        let short = host.split('.').next().unwrap_or_default().as_bytes();
        if !self.hosts.contains_key(short) && self.hosts.len() < HOSTS_MAX {
            self.hosts.insert(short.to_vec(), host.to_owned());
        }
        self.tell(Some(entry), host, found);
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now_ms: u64, found: &mut Vec<Finding>) {
        self.engine.tick(now_ms);
        self.tell(None, "", found);
    }

    fn tell(&mut self, entry: Option<&EntryRef<'_>>, host: &str, found: &mut Vec<Finding>) {
        for news in self.engine.news() {
            let (mut finding, time_ms) = match &news {
                News::Login(login) => (of_login(login), login.time_ms),
                News::Ran(login, session) => {
                    let last = session.commands.last();
                    let time_ms = last.map_or(login.time_ms, |command| command.time_ms);
                    (of_session(login, session), time_ms)
                }
                News::Attack(attack) => {
                    let (outcome, address) = (attack.outcome, attack.address);
                    let why = format!(
                        "{address} made {} attempts under {} names, {} of them with refused credentials",
                        attack.attempts, attack.names, attack.failures
                    );
                    let (id, level, title, technique) = kind(outcome);
                    let mut finding = Finding::new((id, Finder::Ssh), level, title, why);
                    finding.techniques = vec![technique.to_owned()];
                    finding.fields.insert("address".into(), address.to_string());
                    (finding, attack.seen.last_ms)
                }
            };
            // What waited is told with an entry of another host, or with none.
            let named = match &news {
                News::Login(login) | News::Ran(login, _) => self.host_of(login),
                News::Attack(_) => None,
            };
            let host = named.unwrap_or(host);
            finding.host = Some(host.to_owned()).filter(|host| !host.is_empty());
            let entry = entry.filter(|_| !matches!(news, News::Ran(..)));
            finding.events.push(EventSeen {
                time_ms,
                serial: None,
                entries: entry.map(|entry| {
                    let header = entry.header();
                    EntriesSeen {
                        stream: header.stream.to_string(),
                        first: header.sequence,
                        last: header.sequence,
                    }
                }),
            });
            found.push(finding);
        }
    }

    fn host_of(&self, login: &Login) -> Option<&str> {
        let short = self.engine.host_of(login)?;
        self.hosts.get(short).map(String::as_str)
    }
}

/// What somebody ran who got in.
fn of_session(login: &Login, session: &Session) -> Finding {
    let user = login.user.as_deref().unwrap_or(b"an unnamed account");
    let user = cut(&String::from_utf8_lossy(user), VALUE_BYTES_MAX);
    let count = session.commands.len() as u64 + session.more_commands;
    let why = format!(
        "{user}, who got in from {} after {} attempts, ran {count} commands in session {}",
        login.address, login.attempts_before, session.ses
    );
    let title = "What was run by somebody who got in over ssh after failures";
    let mut finding = Finding::new((COMPROMISED, Finder::Ssh), Level::Critical, title, why);
    finding.techniques = vec!["T1078".into(), "T1059".into()];
    finding.auid = Some(session.auid);
    let lines: Vec<_> = session
        .commands
        .iter()
        .map(|command| String::from_utf8_lossy(&command.line))
        .collect();
    let commands = cut(&lines.join("\n"), COMMANDS_BYTES_MAX);
    let fields = &mut finding.fields;
    fields.insert("address".into(), login.address.to_string());
    fields.insert("user".into(), user);
    fields.insert("session".into(), session.ses.to_string());
    fields.insert("commands".into(), commands);
    finding
}

fn of_login(login: &Login) -> Finding {
    let user = login.user.as_deref().unwrap_or(b"an unnamed account");
    let user = cut(&String::from_utf8_lossy(user), VALUE_BYTES_MAX);
    let method = login
        .method
        .map_or("an unknown method", |method| method.name());
    let why = format!(
        "{} got in as {user} by {method} after {} attempts",
        login.address, login.attempts_before
    );
    let title = "Somebody got in over ssh after failures";
    let mut finding = Finding::new((COMPROMISED, Finder::Ssh), Level::Critical, title, why);
    finding.techniques = vec!["T1078".into(), "T1110".into()];
    let fields = &mut finding.fields;
    fields.insert("address".into(), login.address.to_string());
    fields.insert("user".into(), user);
    fields.insert("method".into(), method.into());
    if let Some(key) = &login.detail {
        let key = cut(&String::from_utf8_lossy(key), VALUE_BYTES_MAX);
        fields.insert("key".into(), key);
    }
    finding
}

/// Id, level, title and technique of an outcome.
fn kind(outcome: Outcome) -> (&'static str, Level, &'static str, &'static str) {
    match outcome {
        Outcome::Spray => (
            "ssh-spray",
            Level::High,
            "A source tries few passwords on many accounts over ssh",
            "T1110.003",
        ),
        Outcome::Distributed => (
            "ssh-distributed",
            Level::Medium,
            "Many sources try to get in over ssh together",
            "T1110",
        ),
        Outcome::Slow => (
            "ssh-slow",
            Level::Low,
            "A source tries to get in over ssh and takes its time",
            "T1110.001",
        ),
        Outcome::Brute | Outcome::Compromised | Outcome::Probe | Outcome::Login => (
            "ssh-brute",
            Level::Medium,
            "A source tries many passwords over ssh",
            "T1110.001",
        ),
    }
}

/// The id of findings about logins after failures.
const COMPROMISED: &str = "ssh-compromised";
