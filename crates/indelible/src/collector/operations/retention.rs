//! Retention: removes the oldest segment when it is too old, when the store is too long, or when its
//! disk has too little room.
//!
//! A thread of its own reads the segment; the writer declares and removes it.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indelible_log::dir::RealDir;
use indelible_log::retention::{Oldest, Plan, oldest};
use indelible_sys::clock::realtime_ns;
use indelible_sys::process;
use tokio::sync::watch;

use super::hold::Holds;
use super::{Operation, Wanted};
use crate::collector::{shown, writer};
use crate::config::retention::RetentionConfig;

/// What the thread needs.
pub(in crate::collector) struct Retention {
    pub(in crate::collector) store: PathBuf,
    pub(in crate::collector) policy: RetentionConfig,
    pub(in crate::collector) requests: Sender<writer::Request>,
    pub(in crate::collector) stopping: watch::Receiver<bool>,
}

/// How the oldest segment and the store stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Facts {
    /// Since the newest entry of the segment, by the collector's clock; none where nobody knows.
    age: Option<Duration>,
    total_bytes: u64,
    free_bytes: u64,
}

impl Retention {
    /// Starts the thread, where the policy removes anything.
    pub(in crate::collector) fn spawn(self) -> Result<()> {
        if self.policy == RetentionConfig::default() {
            return Ok(());
        }
        thread::Builder::new()
            .name("retention".into())
            .spawn(|| self.run())
            .context("cannot start a thread")?;
        Ok(())
    }

    fn run(self) {
        process::give_way();
        // The oldest segment is read once, not each time it is looked at.
        let mut known = None;
        let mut last_error = String::new();
        let mut next = Instant::now();
        while !*self.stopping.borrow() {
            if Instant::now() < next {
                thread::sleep(STOP_WAIT);
                continue;
            }
            match self.step(&mut known) {
                Ok(true) => continue,
                Ok(false) => last_error.clear(),
                Err(error) => {
                    let error = format!("{error:#}");
                    if error != last_error {
                        tracing::error!("retention removes nothing: {error}");
                    }
                    last_error = error;
                }
            }
            next = Instant::now() + LOOK_EVERY;
        }
    }

    /// Removes the oldest segment if it is due; whether it did.
    fn step(&self, known: &mut Option<(Oldest, Plan)>) -> Result<bool> {
        let dir = RealDir::open(&self.store)?;
        let Some(now) = oldest(&*dir)? else {
            return Ok(false);
        };
        let disk = rustix::fs::statvfs(&self.store)?;
        let facts = Facts {
            age: None,
            total_bytes: now.total_bytes,
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        };
        if due(&self.policy, &facts).is_none() && self.policy.age_days.is_none() {
            return Ok(false);
        }
        let is_known = |(before, _): &(Oldest, Plan)| before.first == now.first;
        if !known.as_ref().is_some_and(is_known) {
            // Holds, and what agents hold, are looked at when the segment is due.
            *known = Some((now, Plan::of(&dir, &now, &[], |_, _| false)?));
        }
        let Some((_, plan)) = known else {
            return Ok(false);
        };
        let age = plan.newest_ns().map(|newest| age(newest, realtime_ns()));
        let Some(reason) = due(&self.policy, &Facts { age, ..facts }) else {
            return Ok(false);
        };
        let holds = Holds::read(&self.store)?;
        let shown = shown::sizes(&self.store)?;
        let plan = Plan::of(&dir, &now, &shown, |peer, entry| {
            holds.holding(peer, entry.header().time_ns).is_some()
        })?;
        if plan.is_held() {
            bail!(
                "the oldest segment (entries from {}) has entries that are held",
                now.first
            );
        }
        self.remove(plan, reason)?;
        *known = None;
        Ok(true)
    }

    fn remove(&self, plan: Plan, reason: &str) -> Result<()> {
        let (reply, answer) = channel();
        let operation = Operation {
            principal: "collector".to_owned(),
            wanted: Wanted::Remove {
                plan: Box::new(plan),
                reason: reason.to_owned(),
            },
        };
        let request = writer::Request::operation(operation, reply);
        self.requests
            .send(request)
            .context("the log's writer has stopped")?;
        let told = answer.recv().context("the log's writer has stopped")?;
        match told {
            Ok(told) => tracing::info!(reason, "{told}"),
            Err(why) => bail!(why),
        }
        Ok(())
    }
}

/// Time that has passed. A clock that was set back makes things younger, and nothing is removed early.
fn age(newest_ns: u64, now_ns: u64) -> Duration {
    Duration::from_nanos(now_ns.saturating_sub(newest_ns))
}

/// Why the oldest segment is to be removed, if it is.
fn due(policy: &RetentionConfig, facts: &Facts) -> Option<&'static str> {
    let days = |days: u64| Duration::from_secs(days.saturating_mul(24 * 60 * 60));
    let too_old = |max: u64| facts.age.is_some_and(|age| age > days(max));
    if policy.age_days.is_some_and(too_old) {
        Some("age")
    } else if policy.max_bytes.is_some_and(|max| facts.total_bytes > max) {
        Some("size")
    } else if policy
        .free_bytes_min
        .is_some_and(|min| facts.free_bytes < min)
    {
        Some("free-space")
    } else {
        None
    }
}

/// How often the oldest segment is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether to stop.
const STOP_WAIT: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_and_what_a_clock_that_jumps_back_does() {
        let facts = Facts {
            age: Some(Duration::from_secs(3 * 86_400 + 1)),
            total_bytes: 1_000,
            free_bytes: 50,
        };
        let check = |age_days, max_bytes, free_bytes_min, expect| {
            let policy = RetentionConfig {
                age_days,
                max_bytes,
                free_bytes_min,
            };
            assert_eq!(due(&policy, &facts), expect, "{policy:?}");
        };
        check(None, None, None, None);
        check(Some(3), None, None, Some("age"));
        check(Some(4), None, None, None);
        check(Some(4), Some(999), None, Some("size"));
        check(Some(4), Some(1_000), Some(51), Some("free-space"));
        check(Some(u64::MAX), Some(1_000), Some(50), None);
        let day = Duration::from_secs(86_400);
        assert_eq!(age(5, 86_400_000_000_005), day);
        assert_eq!(age(86_400_000_000_005, 5), Duration::ZERO);
        let unknown = Facts { age: None, ..facts };
        let policy = RetentionConfig {
            age_days: Some(0),
            ..RetentionConfig::default()
        };
        assert_eq!(due(&policy, &unknown), None);
    }
}
