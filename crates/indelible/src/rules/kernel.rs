//! The kernel's audit system in terms of rules and settings.
//!
//! Each call is one request on the audit socket; nothing is remembered between calls.

use indelible_rules::apply;
use indelible_rules::control::LoginuidImmutable;
use indelible_rules::errno::Errno;
use indelible_rules::plan::Step;
use indelible_rules::{Control, Rule, Status, kernel};
use indelible_sys::audit::{self, Features, StatusChange, request};

use super::errno;

/// A socket to the kernel's audit system.
#[derive(Debug)]
pub(crate) struct Kernel {
    socket: audit::Control,
}

impl Kernel {
    /// Opens the socket; asks nothing yet.
    pub(crate) fn open() -> Result<Self, indelible_sys::Error> {
        audit::Control::open().map(|socket| Self { socket })
    }

    /// The loaded rules, list by list, in the order in which they are tried.
    pub(crate) fn rules(&mut self) -> Result<Vec<Rule>, Errno> {
        let rules = self.socket.rules().map_err(number)?;
        // The kernel has checked these bytes itself: a rule that cannot be read is its mistake.
        rules
            .iter()
            .map(|bytes| kernel::decode(bytes).map_err(|_| Errno::INVAL))
            .collect()
    }

    pub(super) fn add(&mut self, rule: &Rule) -> Result<(), Errno> {
        let bytes = kernel::encode(rule).map_err(|_| Errno::INVAL)?;
        self.socket.add_rule(&bytes).map_err(number)
    }

    pub(super) fn delete(&mut self, rule: &Rule) -> Result<(), Errno> {
        let bytes = kernel::encode(rule).map_err(|_| Errno::INVAL)?;
        self.socket.delete_rule(&bytes).map_err(number)
    }

    pub(crate) fn status(&mut self) -> Result<Status, Errno> {
        let status = self.socket.status().map_err(number)?;
        Ok(Status {
            enabled: status.enabled,
            failure: status.failure,
            pid: status.pid,
            rate_limit: status.rate_limit,
            backlog_limit: status.backlog_limit,
            lost: status.lost,
            backlog: status.backlog,
            features: status.feature_bitmap.unwrap_or_default(),
            backlog_wait_time: status.backlog_wait_time.unwrap_or_default(),
            backlog_wait_time_actual: status.backlog_wait_time_actual.unwrap_or_default(),
        })
    }

    /// `None` where the kernel does not know the feature.
    pub(super) fn loginuid_immutable(&mut self) -> Result<Option<LoginuidImmutable>, Errno> {
        let features = self.socket.features().map_err(number)?;
        let known = features.mask & LOGINUID_IMMUTABLE != 0;
        Ok(known.then_some(LoginuidImmutable {
            on: features.features & LOGINUID_IMMUTABLE != 0,
            locked: features.lock & LOGINUID_IMMUTABLE != 0,
        }))
    }

    /// Makes a setting; the former value of a counter that is reset, else 0.
    pub(super) fn set(&mut self, control: &Control) -> Result<u32, Errno> {
        let change = match control {
            Control::Enable(value) => StatusChange::Enabled(*value),
            Control::Failure(value) => StatusChange::Failure(*value),
            Control::Rate(value) => StatusChange::RateLimit(*value),
            Control::Backlog(value) => StatusChange::BacklogLimit(*value),
            Control::BacklogWait(value) => StatusChange::BacklogWaitTime(*value),
            Control::ResetLost => StatusChange::ResetLost,
            Control::ResetBacklogWaitActual => StatusChange::ResetBacklogWaitTimeActual,
            other => return self.request(other).map(|()| 0).map_err(number),
        };
        self.socket.set(change).map_err(number)
    }

    /// Settings that are not fields of the status. Questions ask for nothing here.
    fn request(&mut self, control: &Control) -> Result<(), indelible_sys::Error> {
        match control {
            Control::LoginuidImmutable => self.socket.set_features(Features {
                mask: LOGINUID_IMMUTABLE,
                features: LOGINUID_IMMUTABLE,
                lock: LOGINUID_IMMUTABLE,
            }),
            Control::Trim => self.socket.trim(),
            Control::Equivalent { mount, subtree } => self.socket.make_equivalent(mount, subtree),
            Control::Message(text) => self.socket.user_message(request::USER, &user_text(text)),
            _ => Ok(()),
        }
    }
}

impl apply::Kernel for Kernel {
    fn carry_out(&mut self, step: &Step) -> Result<(), Errno> {
        match step {
            Step::Add(rule) => self.add(rule),
            Step::Delete(rule) => self.delete(rule),
        }
    }
}

/// The text of a record of type USER: the message, then who sent it, as libaudit says it.
fn user_text(message: &[u8]) -> Vec<u8> {
    let exe = std::env::current_exe().unwrap_or_default();
    let exe = exe.display();
    let tail = format!(" exe=\"{exe}\" hostname=? addr=? terminal=? res=success");
    [b"text=", message, tail.as_bytes()].concat()
}

#[expect(clippy::needless_pass_by_value, reason = "an argument of map_err")]
fn number(error: indelible_sys::Error) -> Errno {
    errno::of(&error)
}

/// `AUDIT_FEATURE_LOGINUID_IMMUTABLE` as a bit; linux/audit.h.
const LOGINUID_IMMUTABLE: u32 = 1 << 1;
