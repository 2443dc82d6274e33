//! The wall clock, as entries stamp it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970-01-01 UTC; 0 for a clock before that.
#[must_use]
pub fn realtime_ns() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Whether the kernel's clock is kept by somebody (`adjtimex(2)`, asking only).
///
/// # Errors
/// [`crate::Error::System`] where the call is forbidden.
pub fn is_synchronised() -> crate::Result<bool> {
    // SAFETY: all-zero bytes are a valid `timex`: integers and padding; `modes` 0 changes nothing.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a `timex` that outlives the call.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    if state < 0 {
        return Err(crate::Error::System {
            what: "asking the clock",
            source: std::io::Error::last_os_error(),
        });
    }
    Ok(state != libc::TIME_ERROR && timex.status & libc::STA_UNSYNC == 0)
}
