//! Every decoder and writer on any record: no panic, no control characters in the forms for people,
//! NDJSON is one line of valid JSON, and the raw and enriched forms read back to the same records.
#![no_main]

use indelible_record::{Assembler, Event, NoNames, Order, Record, Settings, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for event in events(bytes) {
        let locale = write::Locale::default();
        let mut out = Vec::new();
        write::default(&event, &locale, &mut out);
        write::interpret(&event, &locale, &mut out);
        write::text(&event, &locale, &mut out);
        write::csv(&event, &locale, write::Columns::default(), &mut out);
        for escape in [write::Escape::Tty, write::Escape::Shell, write::Escape::ShellQuote] {
            write::default_escaped(&event, &locale, escape, &mut out);
            write::interpret_escaped(&event, &locale, escape, &mut out);
            write::text_as_tool(&event, &locale, escape, &mut out);
            write::csv_as_tool(&event, &locale, write::Columns::default(), escape, &mut out);
        }
        write::raw_as_tool(&event, &mut out);

        out.clear();
        write::ndjson(&event, &NoNames, &mut out);
        let line = out.strip_suffix(b"\n").expect("a whole line");
        assert!(!line.iter().any(u8::is_ascii_control));
        let json: serde_json::Value = serde_json::from_slice(line).expect("valid JSON");
        assert_eq!(json["records"].as_array().map(Vec::len), Some(event.records().len()));

        out.clear();
        write::enriched(&event, &NoNames, &mut out);
        let _ = events(&out);

        out.clear();
        write::raw(&event, &mut out);
        let again: Vec<Vec<u8>> = out.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let raw: Vec<Vec<u8>> = event.records().map(|record| record.raw().to_vec()).collect();
        assert_eq!(again[..again.len() - 1], raw);
    }
});

fn events(log: &[u8]) -> Vec<Event> {
    let settings = Settings { order: Order::Completion, ..Settings::FILE };
    let mut assembler = Assembler::new(settings);
    let mut events = Vec::new();
    for line in log.split(|byte| *byte == b'\n') {
        events.extend(assembler.push(0, &Record::parse(line)));
    }
    events.extend(assembler.finish());
    events
}
