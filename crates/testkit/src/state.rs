//! What a test may change in the kernel's audit: the rules and the settable fields of the status.

use indelible_sys::Result;
use indelible_sys::audit::{Control, StatusChange};

/// The rules as `struct audit_rule_data`, in match order, and the settable fields of the status.
/// Two of them are equal where a test left nothing behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelState {
    /// What [`Control::rules`] answered.
    pub rules: Vec<Vec<u8>>,
    /// 0 off, 1 on, 2 locked until reboot.
    pub enabled: u32,
    /// 0 silent, 1 printk, 2 panic.
    pub failure: u32,
    /// Records per second.
    pub rate_limit: u32,
    /// Records.
    pub backlog_limit: u32,
    /// Jiffies; `None` on kernels without it.
    pub backlog_wait_time: Option<u32>,
}

impl KernelState {
    /// The present state.
    ///
    /// # Errors
    /// As [`Control::status`].
    pub fn now() -> Result<Self> {
        let mut control = Control::open()?;
        let status = control.status()?;
        Ok(Self {
            rules: control.rules()?,
            enabled: status.enabled,
            failure: status.failure,
            rate_limit: status.rate_limit,
            backlog_limit: status.backlog_limit,
            backlog_wait_time: status.backlog_wait_time,
        })
    }

    /// Brings the kernel back to this state, the rules first, and as far as it goes: the first
    /// refusal is returned after everything was tried.
    ///
    /// # Errors
    /// As [`Control::set`], [`Control::add_rule`] and [`Control::delete_rule`].
    pub fn restore(&self) -> Result<()> {
        let mut control = Control::open()?;
        let rules = self.restore_rules(&mut control);
        let now = Self::now()?;
        let changes = [
            (now.enabled != self.enabled).then_some(StatusChange::Enabled(self.enabled)),
            (now.failure != self.failure).then_some(StatusChange::Failure(self.failure)),
            (now.rate_limit != self.rate_limit).then_some(StatusChange::RateLimit(self.rate_limit)),
            (now.backlog_limit != self.backlog_limit)
                .then_some(StatusChange::BacklogLimit(self.backlog_limit)),
            self.backlog_wait_time
                .filter(|_| now.backlog_wait_time != self.backlog_wait_time)
                .map(StatusChange::BacklogWaitTime),
        ];
        changes
            .into_iter()
            .flatten()
            .map(|change| control.set(change).map(drop))
            .fold(rules, Result::and)
    }

    fn restore_rules(&self, control: &mut Control) -> Result<()> {
        let mut outcome = Ok(());
        for rule in control.rules()? {
            if !self.rules.contains(&rule) {
                outcome = outcome.and(control.delete_rule(&rule));
            }
        }
        let left = control.rules()?;
        if left == self.rules {
            return outcome;
        }
        // Some were deleted: order decides what matches, so all of them go in again.
        for rule in &left {
            outcome = outcome.and(control.delete_rule(rule));
        }
        for rule in &self.rules {
            outcome = outcome.and(control.add_rule(rule));
        }
        outcome
    }
}
