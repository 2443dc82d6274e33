//! Entries in, findings out: every detection that runs over one log or one spool.
//!
//! ```text
//! entry ─ line ─ assembler ─▶ event ─▶ built-ins, Sigma rules ─┐
//!   └─ line of sshd ─────────────────▶ ssh                     ┴─▶ findings
//! ```
//!
//! Time is the log's own: that of a collector's time marks, or of a spool's entries. So a log that
//! is read again says the same again. Only while nothing comes it is the clock's.

use anyhow::{Result, anyhow};
use indelible_detect::{builtin, sigma};
use indelible_log::{EntryRef, Kind, StreamId};
use indelible_record::{Assembler, Event, Record, Settings};
use indelible_sys::inodes::Inode;

use super::found;
use super::places::Places;
use super::ssh::SshWatch;
use crate::config::DetectionsConfig;
use crate::payload::finding::{Finder, Finding};
use crate::payload::{StreamOpened, TimeMark};
use crate::search::entries::Lines;

/// The detections and their state.
pub(super) struct Detector {
    lines: Lines,
    /// The stream that the findings go to.
    own: StreamId,
    is_of_collector: bool,
    assembler: Assembler,
    builtin: builtin::Engine,
    sigma: Option<sigma::Engine>,
    ssh: Option<SshWatch>,
    places: Places,
    now_ms: u64,
    text: Vec<u8>,
    events: Vec<Event>,
    evaluated: u64,
    of_builtin: Vec<builtin::Finding>,
    of_sigma: Vec<sigma::Finding>,
    found: Vec<Finding>,
    /// Findings that the log holds already.
    recorded: Vec<Finding>,
    /// Findings of others, on their way through the log.
    passing: Vec<Finding>,
}

/// Whose entries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A collector's log: of many hosts.
    Collector,
    /// A host's spool.
    Agent,
}

impl Detector {
    /// # Errors
    /// Detections, names or rules that do not exist.
    pub(super) fn new(config: &DetectionsConfig, side: Side, own: StreamId) -> Result<Self> {
        let mut tuning = builtin::Tuning::default();
        for name in &config.tune {
            let wrong = |why| anyhow!("in [detections], tune: {why}");
            tuning.add(name).map_err(wrong)?;
        }
        let wrong = |why| anyhow!("in [detections], only: {why}");
        let builtin = builtin::Engine::new(&config.only, &tuning).map_err(wrong)?;
        let sigma = match &config.rules {
            Some(folder) => Some(load_rules(folder)?),
            None => None,
        };
        let is_of_collector = side == Side::Collector;
        Ok(Self {
            lines: match is_of_collector {
                true => Lines::of_store(false),
                false => Lines::of_spool(false),
            },
            own,
            is_of_collector,
            assembler: Assembler::new(Settings::LIVE),
            builtin,
            sigma,
            ssh: config.ssh.then(SshWatch::new),
            places: Places::default(),
            now_ms: 0,
            text: Vec::new(),
            events: Vec::new(),
            evaluated: 0,
            of_builtin: Vec::new(),
            of_sigma: Vec::new(),
            found: Vec::new(),
            recorded: Vec::new(),
            passing: Vec::new(),
        })
    }

    /// Takes a stream's opening that stands before what is read.
    pub(super) fn knows(&mut self, stream: StreamId, host: &str, source: &str) {
        let opened = StreamOpened::received(source, Some(host));
        self.lines.opened(stream, opened);
    }

    /// Takes what an inode of this host is: a spool's events are its own, and name no node.
    pub(super) fn knows_inode(&mut self, inode: &Inode) {
        let path = inode.path.as_os_str().as_encoded_bytes();
        let place = (inode.dev.as_bytes(), inode.number);
        self.builtin.knows(None, place, path, inode.mode);
    }

    /// Takes the next entry.
    pub(super) fn entry(&mut self, entry: &EntryRef<'_>) {
        let header = entry.header();
        self.learn_time(entry);
        match header.kind {
            Kind::Finding if header.stream == self.own => {
                self.recorded
                    .extend(serde_json::from_slice::<Finding>(entry.payload()));
                return;
            }
            Kind::Finding => {
                if let Ok(mut finding) = serde_json::from_slice::<Finding>(entry.payload()) {
                    let host = host_of(&self.lines, header.stream, self.is_of_collector);
                    let host = host.map(str::to_owned);
                    finding.host = finding.host.or(host);
                    self.passing.push(finding);
                }
                return;
            }
            _ => {}
        }
        self.text.clear();
        self.lines.entry(entry, &mut self.text);
        if let Some(ssh) = &mut self.ssh {
            let host = host_of(&self.lines, header.stream, self.is_of_collector);
            let host = host.unwrap_or_default();
            ssh.entry(entry, host, &mut self.found);
        }
        if self.text.is_empty() {
            return;
        }
        let line = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        let record = Record::parse(line);
        let Some(stamp) = record.stamp() else {
            return;
        };
        self.places.note(record.node(), stamp, &header);
        self.events
            .extend(self.assembler.push(self.now_ms, &record));
        self.evaluate();
    }

    /// Time has passed. While nothing more is there, it is the clock's.
    pub(super) fn tick(&mut self, clock_ms: u64, is_idle: bool) {
        if is_idle {
            self.now_ms = self.now_ms.max(clock_ms);
        }
        self.events.extend(self.assembler.tick(self.now_ms));
        self.evaluate();
        self.builtin.tick(self.now_ms, &mut self.of_builtin);
        self.convert();
        if let Some(ssh) = &mut self.ssh {
            ssh.tick(self.now_ms, &mut self.found);
        }
    }

    /// What was found since the last call.
    pub(super) fn take_found(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.found)
    }

    /// What the log was seen to hold since the last call.
    pub(super) fn take_recorded(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.recorded)
    }

    /// What others found, since the last call.
    pub(super) fn take_passing(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.passing)
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Events that were evaluated.
    pub(super) fn evaluated(&self) -> u64 {
        self.evaluated
    }

    /// Things that were forgotten to stay inside the limits.
    pub(super) fn forgotten(&self) -> u64 {
        let counted = self.builtin.counted();
        let of_sigma = self.sigma.as_ref().map_or(0, |sigma| {
            let forgotten = sigma.forgotten();
            forgotten.processes + forgotten.correlated
        });
        counted.processes + counted.forgotten + of_sigma
    }

    fn learn_time(&mut self, entry: &EntryRef<'_>) {
        let header = entry.header();
        let time_ms = if !self.is_of_collector || self.now_ms == 0 {
            Some(header.time_ns / 1_000_000)
        } else if header.kind == Kind::TimeMark && header.stream == self.own {
            let mark = serde_json::from_slice::<TimeMark>(entry.payload()).ok();
            mark.and_then(|mark| Some(mark.time_ns.parse::<u64>().ok()? / 1_000_000))
        } else {
            None
        };
        self.now_ms = self.now_ms.max(time_ms.unwrap_or(0));
    }

    fn evaluate(&mut self) {
        self.evaluated += self.events.len() as u64;
        for event in self.events.drain(..) {
            self.builtin
                .event(self.now_ms, &event, &mut self.of_builtin);
            if let Some(sigma) = &mut self.sigma {
                sigma.event(self.now_ms, &event, &mut self.of_sigma);
            }
        }
        self.convert();
    }

    fn convert(&mut self) {
        let places = &self.places;
        let locate = |node: Option<&[u8]>, stamp| places.find(node, stamp);
        for found in self.of_builtin.drain(..) {
            self.found.push(found::of_builtin(&found, &locate));
        }
        for found in self.of_sigma.drain(..) {
            self.found.push(found::of_sigma(&found, &locate));
        }
    }
}

/// The host of a stream, as its name stands in lines; a spool is one host's.
fn host_of(lines: &Lines, stream: StreamId, is_of_collector: bool) -> Option<&str> {
    let (_, node) = lines.host(stream).filter(|_| is_of_collector)?;
    Some(node)
}

/// Rules that cannot be evaluated are named; those that can, run.
fn load_rules(folder: &std::path::Path) -> Result<sigma::Engine> {
    let engine = crate::detect::sigma::load(folder)?;
    for refused in engine.refused() {
        tracing::warn!(file = refused.header.file, "not evaluated: {}", refused.why);
    }
    tracing::info!(rules = engine.rules().len(), by = ?Finder::Sigma, "rules are evaluated");
    Ok(engine)
}
