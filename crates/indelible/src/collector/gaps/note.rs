//! What the collector writes down: a gap entry, and a finding where somebody should look.

use indelible_log::Kind;

use super::boot::Boot;
use crate::payload::finding::{self, Finding, Known};
use crate::payload::{About, Edge, Gap, GapReason, to_bytes};

/// A gap, and perhaps a finding.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Note {
    pub(super) gap: Gap,
    pub(super) finding: Option<Finding>,
}

impl Note {
    fn new(gap: Gap, known: Option<&Known>) -> Self {
        let finding = known.map(|known| {
            let mut finding = Finding::of(known, gap.detail.clone());
            if let Some(about) = &gap.about {
                finding.host.clone_from(&about.host);
                finding.peer.clone_from(&about.peer);
            }
            finding
        });
        Self { gap, finding }
    }

    pub(super) fn serial_hole(boot: &Boot, first: u64, last: u64, count: u64) -> Self {
        let detail = format!("{count} events of host {} are missing", called(boot));
        let gap = of_boot(boot, GapReason::SerialHole, Some(count), detail)
            .between(Edge::Number(first), Some(Edge::Number(last)));
        Self::new(gap, Some(&finding::EVENTS_MISSING))
    }

    pub(super) fn incomplete(boot: &Boot, serials: &[u32]) -> Self {
        let count = serials.len() as u64;
        let detail = format!("{count} events of host {} lack records", called(boot));
        let edge = |serial: Option<&u32>| Edge::Number(serial.copied().unwrap_or(0).into());
        let gap = of_boot(boot, GapReason::Incomplete, Some(count), detail)
            .between(edge(serials.first()), Some(edge(serials.last())));
        Self::new(gap, None)
    }

    pub(super) fn lost(boot: &Boot, count: u64) -> Self {
        let detail = format!(
            "the kernel of host {} lost {count} records that the host did not account for",
            called(boot)
        );
        let gap = of_boot(boot, GapReason::KernelLost, Some(count), detail);
        Self::new(gap, Some(&finding::RECORDS_LOST))
    }

    /// A host is silent, or was.
    pub(super) fn silence(boot: &Boot, from_ns: u64, to_ns: Option<u64>) -> Self {
        let (detail, known) = match to_ns {
            Some(to) => {
                let seconds = to.saturating_sub(from_ns) / 1_000_000_000;
                let detail = format!("host {} was silent for {seconds} s", called(boot));
                (detail, &finding::HOST_BACK)
            }
            None => {
                let detail = format!("host {} is silent", called(boot));
                (detail, &finding::HOST_SILENT)
            }
        };
        let gap = of_boot(boot, GapReason::Silence, None, detail)
            .between(Edge::time(from_ns), to_ns.map(Edge::time));
        let mut note = Self::new(gap, Some(known));
        if let Some(finding) = note.finding.as_mut().filter(|_| to_ns.is_none()) {
            finding.techniques = vec!["T1562.001".into()];
        }
        note
    }

    pub(super) fn clock_step(about: About, from_ns: u64, to_ns: u64) -> Self {
        let (word, by) = match to_ns < from_ns {
            true => ("back", from_ns - to_ns),
            false => ("forward", to_ns - from_ns),
        };
        let whose = about.peer.as_deref().or(about.host.as_deref());
        let whose = whose.unwrap_or("the collector");
        let detail = format!(
            "the clock of {whose} was set {word} by {} ms",
            by / 1_000_000
        );
        let gap = Gap::new(GapReason::ClockStep, None, detail)
            .about(about)
            .between(Edge::time(from_ns), Some(Edge::time(to_ns)));
        Self::new(gap, Some(&finding::CLOCK_STEPPED))
    }

    /// Entries of a stream that never came, though a later stream says that there were some.
    pub(super) fn sequence_hole(about: About, from: u64, end: u64) -> Self {
        let count = end - from;
        let detail = format!("{count} entries of a stream that has ended are missing");
        let gap = Gap::new(GapReason::SequenceHole, Some(count), detail)
            .about(about)
            .between(Edge::Number(from), Some(Edge::Number(end - 1)));
        Self::new(gap, Some(&finding::ENTRIES_MISSING))
    }

    /// A host head that its host's chain of keys does not vouch for.
    pub(super) fn epoch_break(about: About, sequence: u64, why: &str) -> Self {
        let gap = Gap::new(GapReason::EpochBreak, None, why)
            .about(about)
            .between(Edge::Number(sequence), None);
        Self::new(gap, Some(&finding::HOST_KEY_BROKEN))
    }

    /// As entries of the collector's own stream.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Kind, Vec<u8>)> {
        let gap = (Kind::Gap, to_bytes(&self.gap));
        let finding = self.finding.as_ref();
        let finding = finding.map(|finding| (Kind::Finding, to_bytes(finding)));
        std::iter::once(gap).chain(finding)
    }
}

fn of_boot(boot: &Boot, reason: GapReason, count: Option<u64>, detail: String) -> Gap {
    Gap::new(reason, count, detail).about(About {
        peer: boot.peer.clone(),
        host: Some(boot.host.clone()),
        boot_id: Some(boot.boot_id.clone()),
        stream: None,
    })
}

/// A host for people: by the name in its certificate, beside which stands what the machine calls itself
/// where that is something else.
fn called(boot: &Boot) -> String {
    match &boot.peer {
        Some(peer) if *peer != boot.host => format!("{peer} (it calls itself {})", boot.host),
        _ => boot.host.clone(),
    }
}
