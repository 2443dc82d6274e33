//! The engine: `(now, &Event) → findings`, by every detection that is wanted.

use std::fmt::Debug;

use indelible_record::{Event, RecordType};

use super::about::{About, Findings, Tuning};
use super::act::Act;
use super::finding::Finding;
use super::inodes::{FILES, Inodes, WATCHED};
use super::lineage::Lineage;
use super::table::{Table, hash};
use crate::limits::builtin::{REPEAT_MS, TOLD_MAX};

/// One detection and its state.
pub(super) trait Detection: Debug + Send {
    /// What it is.
    fn about(&self) -> &'static About;

    /// Takes the next event.
    fn event(&mut self, act: &Act<'_>, lineage: &mut Lineage, found: &mut Findings);

    /// Time has passed without an event: what waited for one may be told.
    fn tick(&mut self, _now_ms: u64, _found: &mut Findings) {}

    /// What it has forgotten to stay inside its bounds.
    fn evicted(&self) -> u64 {
        0
    }
}

/// Evaluates built-in detections.
#[derive(Debug)]
pub struct Engine {
    detections: Vec<Box<dyn Detection>>,
    lineage: Lineage,
    inodes: Inodes,
    /// When a finding was told last.
    told: Table<u64>,
    repeated: u64,
}

/// What was forgotten, or not said again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Processes whose descendants will not be known as such.
    pub processes: u64,
    /// Other things that detections had to forget.
    pub forgotten: u64,
    /// Findings that said of a process what had been said of it.
    pub repeated: u64,
}

impl Engine {
    /// An engine of all detections, or of those with these ids.
    ///
    /// # Errors
    /// An id that no detection has.
    pub fn new(only: &[String], tuning: &Tuning) -> Result<Engine, String> {
        if let Some(unknown) = only
            .iter()
            .find(|id| super::all().iter().all(|about| about.id != **id))
        {
            return Err(format!(
                "{unknown:?} is no detection; `detect list` names them"
            ));
        }
        let mut detections = super::build(tuning);
        if !only.is_empty() {
            detections.retain(|detection| only.iter().any(|id| id == detection.about().id));
        }
        Ok(Engine {
            detections,
            lineage: Lineage::default(),
            inodes: Inodes::default(),
            told: Table::new(TOLD_MAX),
            repeated: 0,
        })
    }

    /// Folders below which names are looked at, and files. Which inodes they are is worth telling
    /// ([`Engine::knows`]).
    pub fn watched() -> impl Iterator<Item = &'static str> {
        WATCHED.into_iter().chain(FILES)
    }

    /// Takes which inode a file or folder is on a host (its node name in events): its device, `major:minor` in
    /// hexadecimal, and number, and `st_mode` of a file. What is done to it by other names, or by a
    /// descriptor, is then understood.
    pub fn knows(
        &mut self,
        node: Option<&[u8]>,
        place: (&[u8], u64),
        path: &[u8],
        mode: Option<u32>,
    ) {
        self.inodes.knows(hash(node), place, path, mode);
    }

    /// Takes the next event; appends what is found. `now_ms` is the event's own time in a log that
    /// is read, the clock's in one that is being written.
    pub fn event(&mut self, now_ms: u64, event: &Event, found: &mut Vec<Finding>) {
        let start = found.len();
        let act = Act::of(now_ms, event);
        self.lineage.learn(&act);
        self.inodes.learn(&act);
        act.place(&mut self.inodes);
        for detection in &mut self.detections {
            detection.tick(now_ms, found);
            detection.event(&act, &mut self.lineage, found);
        }
        self.settle(now_ms, start, found);
    }

    /// Time has passed; what waited for more events may be told. `u64::MAX` at the end of a log.
    pub fn tick(&mut self, now_ms: u64, found: &mut Vec<Finding>) {
        let start = found.len();
        for detection in &mut self.detections {
            detection.tick(now_ms, found);
        }
        self.settle(now_ms, start, found);
    }

    /// The detections that are evaluated.
    pub fn detections(&self) -> impl Iterator<Item = &'static About> {
        self.detections.iter().map(|detection| detection.about())
    }

    /// What was forgotten, or not said again.
    pub fn counted(&self) -> Counted {
        let evicted = self.detections.iter().map(|detection| detection.evicted());
        Counted {
            processes: self.lineage.evicted(),
            forgotten: evicted.sum::<u64>() + self.told.evicted + self.inodes.evicted(),
            repeated: self.repeated,
        }
    }

    /// Says of a process each thing once in a while.
    fn settle(&mut self, now_ms: u64, start: usize, found: &mut Vec<Finding>) {
        let mut index = start;
        while let Some(finding) = found.get(index) {
            let what = (finding.about.id, &finding.node, &finding.exe, &finding.why);
            let key = (hash(what), finding.pid.unwrap_or(0));
            let at_ms = finding.stamps.last().map_or(now_ms, |stamp| stamp.ms());
            match self.told.find(key) {
                Some(told_ms) if at_ms.abs_diff(*told_ms) < REPEAT_MS => {
                    self.repeated += 1;
                    found.remove(index);
                }
                _ => {
                    self.told.put(key, at_ms);
                    index += 1;
                }
            }
        }
    }
}

/// Whether the event is of a system call that names files.
pub(super) fn names_files(act: &Act<'_>) -> bool {
    act.event.record(RecordType::PATH).is_some()
}
