//! `/proc/PID/stat`: the numbers of a process.

use crate::{Error, Result};

/// What a process is (proc_pid_stat(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Name of the task, at most 15 bytes, chosen by the process itself.
    pub comm: Vec<u8>,
    /// `R`, `S`, `Z` (zombie) …
    pub state: u8,
    /// Process id of the parent.
    pub ppid: u32,
    /// `PF_*`; include/linux/sched.h.
    pub flags: u64,
    /// Clock ticks after the boot.
    pub start_ticks: u64,
}

impl Stat {
    /// Reads the line. The name stands in parentheses and may hold any bytes, parentheses too: it
    /// ends at the last one.
    pub fn parse(line: &[u8]) -> Option<Stat> {
        let open = line.iter().position(|byte| *byte == b'(')?;
        let close = line.iter().rposition(|byte| *byte == b')')?;
        let comm = line.get(open + 1..close)?.to_vec();
        let rest = std::str::from_utf8(&line[close + 1..]).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        Some(Stat {
            comm,
            state: *fields.first()?.as_bytes().first()?,
            ppid: fields.get(1)?.parse().ok()?,
            flags: fields.get(6)?.parse().ok()?,
            start_ticks: fields.get(19)?.parse().ok()?,
        })
    }

    /// Whether it is a thread of the kernel, which has no executable.
    pub fn is_kernel_thread(&self) -> bool {
        self.flags & PF_KTHREAD != 0
    }

    /// Whether it has ended and only waits to be collected.
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// Clock ticks in a second.
pub fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second()
}

/// When the host booted, in seconds since 1970, by its clock.
///
/// # Errors
/// [`Error::Read`] where /proc/stat lacks it.
pub fn boot_time_s() -> Result<u64> {
    let text = crate::host::read(std::path::Path::new("/proc/stat"))?;
    text.lines()
        .find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
        .ok_or_else(|| Error::Protocol {
            what: "/proc/stat",
            detail: "no btime".into(),
        })
}

/// `PF_KTHREAD`; include/linux/sched.h.
const PF_KTHREAD: u64 = 0x0020_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything() {
        let line = b"42 (a) S 1 (b) Z 7 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12345 1 2";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(stat.comm, b"a) S 1 (b");
        assert_eq!((stat.state, stat.ppid, stat.start_ticks), (b'Z', 7, 12345));
        assert!(stat.is_zombie());
        assert_eq!(Stat::parse(b"42 (a"), None);
        assert_eq!(Stat::parse(b") ("), None);
        assert_eq!(Stat::parse(b""), None);
    }

    #[test]
    fn the_host_booted_in_the_past() {
        let boot = boot_time_s().unwrap();
        assert!(boot > 1_000_000_000 && ticks_per_second() >= 1);
    }
}
