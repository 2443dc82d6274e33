//! Which events are meant: the question that a search, a report or a detection asks.
//!
//! The engine drives every question through [`Filter`]: [`Filter::matches`] is the whole truth about
//! an event; [`Filter::needles`] and [`Filter::window`] only save it work, and may say less than
//! they could, never more. [`Criteria`] is ausearch's options.
//!
//! ```
//! use indelible_query::criteria::{Criteria, Filter};
//!
//! let criteria = Criteria { key: Some(b"shadow".to_vec()), ..Criteria::default() };
//! let needles = criteria.needles().unwrap();
//! assert!(needles.iter().any(|needle| needle == b"shadow"));
//! ```

mod needles;
mod window;

use indelible_record::Event;

pub use needles::Needles;
pub use window::Window;

/// A question about events, as the engine asks it. It is asked from several threads at once.
pub trait Filter: Sync {
    /// Whether the event is meant. It has all its records.
    fn matches(&self, event: &Event) -> bool;

    /// Byte strings of which every event that matches holds at least one in the raw bytes of one of
    /// its records; none where no such strings are known.
    fn needles(&self) -> Option<Needles> {
        None
    }

    /// The time in which every event lies that matches.
    fn window(&self) -> Window {
        Window::ALL
    }
}

/// ausearch's options: an event is meant if it meets all that are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Criteria {
    /// `-k`: part of one of the event's keys.
    pub key: Option<Vec<u8>>,
    /// `-ts`, `-te`.
    pub window: Window,
}

impl Filter for Criteria {
    fn matches(&self, event: &Event) -> bool {
        let in_key = |wanted: &Vec<u8>| event.keys().iter().any(|key| contains(key, wanted));
        self.window.holds(event.stamp()) && self.key.as_ref().is_none_or(in_key)
    }

    fn needles(&self) -> Option<Needles> {
        Needles::value(self.key.as_deref()?)
    }

    fn window(&self) -> Window {
        self.window
    }
}

/// Whether `part` stands in `text`.
pub fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

#[cfg(test)]
mod tests {
    use indelible_record::{Assembler, Record, Settings};

    use super::*;

    fn check(line: &str, key: &str, expect: bool) {
        let mut assembler = Assembler::new(Settings::FILE);
        assert_eq!(
            assembler.push(0, &Record::parse(line.as_bytes())).count(),
            0
        );
        let event = assembler.finish().next().expect("an event");
        let criteria = Criteria {
            key: Some(key.into()),
            ..Criteria::default()
        };
        assert_eq!(criteria.matches(&event), expect, "{line}");
        if let Some(needles) = criteria.needles() {
            let found = needles
                .iter()
                .any(|needle| contains(line.as_bytes(), needle));
            assert!(found || !expect, "{line}: matches without a needle");
        }
    }

    #[test]
    fn keys_plain_and_encoded() {
        let line = |key: &str| format!("type=SYSCALL msg=audit(1.002:3): items=0 key={key}");
        check(&line("\"shadow_watch\""), "shadow_watch", true);
        check(&line("\"shadow_watch\""), "dow", true);
        check(&line("\"shadow_watch\""), "dew", false);
        check(&line("(null)"), "null", false);
        // two keys of one rule, joined by 0x01
        check(&line("61626301646566"), "bc", true);
        check(&line("61626301646566"), "de", true);
        check(&line("61626301646566"), "616", false);
        check(&line("\"abc\""), "", true);
    }
}
