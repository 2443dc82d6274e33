//! What has become an attack since somebody asked last: for logs that are being written.

use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;

use super::address::Network;
use super::engine::Engine;
use super::report::{Login, outcome};
use super::sessions::Session;
use super::settings::{Outcome, Settings};
use super::tally::Seen;
use crate::limits::ssh::{FOLLOWED_MAX, FOLLOWED_MS, SESSION_MEMORY_MS, SOURCES_MAX};

/// A source that became worse.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// It is an attack now, or a worse one than before.
    Attack(Attack),
    /// Somebody got in from there after failures.
    Login(Login),
    /// What was run in the session of such a login so far; told a minute after it, and once more.
    Ran(Login, Session),
}

/// What a source is up to.
#[derive(Clone, Debug, PartialEq)]
pub struct Attack {
    /// Its address.
    pub address: IpAddr,
    /// Never [`Outcome::Compromised`]: that is a [`News::Login`].
    pub outcome: Outcome,
    /// Attempts so far.
    pub attempts: u64,
    /// Of these, refused credentials.
    pub failures: u64,
    /// Different names.
    pub names: u64,
    /// When and where it was seen.
    pub seen: Seen,
}

/// Sources that something was said about since somebody asked.
#[derive(Debug, Default)]
pub(crate) struct Touched(Option<HashSet<IpAddr>>);

impl Touched {
    pub(crate) fn note(&mut self, address: IpAddr) {
        if let Some(touched) = &mut self.0
            && touched.len() < SOURCES_MAX
        {
            touched.insert(address);
        }
    }
}

/// Logins whose sessions are to be told of, the next first.
#[derive(Debug, Default)]
pub(crate) struct Following {
    soon: VecDeque<Login>,
    later: VecDeque<(Login, usize)>,
}

impl Following {
    fn note(&mut self, login: &Login) {
        if self.soon.len() + self.later.len() < FOLLOWED_MAX && login.process.is_some() {
            self.soon.push_back(login.clone());
        }
    }

    /// The next whose time has come, and how many of its commands were told before.
    fn due(&mut self, now_ms: u64) -> Option<(Login, usize, bool)> {
        let is_due = |login: &Login, after: u64| login.time_ms.saturating_add(after) <= now_ms;
        let [soon, later] = FOLLOWED_MS;
        if let Some(login) = self.soon.pop_front_if(|login| is_due(login, soon)) {
            return Some((login, 0, true));
        }
        let (login, told) = self.later.pop_front_if(|(login, _)| is_due(login, later))?;
        Some((login, told, false))
    }
}

impl Engine {
    /// An engine for a log that is being written: [`Engine::news`] is to be asked now and then.
    pub fn live(settings: Settings) -> Self {
        let mut engine = Self::new(settings);
        engine.tallies.touched = Touched(Some(HashSet::new()));
        engine
    }

    /// Time has passed: audit records that waited for messages are counted, and sources that were
    /// quiet for so long that nothing they did counts any more are forgotten.
    pub fn tick(&mut self, now_ms: u64) {
        self.advance(now_ms);
        let before_ms = self.now_ms.saturating_sub(self.settings().memory_ms);
        self.tallies.forget(before_ms);
        self.sessions
            .forget(self.now_ms.saturating_sub(SESSION_MEMORY_MS));
    }

    /// The host that a login was seen on, as far as its first dot.
    pub fn host_of(&self, login: &Login) -> Option<&[u8]> {
        let (number, _) = login.process?;
        let found = self.hosts.iter().find(|(_, known)| **known == number);
        found.map(|(name, _)| &**name)
    }

    /// What became worse since the last call.
    pub fn news(&mut self) -> Vec<News> {
        let settings = self.settings();
        let tallies = &mut self.tallies;
        let mut news: Vec<News> = tallies.logins.drain(..).map(News::Login).collect();
        if tallies.touched.0.is_some() {
            self.follow(&mut news);
        }
        let tallies = &mut self.tallies;
        let Some(touched) = &mut tallies.touched.0 else {
            return news;
        };
        let distributed = u64::from(settings.distributed);
        for address in std::mem::take(touched) {
            let network = tallies.networks.get(&Network::of(address));
            let Some(source) = tallies.sources.get(&address) else {
                continue;
            };
            let of_many = network.is_some_and(|group| group.sources.count() >= distributed)
                || source.names.iter().any(|name| {
                    let user = tallies.users.get(&name.name);
                    user.is_some_and(|group| group.sources.count() >= distributed)
                });
            let outcome = outcome(settings, source, of_many);
            let is_worse = source.told.is_none_or(|told| outcome > told);
            // A login after failures has been told as such.
            if !outcome.is_finding() || !is_worse {
                continue;
            }
            if outcome != Outcome::Compromised {
                news.push(News::Attack(Attack {
                    address,
                    outcome,
                    attempts: source.attempts,
                    failures: source.failures,
                    names: source.names_seen.count(),
                    seen: source.seen,
                }));
            }
            if let Some(source) = tallies.sources.get_mut(&address) {
                source.told = Some(outcome);
            }
        }
        news
    }
    /// Adds what was run in sessions whose time has come; follows those of new logins.
    fn follow(&mut self, news: &mut Vec<News>) {
        for one in &*news {
            if let News::Login(login) = one {
                self.following.note(login);
            }
        }
        while let Some((login, told, is_first)) = self.following.due(self.now_ms) {
            let session = login
                .process
                .and_then(|(host, pid)| self.sessions.of_pid(host, pid));
            let count = session.as_ref().map_or(0, |session| session.commands.len());
            if let Some(session) = session.filter(|_| count > told) {
                news.push(News::Ran(login.clone(), session));
            }
            if is_first {
                self.following.later.push_back((login, count));
            }
        }
    }
}
