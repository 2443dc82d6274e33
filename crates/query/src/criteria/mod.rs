//! Which events are meant: the question that a search, a report or a detection asks.
//!
//! The engine drives every question through [`Filter`]: [`Filter::matches`] is the whole truth about
//! an event; [`Filter::needles`] and [`Filter::window`] only save it work, and may say less than
//! they could, never more. [`Criteria`] is ausearch's options, resolved: names of users, syscalls,
//! types and times have become numbers before.
//!
//! ```
//! use indelible_query::criteria::{Condition, Criteria, Filter, Pattern, Text};
//!
//! let criteria = Criteria {
//!     conditions: vec![Condition::Text(&[Text::Key], Pattern::new("shadow", false))],
//!     ..Criteria::default()
//! };
//! let needles = criteria.needles().unwrap();
//! assert!(needles.iter().any(|needle| needle == b"shadow"));
//! ```

mod condition;
mod needles;
mod noun;
mod pattern;
pub mod time;
mod window;

use indelible_record::Event;

pub use condition::Condition;
pub use needles::Needles;
pub use noun::{Number, Text};
pub use pattern::Pattern;
pub use window::Window;

use crate::expr::Where;
use crate::terms::Wants;

/// A question about events, as the engine asks it. It is asked from several threads at once.
pub trait Filter: Sync {
    /// Whether the event is meant. It has all its records.
    fn matches(&self, event: &Event) -> bool;

    /// Byte strings of which every event that matches holds at least one in the raw bytes of one of
    /// its records; none where no such strings are known.
    fn needles(&self) -> Option<Needles> {
        None
    }

    /// What the terms of a matching event hold.
    fn wants(&self) -> Wants {
        Wants::Anything
    }

    /// The time in which every event lies that matches.
    fn window(&self) -> Window {
        Window::ALL
    }
}

/// ausearch's options: an event is meant if it meets all that are given.
#[derive(Clone, Debug, Default)]
pub struct Criteria {
    /// `-ts`, `-te`.
    pub window: Window,
    /// The other options.
    pub conditions: Vec<Condition>,
    /// `--where`.
    pub expression: Option<Where>,
}

impl Filter for Criteria {
    fn matches(&self, event: &Event) -> bool {
        let is_met = |condition: &Condition| condition.matches(event);
        self.window.holds(event.stamp())
            && self.conditions.iter().all(is_met)
            && self
                .expression
                .as_ref()
                .is_none_or(|expression| expression.matches(event))
    }

    /// Those of the condition that promises to be the rarest.
    fn needles(&self) -> Option<Needles> {
        self.conditions
            .iter()
            .filter_map(Condition::needles)
            .chain(self.expression.as_ref().and_then(Filter::needles))
            .reduce(Needles::better)
    }

    /// The part that gives the needles goes first.
    fn wants(&self) -> Wants {
        let needles = self.needles();
        let conditions = self.conditions.iter();
        let mut parts: Vec<(Option<Needles>, Wants)> = conditions
            .map(|condition| (condition.needles(), condition.wants()))
            .collect();
        let expression = self.expression.iter();
        parts.extend(expression.map(|expression| (expression.needles(), expression.wants())));
        let gives = |part: &(Option<Needles>, Wants)| match needles {
            Some(_) => part.0 == needles,
            None => !matches!(part.1, Wants::Anything),
        };
        let Some(first) = parts.iter().position(gives) else {
            return Wants::Anything;
        };
        let (_, first) = parts.remove(first);
        Wants::all(first, parts.into_iter().map(|(_, wants)| wants))
    }

    fn window(&self) -> Window {
        self.window
    }
}

/// Whether `part` stands in `text`.
pub fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}
