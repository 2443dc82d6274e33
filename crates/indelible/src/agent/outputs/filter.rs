//! What an output leaves out: events that its condition does not choose, and events beyond a rate.
//! What was left out is counted with its serials, so that the account stays whole.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use indelible_query::criteria::Filter as _;
use indelible_query::expr::Where;
use indelible_record::{Arch, Event};

use super::limits::{FILTERED_KEYS_MAX, LIMITED_VALUES_MAX, SERIAL_RANGES_MAX};
use crate::config::outputs::{ConditionText, LimitBy, OutputConfig, RateLimit};
use crate::payload::{Gap, GapReason};

/// Condition and rates of one output.
#[derive(Debug)]
pub(crate) struct Filter {
    output: String,
    condition: Option<Where>,
    limits: Vec<Limit>,
    left_out: BTreeMap<(GapReason, String), LeftOut>,
    /// When the first event that waits to be told was left out.
    since: Option<Instant>,
}

impl Filter {
    /// Of an output by its name.
    pub(crate) fn new(
        output: &str,
        condition: Option<&ConditionText>,
        limits: &[RateLimit],
    ) -> Self {
        Self {
            output: output.to_owned(),
            condition: condition.and_then(|text| Where::parse(&text.0).ok()),
            limits: limits.iter().map(Limit::new).collect(),
            left_out: BTreeMap::new(),
            since: None,
        }
    }

    /// As configured; `None` where everything passes.
    pub(super) fn of(config: &OutputConfig) -> Option<Self> {
        let condition = config.condition.as_ref();
        (condition.is_some() || !config.limits.is_empty())
            .then(|| Self::new(&config.name.to_string(), condition, &config.limits))
    }

    /// Whether an event passes; one that does not is counted.
    pub(crate) fn passes(&mut self, event: &Event, now: Instant) -> bool {
        let reason = if self
            .condition
            .as_ref()
            .is_some_and(|condition| !condition.matches(event))
        {
            GapReason::Filtered
        } else if self
            .limits
            .iter_mut()
            .any(|limit| !limit.passes(event, now))
        {
            GapReason::RateLimited
        } else {
            return true;
        };
        self.since.get_or_insert(now);
        let keys = event.keys();
        let key = keys
            .first()
            .map_or(Cow::Borrowed(""), |key| String::from_utf8_lossy(key));
        let full = self.left_out.len() >= FILTERED_KEYS_MAX;
        let mut place = (reason, key.into_owned());
        if full && !self.left_out.contains_key(&place) {
            place.1 = OTHERS.into();
        }
        let serial = event.stamp().map(|stamp| stamp.serial);
        self.left_out.entry(place).or_default().add(serial);
        false
    }

    /// The gap entries that are due: after a while, or at once with `all`.
    pub(crate) fn due(&mut self, now: Instant, all: bool) -> Vec<Gap> {
        let full = self.left_out.values().any(LeftOut::is_full);
        let waited = self.since.is_some_and(|since| now - since >= TOLD_EVERY);
        if !(full || waited || all) {
            return Vec::new();
        }
        self.since = None;
        let output = &self.output;
        let left_out = std::mem::take(&mut self.left_out).into_iter();
        left_out
            .map(|((reason, key), left)| {
                let detail = format!("output {output} left out {} events", left.events);
                let mut gap = Gap::new(reason, Some(left.events), detail);
                gap.output = Some(output.clone());
                gap.key = Some(key);
                gap.serials = left.ranges;
                gap
            })
            .collect()
    }
}

/// Events that were left out.
#[derive(Debug, Default)]
struct LeftOut {
    events: u64,
    /// First and last of each run of serials.
    ranges: Vec<[u32; 2]>,
}

impl LeftOut {
    fn add(&mut self, serial: Option<u32>) {
        self.events += 1;
        let Some(serial) = serial else { return };
        match self.ranges.last_mut() {
            Some([_, last]) if last.checked_add(1) == Some(serial) => *last = serial,
            Some([_, last]) if *last == serial => {}
            _ => self.ranges.push([serial, serial]),
        }
    }

    fn is_full(&self) -> bool {
        self.ranges.len() >= SERIAL_RANGES_MAX
    }
}

/// A rate, per value of a field.
#[derive(Debug)]
struct Limit {
    by: LimitBy,
    only: Option<Vec<u8>>,
    per_second: f64,
    burst: f64,
    /// Tokens that are left of each value, and when they were counted.
    buckets: HashMap<Vec<u8>, (f64, Instant)>,
}

impl Limit {
    fn new(config: &RateLimit) -> Self {
        let burst = config.burst.unwrap_or(config.per_second.saturating_mul(10));
        Self {
            by: config.by,
            only: config
                .value
                .as_ref()
                .map(|value| value.clone().into_bytes()),
            per_second: config.per_second.into(),
            burst: burst.into(),
            buckets: HashMap::new(),
        }
    }

    fn passes(&mut self, event: &Event, now: Instant) -> bool {
        let Some(value) = value_of(event, self.by) else {
            return true;
        };
        if self.only.as_ref().is_some_and(|only| *only != *value) {
            return true;
        }
        if self.buckets.len() >= LIMITED_VALUES_MAX && !self.buckets.contains_key(&*value) {
            // Those that would be full again are as good as new.
            let (rate, burst) = (self.per_second, self.burst);
            self.buckets.retain(|_, (tokens, at)| {
                *tokens + now.duration_since(*at).as_secs_f64() * rate < burst
            });
            if self.buckets.len() >= LIMITED_VALUES_MAX {
                self.buckets.clear();
            }
        }
        let (tokens, at) = self
            .buckets
            .entry(value.into_owned())
            .or_insert((self.burst, now));
        *tokens =
            (*tokens + now.duration_since(*at).as_secs_f64() * self.per_second).min(self.burst);
        *at = now;
        let passes = *tokens >= 1.0;
        if passes {
            *tokens -= 1.0;
        }
        passes
    }
}

/// What a field of the event says; `None` where it has none.
pub(crate) fn value_of(event: &Event, by: LimitBy) -> Option<Cow<'_, [u8]>> {
    match by {
        LimitBy::Key => event.keys().into_iter().next(),
        LimitBy::Exe => event.exe(),
        LimitBy::Syscall => {
            let number = event.syscall()?;
            let name = event
                .arch()
                .and_then(Arch::from_audit)
                .and_then(|arch| arch.syscall_name(number));
            Some(match name {
                Some(name) => Cow::Borrowed(name.as_bytes()),
                None => Cow::Owned(number.to_string().into_bytes()),
            })
        }
    }
}

/// How long what was left out waits to be told.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// In place of a key where there are too many.
const OTHERS: &str = "(others)";

#[cfg(test)]
mod tests {
    use indelible_record::{Assembler, Record, Settings};

    use super::*;

    fn event(serial: u32, key: &str) -> Event {
        let line = format!(
            "type=SYSCALL msg=audit(1700000000.123:{serial}): arch=c000003e syscall=257 uid=0 exe=\"/bin/x\" key=\"{key}\""
        );
        let mut assembler = Assembler::new(Settings::FILE);
        assembler.push(0, &Record::parse(line.as_bytes())).count();
        let event = assembler.finish().next();
        event.unwrap()
    }

    fn filter(text: &str) -> Filter {
        let text = format!("name = 'o'\nto = ['stdout']\n{text}");
        Filter::of(&toml::from_str(&text).unwrap()).unwrap()
    }

    #[test]
    fn what_is_left_out_is_told_with_its_serials() {
        let mut filter = filter("where = 'key = \"a\"'");
        let now = Instant::now();
        for serial in [1, 2, 3, 7] {
            assert!(!filter.passes(&event(serial, "b"), now));
        }
        assert!(filter.passes(&event(8, "a"), now));
        assert!(filter.due(now, false).is_empty());
        let gaps = filter.due(now + TOLD_EVERY, false);
        let [gap] = &gaps[..] else { panic!("{gaps:?}") };
        assert_eq!((gap.reason, gap.count), (GapReason::Filtered, Some(4)));
        assert_eq!(gap.serials, [[1, 3], [7, 7]]);
        assert_eq!(gap.key.as_deref(), Some("b"));
    }

    #[test]
    fn rates_are_of_each_value() {
        let mut filter = filter("limits = [{ by = 'key', per-second = 2, burst = 3 }]");
        let now = Instant::now();
        let passed = |filter: &mut Filter, key: &str, now| {
            (0..10)
                .filter(|serial| filter.passes(&event(*serial, key), now))
                .count()
        };
        assert_eq!(passed(&mut filter, "a", now), 3);
        assert_eq!(passed(&mut filter, "b", now), 3);
        assert_eq!(passed(&mut filter, "a", now + Duration::from_secs(1)), 2);
        let gaps = filter.due(now, true);
        let counts: Vec<_> = gaps
            .iter()
            .map(|gap| (gap.key.as_deref(), gap.count))
            .collect();
        assert_eq!(counts, [(Some("a"), Some(15)), (Some("b"), Some(7))]);
    }
}
