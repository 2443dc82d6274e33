//! Requests to the kernel's audit subsystem and their answers.
//!
//! One request is in flight at a time. The kernel first acknowledges, then answers from a thread
//! of its own, so an answer is waited for by its sequence number.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

use super::message::{
    HEADER_BYTES, Header, TYPE_DONE, TYPE_ERROR, TYPE_NOOP, error_code, request as frame,
};
use super::status::{Features, SignalInfo, Status, StatusChange};
use super::{ANSWER_TIMEOUT_S, request};
use crate::{Error, Result};

/// A socket for requests: status, features, rules, messages. Needs CAP_AUDIT_CONTROL
/// (CAP_AUDIT_WRITE for [`Control::user_message`]).
#[derive(Debug)]
pub struct Control {
    socket: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Control {
    /// Opens a socket; asks nothing yet.
    ///
    /// # Errors
    /// [`Error::NoAudit`] where the kernel has no audit socket.
    pub fn open() -> Result<Self> {
        Ok(Self {
            socket: open_socket(0)?,
            sequence: 0,
            buffer: vec![0; ANSWER_BYTES_MAX],
        })
    }

    /// The status, every field that this kernel knows.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] without CAP_AUDIT_CONTROL.
    pub fn status(&mut self) -> Result<Status> {
        let answer = self.ask("the status request", request::GET, &[])?;
        Status::from_bytes(&answer).ok_or_else(|| short("the status request", answer.len()))
    }

    /// Sets one field of the status; for the two resets, returns the former value.
    ///
    /// # Errors
    /// [`Error::Locked`] if the configuration is locked, [`Error::DaemonRegistered`] if a healthy
    /// daemon is registered and the change was to register another.
    pub fn set(&mut self, change: StatusChange) -> Result<u32> {
        let code = self.acknowledged("a status change", request::SET, &change.to_bytes())?;
        match code {
            0.. => Ok(code.unsigned_abs()),
            _ if -code == libc::EEXIST => Err(Error::DaemonRegistered {
                pid: self.status()?.pid,
            }),
            _ => Err(self.change_refused("changing the audit status", code)),
        }
    }

    /// The feature bits.
    ///
    /// # Errors
    /// As [`Control::status`].
    pub fn features(&mut self) -> Result<Features> {
        let answer = self.ask("the feature request", request::GET_FEATURE, &[])?;
        Features::from_bytes(&answer).ok_or_else(|| short("the feature request", answer.len()))
    }

    /// Sets feature bits.
    ///
    /// # Errors
    /// [`Error::Locked`] if a bit is locked.
    pub fn set_features(&mut self, features: Features) -> Result<()> {
        self.done(
            "setting audit features",
            request::SET_FEATURE,
            &features.to_bytes(),
        )
    }

    /// Who sent the last signal to the registered daemon.
    ///
    /// # Errors
    /// As [`Control::status`].
    pub fn signal_info(&mut self) -> Result<SignalInfo> {
        let answer = self.ask("the signal request", request::SIGNAL_INFO, &[])?;
        SignalInfo::from_bytes(&answer).ok_or_else(|| short("the signal request", answer.len()))
    }

    /// Adds a rule, given as `struct audit_rule_data`; the kernel's errno is kept in the error.
    ///
    /// # Errors
    /// [`Error::Locked`], or [`Error::System`] with `EEXIST` for a rule that is loaded already,
    /// `EINVAL` for one that the kernel does not accept.
    pub fn add_rule(&mut self, rule: &[u8]) -> Result<()> {
        self.done("adding an audit rule", request::ADD_RULE, rule)
    }

    /// Deletes the rule that equals `rule`.
    ///
    /// # Errors
    /// [`Error::Locked`], or [`Error::System`] with `ENOENT` where no such rule is loaded.
    pub fn delete_rule(&mut self, rule: &[u8]) -> Result<()> {
        self.done("deleting an audit rule", request::DEL_RULE, rule)
    }

    /// The loaded rules as `struct audit_rule_data`, in the kernel's order: per list, in match order.
    ///
    /// # Errors
    /// As [`Control::status`].
    pub fn rules(&mut self) -> Result<Vec<Vec<u8>>> {
        let what = "the rule list";
        let sequence = self.send(what, request::LIST_RULES, &[])?;
        let deadline = Instant::now() + Duration::from_secs(ANSWER_TIMEOUT_S);
        let mut rules = Vec::new();
        loop {
            let (header, payload) = self.receive(what, deadline)?;
            if header.sequence != sequence {
                continue;
            }
            match header.kind {
                TYPE_DONE => return Ok(rules),
                TYPE_ERROR => match error_code(payload) {
                    Some(0) => {}
                    Some(code) => return Err(refusal("listing audit rules", code)),
                    None => return Err(short(what, payload.len())),
                },
                request::LIST_RULES => rules.push(payload.to_vec()),
                other => return Err(unexpected(what, other)),
            }
        }
    }

    /// Logs `text` as a record of `kind` (1100 to 1199 or 2100 to 2999; kernel/audit.c).
    ///
    /// # Errors
    /// [`Error::NotPermitted`] without CAP_AUDIT_WRITE.
    pub fn user_message(&mut self, kind: u16, text: &[u8]) -> Result<()> {
        // The kernel takes the last byte for the end of a C string, whatever it is.
        let terminated = [text, b"\0"].concat();
        self.done("sending an audit message", kind, &terminated)
    }

    /// Drops tree watches whose directory is gone (`auditctl -t`).
    ///
    /// # Errors
    /// As [`Control::add_rule`].
    pub fn trim(&mut self) -> Result<()> {
        self.done("trimming audit trees", request::TRIM, &[])
    }

    /// Makes `subtree` equivalent to the mount point `mount` (`auditctl -q`).
    ///
    /// # Errors
    /// As [`Control::add_rule`].
    pub fn make_equivalent(&mut self, mount: &[u8], subtree: &[u8]) -> Result<()> {
        let mut payload = Vec::with_capacity(8 + mount.len() + subtree.len());
        for path in [mount, subtree] {
            let length = u32::try_from(path.len()).unwrap_or(u32::MAX);
            payload.extend_from_slice(&length.to_ne_bytes());
        }
        payload.extend_from_slice(mount);
        payload.extend_from_slice(subtree);
        self.done(
            "making audit trees equivalent",
            request::MAKE_EQUIV,
            &payload,
        )
    }

    /// Sends a request and waits for its answer of the same type.
    fn ask(&mut self, what: &'static str, kind: u16, payload: &[u8]) -> Result<Vec<u8>> {
        let sequence = self.send(what, kind, payload)?;
        let deadline = Instant::now() + Duration::from_secs(ANSWER_TIMEOUT_S);
        loop {
            let (header, payload) = self.receive(what, deadline)?;
            if header.sequence != sequence || header.kind == TYPE_NOOP {
                continue;
            }
            match header.kind {
                TYPE_ERROR => match error_code(payload) {
                    Some(0) => {}
                    Some(code) => return Err(refusal(what, code)),
                    None => return Err(short(what, payload.len())),
                },
                answer if answer == kind => return Ok(payload.to_vec()),
                other => return Err(unexpected(what, other)),
            }
        }
    }

    /// Sends a request and waits for its acknowledgement code.
    fn acknowledged(&mut self, what: &'static str, kind: u16, payload: &[u8]) -> Result<i32> {
        let sequence = self.send(what, kind, payload)?;
        let deadline = Instant::now() + Duration::from_secs(ANSWER_TIMEOUT_S);
        loop {
            let (header, payload) = self.receive(what, deadline)?;
            if header.sequence == sequence && header.kind == TYPE_ERROR {
                return error_code(payload).ok_or_else(|| short(what, payload.len()));
            }
        }
    }

    fn done(&mut self, what: &'static str, kind: u16, payload: &[u8]) -> Result<()> {
        match self.acknowledged(what, kind, payload)? {
            0 => Ok(()),
            code => Err(self.change_refused(what, code)),
        }
    }

    /// `EPERM` to a change means a missing capability or a locked configuration; the status,
    /// which needs the same capability, tells which.
    fn change_refused(&mut self, what: &'static str, code: i32) -> Error {
        match self.status() {
            Ok(status) if -code == libc::EPERM && status.enabled == 2 => Error::Locked,
            _ => refusal(what, code),
        }
    }

    fn send(&mut self, what: &'static str, kind: u16, payload: &[u8]) -> Result<u32> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let datagram = frame(kind, self.sequence, payload);
        sendto(
            &self.socket,
            &datagram,
            SendFlags::empty(),
            &SocketAddrNetlink::new(0, 0),
        )
        .map_err(socket_error(what))?;
        Ok(self.sequence)
    }

    fn receive(&mut self, what: &'static str, deadline: Instant) -> Result<(Header, &[u8])> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: left.as_secs().cast_signed(),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) => {
                    return Err(Error::Timeout {
                        what,
                        seconds: ANSWER_TIMEOUT_S,
                    });
                }
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(Error::system("waiting for the audit socket")(errno)),
            }
            match recv(&self.socket, self.buffer.as_mut_slice(), RecvFlags::empty()) {
                Ok((length, _)) => {
                    let Some((header, payload)) = Header::split_answer(&self.buffer[..length])
                    else {
                        return Err(short(what, length));
                    };
                    // Reborrowed by position: the borrow checker cannot see that the loop ends here.
                    let end = HEADER_BYTES + payload.len();
                    return Ok((header, &self.buffer[HEADER_BYTES..end]));
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(errno) => return Err(Error::system("reading the audit socket")(errno)),
            }
        }
    }
}

/// Puts the settable fields of the status back when dropped, also on a panic. What it cannot
/// restore it leaves; a locked configuration is one such case.
#[derive(Debug)]
pub struct RestoreStatus {
    before: Status,
}

impl RestoreStatus {
    /// Remembers the present status.
    ///
    /// # Errors
    /// As [`Control::status`].
    pub fn new() -> Result<Self> {
        Ok(Self {
            before: Control::open()?.status()?,
        })
    }

    /// The remembered status.
    #[must_use]
    pub fn before(&self) -> &Status {
        &self.before
    }

    /// Restores now; also done on drop.
    ///
    /// # Errors
    /// Whatever [`Control::set`] says about the first field that stays different.
    pub fn restore(&self) -> Result<()> {
        let mut control = Control::open()?;
        let now = control.status()?;
        let before = &self.before;
        let mut changes = Vec::new();
        if now.enabled != before.enabled {
            changes.push(StatusChange::Enabled(before.enabled));
        }
        if now.failure != before.failure {
            changes.push(StatusChange::Failure(before.failure));
        }
        if now.rate_limit != before.rate_limit {
            changes.push(StatusChange::RateLimit(before.rate_limit));
        }
        if now.backlog_limit != before.backlog_limit {
            changes.push(StatusChange::BacklogLimit(before.backlog_limit));
        }
        if let (Some(now), Some(wanted)) = (now.backlog_wait_time, before.backlog_wait_time)
            && now != wanted
        {
            changes.push(StatusChange::BacklogWaitTime(wanted));
        }
        changes
            .into_iter()
            .try_for_each(|change| control.set(change).map(drop))
    }
}

impl Drop for RestoreStatus {
    fn drop(&mut self) {
        // Nobody is left to tell: callers that need the outcome call `restore` themselves.
        let _ = self.restore();
    }
}

/// Opens and binds an audit netlink socket; `groups` is a bit set of multicast groups.
pub(super) fn open_socket(groups: u32) -> Result<OwnedFd> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        Some(netlink::AUDIT),
    )
    .map_err(socket_error("opening the audit socket"))?;
    rustix::net::bind(socket.as_fd(), &SocketAddrNetlink::new(0, groups)).map_err(|errno| {
        match errno {
            Errno::PERM => Error::NotPermitted {
                what: "joining the audit multicast group",
                capability: "CAP_AUDIT_READ",
            },
            errno => Error::system("binding the audit socket")(errno),
        }
    })?;
    Ok(socket)
}

fn socket_error(what: &'static str) -> impl FnOnce(Errno) -> Error {
    move |errno| match errno {
        Errno::CONNREFUSED | Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT => Error::NoAudit,
        Errno::PERM | Errno::ACCESS => Error::NotPermitted {
            what,
            capability: "CAP_AUDIT_CONTROL",
        },
        errno => Error::system(what)(errno),
    }
}

fn refusal(what: &'static str, code: i32) -> Error {
    match -code {
        libc::EPERM => Error::NotPermitted {
            what,
            capability: "CAP_AUDIT_CONTROL",
        },
        libc::ECONNREFUSED => Error::NoAudit,
        errno => Error::System {
            what,
            source: std::io::Error::from_raw_os_error(errno),
        },
    }
}

fn short(what: &'static str, length: usize) -> Error {
    Error::Protocol {
        what,
        detail: format!("{length} bytes are too few"),
    }
}

fn unexpected(what: &'static str, kind: u16) -> Error {
    Error::Protocol {
        what,
        detail: format!("a message of type {kind}"),
    }
}

/// Longest answer: a rule of 1,040 bytes and its strings, well under one message.
const ANSWER_BYTES_MAX: usize = super::MESSAGE_BYTES_MAX + 64;
