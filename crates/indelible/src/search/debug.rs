//! `--debug`: what was looked for and what was read, on standard error.
//!
//! ```text
//! needles: "shadow", "736861646F77", "736861646f77"
//! read 182 lines, 34,512 bytes, in 1 piece; 1 with a needle
//! put together 9 events, of which 3 matched
//! ```

use indelible_query::criteria::Filter;

use super::engine::Seen;
use crate::terminal::escape;

/// Tells what a search looked for and what it saw. One that was broken off saw less than all.
pub(super) fn tell(filter: &dyn Filter, seen: &Seen) {
    eprint!("{}", text(filter, seen));
}

fn text(filter: &dyn Filter, seen: &Seen) -> String {
    let needles = match filter.needles() {
        None => "needles: none, every event was parsed".to_owned(),
        Some(needles) => {
            let mut all = b"needles: ".to_vec();
            for (index, needle) in needles.iter().enumerate() {
                let before: &[u8] = if index == 0 { b"\"" } else { b", \"" };
                all.extend_from_slice(before);
                // What was asked for may hold anything, too.
                escape(needle, &mut all);
                all.push(b'"');
            }
            String::from_utf8_lossy(&all).into_owned()
        }
    };
    format!(
        "{needles}\nread {}, {}, in {}; {} with a needle\nput together {}, of which {} matched\n",
        counted(seen.lines, "line"),
        counted(seen.bytes, "byte"),
        counted(seen.pieces, "piece"),
        grouped(seen.pieces_hit),
        counted(seen.asked, "event"),
        grouped(seen.events),
    )
}

fn counted(number: u64, what: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {what}{ending}", grouped(number))
}

/// With a comma between groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use indelible_query::criteria::{Condition, Criteria, Pattern, Text};

    use super::*;

    #[test]
    fn what_is_told() {
        let seen = Seen {
            events: 1,
            asked: 1_234,
            pieces: 1,
            pieces_hit: 1,
            bytes: 1_000_000,
            lines: 999,
            notes: Vec::new(),
        };
        let mut criteria = Criteria::default();
        let rest = "read 999 lines, 1,000,000 bytes, in 1 piece; 1 with a needle\n\
                    put together 1,234 events, of which 1 matched\n";
        assert_eq!(
            text(&criteria, &seen),
            format!("needles: none, every event was parsed\n{rest}")
        );
        let pattern = Pattern::new("\x1bk", false);
        criteria
            .conditions
            .push(Condition::Text(&[Text::Key], pattern));
        assert_eq!(
            text(&criteria, &seen),
            format!("needles: \"\\033k\", \"1B6B\", \"1b6b\"\n{rest}")
        );
    }
}
