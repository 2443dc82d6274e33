//! The sockets to the kernel: one that records arrive on, one for requests.

use std::os::fd::OwnedFd;
use std::time::Instant;

use anyhow::Result;
use aws_lc_rs::digest::{Context, SHA256};
use indelible_sys::audit::{CaptureSocket, Control, Mode, Status, StatusChange};

use crate::payload::{RulesState, hex};

/// The kernel's audit, as capture uses it.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) socket: CaptureSocket,
    /// A second socket for requests; absent without CAP_AUDIT_CONTROL.
    control: Option<Control>,
    /// Set where we switched auditing on.
    pub(super) switched_on: bool,
    pub(super) next_tick: Instant,
    /// What the kernel said before anything was changed, with what we changed: whatever differs later
    /// is another's doing.
    pub(super) at_start: Option<Status>,
}

impl Kernel {
    /// Opens the sockets, registers where records come by unicast, and switches auditing on.
    pub(super) fn open(mode: Mode) -> Result<Self> {
        let mut control = Control::open().ok();
        let before = control.as_mut().and_then(|control| control.status().ok());
        let socket = match mode {
            Mode::Unicast => CaptureSocket::register()?,
            Mode::Multicast => CaptureSocket::observe()?,
        };
        let mut kernel = Self::new(socket, control, before);
        if mode == Mode::Unicast {
            kernel.switch_on()?;
        }
        Ok(kernel)
    }

    /// Goes on with a socket that was kept. `switched_on` says whether auditing was off before us.
    pub(super) fn adopt(socket: OwnedFd, mode: Mode, switched_on: bool) -> Result<Self> {
        let mut control = Control::open().ok();
        let before = control.as_mut().and_then(|control| control.status().ok());
        let socket = CaptureSocket::adopt(socket, mode)?;
        let mut kernel = Self::new(socket, control, before);
        kernel.switched_on = switched_on;
        if mode == Mode::Unicast {
            kernel.register_adopted();
            kernel.switch_on()?;
        }
        Ok(kernel)
    }

    fn new(socket: CaptureSocket, control: Option<Control>, before: Option<Status>) -> Self {
        Self {
            socket,
            control,
            switched_on: false,
            next_tick: Instant::now(),
            at_start: before,
        }
    }

    /// Makes the registration this process's where it is not.
    fn register_adopted(&mut self) {
        let registered = match self.at_start {
            Some(status) if status.pid == std::process::id() => return,
            // Nobody is: the socket itself may be registered.
            Some(status) if status.pid == 0 => self.socket.claim(),
            _ => self.socket.succeed(),
        };
        match registered {
            Ok(()) => tracing::info!("registered with the socket that was kept"),
            // Its records are read all the same, and each second it is tried again.
            Err(error) => tracing::error!(%error, "cannot register with the socket that was kept"),
        }
    }

    fn switch_on(&mut self) -> Result<()> {
        if let (Some(control), Some(status)) = (&mut self.control, &mut self.at_start)
            && status.enabled == 0
        {
            control.set(StatusChange::Enabled(1))?;
            status.enabled = 1;
            self.switched_on = true;
        }
        Ok(())
    }

    pub(super) fn rules(&mut self) -> Option<RulesState> {
        let rules = match self.control.as_mut()?.rules() {
            Ok(rules) => rules,
            Err(error) => {
                tracing::warn!(%error, "cannot ask for the rules");
                return None;
            }
        };
        let mut hash = Context::new(&SHA256);
        for rule in &rules {
            hash.update(&u32::try_from(rule.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(rule);
        }
        Some(RulesState {
            count: rules.len() as u64,
            sha256: hex(hash.finish().as_ref()),
        })
    }

    pub(super) fn status(&mut self) -> Option<Status> {
        match self.control.as_mut()?.status() {
            Ok(status) => Some(status),
            Err(error) => {
                tracing::warn!(%error, "cannot ask for the audit status");
                None
            }
        }
    }

    /// Has the kernel write one record, so that its queue wakes whoever waits for room in it.
    ///
    /// A system call that finds the backlog full goes to sleep for up to `backlog_wait_time` (60 s by
    /// default). If the queue drains between its look and its sleep, nothing wakes it until another
    /// record is queued (kernel/audit.c, `audit_log_start`): with one busy process, a minute's halt.
    pub(super) fn wake_the_kernel(&mut self) {
        if self.socket.mode() == Mode::Unicast
            && let Some(control) = &mut self.control
            && let Err(error) = control.user_message(USER_TRUSTED_APP, WAKE)
        {
            tracing::debug!(%error, "cannot wake the kernel's queue");
        }
    }

    /// Switches auditing off again if it was off, and gives up the registration.
    pub(super) fn give_up(&mut self) {
        let Some(control) = &mut self.control else {
            return;
        };
        if self.switched_on
            && let Err(error) = control.set(StatusChange::Enabled(0))
        {
            tracing::warn!(%error, "cannot switch auditing off again");
        }
        if self.socket.mode() == Mode::Unicast
            && let Err(error) = control.set(StatusChange::Pid(0))
        {
            tracing::warn!(%error, "cannot give up the registration");
        }
    }
}

/// AUDIT_TRUSTED_APP: the type for messages whose text is a program's own affair.
const USER_TRUSTED_APP: u16 = 1121;
/// What that record says.
const WAKE: &[u8] = b"op=indelible-wake res=success";
