//! The state of one correlation: events of the last timespan by group, bounded.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use indelible_record::Stamp;

use super::correlation::{Correlation, Kind};
use crate::limits::sigma::{
    CORRELATION_EVENTS_MAX, CORRELATION_GROUPS_MAX, CORRELATION_SHOWN_MAX, CORRELATION_TOTAL_MAX,
};

/// By which values events belong together.
pub(super) type GroupKey = Arc<[Vec<u8>]>;

/// What a correlation remembers.
#[derive(Debug, Default)]
pub(super) struct Windows {
    groups: HashMap<GroupKey, Group>,
    /// Groups by their last event, and a number that tells equal times apart.
    by_age: BTreeMap<(u64, u64), GroupKey>,
    next: u64,
    events: usize,
    /// Groups and events that had to go before their time.
    pub(super) evicted: u64,
}

#[derive(Debug, Default)]
struct Group {
    age: (u64, u64),
    events: VecDeque<Entry>,
    /// Events of each of the rules.
    by_rule: Vec<u32>,
    /// Distinct values and how often each is there.
    values: HashMap<Vec<u8>, u32>,
    sum: f64,
    /// For each place in the order: when the latest chain began that reaches it.
    chains: Vec<Option<u64>>,
    /// Since when the condition holds; it is said once, and again after a timespan.
    said_ms: Option<u64>,
}

#[derive(Debug)]
struct Entry {
    ms: u64,
    rule: usize,
    stamp: Option<Stamp>,
    value: Option<Vec<u8>>,
}

/// A match of one of the rules.
pub(super) struct Arrival {
    pub(super) now_ms: u64,
    /// Its place among the correlation's rules.
    pub(super) rule: usize,
    pub(super) stamp: Option<Stamp>,
    pub(super) value: Option<Vec<u8>>,
}

/// The condition has begun to hold.
#[derive(Debug, PartialEq)]
pub(super) struct Fired {
    pub(super) value: f64,
    /// The events, oldest first; the newest where they are too many.
    pub(super) stamps: Vec<Stamp>,
}

impl Windows {
    pub(super) fn push(
        &mut self,
        correlation: &Correlation,
        key: GroupKey,
        arrival: Arrival,
    ) -> Option<Fired> {
        let now_ms = arrival.now_ms;
        self.forget_before(now_ms.saturating_sub(correlation.timespan_ms));
        let group = self.groups.entry(Arc::clone(&key)).or_default();
        // Time of a group does not go back.
        let now_ms = now_ms.max(group.age.0);
        self.by_age.remove(&group.age);
        self.next += 1;
        group.age = (now_ms, self.next);
        self.by_age.insert(group.age, key);
        let before = group.events.len();
        let (value, dropped) = group.add(correlation, now_ms, arrival);
        self.events = self.events + group.events.len() - before;
        self.evicted += dropped;
        let fired = group.judge(correlation, now_ms, value);
        while self.groups.len() > CORRELATION_GROUPS_MAX || self.events > CORRELATION_TOTAL_MAX {
            if !self.evict() {
                break;
            }
            self.evicted += 1;
        }
        fired
    }

    /// Groups whose last event is older say nothing any more.
    fn forget_before(&mut self, ms: u64) {
        while self
            .by_age
            .first_key_value()
            .is_some_and(|((last, _), _)| *last < ms)
        {
            self.evict();
        }
    }

    /// Drops the group that was quiet longest.
    fn evict(&mut self) -> bool {
        let Some((_, key)) = self.by_age.pop_first() else {
            return false;
        };
        if let Some(group) = self.groups.remove(&key) {
            self.events -= group.events.len();
        }
        true
    }
}

impl Group {
    /// Takes an event in and the old ones out; returns what is compared with the condition, and how
    /// many events were pushed out before their time.
    fn add(&mut self, correlation: &Correlation, now_ms: u64, arrival: Arrival) -> (f64, u64) {
        let rules = correlation.rules.len();
        self.by_rule.resize(rules, 0);
        self.chains.resize(rules, None);
        let since = now_ms.saturating_sub(correlation.timespan_ms);
        while self.events.front().is_some_and(|oldest| oldest.ms < since) {
            self.pop();
        }
        let mut dropped = 0;
        if self.events.len() == CORRELATION_EVENTS_MAX {
            self.pop();
            dropped = 1;
        }
        self.by_rule[arrival.rule] += 1;
        if let Some(value) = &arrival.value {
            *self.values.entry(value.clone()).or_default() += 1;
            self.sum += number(value).unwrap_or_default();
        }
        self.chain(arrival.rule, now_ms, since);
        self.events.push_back(Entry {
            ms: now_ms,
            rule: arrival.rule,
            stamp: arrival.stamp,
            value: arrival.value,
        });
        (self.value(correlation), dropped)
    }

    fn pop(&mut self) {
        let Some(entry) = self.events.pop_front() else {
            return;
        };
        self.by_rule[entry.rule] -= 1;
        let Some(value) = entry.value else { return };
        self.sum -= number(&value).unwrap_or_default();
        if let Some(count) = self.values.get_mut(&value) {
            *count -= 1;
            if *count == 0 {
                self.values.remove(&value);
            }
        }
    }

    /// Continues the chains that have come to the place before this rule's.
    fn chain(&mut self, rule: usize, now_ms: u64, since: u64) {
        let began = match rule.checked_sub(1) {
            None => Some(now_ms),
            Some(before) => self.chains[before].filter(|began| *began >= since),
        };
        self.chains[rule] = self.chains[rule].max(began);
    }

    fn value(&self, correlation: &Correlation) -> f64 {
        match &correlation.kind {
            Kind::EventCount => self.events.len() as f64,
            Kind::ValueCount(_) => self.values.len() as f64,
            Kind::Temporal => self.by_rule.iter().filter(|count| **count > 0).count() as f64,
            Kind::TemporalOrdered => {
                let since = self.age.0.saturating_sub(correlation.timespan_ms);
                let reached = |began: &&Option<u64>| began.is_some_and(|began| began >= since);
                self.chains.iter().take_while(reached).count() as f64
            }
            Kind::ValueSum(_) => self.sum,
            Kind::ValueAverage(_) => match self.numbers().len() {
                0 => f64::NAN,
                count => self.sum / count as f64,
            },
            Kind::ValuePercentile(_, share) => percentile(self.numbers(), *share),
        }
    }

    fn numbers(&self) -> Vec<f64> {
        let values = self.events.iter().filter_map(|entry| entry.value.as_ref());
        values.filter_map(|value| number(value)).collect()
    }

    fn judge(&mut self, correlation: &Correlation, now_ms: u64, value: f64) -> Option<Fired> {
        if !correlation.holds(value) {
            self.said_ms = None;
            return None;
        }
        let is_said = self
            .said_ms
            .is_some_and(|said| now_ms.saturating_sub(said) < correlation.timespan_ms);
        if is_said {
            return None;
        }
        self.said_ms = Some(now_ms);
        if correlation.kind == Kind::TemporalOrdered {
            self.chains.fill(None);
            self.said_ms = None;
        }
        let from = self.events.len().saturating_sub(CORRELATION_SHOWN_MAX);
        Some(Fired {
            value,
            stamps: self
                .events
                .range(from..)
                .filter_map(|entry| entry.stamp)
                .collect(),
        })
    }
}

fn number(value: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// Nearest rank.
fn percentile(mut numbers: Vec<f64>, share: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let rank = (share / 100.0 * numbers.len() as f64).ceil() as usize;
    numbers
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    fn correlation(kind: &str, condition: &str) -> Correlation {
        let condition = match condition {
            "" => String::new(),
            other => format!(", condition: {other}"),
        };
        let text =
            format!("{{type: {kind}, rules: [a, b, c], timespan: 10s, group-by: [u]{condition}}}");
        Correlation::read(&yaml::read(text.as_bytes()).expect("YAML")[0]).expect("valid")
    }

    /// Events as (second, rule, group, value): the seconds at which it fires.
    fn check(correlation: &Correlation, events: &[(u64, usize, &str, &str)], expect: &[u64]) {
        let mut windows = Windows::default();
        let fired: Vec<u64> = events
            .iter()
            .filter(|(second, rule, group, value)| {
                let key: GroupKey = vec![group.as_bytes().to_vec()].into();
                let arrival = Arrival {
                    now_ms: second * 1000,
                    rule: *rule,
                    stamp: None,
                    value: Some(value.as_bytes().to_vec()),
                };
                windows.push(correlation, key, arrival).is_some()
            })
            .map(|event| event.0)
            .collect();
        assert_eq!(fired, expect, "{correlation:?}");
        assert_eq!(windows.evicted, 0);
    }

    #[test]
    fn counts() {
        let three = correlation("event_count", "{gte: 3}");
        check(
            &three,
            &[
                (1, 0, "u", ""),
                (2, 1, "u", ""),
                (3, 0, "v", ""),
                (4, 0, "u", ""),
            ],
            &[4],
        );
        // Said once, and again when it still holds a timespan later.
        let flood: Vec<_> = (0..25).map(|second| (second, 0, "u", "")).collect();
        check(&three, &flood, &[2, 12, 22]);
        // The first one has gone when the third comes.
        check(
            &three,
            &[
                (0, 0, "u", ""),
                (5, 0, "u", ""),
                (11, 0, "u", ""),
                (12, 0, "u", ""),
            ],
            &[12],
        );
        let values = correlation("value_count", "{gte: 2, field: x}");
        check(
            &values,
            &[(1, 0, "u", "a"), (2, 0, "u", "a"), (3, 0, "u", "b")],
            &[3],
        );
        let range = correlation("event_count", "{gt: 1, lte: 2}");
        check(
            &range,
            &[(1, 0, "u", ""), (2, 0, "u", ""), (3, 0, "u", "")],
            &[2],
        );
    }

    #[test]
    fn order() {
        let temporal = correlation("temporal", "");
        check(
            &temporal,
            &[(1, 2, "u", ""), (2, 0, "u", ""), (3, 1, "u", "")],
            &[3],
        );
        check(
            &temporal,
            &[(1, 2, "u", ""), (2, 0, "u", ""), (3, 1, "v", "")],
            &[],
        );
        let ordered = correlation("temporal_ordered", "");
        check(
            &ordered,
            &[(1, 2, "u", ""), (2, 0, "u", ""), (3, 1, "u", "")],
            &[],
        );
        check(
            &ordered,
            &[
                (1, 0, "u", ""),
                (2, 1, "u", ""),
                (3, 0, "u", ""),
                (4, 2, "u", ""),
            ],
            &[4],
        );
        // Too slow, but the second chain is in time.
        check(
            &ordered,
            &[
                (1, 0, "u", ""),
                (9, 0, "u", ""),
                (11, 1, "u", ""),
                (15, 2, "u", ""),
            ],
            &[15],
        );
        check(
            &ordered,
            &[(1, 0, "u", ""), (9, 1, "u", ""), (15, 2, "u", "")],
            &[],
        );
    }

    #[test]
    fn numbers() {
        let sum = correlation("value_sum", "{gt: 10, field: x}");
        check(
            &sum,
            &[(1, 0, "u", "6"), (2, 0, "u", "x"), (3, 0, "u", "5")],
            &[3],
        );
        check(&sum, &[(1, 0, "u", "6"), (12, 0, "u", "5")], &[]);
        let mean = correlation("value_avg", "{gte: 5, field: x}");
        check(&mean, &[(1, 0, "u", "1"), (2, 0, "u", "9")], &[2]);
        let median = correlation("value_median", "{gte: 5, field: x}");
        check(
            &median,
            &[(1, 0, "u", "1"), (2, 0, "u", "9"), (3, 0, "u", "9")],
            &[3],
        );
    }

    #[test]
    fn a_million_groups_stay_inside_the_bound() {
        let three = correlation("event_count", "{gte: 3}");
        let mut windows = Windows::default();
        for number in 0..(CORRELATION_GROUPS_MAX as u64 + 500) {
            let key: GroupKey = vec![number.to_be_bytes().to_vec()].into();
            let arrival = Arrival {
                now_ms: 1000,
                rule: 0,
                stamp: None,
                value: None,
            };
            windows.push(&three, key, arrival);
        }
        assert_eq!(windows.groups.len(), CORRELATION_GROUPS_MAX);
        assert_eq!(windows.by_age.len(), CORRELATION_GROUPS_MAX);
        assert_eq!(windows.evicted, 500);
    }
}
