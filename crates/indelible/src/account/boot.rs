//! One host's kernel from boot to shutdown: its serials, its events, its counters.

use std::collections::BTreeMap;

use indelible_log::{EntryRef, Kind, StreamId};
use indelible_record::{Assembler, Record, RecordType, Settings};
use serde::Serialize;

use super::AccountFinding;
use super::serials::{Hole, Serials};
use crate::config::outputs::NATIVE;
use crate::payload::finding::{Finder, Finding};
use crate::payload::{Gap, GapReason, HostHead, KernelState};

/// One boot while it is being read.
#[derive(Debug)]
pub(super) struct Boot {
    host: String,
    records: u64,
    serials: Serials,
    assembler: Assembler,
    newest_ms: u64,
    /// When the last few incomplete events were, and their serials.
    incomplete: Vec<(u64, u32)>,
    events: u64,
    incomplete_events: u64,
    heads: u64,
    kernel: Option<KernelState>,
    congestion: u64,
    congestion_before: u64,
    gaps: BTreeMap<String, GapSum>,
    findings: Vec<Finding>,
    pulses: BTreeMap<StreamId, Pulse>,
    silences: Times,
    clock_steps: Times,
    line: Vec<u8>,
}

/// When a stream's last entry and its last head were captured, ns since 1970.
#[derive(Debug, Default)]
struct Pulse {
    entry_ns: u64,
    head_ns: u64,
}

/// What is known of one host's boot.
#[derive(Debug, Serialize)]
pub(crate) struct BootAccount {
    pub(crate) host: String,
    pub(crate) machine_id: String,
    pub(crate) boot_id: String,
    /// Audit records.
    pub(crate) records: u64,
    pub(crate) events: EventsAccount,
    pub(crate) serials: SerialsAccount,
    /// What the kernel said in the last host head.
    pub(crate) kernel: Option<KernelState>,
    /// Times that the capture socket was full.
    pub(crate) congestion: u64,
    /// Gap entries by reason.
    pub(crate) gaps: BTreeMap<String, GapSum>,
    pub(crate) host_heads: u64,
    /// More than 3 s between two heads of a stream of capture, which come each second.
    pub(crate) silences: Times,
    /// Entries of a stream that were captured before the one before them, by the host's clock.
    pub(crate) clock_steps: Times,
}

/// Stretches of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Times {
    pub(crate) count: u64,
    pub(crate) total_ms: u64,
    pub(crate) longest_ms: u64,
    /// When the first one ended, ms since 1970.
    pub(crate) first_at_ms: Option<u64>,
}

impl Times {
    fn add(&mut self, length_ns: u64, at_ns: u64) {
        let length_ms = length_ns / 1_000_000;
        self.count += 1;
        self.total_ms = self.total_ms.saturating_add(length_ms);
        self.longest_ms = self.longest_ms.max(length_ms);
        self.first_at_ms.get_or_insert(at_ns / 1_000_000);
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct EventsAccount {
    pub(crate) assembled: u64,
    /// With a record missing; what may still be arriving is not counted.
    pub(crate) incomplete: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct SerialsAccount {
    pub(crate) first: Option<u32>,
    pub(crate) last: Option<u32>,
    pub(crate) seen: u64,
    /// Between first and last: events.
    pub(crate) missing: u64,
    /// The first of the holes.
    pub(crate) holes: Vec<Hole>,
    /// There were too many holes to count each.
    pub(crate) inexact: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct GapSum {
    /// Gap entries.
    pub(crate) entries: u64,
    /// What they say is missing, in the unit of the reason.
    pub(crate) count: u64,
}

impl Boot {
    pub(super) fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            records: 0,
            serials: Serials::default(),
            assembler: Assembler::new(Settings::ACCOUNT),
            newest_ms: 0,
            incomplete: Vec::new(),
            events: 0,
            incomplete_events: 0,
            heads: 0,
            kernel: None,
            congestion: 0,
            congestion_before: 0,
            gaps: BTreeMap::new(),
            findings: Vec::new(),
            pulses: BTreeMap::new(),
            silences: Times::default(),
            clock_steps: Times::default(),
            line: Vec::new(),
        }
    }

    /// Takes an entry in; `pulses` where its stream gets a head each second.
    pub(super) fn enter(&mut self, entry: &EntryRef<'_>, pulses: bool) {
        if pulses {
            self.pulse(entry);
        }
        match entry.header().kind {
            Kind::Audit => self.record(entry),
            Kind::HostHead => {
                if let Ok(head) = serde_json::from_slice::<HostHead>(entry.payload()) {
                    self.head(head);
                }
            }
            Kind::Gap => {
                if let Ok(gap) = serde_json::from_slice::<Gap>(entry.payload()) {
                    let sum = self.gaps.entry(gap.reason.as_str().to_owned()).or_default();
                    sum.entries += 1;
                    sum.count = sum.count.saturating_add(gap.count.unwrap_or(0));
                    if gap.output.as_deref() == Some(NATIVE) {
                        self.left_out(&gap.serials);
                    }
                }
            }
            Kind::Finding => {
                if self.findings.len() < FINDINGS_MAX
                    && let Ok(finding) = serde_json::from_slice::<Finding>(entry.payload())
                    // What detections found says nothing about what is missing.
                    && finding.by == Finder::Capture
                {
                    self.findings.push(finding);
                }
            }
            _ => {}
        }
    }

    /// Events that were not selected for the collector: they are accounted for.
    fn left_out(&mut self, ranges: &[[u32; 2]]) {
        for [first, last] in ranges {
            for serial in (*first..=*last).take(LEFT_OUT_MAX) {
                self.serials.insert(serial);
            }
        }
    }

    fn pulse(&mut self, entry: &EntryRef<'_>) {
        let (header, pulse) = (
            entry.header(),
            self.pulses.entry(entry.header().stream).or_default(),
        );
        let now = header.time_ns;
        if now + CLOCK_STEP_NS < pulse.entry_ns {
            self.clock_steps.add(pulse.entry_ns - now, now);
        }
        if header.kind == Kind::HostHead {
            let since = now.saturating_sub(pulse.head_ns);
            if pulse.head_ns > 0 && since > SILENCE_NS {
                self.silences.add(since, now);
            }
            pulse.head_ns = now;
        }
        pulse.entry_ns = now;
    }

    fn record(&mut self, entry: &EntryRef<'_>) {
        let Some((kind, text)) = entry.audit() else {
            return;
        };
        self.records += 1;
        self.line.clear();
        if kind != 0 {
            self.line.extend_from_slice(b"type=");
            self.line
                .extend_from_slice(RecordType(kind).to_string().as_bytes());
            self.line.extend_from_slice(b" msg=");
        }
        self.line.extend_from_slice(text);
        let record = Record::parse(&self.line);
        if let Some(stamp) = record.stamp() {
            self.serials.insert(stamp.serial);
            self.newest_ms = self.newest_ms.max(stamp.ms());
        }
        for event in self.assembler.push(0, &record) {
            self.events += 1;
            if !event.is_complete() {
                self.incomplete_events += 1;
                if let Some(stamp) = event.stamp() {
                    self.incomplete.push((stamp.ms(), stamp.serial));
                    let surplus = self.incomplete.len().saturating_sub(INCOMPLETE_KEPT);
                    self.incomplete.drain(..surplus);
                }
            }
        }
    }

    fn head(&mut self, head: HostHead) {
        self.heads += 1;
        if head.records.is_none() && head.kernel.is_none() {
            // Of a stream that no kernel's records are in.
            return;
        }
        // The counter begins anew with each start of capture.
        if head.congestion < self.congestion {
            self.congestion_before += self.congestion;
        }
        self.congestion = head.congestion;
        if head.kernel.is_some() {
            self.kernel = head.kernel;
        }
    }

    pub(super) fn close(
        mut self,
        machine_id: String,
        boot_id: String,
        findings: &mut Vec<AccountFinding>,
    ) -> BootAccount {
        for event in self.assembler.finish() {
            self.events += 1;
            let arriving = event
                .stamp()
                .is_none_or(|stamp| stamp.ms() + ARRIVING_MS > self.newest_ms);
            if !event.is_complete() && !arriving {
                self.incomplete_events += 1;
                self.incomplete
                    .extend(event.stamp().map(|stamp| (stamp.ms(), stamp.serial)));
            }
        }
        let holes: Vec<Hole> = self.serials.holes().collect();
        let missing = holes
            .iter()
            .map(|hole| u64::from(hole.last - hole.first) + 1)
            .sum();
        let mut find = |kind: &str, detail: String| {
            findings.push(AccountFinding {
                kind: kind.to_owned(),
                host: Some(self.host.clone()),
                boot_id: Some(boot_id.clone()),
                stream: None,
                detail,
            });
        };
        if let Some(hole) = holes.first() {
            let detail = format!(
                "{missing} events are missing in {} holes; the first is serial {} to {}",
                holes.len(),
                hole.first,
                hole.last
            );
            find("serials-missing", detail);
        }
        if self.incomplete_events > 0 {
            let serials: Vec<String> = self
                .incomplete
                .iter()
                .map(|(_, serial)| serial.to_string())
                .collect();
            let detail = format!(
                "{} events lack records; the last ones: serial {}",
                self.incomplete_events,
                serials.join(", ")
            );
            find("events-incomplete", detail);
        }
        for (kind, times) in [("silence", self.silences), ("clock-step", self.clock_steps)] {
            if times.count > 0 {
                let detail = format!(
                    "{} times, the longest {} ms, {} ms in all",
                    times.count, times.longest_ms, times.total_ms
                );
                find(kind, detail);
            }
        }
        // What one output lacks is here.
        let whole = |reason: &str| !GapReason::OF_OUTPUTS.iter().any(|of| of.as_str() == reason);
        for (reason, sum) in self.gaps.iter().filter(|(reason, _)| whole(reason)) {
            let detail = format!("{} gap entries, {} missing in all", sum.entries, sum.count);
            find(gap_finding(reason), format!("{reason}: {detail}"));
        }
        for finding in &self.findings {
            find(&finding.id, finding.why.clone());
        }
        BootAccount {
            machine_id,
            records: self.records,
            events: EventsAccount {
                assembled: self.events,
                incomplete: self.incomplete_events,
            },
            serials: SerialsAccount {
                first: self.serials.first(),
                last: self.serials.last(),
                seen: self.serials.count(),
                missing,
                holes: holes.into_iter().take(HOLES_SHOWN).collect(),
                inexact: self.serials.is_inexact(),
            },
            kernel: self.kernel,
            congestion: self.congestion_before + self.congestion,
            gaps: self.gaps,
            host_heads: self.heads,
            silences: self.silences,
            clock_steps: self.clock_steps,
            host: self.host,
            boot_id,
        }
    }
}

/// The word of a finding about gap entries.
fn gap_finding(reason: &str) -> &'static str {
    match reason {
        "kernel-lost" => "kernel-lost",
        "dropped" => "dropped",
        "signer-lost" => "signer-lost",
        _ => "gap",
    }
}

/// Serials of one range of what was left out that are taken in.
const LEFT_OUT_MAX: usize = 1 << 24;
/// How long before the newest record an event may still lack records, in milliseconds.
const ARRIVING_MS: u64 = 2_000;
/// Incomplete events that are named.
const INCOMPLETE_KEPT: usize = 8;
/// Heads further apart than this are a silence: they come each second.
const SILENCE_NS: u64 = 3_000_000_000;
/// Capture times of a stream that go back by more than this are a step of the clock.
const CLOCK_STEP_NS: u64 = 100_000_000;
/// Holes that are listed.
const HOLES_SHOWN: usize = 16;
/// Findings of a boot that are kept.
const FINDINGS_MAX: usize = 100;
