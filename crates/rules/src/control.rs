//! What rule lines ask for besides rules: settings of the audit system, and requests to it.
//!
//! The crate says what to do; whoever holds the audit socket does it. Settings know the message
//! that they become.

use bstr::BString;

/// A setting or request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// `-e`: 0 off, 1 on, 2 on and locked until the next boot.
    Enable(u32),
    /// `-f`: on a critical error 0 nothing, 1 printk, 2 panic.
    Failure(u32),
    /// `-r`: messages per second, 0 for no limit.
    Rate(u32),
    /// `-b`: records that may wait for the daemon.
    Backlog(u32),
    /// `--backlog_wait_time`: clock ticks that a full backlog may hold up a system call.
    BacklogWait(u32),
    /// `--loginuid-immutable`
    LoginuidImmutable,
    /// `--reset-lost`
    ResetLost,
    /// `--reset_backlog_wait_time_actual`
    ResetBacklogWaitActual,
    /// `-t`: forget subtrees that are no longer mounted.
    Trim,
    /// `-q`: watch a mounted subtree as part of a watched directory.
    Equivalent {
        /// The directory that is watched.
        mount: BString,
        /// What is mounted there.
        subtree: BString,
    },
    /// `-m`: send a message of type USER with `text=` and this.
    Message(BString),
    /// `--signal`: send the daemon a signal.
    Signal(Signal),
    /// `-D`: delete all rules, or those with a key that contains this.
    DeleteAll(Option<BString>),
    /// `-l`: list all rules, or those with a key that contains this.
    List {
        /// What a key must contain.
        key: Option<BString>,
        /// Print names for numbers.
        interpret: bool,
    },
    /// `-s`
    Status {
        /// Print words for numbers.
        interpret: bool,
    },
    /// `-v`
    Version,
    /// `-h`
    Help,
}

/// A signal that the daemon understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the signals' names")]
pub enum Signal {
    Term,
    Hup,
    Usr1,
    Usr2,
    Cont,
}

impl Signal {
    /// The signal of a word; letter case is ignored. The words for what a signal makes the
    /// daemon do (`stop`, `reload`, …) came with version 3.1.1.
    #[must_use]
    pub fn from_name(name: &[u8], with_words: bool) -> Option<Self> {
        let upper = name.to_ascii_uppercase();
        Some(match upper.as_slice() {
            b"TERM" => Self::Term,
            b"HUP" => Self::Hup,
            b"USR1" => Self::Usr1,
            b"USR2" => Self::Usr2,
            b"CONT" => Self::Cont,
            b"STOP" if with_words => Self::Term,
            b"RELOAD" if with_words => Self::Hup,
            b"ROTATE" if with_words => Self::Usr1,
            b"RESUME" if with_words => Self::Usr2,
            b"STATE" if with_words => Self::Cont,
            _ => return None,
        })
    }

    /// The number on Linux, all architectures that [`crate::arch`] knows.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Hup => 1,
            Self::Usr1 => 10,
            Self::Usr2 => 12,
            Self::Term => 15,
            Self::Cont => 18,
        }
    }
}

/// Message types of the audit socket; linux/audit.h.
pub const AUDIT_SET: u16 = 1001;
/// See [`AUDIT_SET`].
pub const AUDIT_ADD_RULE: u16 = 1011;
/// See [`AUDIT_SET`].
pub const AUDIT_DEL_RULE: u16 = 1012;
/// See [`AUDIT_SET`].
pub const AUDIT_TRIM: u16 = 1014;
/// See [`AUDIT_SET`].
pub const AUDIT_MAKE_EQUIV: u16 = 1015;
/// See [`AUDIT_SET`].
pub const AUDIT_SET_FEATURE: u16 = 1018;

impl Control {
    /// The message that carries a setting to the kernel: type and payload. `None` for requests,
    /// which take more than one message or none.
    #[must_use]
    pub fn message(&self) -> Option<(u16, Vec<u8>)> {
        let set = |bit: u32, at: usize, value: u32| Some((AUDIT_SET, status_with(bit, at, value)));
        match self {
            Self::Enable(value) => set(0x01, 1, *value),
            Self::Failure(value) => set(0x02, 2, *value),
            Self::Rate(value) => set(0x08, 4, *value),
            Self::Backlog(value) => set(0x10, 5, *value),
            Self::BacklogWait(value) => set(0x20, 9, *value),
            Self::ResetLost => set(0x40, 6, 0),
            Self::ResetBacklogWaitActual => set(0x80, 10, 0),
            Self::LoginuidImmutable => {
                // struct audit_features: version, mask, features, lock; feature 1 is the one
                let words = [0, 1 << 1, 1 << 1, 1 << 1];
                Some((
                    AUDIT_SET_FEATURE,
                    words.into_iter().flat_map(u32::to_ne_bytes).collect(),
                ))
            }
            Self::Trim => Some((AUDIT_TRIM, Vec::new())),
            Self::Equivalent { mount, subtree } => {
                // two lengths, then the two paths, not terminated
                let mut bytes = Vec::with_capacity(8 + mount.len() + subtree.len());
                bytes.extend((mount.len() as u32).to_ne_bytes());
                bytes.extend((subtree.len() as u32).to_ne_bytes());
                bytes.extend_from_slice(mount);
                bytes.extend_from_slice(subtree);
                Some((AUDIT_MAKE_EQUIV, bytes))
            }
            Self::Message(_)
            | Self::Signal(_)
            | Self::DeleteAll(_)
            | Self::List { .. }
            | Self::Status { .. }
            | Self::Version
            | Self::Help => None,
        }
    }
}

/// `struct audit_status` (11 words) with one field set and its bit in the mask.
fn status_with(bit: u32, at: usize, value: u32) -> Vec<u8> {
    let mut words = [0_u32; Status::WORDS];
    words[0] = bit;
    words[at] = value;
    words.into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// The kernel's answer to a status request; `struct audit_status`, linux/audit.h.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// 0 off, 1 on, 2 on and locked.
    pub enabled: u32,
    /// 0 silent, 1 printk, 2 panic.
    pub failure: u32,
    /// Process id of the daemon, 0 for none.
    pub pid: u32,
    /// Messages per second, 0 for no limit.
    pub rate_limit: u32,
    /// Records that may wait.
    pub backlog_limit: u32,
    /// Records lost so far.
    pub lost: u32,
    /// Records that wait.
    pub backlog: u32,
    /// `AUDIT_FEATURE_BITMAP_*`: what this kernel can do.
    pub features: u32,
    /// Clock ticks.
    pub backlog_wait_time: u32,
    /// Clock ticks.
    pub backlog_wait_time_actual: u32,
}

impl Status {
    const WORDS: usize = 11;

    /// From a reply's payload. Older kernels send fewer words; what is missing is 0.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Self {
        let mut words = [0_u32; Self::WORDS];
        for (word, bytes) in words.iter_mut().zip(payload.chunks_exact(4)) {
            *word = u32::from_ne_bytes(bytes.try_into().expect("chunks of four"));
        }
        Self {
            enabled: words[1],
            failure: words[2],
            pid: words[3],
            rate_limit: words[4],
            backlog_limit: words[5],
            lost: words[6],
            backlog: words[7],
            features: words[8],
            backlog_wait_time: words[9],
            backlog_wait_time_actual: words[10],
        }
    }

    /// Whether the rules are locked until the next boot.
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        self.enabled == 2
    }
}

/// Bits of [`Status::features`]; `AUDIT_FEATURE_BITMAP_*`, linux/audit.h.
pub mod feature {
    /// `exe` in rules.
    pub const EXE: u32 = 0x04;
    /// More than `msgtype` on the exclude list.
    pub const EXCLUDE_EXTEND: u32 = 0x08;
    /// `sessionid` in rules.
    pub const SESSION_ID: u32 = 0x10;
    /// The filesystem list.
    pub const FILTER_FS: u32 = 0x40;
    /// All of them: what a kernel of this decade reports.
    pub const ALL: u32 = 0x7f;
}

/// The state of the one feature that auditctl reports; `struct audit_features`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoginuidImmutable {
    /// Login uids cannot be changed once set.
    pub on: bool,
    /// Nor can this setting.
    pub locked: bool,
}
