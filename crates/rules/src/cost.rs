//! What rules cost: an estimate before they are loaded, and the share of each key in what was
//! recorded.
//!
//! The estimate is a sum of constants that were measured with a `getppid` loop on a 2-core VM
//! (kernel 6.18): without rules 226 ns per call, 100 rules that do not select it 778 ns, 50 file
//! watches 429 ns, 50 directory watches 948 ns, the same 50 with a system call mask 512 ns. It is
//! good for comparing sets, not for predicting nanoseconds on other machines: measure those.

use bstr::BString;

use crate::field::Field;
use crate::list::{Action, List};
use crate::rule::Rule;

/// Time that rules add to every system call, in picoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Picoseconds(pub u64);

impl Picoseconds {
    /// Rounded to nanoseconds.
    #[must_use]
    pub const fn as_ns(self) -> u64 {
        (self.0 + 500) / 1000
    }
}

/// A rule whose mask leaves the call out: (778 − 226) / 100 ns. The kernel walks the list.
const MASKED_PS: u64 = 5_520;
/// A watch of a file: (429 − 226) / 50 ns. The kernel finds these by inode, so the mask does not
/// matter.
const FILE_PS: u64 = 4_060;
/// A rule on a directory that looks at every call: (948 − 226) / 50 ns.
const DIRECTORY_PS: u64 = 14_440;
/// A condition that is looked at on every call: half of what the directory costs above the list
/// walk, since that rule has two.
const CONDITION_PS: u64 = (DIRECTORY_PS - MASKED_PS) / 2;

/// What one rule adds to a system call that it does not record.
#[must_use]
pub fn of_rule(rule: &Rule) -> Picoseconds {
    let selects_all = rule.syscalls.is_all();
    let picoseconds = match rule.list {
        // looked at when a record, a message or a task is made, not on each call
        List::User | List::Task | List::Exclude | List::Filesystem | List::Other(_) => 0,
        List::IoUring => 0,
        List::Exit if rule.text_of(Field::Path).is_some() => FILE_PS,
        List::Exit if !selects_all => MASKED_PS,
        List::Exit if rule.text_of(Field::Dir).is_some() => DIRECTORY_PS,
        // the kernel stops at the first condition that fails; which one is not known here
        List::Exit => MASKED_PS + CONDITION_PS,
    };
    Picoseconds(picoseconds)
}

/// What a set of rules adds to a system call that it does not record. A `never` rule for all
/// tasks takes the cost of all others away, and with it every event of a system call.
#[must_use]
pub fn of_set<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Picoseconds {
    let mut sum = 0;
    for rule in rules {
        if silences_all_tasks(rule) {
            return Picoseconds(0);
        }
        sum += of_rule(rule).0;
    }
    Picoseconds(sum)
}

/// Whether the rule turns system call auditing off for every task: `-a never,task`.
#[must_use]
pub fn silences_all_tasks(rule: &Rule) -> bool {
    rule.list == List::Task && rule.action == Action::Never && rule.tests.is_empty()
}

/// What was recorded under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyVolume {
    /// The key; empty for events without one.
    pub key: BString,
    /// Events.
    pub events: u64,
    /// Bytes of their records.
    pub bytes: u64,
}

/// A key with its share of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyShare {
    /// The key.
    pub key: BString,
    /// Events per second.
    pub events_per_second: f64,
    /// Bytes per day.
    pub bytes_per_day: f64,
    /// Part of all bytes, from 0 to 1.
    pub share: f64,
}

/// The keys of a log that spans some seconds, the costliest first.
#[must_use]
pub fn shares(volumes: &[KeyVolume], span_seconds: f64) -> Vec<KeyShare> {
    let total: u64 = volumes.iter().map(|volume| volume.bytes).sum();
    let per_second = |count: u64| {
        if span_seconds > 0.0 {
            count as f64 / span_seconds
        } else {
            0.0
        }
    };
    let mut shares: Vec<_> = volumes
        .iter()
        .map(|volume| KeyShare {
            key: volume.key.clone(),
            events_per_second: per_second(volume.events),
            bytes_per_day: per_second(volume.bytes) * 86_400.0,
            share: if total == 0 {
                0.0
            } else {
                volume.bytes as f64 / total as f64
            },
        })
        .collect();
    shares.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.key.cmp(&b.key)));
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;
    use crate::file;
    use crate::host::NoHost;
    use crate::parse::{Compat, Context};

    fn cost(text: &str) -> u64 {
        let cx = Context {
            compat: Compat::V3,
            ..Context::new(Arch::X86_64, &NoHost)
        };
        let entries = file::read("", text.as_bytes(), &cx);
        of_set(entries.iter().filter_map(|entry| entry.rule())).as_ns()
    }

    #[test]
    fn the_measured_sets_cost_what_was_measured() {
        assert_eq!(
            cost(&"-a always,exit -F arch=b64 -S 400\n".repeat(100)),
            552
        );
        assert_eq!(cost(&"-w /f\n".repeat(50)), 203);
        assert_eq!(
            cost(&"-a always,exit -F dir=/d -F perm=wa\n".repeat(50)),
            722
        );
        assert_eq!(cost("-a never,task\n-w /f"), 0);
        assert_eq!(cost("-a never,exclude -F msgtype=CWD"), 0);
    }

    #[test]
    fn shares_name_the_noisiest_first() {
        let volume = |key: &str, events, bytes| KeyVolume {
            key: key.into(),
            events,
            bytes,
        };
        let shares = shares(&[volume("a", 10, 100), volume("b", 20, 300)], 10.0);
        assert_eq!(shares[0].key, "b");
        assert_eq!((shares[0].share, shares[0].events_per_second), (0.75, 2.0));
        assert_eq!(shares[0].bytes_per_day, 30.0 * 86_400.0);
    }
}
