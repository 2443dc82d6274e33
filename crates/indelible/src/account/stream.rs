//! Where one stream stands.

use indelible_log::{EntryRef, Kind, StreamId};
use serde::Serialize;

use super::AccountFinding;
use crate::payload::{HostHead, StreamOpened};

/// One stream while it is being read.
#[derive(Debug, Default)]
pub(super) struct Stream {
    opened: Option<StreamOpened>,
    oldest: Option<u64>,
    next: u64,
    last_time_ns: u64,
    released: Option<u64>,
    /// The last head's count of records, and how many have come since.
    counted: Option<(HostHead, u64)>,
    miscounts: Vec<String>,
}

/// Where a stream stands.
#[derive(Debug, Serialize)]
pub(crate) struct StreamAccount {
    pub(crate) id: String,
    pub(crate) source: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) boot_id: Option<String>,
    /// First sequence number that is still there.
    pub(crate) oldest: u64,
    /// One past the last.
    pub(crate) next: u64,
    /// Of a spool: entries below it are covered by receipts.
    pub(crate) released: Option<u64>,
    /// Capture time of the last entry, ns since 1970, as digits.
    pub(crate) last_time_ns: String,
}

impl Stream {
    pub(super) fn open(&mut self, opened: StreamOpened) {
        self.opened = Some(opened);
    }

    pub(super) fn enter(&mut self, entry: &EntryRef<'_>) {
        let header = entry.header();
        self.oldest.get_or_insert(header.sequence);
        self.next = header.sequence + 1;
        self.last_time_ns = header.time_ns;
        match header.kind {
            Kind::Audit => {
                if let Some((_, records)) = &mut self.counted {
                    *records += 1;
                }
            }
            Kind::HostHead => {
                if let Ok(head) = serde_json::from_slice::<HostHead>(entry.payload()) {
                    self.count(head);
                }
            }
            _ => {}
        }
    }

    /// Holds what came since the last head to what this one says.
    fn count(&mut self, head: HostHead) {
        if let Some((before, came)) = &self.counted
            && let (Some(was), Some(is)) = (&before.records, &head.records)
            // A smaller one is of a process that started since.
            && is.count >= was.count
            && is.serial_first == was.serial_first
            // What was dropped is accounted for by gap entries.
            && head.dropped == before.dropped
            && is.count - was.count != *came
        {
            self.miscounts.push(format!(
                "the head at sequence {} counts {} records since the one before, and {came} are there",
                head.next,
                is.count - was.count
            ));
        }
        self.counted = Some((head, 0));
    }

    /// One past the last entry.
    pub(super) fn end(&self) -> u64 {
        self.next
    }

    pub(super) fn released(&mut self, sequence: u64) {
        self.released = Some(sequence);
    }

    /// Whether the process that reads the kernel's records writes it, with a head each second.
    pub(super) fn is_of_capture(&self) -> bool {
        self.opened.as_ref().is_some_and(|opened| {
            let source = opened.source.split(':').next();
            matches!(source, Some("kernel" | "observe" | "audisp"))
        })
    }

    /// Machine id, boot id and host, once they are known.
    pub(super) fn boot(&self) -> Option<(&str, &str, &str)> {
        let opened = self.opened.as_ref()?;
        Some((&opened.machine_id, &opened.boot_id, &opened.host))
    }

    pub(super) fn close(self, id: StreamId, findings: &mut Vec<AccountFinding>) -> StreamAccount {
        let mut find = |kind: &str, detail| {
            findings.push(AccountFinding {
                kind: kind.to_owned(),
                host: self.opened.as_ref().map(|opened| opened.host.clone()),
                boot_id: self.opened.as_ref().map(|opened| opened.boot_id.clone()),
                stream: Some(id.to_string()),
                detail,
            });
        };
        for miscount in self.miscounts.iter().take(MISCOUNTS_SHOWN) {
            find("count-mismatch", miscount.clone());
        }
        if let Some(released) = self.released.filter(|released| *released > self.next) {
            let detail = format!(
                "receipts cover {released} entries and the stream has {}: it was cut or rolled back",
                self.next
            );
            find("stream-shorter-than-receipts", detail);
        }
        StreamAccount {
            id: id.to_string(),
            source: self.opened.as_ref().map(|opened| opened.source.clone()),
            host: self.opened.as_ref().map(|opened| opened.host.clone()),
            boot_id: self.opened.as_ref().map(|opened| opened.boot_id.clone()),
            oldest: self.oldest.unwrap_or(0),
            next: self.next,
            released: self.released,
            last_time_ns: self.last_time_ns.to_string(),
        }
    }
}

/// Wrong counts of one stream that become findings.
const MISCOUNTS_SHOWN: usize = 8;
