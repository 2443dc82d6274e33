//! The loop: reads, finds, records, tells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use indelible_log::dir::Dir;
use indelible_log::{Checkpoint, Kind, StreamId};
use indelible_sys::clock::realtime_ns;
use tokio::sync::watch;

use super::counts::Counts;
use super::detector::{Detector, Side};
use super::found;
use super::governor::Governor;
use super::limits::{KEEP_EVERY, LOOK_EVERY, SUPPRESSIONS_EVERY};
use super::outputs::Outputs;
use super::silence::Silence;
use super::state::{Folder, State};
use super::suppress::Suppression;
use super::surroundings::Surroundings;
use super::tail::{LogTail, SpoolTail, Tail};
use crate::agent::layout::Layout;
use crate::config::DetectionsConfig;
use crate::payload::finding::{Finder, Finding};
use crate::payload::operator::Action;
use crate::payload::{OperatorAction, to_bytes};

/// Where findings are recorded.
pub(crate) trait Ledger {
    /// Appends entries; returns when they are durable.
    ///
    /// # Errors
    /// Nothing can be written any more.
    fn record(&mut self, entries: &[(Kind, Vec<u8>)]) -> Result<()>;

    /// Who sends a stream, by the name in the certificate, where that is known.
    fn peer(&self, _: StreamId) -> Option<String> {
        None
    }

    /// Says what was done since the start, every few seconds.
    fn counted(&mut self, _: &Counts) {}
}

/// Runs the detections over a collector's log until asked to stop. `own` is the stream that the
/// ledger writes.
///
/// # Errors
/// A configuration that names what does not exist, and a log that cannot be read or written.
pub(crate) fn watch_log(
    (config, surroundings): (&DetectionsConfig, Surroundings),
    (dir, folder): (Arc<dyn Dir>, &Folder),
    own: StreamId,
    newest: watch::Receiver<Checkpoint>,
    ledger: impl Ledger,
    is_stopping: &dyn Fn() -> bool,
) -> Result<()> {
    let kept = folder.load()?;
    let position = kept.as_ref().map(|state| &state.position);
    let tail = LogTail::open(dir, folder, newest, position)?;
    let state = kept.unwrap_or_else(|| State::at(tail.end()));
    Watch::new(
        (config, surroundings),
        Side::Collector,
        own,
        folder,
        state,
        tail,
        ledger,
    )?
    .run(is_stopping)
}

/// Runs the detections over a host's spool until asked to stop. `own` is the stream that the ledger
/// writes, and the folder of it.
///
/// # Errors
/// As [`watch_log`].
pub(crate) fn watch_spool(
    (config, surroundings): (&DetectionsConfig, Surroundings),
    (layout, folder): (&Layout, &Folder),
    own: (StreamId, Arc<dyn Dir>),
    ledger: impl Ledger,
    is_stopping: &dyn Fn() -> bool,
) -> Result<()> {
    let kept = folder.load()?;
    let position = kept.as_ref().map(|state| &state.position);
    let id = own.0;
    let tail = SpoolTail::open(layout, own, position)?;
    let state = kept.unwrap_or_else(|| State::at(tail.position()));
    Watch::new(
        (config, surroundings),
        Side::Agent,
        id,
        folder,
        state,
        tail,
        ledger,
    )?
    .run(is_stopping)
}

struct Watch<T, L> {
    detector: Detector,
    governor: Governor,
    outputs: Outputs,
    silence: Silence,
    /// Findings that were recorded.
    recorded: u64,
    suppressions: BTreeMap<String, Suppression>,
    folder: Folder,
    state: State,
    tail: T,
    ledger: L,
    /// What is read was read before.
    is_resuming: bool,
}

impl<T: Tail, L: Ledger> Watch<T, L> {
    fn new(
        (config, surroundings): (&DetectionsConfig, Surroundings),
        side: Side,
        own: StreamId,
        folder: &Folder,
        state: State,
        tail: T,
        ledger: L,
    ) -> Result<Self> {
        let mut detector = Detector::new(config, side, own)?;
        for inode in &surroundings.inodes {
            detector.knows_inode(inode);
        }
        for (stream, host, source) in tail.openings() {
            detector.knows(stream, &host, &source);
        }
        Ok(Self {
            detector,
            governor: Governor::new(config.findings_per_minute, config.level.into()),
            outputs: Outputs::start(&config.outputs, surroundings.programs)?,
            silence: Silence::new(config.silent_after_seconds, &state.silent, clock_ms()),
            recorded: 0,
            suppressions: BTreeMap::new(),
            folder: folder.clone(),
            state,
            tail,
            ledger,
            is_resuming: true,
        })
    }

    fn run(mut self, is_stopping: &dyn Fn() -> bool) -> Result<()> {
        self.resume()?;
        self.folder.keep(&self.state)?;
        let (mut kept_at, mut looked_at) = (Instant::now(), None::<Instant>);
        while !is_stopping() {
            ensure!(
                !self.outputs.are_over(),
                "a program can no longer be told: a new start makes it ready again"
            );
            if looked_at.is_none_or(|at| at.elapsed() >= SUPPRESSIONS_EVERY) {
                looked_at = Some(Instant::now());
                self.look_for_suppressions()?;
            }
            let is_idle = !self.step()?;
            let has_news = *self.silence.kept() != self.state.silent;
            if kept_at.elapsed() >= KEEP_EVERY || has_news {
                kept_at = Instant::now();
                self.keep()?;
            }
            if is_idle {
                std::thread::sleep(LOOK_EVERY);
            }
        }
        self.keep()?;
        tracing::info!(
            repeated = self.governor.repeated(),
            forgotten = self.detector.forgotten(),
            "detections stopped"
        );
        Ok(())
    }

    /// Reads what stands before the position again, so that processes and connections are known;
    /// what is found there was told.
    fn resume(&mut self) -> Result<()> {
        if self.state.committing {
            // Who was to be told of these may not have been.
            let (governor, outputs) = (&mut self.governor, &self.outputs);
            let position = self.state.position.clone();
            self.tail.own_entries(&position, &mut |entry| {
                if let Ok(finding) = serde_json::from_slice::<Finding>(entry.payload()) {
                    governor.recorded(&finding);
                    if finding.suppressed.is_none() {
                        outputs.tell(&finding);
                    }
                }
            })?;
            self.state.committing = false;
        }
        while !self.tail.has_reached(&self.state.position) {
            if !self.read()? {
                break;
            }
            self.detector.take_found();
            self.detector.take_passing();
        }
        self.is_resuming = false;
        Ok(())
    }

    /// Reads, and records what is found; false where there is nothing more.
    fn step(&mut self) -> Result<bool> {
        let is_more = self.read()?;
        for finding in self.silence.due(clock_ms()) {
            self.tell(&finding);
        }
        self.detector.tick(clock_ms(), !is_more);
        let now_ms = self.detector.now_ms();
        for finding in self.detector.take_passing() {
            let is_suppressed = finding.suppressed.is_some() || self.covering(&finding).is_some();
            if !is_suppressed && self.governor.is_news(now_ms, &finding) {
                self.outputs.tell(&finding);
            }
        }
        let mut found = self.detector.take_found();
        found.retain(|finding| self.governor.admits(now_ms, finding));
        found.extend(self.governor.summed_up(now_ms));
        if !found.is_empty() {
            self.record(found)?;
        }
        Ok(is_more)
    }

    fn read(&mut self) -> Result<bool> {
        let detector = &mut self.detector;
        let is_more = self.tail.read(&mut |entry| detector.entry(entry))?;
        for finding in self.detector.take_recorded() {
            if finding.by == Finder::Collector && !self.is_resuming {
                // Recorded by the collector itself; nobody was told yet.
                let told = self.silence.passing(&finding, clock_ms());
                told.iter().for_each(|finding| self.tell(finding));
            }
            self.governor.recorded(&finding);
        }
        Ok(is_more)
    }

    fn record(&mut self, mut found: Vec<Finding>) -> Result<()> {
        let mut entries = Vec::new();
        for finding in &mut found {
            let seen = finding.events.iter().rev();
            let stream = seen
                .filter_map(|event| event.entries.as_ref())
                .find_map(|entries| entries.stream.parse().ok());
            finding.peer = stream.and_then(|stream| self.ledger.peer(stream));
            let covering = self.covering(finding);
            finding.suppressed = covering.map(|suppression| suppression.id.clone());
            entries.push((Kind::Finding, found::bytes(finding)));
        }
        self.state.committing = true;
        self.folder.keep(&self.state)?;
        self.ledger.record(&entries)?;
        self.recorded += entries.len() as u64;
        let now_ms = self.detector.now_ms();
        for finding in &found {
            if finding.suppressed.is_none() && self.governor.is_news(now_ms, finding) {
                self.outputs.tell(finding);
            }
        }
        self.keep()
    }

    /// Tells of what the collector recorded, unless somebody knows it already.
    fn tell(&self, finding: &Finding) {
        if self.covering(finding).is_none() {
            self.outputs.tell(finding);
        }
    }

    /// The suppression because of which nobody is told of a finding.
    fn covering(&self, finding: &Finding) -> Option<&Suppression> {
        let clock_ms = clock_ms();
        self.suppressions
            .values()
            .find(|suppression| suppression.covers(finding, clock_ms))
    }

    /// Keeps the position: everything that was found before it is recorded.
    fn keep(&mut self) -> Result<()> {
        let mut state = self.state.clone();
        state.committing = false;
        state.position = self.tail.position();
        state.silent.clone_from(self.silence.kept());
        state.counts = Counts {
            events: self.detector.evaluated(),
            findings: self.recorded,
            repeated: self.governor.repeated(),
            held_back: self.governor.held_back(),
            untold: self.outputs.untold(),
            forgotten: self.detector.forgotten(),
        };
        self.ledger.counted(&state.counts);
        if state != self.state {
            self.folder.keep(&state)?;
            self.state = state;
        }
        Ok(())
    }

    /// Heeds suppressions that came, and no longer those that went; both are entries first.
    fn look_for_suppressions(&mut self) -> Result<()> {
        let left = self.folder.suppressions_left()?;
        let known = &self.state.suppressions;
        let mut entries = Vec::new();
        for suppression in left.values().filter(|one| !known.contains(&one.id)) {
            let action = suppression.action();
            let reason = Some(suppression.reason.as_str());
            let action = OperatorAction::new(&suppression.principal, reason, &action);
            entries.push((Kind::Operator, to_bytes(&action)));
        }
        for id in known.iter().filter(|id| !left.contains_key(*id)) {
            let suppression = id.clone();
            let action = Action::Unsuppress { suppression };
            entries.push((Kind::Operator, to_bytes(&OperatorAction::seen(&action))));
        }
        if !entries.is_empty() {
            self.ledger.record(&entries)?;
            self.state.suppressions = left.keys().cloned().collect();
            self.folder.keep(&self.state)?;
        }
        self.suppressions = left;
        Ok(())
    }
}

fn clock_ms() -> u64 {
    realtime_ns() / 1_000_000
}
