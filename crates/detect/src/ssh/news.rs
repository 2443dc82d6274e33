//! What has become an attack since somebody asked last: for logs that are being written.

use std::collections::HashSet;
use std::net::IpAddr;

use super::address::Network;
use super::engine::Engine;
use super::report::{Login, outcome};
use super::settings::{Outcome, Settings};
use super::tally::Seen;
use crate::limits::ssh::SOURCES_MAX;

/// A source that became worse.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// It is an attack now, or a worse one than before.
    Attack(Attack),
    /// Somebody got in from there after failures.
    Login(Login),
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
    }

    /// What became worse since the last call.
    pub fn news(&mut self) -> Vec<News> {
        let settings = self.settings();
        let tallies = &mut self.tallies;
        let mut news: Vec<News> = tallies.logins.drain(..).map(News::Login).collect();
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
}
