//! What is not said again, and how much is said in a minute.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use indelible_detect::sigma::Level;

use super::limits::{COUNTED_MAX, REPEAT_MS, TOLD_MAX};
use crate::payload::finding::{Finder, Finding, LIMITED};

/// Decides which findings are recorded.
#[derive(Debug)]
pub(super) struct Governor {
    per_minute: u32,
    level: Level,
    recorded: Memory,
    told: Memory,
    minutes: HashMap<(String, Option<String>), Minute>,
    repeated: u64,
    held_back: u64,
}

/// Findings of one kind about one host.
#[derive(Debug)]
struct Minute {
    begun_ms: u64,
    told: u32,
    held_back: u64,
}

impl Governor {
    pub(super) fn new(per_minute: u32, level: Level) -> Self {
        Self {
            per_minute: per_minute.max(1),
            level,
            recorded: Memory::default(),
            told: Memory::default(),
            minutes: HashMap::new(),
            repeated: 0,
            held_back: 0,
        }
    }

    /// Notes that a finding stands in the log already.
    pub(super) fn recorded(&mut self, finding: &Finding) {
        let at_ms = time_ms(finding).unwrap_or(0);
        self.recorded.is_new(said(finding), at_ms);
        self.told.is_new(said(finding), at_ms);
    }

    /// Whether somebody is to be told of a finding, ours or another's: not if the same was told.
    pub(super) fn is_news(&mut self, now_ms: u64, finding: &Finding) -> bool {
        let at_ms = time_ms(finding).unwrap_or(now_ms);
        finding.level >= self.level && self.told.is_new(said(finding), at_ms)
    }

    /// Whether a finding is to be recorded.
    pub(super) fn admits(&mut self, now_ms: u64, finding: &Finding) -> bool {
        if finding.level < self.level {
            return false;
        }
        let at_ms = time_ms(finding).unwrap_or(now_ms);
        if !self.recorded.is_new(said(finding), at_ms) {
            self.repeated += 1;
            return false;
        }
        let key = (finding.id.clone(), finding.host.clone());
        if self.minutes.len() >= COUNTED_MAX && !self.minutes.contains_key(&key) {
            return true;
        }
        let minute = self.minutes.entry(key).or_insert(Minute {
            begun_ms: now_ms,
            told: 0,
            held_back: 0,
        });
        if minute.told >= self.per_minute && now_ms.saturating_sub(minute.begun_ms) < MINUTE_MS {
            minute.held_back += 1;
            self.held_back += 1;
            return false;
        }
        minute.told += 1;
        true
    }

    /// Findings about those that were held back, of minutes that are over.
    pub(super) fn summed_up(&mut self, now_ms: u64) -> Vec<Finding> {
        let mut summaries = Vec::new();
        self.minutes.retain(|(id, host), minute| {
            let is_over = now_ms.saturating_sub(minute.begun_ms) >= MINUTE_MS;
            if is_over && minute.held_back > 0 {
                let why = format!(
                    "{} more findings of {id} within a minute were not recorded one by one",
                    minute.held_back
                );
                let mut finding = Finding::of(&LIMITED, why);
                finding.host.clone_from(host);
                finding.fields.insert("id".into(), id.clone());
                let count = minute.held_back.to_string();
                finding.fields.insert("count".into(), count);
                summaries.push(finding);
            }
            !is_over
        });
        summaries
    }

    /// How many were beyond the rate.
    pub(super) fn held_back(&self) -> u64 {
        self.held_back
    }

    /// How many said what had been said.
    pub(super) fn repeated(&self) -> u64 {
        self.repeated
    }
}

/// When something was said last, in two generations.
#[derive(Debug, Default)]
struct Memory {
    young: HashMap<u64, u64>,
    old: HashMap<u64, u64>,
}

impl Memory {
    /// Whether it was not said for a while; it is said now.
    fn is_new(&mut self, said: u64, at_ms: u64) -> bool {
        let before = self.young.get(&said).or_else(|| self.old.get(&said));
        if before.is_some_and(|ms| at_ms.abs_diff(*ms) < REPEAT_MS) {
            return false;
        }
        if self.young.len() >= TOLD_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(said, at_ms);
        true
    }
}

/// What a finding says, whenever it does.
fn said(finding: &Finding) -> u64 {
    hash((
        by(finding.by),
        &finding.id,
        &finding.host,
        finding.pid,
        &finding.why,
    ))
}

fn time_ms(finding: &Finding) -> Option<u64> {
    Some(finding.events.last()?.time_ms)
}

fn by(finder: Finder) -> u8 {
    finder as u8
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

const MINUTE_MS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::finding::EventSeen;

    fn finding(why: &str, time_ms: u64) -> Finding {
        let mut finding = Finding::new(("x", Finder::Builtin), Level::High, "t", why);
        finding.events.push(EventSeen {
            time_ms,
            serial: Some(time_ms),
            entries: None,
        });
        finding
    }

    #[test]
    fn what_was_said_is_not_said_again_for_a_while() {
        let mut governor = Governor::new(100, Level::Medium);
        assert!(governor.admits(1, &finding("a", 1)));
        assert!(!governor.admits(2, &finding("a", 2)));
        assert!(governor.admits(2, &finding("b", 2)));
        assert!(governor.admits(REPEAT_MS + 1, &finding("a", REPEAT_MS + 1)));
        assert_eq!(governor.repeated(), 1);
        let low = Finding::new(("x", Finder::Builtin), Level::Low, "t", "c");
        assert!(!governor.admits(3, &low));
    }

    #[test]
    fn what_stands_in_the_log_is_not_recorded_twice() {
        let mut governor = Governor::new(100, Level::Low);
        governor.recorded(&finding("a", 700_000));
        assert!(!governor.admits(700_001, &finding("a", 700_000)));
        let later = 700_000 + REPEAT_MS;
        assert!(governor.admits(later, &finding("a", later)));
    }

    #[test]
    fn what_another_found_is_told_once_and_recorded_all_the_same() {
        let mut governor = Governor::new(100, Level::Low);
        assert!(governor.is_news(1, &finding("a", 1)));
        assert!(governor.admits(2, &finding("a", 1)));
        assert!(!governor.is_news(2, &finding("a", 1)));
    }

    #[test]
    fn many_of_a_kind_are_summed_up() {
        let mut governor = Governor::new(3, Level::Low);
        let told = (0..10)
            .filter(|number| governor.admits(5, &finding(&number.to_string(), 5)))
            .count();
        assert_eq!(told, 3);
        assert_eq!(governor.summed_up(MINUTE_MS), []);
        let summaries = governor.summed_up(MINUTE_MS + 5);
        assert_eq!(summaries.len(), 1);
        assert_eq!(summaries[0].fields["count"], "7");
        assert_eq!(governor.summed_up(3 * MINUTE_MS), []);
        assert!(governor.admits(2 * MINUTE_MS, &finding("again", 9)));
    }
}
