//! Any bytes as a log: the built-in detections find the same twice, and what they find is among
//! their own candidates for a search.
#![no_main]

use indelible_detect::builtin::{Engine, Finding, Tuning};
use indelible_query::criteria::Filter;
use indelible_query::expr::Where;
use indelible_record::{Assembler, Event, Record, Settings, Stamp};
use libfuzzer_sys::fuzz_target;

fn found(events: &[Event]) -> Vec<Finding> {
    let mut engine = Engine::new(&[], &Tuning::default()).expect("no names are given");
    let mut found = Vec::new();
    for event in events {
        engine.event(event.stamp().map_or(0, Stamp::ms), event, &mut found);
    }
    engine.tick(u64::MAX, &mut found);
    found
}

fuzz_target!(|bytes: &[u8]| {
    let mut assembler = Assembler::new(Settings::FILE);
    let mut events: Vec<Event> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        events.extend(assembler.push(0, &Record::parse(line)));
    }
    events.extend(assembler.finish());
    let (first, second) = (found(&events), found(&events));
    assert_eq!(first.len(), second.len());
    for (first, second) in first.iter().zip(&second) {
        assert_eq!((first.about.id, &first.why), (second.about.id, &second.why));
        let candidates = Where::parse(first.about.candidates).expect("a condition");
        let last = first.stamps.last().copied();
        let mut of = events.iter().filter(|event| event.stamp() == last);
        assert!(of.any(|event| candidates.matches(event)), "{first:?}");
    }
});
