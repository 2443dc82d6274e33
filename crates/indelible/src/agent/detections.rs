//! The process that runs the detections over the spool. What it finds is a stream of its own, in a
//! room of its own, which the worker sends as all others.

use std::path::PathBuf;

use anyhow::{Context, Result};
use indelible_log::Kind;
use indelible_log::dir::RealDir;
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;
use indelible_sys::lock::FileLock;
use indelible_sys::sandbox::Sandbox;

use super::layout::Layout;
use super::source_stream::SourceStream;
use super::spooled::released;
use super::stopping::Stopping;
use super::worker::RESOLVING;
use crate::config::{DetectionsConfig, SpoolLimits};
use crate::detect::live::{Folder, Ledger, Surroundings, watch_spool};

/// What the process may reach: it reads the streams, its rules and what a webhook needs, and writes
/// its own room.
pub(crate) fn sandbox(layout: &Layout, config: &DetectionsConfig) -> Sandbox {
    let streams = layout
        .written_rooms()
        .flat_map(|room| [room.streams(), room.openings()]);
    let webhooks = config
        .outputs
        .iter()
        .filter_map(|output| output.webhook.as_ref());
    let of_webhooks = webhooks.flat_map(|webhook| [&webhook.ca, &webhook.token_file]);
    let configured = of_webhooks.chain([&config.rules]).flatten().cloned();
    let known = RESOLVING.iter().chain(ZONE).map(PathBuf::from);
    Sandbox {
        read: streams
            .chain([layout.released()])
            .chain(configured)
            .chain(known)
            .collect(),
        write: vec![layout.detections().folder().to_owned()],
    }
}

/// Runs the detections until asked to stop.
pub(crate) fn run(
    layout: &Layout,
    (config, surroundings): (&DetectionsConfig, Surroundings),
    limits: SpoolLimits,
    stopping: &Stopping,
) -> Result<()> {
    let room = layout.detections();
    let _lock = FileLock::try_now(&room.lock()).with_context(|| {
        format!(
            "the detections cannot use the spool {}",
            room.folder().display()
        )
    })?;
    let folder = Folder::create(room.folder())?;
    let stream = SourceStream::open(&room, SOURCE, &Host::current()?, limits, realtime_ns())?;
    let streams: PathBuf = room.streams();
    let dir =
        RealDir::open(&streams).with_context(|| format!("cannot open {}", streams.display()))?;
    let own = (stream.id(), dir as _);
    let ledger = Stream {
        layout: layout.clone(),
        stream,
    };
    crate::service::ready("detections run");
    let result = watch_spool(
        (config, surroundings),
        (layout, &folder),
        own,
        ledger,
        &|| stopping.requested(),
    );
    crate::service::stopping();
    result
}

/// The stream of findings.
struct Stream {
    layout: Layout,
    stream: SourceStream,
}

impl Ledger for Stream {
    fn record(&mut self, entries: &[(Kind, Vec<u8>)]) -> Result<()> {
        let now_ns = realtime_ns();
        for (kind, payload) in entries {
            self.stream.push_payload(*kind, 0, payload, now_ns);
        }
        self.stream.account_for_drops(now_ns)?;
        let handle = self.stream.sync_handle();
        if let Err(error) = handle.sync() {
            self.stream.sync_failed(&error);
        }
        let id = self.stream.id();
        self.stream.release(released(&self.layout, id))
    }
}

/// The word of its stream.
const SOURCE: &str = "detections";
/// Old stamps of syslog are in the host's own time.
const ZONE: &[&str] = &["/etc/localtime", "/usr/share/zoneinfo"];
