//! The JSON objects inside entries of kinds 5 to 11 (docs/formats.md, "JSON payloads").

pub(crate) mod context;
pub(crate) mod finding;
pub(crate) mod operator;

use std::collections::BTreeMap;

use indelible_log::{Hash, StreamId};
use serde::{Deserialize, Serialize};

pub(crate) use finding::Finding;
pub(crate) use operator::OperatorAction;

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
    /// Who the receiver knows the sender to be: the name in its certificate, or its address. Only
    /// in streams that a receiver of syslog or RELP opened for one peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<String>,
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
            peer: None,
            predecessor,
        }
    }

    /// A stream of messages that a receiver takes from `peer`, or from many. Nothing is known of
    /// the machine that sends them.
    pub(crate) fn received(source: &str, peer: Option<&str>) -> Self {
        Self {
            v: VERSION,
            source: source.to_owned(),
            machine_id: String::new(),
            boot_id: String::new(),
            host: peer.unwrap_or_default().to_owned(),
            peer: peer.map(str::to_owned),
            predecessor: None,
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
    /// Whose it is, where the collector writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<About>,
    /// The first that is missing, or when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<Edge>,
    /// The last that is missing, or when it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<Edge>,
    /// The output that lacks it; all others may have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    /// Label of the rules that caught what is missing, where that was told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// First and last of each run of kernel serials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) serials: Vec<[u32; 2]>,
    /// How many of what is missing carried which label, where that was counted; none had `""`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) keys: BTreeMap<String, u64>,
}

/// The host, boot and stream that a gap is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// The host, by the name in its certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<String>,
    /// What the machine calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) boot_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<String>,
}

/// An end of a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Edge {
    /// A serial or a sequence number.
    Number(u64),
    /// ns since 1970, as decimal digits.
    Time(String),
}

impl Edge {
    /// A time, ns since 1970.
    pub(crate) fn time(ns: u64) -> Self {
        Self::Time(ns.to_string())
    }
}

/// Why something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GapReason {
    /// The kernel's `lost` rose: records.
    KernelLost,
    /// A socket overran: messages, unknown how many of the multicast socket.
    SocketOverrun,
    /// A sender's framing broke and its connection was ended: messages, unknown how many.
    FramingLost,
    /// The spool had no room: records.
    Dropped,
    /// Another process took or cleared our registration as the audit daemon.
    RegistrationLost,
    /// A file was cut, replaced or removed before all of it was read: bytes, where known.
    FileLost,
    /// A source could not be read for a while: what it sent meanwhile, unknown how much.
    Disconnected,
    /// The kernel's message ring was overwritten before it was read: records.
    Overwritten,
    /// The keys of this host's heads were lost: a new chain of keys begins.
    SignerLost,
    /// The stream before this one ended before what had been sent of it: entries.
    StreamLost,
    /// The process that captures ended without stopping: records, unknown how many.
    CaptureKilled,
    /// Serials that did not come: events.
    SerialHole,
    /// A later stream says that there were more entries of an earlier one: entries.
    SequenceHole,
    /// Events that lack records: events.
    Incomplete,
    /// A host was not heard.
    Silence,
    /// A clock was set.
    ClockStep,
    /// A host head that its host's chain of keys does not vouch for.
    EpochBreak,
    /// An output's condition did not choose it: events.
    Filtered,
    /// An output's rate was exceeded: events.
    RateLimited,
    /// An output that the spool is not held for lagged too far: entries.
    Skipped,
}

impl GapReason {
    /// What one output lacks and others may have.
    pub(crate) const OF_OUTPUTS: [Self; 3] = [Self::Filtered, Self::RateLimited, Self::Skipped];

    /// The word in the payload.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::KernelLost => "kernel-lost",
            Self::SocketOverrun => "socket-overrun",
            Self::FramingLost => "framing-lost",
            Self::Dropped => "dropped",
            Self::RegistrationLost => "registration-lost",
            Self::FileLost => "file-lost",
            Self::Disconnected => "disconnected",
            Self::Overwritten => "overwritten",
            Self::SignerLost => "signer-lost",
            Self::StreamLost => "stream-lost",
            Self::CaptureKilled => "capture-killed",
            Self::SerialHole => "serial-hole",
            Self::SequenceHole => "sequence-hole",
            Self::Incomplete => "incomplete",
            Self::Silence => "silence",
            Self::ClockStep => "clock-step",
            Self::EpochBreak => "epoch-break",
            Self::Filtered => "filtered",
            Self::RateLimited => "rate-limited",
            Self::Skipped => "skipped",
        }
    }
}

impl Gap {
    pub(crate) fn new(reason: GapReason, count: Option<u64>, detail: impl Into<String>) -> Self {
        Self {
            v: VERSION,
            reason,
            count,
            detail: detail.into(),
            about: None,
            from: None,
            to: None,
            output: None,
            key: None,
            serials: Vec::new(),
            keys: BTreeMap::new(),
        }
    }

    /// Whose it is.
    pub(crate) fn about(mut self, about: About) -> Self {
        self.about = Some(about);
        self
    }

    /// Where it begins and ends.
    pub(crate) fn between(mut self, from: Edge, to: Option<Edge>) -> Self {
        (self.from, self.to) = (Some(from), to);
        self
    }
}

/// Where a stream and its host's kernel stand, each second (kind 5). The signature is put behind it
/// by [`indelible_log::head::sign`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostHead {
    pub(crate) v: u8,
    /// Hexadecimal.
    pub(crate) boot_id: String,
    /// Entries of this stream before this one.
    pub(crate) next: u64,
    /// Chain head before this entry.
    pub(crate) head: String,
    /// What the kernel says, where it can be asked.
    pub(crate) kernel: Option<KernelState>,
    /// The records that this process has read.
    pub(crate) records: Option<RecordsSeen>,
    /// Times that the unicast socket was full, since capture started.
    pub(crate) congestion: u64,
    /// Entries that found no room in the spool, since its writer started.
    pub(crate) dropped: u64,
    /// The loaded rules, when they were last asked for.
    pub(crate) rules: Option<RulesState>,
    /// The newest checkpoint of a collector that this host has a receipt under.
    pub(crate) checkpoint: Option<CheckpointSeen>,
    /// Set when the head is signed.
    #[serde(flatten)]
    pub(crate) keys: Option<HeadKey>,
}

/// The kernel's answer to a request for its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KernelState {
    /// Counter of lost records.
    pub(crate) lost: u32,
    /// Records waiting in the kernel.
    pub(crate) backlog: u32,
    /// Records that may wait.
    pub(crate) backlog_limit: u32,
    /// Jiffies that system calls waited for the backlog, summed.
    pub(crate) backlog_wait_time_actual: Option<u32>,
    /// Records per second, 0 for no limit.
    pub(crate) rate_limit: u32,
    /// 0 silent, 1 printk, 2 panic.
    pub(crate) failure: u32,
    /// 0 off, 1 on, 2 locked.
    pub(crate) enabled: u32,
    /// The registered audit daemon.
    pub(crate) audit_pid: u32,
}

impl From<&indelible_sys::audit::Status> for KernelState {
    fn from(status: &indelible_sys::audit::Status) -> Self {
        Self {
            lost: status.lost,
            backlog: status.backlog,
            backlog_limit: status.backlog_limit,
            backlog_wait_time_actual: status.backlog_wait_time_actual,
            rate_limit: status.rate_limit,
            failure: status.failure,
            enabled: status.enabled,
            audit_pid: status.pid,
        }
    }
}

/// Records since capture started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordsSeen {
    pub(crate) count: u64,
    /// Serial of the first one.
    pub(crate) serial_first: Option<u32>,
    /// Largest serial, in the order of a counter that wraps.
    pub(crate) serial_last: Option<u32>,
}

impl RecordsSeen {
    /// Counts a record by its text.
    pub(crate) fn note(&mut self, text: &[u8]) {
        self.count += 1;
        let Some(stamp) = indelible_record::stamp(text) else {
            return;
        };
        let serial = stamp.serial;
        self.serial_first.get_or_insert(serial);
        let last = self.serial_last.get_or_insert(serial);
        if serial.wrapping_sub(*last) < 1 << 31 {
            *last = serial;
        }
    }
}

/// Which rules are loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RulesState {
    pub(crate) count: u64,
    /// SHA-256 over `u32 length ‖ struct audit_rule_data` of each, in match order, hexadecimal.
    pub(crate) sha256: String,
}

/// A checkpoint of a collector's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckpointSeen {
    pub(crate) origin: String,
    pub(crate) size: u64,
    /// Hexadecimal.
    pub(crate) root: String,
}

/// The key that signs a head, and what certifies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeadKey {
    pub(crate) signer: String,
    pub(crate) epoch: u64,
    pub(crate) key: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<indelible_log::head::Link>,
}

impl HostHead {
    /// A head of this boot; everything else is empty.
    pub(crate) fn of_boot(boot_id: &[u8; 16]) -> Self {
        Self {
            v: VERSION,
            boot_id: hex(boot_id),
            ..Self::default()
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
    fn serials_are_counted_across_the_wrap() {
        let mut seen = RecordsSeen::default();
        for serial in [u32::MAX - 1, u32::MAX, 1, u32::MAX, 0] {
            seen.note(format!("audit(1700000000.123:{serial}): x").as_bytes());
        }
        seen.note(b"no stamp");
        assert_eq!(
            (seen.count, seen.serial_first, seen.serial_last),
            (6, Some(u32::MAX - 1), Some(1))
        );
    }

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
