//! `struct audit_status`, `struct audit_features` and `struct audit_sig_info`
//! (include/uapi/linux/audit.h), in native byte order.
//!
//! ```text
//! status:  0 mask  4 enabled  8 failure  12 pid  16 rate_limit  20 backlog_limit  24 lost
//!         28 backlog  32 feature_bitmap  36 backlog_wait_time  40 backlog_wait_time_actual
//! ```
//! Old kernels answer 32 or 40 bytes; what is absent reads as `None`.

/// The kernel's audit status. All counters are u32 and wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// 0 off, 1 on, 2 locked until reboot.
    pub enabled: u32,
    /// What the kernel does on a loss: 0 silent, 1 printk, 2 panic.
    pub failure: u32,
    /// The registered audit daemon, 0 if there is none.
    pub pid: u32,
    /// Records per second above which the kernel drops, 0 for no limit.
    pub rate_limit: u32,
    /// Records that may wait in the kernel, 0 for no limit.
    pub backlog_limit: u32,
    /// Records lost since boot or since the last reset.
    pub lost: u32,
    /// Records waiting now.
    pub backlog: u32,
    /// `AUDIT_FEATURE_BITMAP_*`; the version number on very old kernels.
    pub feature_bitmap: Option<u32>,
    /// How long a system call may wait for room in the backlog, in jiffies.
    pub backlog_wait_time: Option<u32>,
    /// How long system calls did wait, in jiffies, summed.
    pub backlog_wait_time_actual: Option<u32>,
}

impl Status {
    /// Reads the kernel's answer; `None` below the 32 bytes of the oldest form.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let word = |index| word(bytes, index);
        Some(Self {
            enabled: word(1)?,
            failure: word(2)?,
            pid: word(3)?,
            rate_limit: word(4)?,
            backlog_limit: word(5)?,
            lost: word(6)?,
            backlog: word(7)?,
            feature_bitmap: word(8),
            backlog_wait_time: word(9),
            backlog_wait_time_actual: word(10),
        })
    }
}

/// One settable field of the status (`AUDIT_STATUS_*` mask bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusChange {
    /// 0 off, 1 on, 2 locked until reboot.
    Enabled(u32),
    /// 0 silent, 1 printk, 2 panic.
    Failure(u32),
    /// Registers (own pid) or unregisters (0) the audit daemon.
    Pid(u32),
    /// Records per second, 0 for no limit.
    RateLimit(u32),
    /// Records, 0 for no limit.
    BacklogLimit(u32),
    /// Jiffies.
    BacklogWaitTime(u32),
    /// Sets `lost` to 0; the kernel answers with the former value.
    ResetLost,
    /// Sets `backlog_wait_time_actual` to 0; the kernel answers with the former value.
    ResetBacklogWaitTimeActual,
}

impl StatusChange {
    /// The `struct audit_status` that asks for this change.
    #[must_use]
    pub fn to_bytes(self) -> [u8; STATUS_BYTES] {
        let (mask, index, value) = match self {
            Self::Enabled(value) => (0x01, 1, value),
            Self::Failure(value) => (0x02, 2, value),
            Self::Pid(value) => (0x04, 3, value),
            Self::RateLimit(value) => (0x08, 4, value),
            Self::BacklogLimit(value) => (0x10, 5, value),
            Self::BacklogWaitTime(value) => (0x20, 9, value),
            Self::ResetLost => (0x40, 6, 0),
            Self::ResetBacklogWaitTimeActual => (0x80, 10, 0),
        };
        let mut bytes = [0; STATUS_BYTES];
        bytes[..4].copy_from_slice(&u32::to_ne_bytes(mask));
        bytes[index * 4..index * 4 + 4].copy_from_slice(&value.to_ne_bytes());
        bytes
    }
}

/// `struct audit_features`: bit 0 only_unset_loginuid, bit 1 loginuid_immutable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Which bits the kernel knows (answer) or which to change (request).
    pub mask: u32,
    /// The bits' values.
    pub features: u32,
    /// Which of them are locked until reboot.
    pub lock: u32,
}

impl Features {
    /// Reads the kernel's answer.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let word = |index| word(bytes, index);
        Some(Self {
            mask: word(1)?,
            features: word(2)?,
            lock: word(3)?,
        })
    }

    /// The request that sets them; version 1 of the structure.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for (index, value) in [1, self.mask, self.features, self.lock]
            .into_iter()
            .enumerate()
        {
            bytes[index * 4..index * 4 + 4].copy_from_slice(&value.to_ne_bytes());
        }
        bytes
    }
}

/// Who sent the last TERM, HUP, USR1 or USR2 to the registered daemon (`struct audit_sig_info`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignalInfo {
    /// Login uid of the sender, 2^32−1 if unset.
    pub uid: u32,
    /// Process id of the sender.
    pub pid: u32,
    /// Security label, as bytes.
    pub context: Vec<u8>,
}

impl SignalInfo {
    /// Reads the kernel's answer.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let uid = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?);
        let pid = u32::from_ne_bytes(bytes.get(4..8)?.try_into().ok()?);
        Some(Self {
            uid,
            pid,
            context: bytes[8..].to_vec(),
        })
    }
}

/// The native-endian `u32` at a position counted in words.
fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let word = bytes.get(index * 4..index * 4 + 4)?;
    Some(u32::from_ne_bytes(word.try_into().ok()?))
}

/// Length of the newest `struct audit_status`.
const STATUS_BYTES: usize = 44;

#[cfg(test)]
mod tests {
    use super::*;

    fn words(values: &[u32]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_ne_bytes())
            .collect()
    }

    #[test]
    fn every_generation_of_the_status_is_read() {
        let all: Vec<u32> = (0..11).collect();
        let newest = Status::from_bytes(&words(&all)).unwrap();
        assert_eq!((newest.enabled, newest.lost, newest.backlog), (1, 6, 7));
        assert_eq!(newest.backlog_wait_time_actual, Some(10));
        let middle = Status::from_bytes(&words(&all[..10])).unwrap();
        assert_eq!(
            (middle.backlog_wait_time, middle.backlog_wait_time_actual),
            (Some(9), None)
        );
        let oldest = Status::from_bytes(&words(&all[..8])).unwrap();
        assert_eq!((oldest.backlog, oldest.feature_bitmap), (7, None));
        assert_eq!(Status::from_bytes(&words(&all[..7])), None);
    }

    #[test]
    fn a_change_sets_its_own_field_and_mask_only() {
        for (change, mask, index, value) in [
            (StatusChange::Enabled(1), 1, 1, 1),
            (StatusChange::Pid(77), 4, 3, 77),
            (StatusChange::BacklogWaitTime(9), 0x20, 9, 9),
            (StatusChange::ResetLost, 0x40, 6, 0),
        ] {
            let mut expected = [0u32; 11];
            expected[0] = mask;
            expected[index] = value;
            assert_eq!(change.to_bytes().to_vec(), words(&expected), "{change:?}");
        }
    }
}
