//! The engine: `(now, &Event) → findings`.
//!
//! ```text
//! event ─ views ─▶ index: which rules can match? ─▶ program ─▶ match ─▶ finding
//!                                                               └─▶ correlations ─▶ finding
//! ```

use std::sync::Arc;

use indelible_query::expr::{Program, Subject};
use indelible_record::{Event, RecordType};

use super::correlation::Correlation;
use super::finding::{Correlated, Finding};
use super::header::Header;
use super::index::Index;
use super::load::{Refused, RuleInfo};
use super::processes::Processes;
use super::record_view::{RecordField, RecordNames, SeenRecord};
use super::scene::{Scene, Seen};
use super::view::{View, ViewField};
use super::window::{Arrival, Fired, GroupKey, Windows};
use crate::limits::sigma::FINDING_VALUE_BYTES_MAX;

/// Evaluates Sigma rules.
#[derive(Debug)]
pub struct Engine {
    pub(super) rules: Vec<RuleInfo>,
    pub(super) refused: Vec<Refused>,
    pub(super) records: RecordRules,
    pub(super) views: Vec<(View, Bucket<ViewField>)>,
    /// Whether a rule asks for parents.
    pub(super) needs_parents: bool,
    pub(super) processes: Processes,
    pub(super) correlations: Vec<Correlator>,
    /// By rule: where its matches go.
    pub(super) links: Vec<Vec<Link>>,
    pub(super) scratch: Vec<usize>,
}

/// Rules of service auditd.
#[derive(Debug)]
pub(super) struct RecordRules {
    pub(super) names: RecordNames,
    /// Those that name the record's type, by it.
    pub(super) typed: Vec<(RecordType, Bucket<RecordField>)>,
    pub(super) untyped: Bucket<RecordField>,
}

/// Rules over one kind of subject.
#[derive(Debug)]
pub(super) struct Bucket<F> {
    pub(super) index: Index<F>,
    pub(super) rules: Vec<Ready<F>>,
}

/// A rule that can be evaluated.
#[derive(Debug)]
pub(super) struct Ready<F> {
    pub(super) rule: usize,
    pub(super) program: Program<F>,
    /// What a match gives on, in the order of [`RuleInfo::fields`].
    pub(super) fields: Vec<F>,
}

/// A correlation and its state.
#[derive(Debug)]
pub(super) struct Correlator {
    /// Its number among all rules.
    pub(super) rule: usize,
    pub(super) correlation: Correlation,
    pub(super) windows: Windows,
}

/// Where a rule's matches go.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) correlation: usize,
    /// The rule's place in the correlation.
    pub(super) place: usize,
    /// Places of the group's fields in the rule's.
    pub(super) group: Vec<usize>,
    /// Place of the value that is counted.
    pub(super) value: Option<usize>,
}

/// What was forgotten to stay inside the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Programs whose children will have no parent.
    pub processes: u64,
    /// Groups and events of correlations.
    pub correlated: u64,
}

/// A rule matched.
struct Match {
    rule: usize,
    view: Option<View>,
    record: Option<(usize, RecordType)>,
    /// In the order of [`RuleInfo::fields`].
    values: Vec<Option<Vec<u8>>>,
    correlated: Option<Correlated>,
}

impl Engine {
    /// The rules that are evaluated, correlations among them.
    pub fn rules(&self) -> &[RuleInfo] {
        &self.rules
    }

    /// The documents that are not, and why.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// What was forgotten to stay inside the limits.
    pub fn forgotten(&self) -> Forgotten {
        Forgotten {
            processes: self.processes.forgotten,
            correlated: self
                .correlations
                .iter()
                .map(|correlator| correlator.windows.evicted)
                .sum(),
        }
    }

    /// Takes the next event; appends what is found. `now_ms` is the event's own time in a log that
    /// is read, the clock's in one that is being written; it moves the correlations' windows.
    pub fn event(&mut self, now_ms: u64, event: &Event, found: &mut Vec<Finding>) {
        let mut matches = Vec::new();
        let mut candidates = std::mem::take(&mut self.scratch);
        self.records(event, &mut candidates, &mut matches);
        self.scenes(event, &mut candidates, &mut matches);
        self.scratch = candidates;
        for one in matches {
            self.settle(now_ms, event, one, found);
        }
    }

    fn records(&self, event: &Event, candidates: &mut Vec<usize>, matches: &mut Vec<Match>) {
        let rules = &self.records;
        for (place, record) in event.records().enumerate() {
            let record_type = record.record_type();
            let typed = rules.typed.iter().find(|typed| typed.0 == record_type);
            if typed.is_none() && rules.untyped.index.is_empty() {
                continue;
            }
            let seen = SeenRecord::of(record, &rules.names);
            let buckets = typed
                .map(|typed| &typed.1)
                .into_iter()
                .chain([&rules.untyped]);
            for bucket in buckets {
                bucket.evaluate(&seen, candidates, |rule, values| {
                    matches.push(Match {
                        rule,
                        view: Some(View::Record),
                        record: Some((place, record_type)),
                        values,
                        correlated: None,
                    });
                });
            }
        }
    }

    fn scenes(&mut self, event: &Event, candidates: &mut Vec<usize>, matches: &mut Vec<Match>) {
        if self.views.is_empty() {
            return;
        }
        let mut scene = Scene::of(event);
        let is_program = scene.is(View::Process);
        if is_program {
            scene.read_program();
            if self.needs_parents {
                self.remember(&mut scene);
            }
        }
        for (view, bucket) in &self.views {
            if !scene.is(*view) {
                continue;
            }
            let mut evaluate = |seen: &Seen<'_, '_>| {
                bucket.evaluate(seen, candidates, |rule, values| {
                    matches.push(Match {
                        rule,
                        view: Some(*view),
                        record: None,
                        values,
                        correlated: None,
                    });
                });
            };
            match view {
                View::FileWrite | View::FileDelete | View::FileAccess => {
                    if !is_program {
                        scene.read_directory();
                    }
                    for file in scene.files(*view) {
                        evaluate(&Seen {
                            scene: &scene,
                            file: Some(&file),
                            destination: None,
                        });
                    }
                }
                View::Network => {
                    if let Some(destination) = scene.destination() {
                        evaluate(&Seen {
                            scene: &scene,
                            file: None,
                            destination: Some(destination),
                        });
                    }
                }
                View::Process | View::Event | View::Record => evaluate(&Seen {
                    scene: &scene,
                    file: None,
                    destination: None,
                }),
            }
        }
    }

    /// Finds the parent of a program that was started, and remembers the program.
    fn remember(&mut self, scene: &mut Scene<'_>) {
        let node = scene.event().node();
        if let Some(parent) = scene.parent_pid() {
            scene.parent = self.processes.find(node, parent);
        }
        if let (Some(pid), Some(image)) = (scene.pid(), scene.image()) {
            let line = scene.command_line().unwrap_or_default();
            self.processes.started(node, pid, image, line);
        }
    }

    /// Makes a finding of a match, and gives it to the correlations.
    fn settle(&mut self, now_ms: u64, event: &Event, one: Match, found: &mut Vec<Finding>) {
        for link in self.links[one.rule].clone() {
            let Some(group) = group(&link, &one.values) else {
                continue;
            };
            let value = link.value.and_then(|place| one.values[place].clone());
            let correlator = &mut self.correlations[link.correlation];
            if correlator.correlation.kind.field().is_some() && value.is_none() {
                continue;
            }
            let arrival = Arrival {
                now_ms,
                rule: link.place,
                stamp: event.stamp(),
                value,
            };
            let fired =
                correlator
                    .windows
                    .push(&correlator.correlation, Arc::clone(&group), arrival);
            if let Some(Fired { value, stamps }) = fired {
                let correlated = Match {
                    rule: correlator.rule,
                    view: None,
                    record: None,
                    values: group.iter().cloned().map(Some).collect(),
                    correlated: Some(Correlated { value, stamps }),
                };
                self.settle(now_ms, event, correlated, found);
            }
        }
        let info = &self.rules[one.rule];
        if !info.finds {
            return;
        }
        let names = info.fields.iter().cloned();
        found.push(Finding {
            rule: Arc::clone(&info.header),
            stamp: event.stamp(),
            node: event.node().map(<[u8]>::to_vec),
            view: one.view,
            record: one.record,
            fields: names
                .zip(one.values)
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
            correlated: one.correlated,
        });
    }
}

/// The values by which a match is grouped; none where one is missing.
fn group(link: &Link, values: &[Option<Vec<u8>>]) -> Option<GroupKey> {
    let value = |place: &usize| {
        let mut value = values[*place].clone()?;
        value.truncate(crate::limits::sigma::CORRELATION_VALUE_BYTES_MAX);
        Some(value)
    };
    link.group.iter().map(value).collect()
}

impl<F: PartialEq> Bucket<F> {
    fn evaluate<S: Subject<Field = F>>(
        &self,
        subject: &S,
        candidates: &mut Vec<usize>,
        mut matched: impl FnMut(usize, Vec<Option<Vec<u8>>>),
    ) {
        if self.rules.is_empty() {
            return;
        }
        self.index.candidates(subject, candidates);
        for candidate in candidates.iter() {
            let ready = &self.rules[*candidate];
            if ready.program.matches(subject) {
                let values = ready.fields.iter().map(|field| first(subject, field));
                matched(ready.rule, values.collect());
            }
        }
    }
}

/// The first value of a field, as text.
fn first<S: Subject>(subject: &S, field: &S::Field) -> Option<Vec<u8>> {
    let mut found = None;
    subject.any(field, &mut |value| {
        found =
            Some(value.with_text(|text| text[..text.len().min(FINDING_VALUE_BYTES_MAX)].to_vec()));
        true
    });
    found
}

/// A rule's header, shared by its findings.
pub(super) type SharedHeader = Arc<Header>;
