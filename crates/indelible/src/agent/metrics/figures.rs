//! The figures themselves, gathered each time that they are asked for. A name that ends in `_total` is a
//! counter's.

use std::fmt;
use std::sync::Arc;

use indelible_log::dir::{Dir, RealDir};
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, StreamId, entry};
use indelible_sys::clock::realtime_ns;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::agent::layout::{Layout, Room};
use crate::agent::opened::Opened;
use crate::agent::outputs::State;
use crate::detect::live::{COUNTERS, counts_of_spool};
use crate::payload::HostHead;

/// Where the figures come from.
#[derive(Debug)]
pub(super) struct Figures(Registry);

impl Figures {
    pub(super) fn of(layout: &Layout, states: Vec<Arc<State>>) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Origin {
            layout: layout.clone(),
            states,
        }));
        Self(registry)
    }

    /// All of them, in the OpenMetrics text form.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0)?;
        Ok(text)
    }
}

#[derive(Debug)]
struct Origin {
    layout: Layout,
    states: Vec<Arc<State>>,
}

/// Labels of a sample.
type Labels = Vec<(&'static str, String)>;

impl Collector for Origin {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let page = &mut encoder;
        let streams = streams(&self.layout);
        let entries = streams.iter().map(|stream| {
            let source = ("source", stream.source.clone());
            (vec![source, ("stream", stream.id.to_string())], stream.end)
        });
        family(
            page,
            "indelible_spool_stream_entries",
            "Entries that the stream's writer has written.",
            entries,
        )?;
        one(
            page,
            "indelible_spool_bytes",
            "Bytes of all streams on the disk.",
            streams.iter().map(|stream| stream.bytes).sum(),
        )?;
        if let Ok(disk) = rustix::fs::statvfs(self.layout.capture().folder()) {
            one(
                page,
                "indelible_spool_free_bytes",
                "Bytes that are free on the spool's file system.",
                disk.f_bavail.saturating_mul(disk.f_frsize),
            )?;
        }
        let newest = streams.iter().filter_map(|stream| stream.head.as_ref());
        if let Some((ns, head)) = newest.max_by_key(|(ns, _)| *ns) {
            of_head(page, *ns, head)?;
        }
        of_outputs(page, &self.states)?;
        of_detections(page, &self.layout, &streams)
    }
}

/// One figure without labels.
fn one(page: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    family(page, name, help, [(Labels::new(), value)])
}

fn family(
    page: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    samples: impl IntoIterator<Item = (Labels, u64)>,
) -> fmt::Result {
    let counter = name.strip_suffix("_total");
    let kind = match counter {
        Some(_) => MetricType::Counter,
        None => MetricType::Gauge,
    };
    let mut family = page.encode_descriptor(counter.unwrap_or(name), help, None, kind)?;
    for (labels, value) in samples {
        let sample = family.encode_family(&labels)?;
        match kind {
            MetricType::Counter => ConstCounter::new(value).encode(sample)?,
            _ => ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(sample)?,
        }
    }
    Ok(())
}

fn of_head(page: &mut DescriptorEncoder<'_>, ns: u64, head: &HostHead) -> fmt::Result {
    let age_s = realtime_ns().saturating_sub(ns) / 1_000_000_000;
    one(
        page,
        "indelible_head_age_seconds",
        "Since capture last stated where it stands.",
        age_s,
    )?;
    one(
        page,
        "indelible_capture_dropped_entries_total",
        "Entries that found no room in the spool, since capture started.",
        head.dropped,
    )?;
    one(
        page,
        "indelible_capture_congestion_total",
        "Times that the audit socket was full, since capture started.",
        head.congestion,
    )?;
    if let Some(records) = &head.records {
        one(
            page,
            "indelible_capture_records_total",
            "Audit records that capture has read, since it started.",
            records.count,
        )?;
    }
    let Some(kernel) = &head.kernel else {
        return Ok(());
    };
    let figures: [(&str, &str, u32); 5] = [
        (
            "indelible_kernel_lost_records_total",
            "The kernel's own count of lost audit records.",
            kernel.lost,
        ),
        (
            "indelible_kernel_backlog_records",
            "Audit records that wait in the kernel.",
            kernel.backlog,
        ),
        (
            "indelible_kernel_backlog_limit_records",
            "Audit records that may wait in the kernel.",
            kernel.backlog_limit,
        ),
        (
            "indelible_kernel_audit_enabled",
            "0 off, 1 on, 2 locked.",
            kernel.enabled,
        ),
        (
            "indelible_kernel_audit_pid",
            "The registered audit daemon, 0 for none.",
            kernel.audit_pid,
        ),
    ];
    figures
        .into_iter()
        .try_for_each(|(name, help, value)| one(page, name, help, value.into()))
}

fn of_outputs(page: &mut DescriptorEncoder<'_>, states: &[Arc<State>]) -> fmt::Result {
    type Value = fn(&State) -> u64;
    let families: [(&str, &str, Value); 6] = [
        (
            "indelible_output_lag_entries",
            "Entries that the output does not have yet.",
            State::lag_entries,
        ),
        (
            "indelible_output_connected",
            "Whether there is a way to its destination.",
            |state| state.shown().connected.into(),
        ),
        (
            "indelible_output_messages_total",
            "Messages that were handed over since the worker started.",
            |state| state.shown().messages,
        ),
        (
            "indelible_output_failures_total",
            "Ways that broke or could not be opened.",
            State::failures,
        ),
        (
            "indelible_output_skipped_entries_total",
            "Entries that were gone before the output had read them.",
            |state| state.shown().skipped_entries,
        ),
        (
            "indelible_output_left_out_events_total",
            "Audit events that its condition or rates left out.",
            |state| state.shown().left_out_events,
        ),
    ];
    if states.is_empty() {
        return Ok(());
    }
    for (name, help, value) in families {
        let samples = states.iter().map(|state| {
            let required = if state.required { "yes" } else { "no" };
            let output = ("output", state.name.clone());
            (vec![output, ("required", required.into())], value(state))
        });
        family(page, name, help, samples)?;
    }
    Ok(())
}

/// What the detections of this spool last said of themselves, where they ever ran.
fn of_detections(
    page: &mut DescriptorEncoder<'_>,
    layout: &Layout,
    streams: &[Stream],
) -> fmt::Result {
    let Some((counts, next)) = counts_of_spool(layout) else {
        return Ok(());
    };
    for (name, help, value) in COUNTERS {
        let name = format!("indelible_{name}_total");
        one(page, &name, &format!("{help}."), value(&counts))?;
    }
    let lag = |stream: &Stream| Some(stream.end.saturating_sub(next(&stream.id.to_string())?));
    one(
        page,
        "indelible_detections_lag_entries",
        "Entries that the detections have not read yet, as of some seconds ago.",
        streams.iter().filter_map(lag).sum(),
    )
}

/// A stream as the disk has it.
struct Stream {
    id: StreamId,
    source: String,
    end: u64,
    bytes: u64,
    /// The newest head near its end, and when it was written.
    head: Option<(u64, HostHead)>,
}

fn streams(layout: &Layout) -> Vec<Stream> {
    let mut found = Vec::new();
    for room in layout.rooms() {
        let Ok(dir) = RealDir::open(room.streams()) else {
            continue;
        };
        let dir: Arc<dyn Dir> = dir;
        for id in SpoolReader::streams(&*dir).unwrap_or_default() {
            found.extend(look(&room, &dir, id));
        }
    }
    found
}

fn look(room: &Room, dir: &Arc<dyn Dir>, id: StreamId) -> Option<Stream> {
    let mut reader = SpoolReader::open(dir, id).ok()?;
    let (oldest, end) = reader.bounds().ok()?;
    let opened = Opened::load(&room.opened(id)).ok();
    let files = std::fs::read_dir(room.streams().join(id.to_string()))
        .into_iter()
        .flatten()
        .flatten();
    let mut stream = Stream {
        id,
        source: opened.map_or_else(String::new, |opened| opened.opening.source),
        end,
        bytes: files
            .filter_map(|file| Some(file.metadata().ok()?.len()))
            .sum(),
        head: None,
    };
    if !room.is_optional() {
        reader
            .seek(end.saturating_sub(HEAD_WITHIN).max(oldest))
            .ok()?;
        let mut bytes = Vec::new();
        while let Ok(Some(_)) = reader.read(u32::MAX, READ_BYTES, &mut bytes) {
            for entry in entry::split(&bytes).flatten() {
                let Ok(entry) = EntryRef::parse(entry) else {
                    continue;
                };
                if entry.header().kind == Kind::HostHead
                    && let Ok(head) = serde_json::from_slice(entry.payload())
                {
                    stream.head = Some((entry.header().time_ns, head));
                }
            }
            bytes.clear();
        }
    }
    Some(stream)
}

/// How many entries before its end a stream of capture has a head: one a second, at some rate.
const HEAD_WITHIN: u64 = 100_000;
/// Bytes per read.
const READ_BYTES: usize = 1 << 20;
