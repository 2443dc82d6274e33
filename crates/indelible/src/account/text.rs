//! The account for people.

use std::fmt::Write as _;

use super::Account;

impl Account {
    /// Hosts and their boots.
    pub(crate) fn boots_text(&self) -> String {
        let mut text = String::new();
        for boot in &self.boots {
            let _ = writeln!(text, "host {}, boot {}", boot.host, boot.boot_id);
            let _ = writeln!(
                text,
                "  records {}, events {} ({} incomplete), host heads {}",
                boot.records, boot.events.assembled, boot.events.incomplete, boot.host_heads
            );
            if let (Some(first), Some(last)) = (boot.serials.first, boot.serials.last) {
                let _ = writeln!(
                    text,
                    "  serials {first} to {last}: {} seen, {} missing",
                    boot.serials.seen, boot.serials.missing
                );
            }
            if let Some(kernel) = &boot.kernel {
                let _ = writeln!(
                    text,
                    "  kernel: lost {}, backlog {} of {}, waited {} jiffies, enabled {}, audit pid {}",
                    kernel.lost,
                    kernel.backlog,
                    kernel.backlog_limit,
                    kernel.backlog_wait_time_actual.unwrap_or(0),
                    kernel.enabled,
                    kernel.audit_pid
                );
            }
            let _ = writeln!(text, "  congestion {}", boot.congestion);
            for (word, times) in [
                ("silent", boot.silences),
                ("clock set back", boot.clock_steps),
            ] {
                if times.count > 0 {
                    let _ = writeln!(
                        text,
                        "  {word} {} times, {} ms at most",
                        times.count, times.longest_ms
                    );
                }
            }
        }
        text
    }

    /// Streams, and the newest receipt.
    pub(crate) fn streams_text(&self) -> String {
        let mut text = String::new();
        for stream in &self.streams {
            let _ = write!(
                text,
                "stream {}: {}, entries {} to {}",
                stream.id,
                stream.source.as_deref().unwrap_or("unknown source"),
                stream.oldest,
                stream.next
            );
            if let Some(released) = stream.released {
                let unsent = stream.next.saturating_sub(released);
                let _ = write!(text, ", receipts below {released}, {unsent} without");
            }
            text.push('\n');
        }
        if let Some(receipt) = &self.receipt {
            let _ = writeln!(
                text,
                "newest receipt: {} at size {}",
                receipt.origin, receipt.size
            );
        }
        text
    }

    /// What somebody must look at.
    pub(crate) fn findings_text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let place = [&finding.host, &finding.stream]
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            let _ = writeln!(
                text,
                "FINDING {} ({place}): {}",
                finding.kind, finding.detail
            );
        }
        text
    }
}
