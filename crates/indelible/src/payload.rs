//! The JSON objects inside entries of kinds 5 to 11 (docs/formats.md, "JSON payloads").

use indelible_log::{Hash, StreamId};
use serde::{Deserialize, Serialize};

/// Version of every object here.
const VERSION: u8 = 1;

/// Entry 0 of each stream (kind 7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamOpened {
    v: u8,
    /// What the stream's entries come from: `kernel`, `observe`, `collector` …
    pub(crate) source: String,
    /// Hexadecimal.
    pub(crate) machine_id: String,
    /// Hexadecimal.
    pub(crate) boot_id: String,
    /// The host's name, as its kernel has it.
    pub(crate) host: String,
    /// The stream that this one continues, after a reboot or a loss.
    pub(crate) predecessor: Option<Predecessor>,
}

/// Where the stream before this one ended, as far as its writer knew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Predecessor {
    pub(crate) id: String,
    pub(crate) next: u64,
    pub(crate) head: String,
}

impl StreamOpened {
    pub(crate) fn new(
        source: &str,
        host: &indelible_sys::host::Host,
        predecessor: Option<Predecessor>,
    ) -> Self {
        Self {
            v: VERSION,
            source: source.to_owned(),
            machine_id: hex(&host.machine_id),
            boot_id: hex(&host.boot_id),
            host: host.name.clone(),
            predecessor,
        }
    }
}

impl Predecessor {
    pub(crate) fn new(id: StreamId, next: u64, head: Hash) -> Self {
        Self {
            id: id.to_string(),
            next,
            head: head.to_string(),
        }
    }
}

/// A recorded absence (kind 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    v: u8,
    /// Why something is missing.
    pub(crate) reason: GapReason,
    /// How many are missing, in the unit of the reason; `None` where nobody knows.
    pub(crate) count: Option<u64>,
    /// For people.
    pub(crate) detail: String,
}

/// Why something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GapReason {
    /// The kernel's `lost` rose: records.
    KernelLost,
    /// The multicast socket overran: messages, unknown how many.
    SocketOverrun,
    /// The spool had no room: records.
    Dropped,
    /// Another process took or cleared our registration as the audit daemon.
    RegistrationLost,
    /// A file was cut, replaced or removed before all of it was read: bytes, where known.
    FileLost,
    /// A source could not be read for a while: what it sent meanwhile, unknown how much.
    Disconnected,
    /// The stream before this one ended before what had been sent of it: entries.
    StreamLost,
}

impl Gap {
    pub(crate) fn new(reason: GapReason, count: Option<u64>, detail: impl Into<String>) -> Self {
        Self {
            v: VERSION,
            reason,
            count,
            detail: detail.into(),
        }
    }
}

/// Where a host's kernel stands, each second (kind 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostHead {
    v: u8,
    /// Entries of this stream before this one.
    pub(crate) next: u64,
    /// Chain head before this entry.
    pub(crate) head: String,
    /// Kernel's counter of lost records.
    pub(crate) lost: u32,
    /// Records waiting in the kernel.
    pub(crate) backlog: u32,
    /// Jiffies that system calls waited for the backlog, summed.
    pub(crate) backlog_wait_time_actual: Option<u32>,
    /// 0 off, 1 on, 2 locked.
    pub(crate) enabled: u32,
    /// The registered audit daemon.
    pub(crate) audit_pid: u32,
    /// Times that the unicast socket was full, since capture started.
    pub(crate) congestion: u64,
}

impl HostHead {
    pub(crate) fn new(
        next: u64,
        head: Hash,
        status: &indelible_sys::audit::Status,
        congestion: u64,
    ) -> Self {
        Self {
            v: VERSION,
            next,
            head: head.to_string(),
            lost: status.lost,
            backlog: status.backlog,
            backlog_wait_time_actual: status.backlog_wait_time_actual,
            enabled: status.enabled,
            audit_pid: status.pid,
            congestion,
        }
    }
}

/// The collector's clock (kind 11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimeMark {
    v: u8,
    /// ns since 1970, as decimal digits.
    pub(crate) time_ns: String,
    /// Entries of the log before this one.
    pub(crate) size: u64,
}

impl TimeMark {
    pub(crate) fn new(time_ns: u64, size: u64) -> Self {
        Self {
            v: VERSION,
            time_ns: time_ns.to_string(),
            size,
        }
    }
}

/// The bytes that go into an entry.
pub(crate) fn to_bytes(payload: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(payload).expect("these structures have only string keys")
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The bytes of exactly so many hexadecimal digits.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_come_back() {
        let gap = Gap::new(GapReason::KernelLost, Some(7), "lost rose");
        let text = String::from_utf8(to_bytes(&gap)).unwrap();
        assert_eq!(
            text,
            r#"{"v":1,"reason":"kernel-lost","count":7,"detail":"lost rose"}"#
        );
        assert_eq!(serde_json::from_str::<Gap>(&text).unwrap(), gap);
    }
}
