//! Terms are promises, too: an event that matches has, in its records, the terms that the question
//! wants of a block index; and a needle stands in a record that has a term which the first part wants,
//! so that it is found in a block that was opened for it.

use indelible_query::criteria::{Criteria, Needles, contains};
use indelible_query::terms::{Wants, each};
use indelible_record::{Event, Record};

/// `event` matches.
pub(crate) fn check(criteria: &Criteria, wants: &Wants, needles: Option<&Needles>, event: &Event) {
    let shown = || format!("{criteria:?} wants {wants:?} of {event:?}");
    assert!(holds(wants, event), "{}", shown());
    let has_needle = |record: &Record<'_>| {
        needles.is_none_or(|needles| needles.iter().any(|needle| contains(record.raw(), needle)))
    };
    let found = event
        .records()
        .any(|record| is_wanted(wants, &record) && has_needle(&record));
    assert!(found, "no needle where a term is: {}", shown());
}

fn holds(wants: &Wants, event: &Event) -> bool {
    match wants {
        Wants::All(parts) => parts.iter().all(|part| holds(part, event)),
        Wants::Any(parts) => parts.iter().any(|part| holds(part, event)),
        one => event.records().any(|record| is_wanted(one, &record)),
    }
}

/// Whether a block is opened for this record.
fn is_wanted(wants: &Wants, record: &Record<'_>) -> bool {
    match wants {
        Wants::Anything => true,
        Wants::Nothing => false,
        Wants::Value(field, test) => {
            let mut found = false;
            each(record, &mut |term, value| {
                found |= term == *field && test.holds(value);
            });
            found
        }
        Wants::Node(test) => record.node().is_some_and(|node| test.holds(node)),
        Wants::Serial(serial) => record.stamp().is_some_and(|stamp| stamp.serial == *serial),
        Wants::Any(parts) => parts.iter().any(|part| is_wanted(part, record)),
        Wants::All(parts) => is_wanted(&parts[0], record),
    }
}
