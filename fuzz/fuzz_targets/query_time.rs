//! Any text as a time: no panic, and a time that is printed as RFC 3339 reads back as the same.
#![no_main]

use indelible_query::criteria::time::{Bound, Present, since, words};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let now = Timestamp::from_second(1_795_628_243).expect("a time").to_zoned(TimeZone::UTC);
    let present = Present { now, boot_s: Some(1_795_627_594) };
    let pieces: Vec<&str> = text.split(' ').collect();
    for bound in [Bound::Start, Bound::End] {
        for second in [since(text, bound, &present), words(&pieces, bound, &present)].into_iter().flatten() {
            let Ok(time) = Timestamp::from_second(second) else {
                continue;
            };
            assert_eq!(since(&time.to_string(), bound, &present), Ok(second));
        }
    }
});
