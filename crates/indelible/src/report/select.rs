//! Which events a report needs: those of the time, and by byte strings only those with a type that
//! the report is about. Nodes are looked at later, because the totals begin with the times of the
//! events of all nodes.

use indelible_query::criteria::{Criteria, Filter, Needles, Window};
use indelible_query::report::Kind;
use indelible_record::Event;

use crate::search::Source;

/// The events of a report.
pub(super) struct Selection<'a> {
    criteria: &'a Criteria,
    needles: Option<Needles>,
}

impl<'a> Selection<'a> {
    /// The events that `kind` needs of the source. In a store and a spool types stand as numbers
    /// outside of the text, so everything is looked at.
    pub(super) fn new(criteria: &'a Criteria, kind: Kind, source: &Source) -> Self {
        Self::of_types(criteria, kind.type_prefixes(), source)
    }

    /// The events with a record whose type begins like one of `prefixes`, or all.
    pub(super) fn of_types(
        criteria: &'a Criteria,
        prefixes: Option<&[&str]>,
        source: &Source,
    ) -> Self {
        let is_text = matches!(source, Source::Files(_));
        let of_kind = prefixes.filter(|_| is_text).and_then(|prefixes| {
            let text = |prefix: &&str| prefix.as_bytes().to_vec();
            Needles::any_of(prefixes.iter().map(text).collect())
        });
        Self {
            criteria,
            needles: match (of_kind, criteria.needles()) {
                (Some(ours), Some(theirs)) => Some(ours.better(theirs)),
                (ours, theirs) => ours.or(theirs),
            },
        }
    }
}

impl Filter for Selection<'_> {
    fn matches(&self, event: &Event) -> bool {
        self.criteria.window().holds(event.stamp())
    }

    fn needles(&self) -> Option<Needles> {
        self.needles.clone()
    }

    fn window(&self) -> Window {
        self.criteria.window()
    }
}
