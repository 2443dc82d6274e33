//! The kernel's audit subsystem over netlink (kernel/audit.c, include/uapi/linux/audit.h).
//!
//! Two sockets, never mixed: a [`Control`] socket carries requests and their answers, a
//! [`CaptureSocket`] carries records and nothing else but its own registration.

mod capture;
mod control;
mod message;
mod status;

pub use capture::{CaptureSocket, Message, Mode, Received};
pub use control::{Control, RestoreStatus};
pub use status::{Features, SignalInfo, Status, StatusChange};

/// Longest payload of one audit message in bytes (`MAX_AUDIT_MESSAGE_LENGTH` in libaudit.h).
pub const MESSAGE_BYTES_MAX: usize = 8970;

/// Socket buffer of the capture socket in bytes: what the kernel may queue while capture is away.
pub const SOCKET_BUFFER_BYTES: usize = 64 << 20;

/// Messages that one `recvmmsg` call may return.
pub const RECEIVE_BATCH_MAX: usize = 128;

/// How long a request may stay unanswered, in seconds.
pub const ANSWER_TIMEOUT_S: u64 = 5;

/// Message types of requests (include/uapi/linux/audit.h).
pub mod request {
    /// Ask for the status.
    pub const GET: u16 = 1000;
    /// Set status fields.
    pub const SET: u16 = 1001;
    /// A message from user space, logged as `USER`.
    pub const USER: u16 = 1005;
    /// Ask who sent the last signal to the daemon.
    pub const SIGNAL_INFO: u16 = 1010;
    /// Add a rule.
    pub const ADD_RULE: u16 = 1011;
    /// Delete a rule.
    pub const DEL_RULE: u16 = 1012;
    /// List the rules.
    pub const LIST_RULES: u16 = 1013;
    /// Drop tree watches whose directory is gone.
    pub const TRIM: u16 = 1014;
    /// Make one mounted subtree equivalent to another.
    pub const MAKE_EQUIV: u16 = 1015;
    /// Set features.
    pub const SET_FEATURE: u16 = 1018;
    /// Ask for the features.
    pub const GET_FEATURE: u16 = 1019;
    /// The kernel asks a registered daemon whether it is alive.
    pub const REPLACE: u16 = 1329;
}
