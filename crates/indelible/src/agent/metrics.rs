//! What the agent counts, for Prometheus: text on a loopback port or a socket in the file system.
//!
//! Everything is looked up when it is asked for: the streams on the disk, the newest head of capture
//! in them, and the counters of the outputs. A thread answers one request at a time.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, StreamId, entry};
use indelible_sys::clock::realtime_ns;

use super::layout::{Layout, Room};
use super::opened::Opened;
use super::outputs::State;
use crate::config::MetricsAddress;
use crate::payload::HostHead;

/// A socket that was bound while this process still may.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Binds the address; a socket that an earlier run left is replaced.
    pub(crate) fn bind(address: &MetricsAddress) -> Result<Self> {
        let shown = || format!("cannot serve metrics at {address}");
        Ok(match address {
            MetricsAddress::Tcp(address) => {
                Self::Tcp(TcpListener::bind(address).with_context(shown)?)
            }
            MetricsAddress::Unix(path) => {
                let _ = std::fs::remove_file(path);
                Self::Unix(UnixListener::bind(path).with_context(shown)?)
            }
        })
    }

    /// Answers requests for as long as the process lives.
    pub(crate) fn serve(self, layout: &Layout, states: Vec<Arc<State>>) -> Result<()> {
        let layout = layout.clone();
        std::thread::Builder::new()
            .name("metrics".into())
            .spawn(move || {
                loop {
                    if let Err(error) = self.answer(&layout, &states) {
                        tracing::debug!("metrics: {error}");
                        std::thread::sleep(FAILURE_PAUSE);
                    }
                }
            })
            .context("cannot start the metrics")?;
        Ok(())
    }

    fn answer(&self, layout: &Layout, states: &[Arc<State>]) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => {
                let (mut stream, _) = listener.accept()?;
                stream.set_read_timeout(Some(REQUEST_MAX))?;
                stream.set_write_timeout(Some(REQUEST_MAX))?;
                talk(&mut stream, layout, states)
            }
            Self::Unix(listener) => {
                let (mut stream, _) = listener.accept()?;
                stream.set_read_timeout(Some(REQUEST_MAX))?;
                stream.set_write_timeout(Some(REQUEST_MAX))?;
                talk(&mut stream, layout, states)
            }
        }
    }
}

/// One request and its answer.
fn talk(
    stream: &mut (impl Read + Write),
    layout: &Layout,
    states: &[Arc<State>],
) -> io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_BYTES_MAX {
        match stream.read(&mut buffer)? {
            0 => break,
            got => request.extend_from_slice(&buffer[..got]),
        }
    }
    let (status, body) = if request.starts_with(b"GET /metrics ") {
        ("200 OK", text(layout, states))
    } else {
        ("404 Not Found", "metrics are at /metrics\n".to_owned())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// All metrics, in Prometheus' text form.
fn text(layout: &Layout, states: &[Arc<State>]) -> String {
    let mut page = Page::default();
    let streams = streams(layout);
    page.family(
        "indelible_spool_stream_entries",
        "gauge",
        "Entries that the stream's writer has written.",
    );
    for stream in &streams {
        page.sample(
            "indelible_spool_stream_entries",
            &[
                ("source", &stream.source),
                ("stream", &stream.id.to_string()),
            ],
            stream.end,
        );
    }
    page.family(
        "indelible_spool_bytes",
        "gauge",
        "Bytes of all streams on the disk.",
    );
    page.sample(
        "indelible_spool_bytes",
        &[],
        streams.iter().map(|stream| stream.bytes).sum(),
    );
    if let Ok(disk) = rustix::fs::statvfs(layout.capture().folder()) {
        page.family(
            "indelible_spool_free_bytes",
            "gauge",
            "Bytes that are free on the spool's file system.",
        );
        page.sample(
            "indelible_spool_free_bytes",
            &[],
            disk.f_bavail.saturating_mul(disk.f_frsize),
        );
    }
    let newest = streams
        .iter()
        .filter_map(|stream| stream.head.as_ref())
        .max_by_key(|(ns, _)| *ns);
    if let Some((ns, head)) = newest {
        push_head(&mut page, *ns, head);
    }
    push_outputs(&mut page, states);
    page.0
}

fn push_head(page: &mut Page, ns: u64, head: &HostHead) {
    let age_s = realtime_ns().saturating_sub(ns) / 1_000_000_000;
    page.one(
        "indelible_head_age_seconds",
        "gauge",
        "Since capture last stated where it stands.",
        age_s,
    );
    page.one(
        "indelible_capture_dropped_entries_total",
        "counter",
        "Entries that found no room in the spool, since capture started.",
        head.dropped,
    );
    page.one(
        "indelible_capture_congestion_total",
        "counter",
        "Times that the audit socket was full, since capture started.",
        head.congestion,
    );
    if let Some(records) = &head.records {
        page.one(
            "indelible_capture_records_total",
            "counter",
            "Audit records that capture has read, since it started.",
            records.count,
        );
    }
    let Some(kernel) = &head.kernel else { return };
    page.one(
        "indelible_kernel_lost_records_total",
        "counter",
        "The kernel's own count of lost audit records.",
        kernel.lost.into(),
    );
    page.one(
        "indelible_kernel_backlog_records",
        "gauge",
        "Audit records that wait in the kernel.",
        kernel.backlog.into(),
    );
    page.one(
        "indelible_kernel_backlog_limit_records",
        "gauge",
        "Audit records that may wait in the kernel.",
        kernel.backlog_limit.into(),
    );
    page.one(
        "indelible_kernel_audit_enabled",
        "gauge",
        "0 off, 1 on, 2 locked.",
        kernel.enabled.into(),
    );
    page.one(
        "indelible_kernel_audit_pid",
        "gauge",
        "The registered audit daemon, 0 for none.",
        kernel.audit_pid.into(),
    );
}

fn push_outputs(page: &mut Page, states: &[Arc<State>]) {
    type Value = fn(&State) -> u64;
    let families: [(&str, &str, &str, Value); 6] = [
        (
            "indelible_output_lag_entries",
            "gauge",
            "Entries that the output does not have yet.",
            State::lag_entries,
        ),
        (
            "indelible_output_connected",
            "gauge",
            "Whether there is a way to its destination.",
            |state| state.shown().connected.into(),
        ),
        (
            "indelible_output_messages_total",
            "counter",
            "Messages that were handed over since the worker started.",
            |state| state.shown().messages,
        ),
        (
            "indelible_output_failures_total",
            "counter",
            "Ways that broke or could not be opened.",
            State::failures,
        ),
        (
            "indelible_output_skipped_entries_total",
            "counter",
            "Entries that were gone before the output had read them.",
            |state| state.shown().skipped_entries,
        ),
        (
            "indelible_output_left_out_events_total",
            "counter",
            "Audit events that its condition or rates left out.",
            |state| state.shown().left_out_events,
        ),
    ];
    for (name, kind, help, value) in families {
        if states.is_empty() {
            return;
        }
        page.family(name, kind, help);
        for state in states {
            let required = if state.required { "yes" } else { "no" };
            page.sample(
                name,
                &[("output", &state.name), ("required", required)],
                value(state),
            );
        }
    }
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

/// The text while it is written.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.0.push_str(name);
        let mut separator = '{';
        for (label, text) in labels {
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.0, "{separator}{label}=\"{text}\"");
            separator = ',';
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}

/// How long a request and its answer may take.
const REQUEST_MAX: Duration = Duration::from_secs(5);
/// Longest request that is read.
const REQUEST_BYTES_MAX: usize = 8 << 10;
/// How many entries before its end a stream of capture has a head: one a second, at some rate.
const HEAD_WITHIN: u64 = 100_000;
/// Bytes per read.
const READ_BYTES: usize = 1 << 20;
/// Pause after a socket that gave nothing.
const FAILURE_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_and_labels_are_escaped() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(folder.path());
        layout.create(None).unwrap();
        let mut page = Page::default();
        page.sample("x", &[("a", "b\"\\\n")], 7);
        assert_eq!(page.0, "x{a=\"b\\\"\\\\\\n\"} 7\n");

        let state = Arc::new(State::default());
        let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let Listener::Tcp(socket) = &listener else {
            unreachable!()
        };
        let address = socket.local_addr().unwrap();
        listener.serve(&layout, vec![state]).unwrap();
        let ask = |path: &str| {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        let answer = ask("/metrics");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(
            answer.contains("\nindelible_output_lag_entries{output=\"\",required=\"no\"} 0\n"),
            "{answer}"
        );
        assert!(ask("/").starts_with("HTTP/1.1 404 "));
    }
}
