//! Lines through the assembler, under small limits and large: every record comes out once, in an
//! event, or is an end that belonged to none.
#![no_main]

use indelible_record::{Assembler, Clock, Event, Order, Record, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [choice, log @ ..] = bytes else {
        return;
    };
    let small = choice & 4 != 0;
    let settings = Settings {
        clock: if choice & 1 == 0 { Clock::Stream } else { Clock::Live },
        order: if choice & 2 == 0 { Order::Time } else { Order::Completion },
        pending_events_max: if small { 3 } else { Settings::FILE.pending_events_max },
        pending_bytes_max: if small { 200 } else { Settings::FILE.pending_bytes_max },
        ..Settings::FILE
    };
    let mut assembler = Assembler::new(settings);
    let (mut lines, mut records) = (0, 0);
    let mut count = |event: Event| {
        assert!(event.records().len() > 0);
        event.records().for_each(|record| assert_eq!(record.stamp(), event.stamp()));
        let _ = (event.argv(), event.paths(), event.keys(), event.sockaddr(), event.success());
        records += event.records().len() as u64;
    };
    for (index, line) in log.split(|byte| *byte == b'\n').enumerate() {
        let now_ms = index as u64 * u64::from(*choice);
        assembler.push(now_ms, &Record::parse(line)).for_each(&mut count);
        assert!(assembler.held_bytes() <= settings.pending_bytes_max + line.len());
        lines += 1;
    }
    assembler.finish().for_each(&mut count);
    assert_eq!(records + assembler.counters().ends_alone, lines);
    assert_eq!((assembler.held_events(), assembler.held_bytes()), (0, 0));
});
