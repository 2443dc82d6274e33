//! What the kernel really wrote: the logs in `tests/corpus` (see the README there).

use indelible_record::{Assembler, Event, NoNames, Record, RecordType, Settings, write};

pub(crate) const ENRICHED: &[u8] = include_bytes!("../corpus/enriched.log");
pub(crate) const RAW: &[u8] = include_bytes!("../corpus/raw.log");

pub(crate) fn lines(log: &[u8]) -> impl Iterator<Item = &[u8]> {
    log.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
}

pub(crate) fn events(log: &[u8]) -> Vec<Event> {
    let mut assembler = Assembler::new(Settings::FILE);
    let mut events = Vec::new();
    for line in lines(log) {
        events.extend(assembler.push(0, &Record::parse(line)));
    }
    events.extend(assembler.finish());
    events
}

#[test]
fn every_record_is_understood() {
    for line in lines(ENRICHED).chain(lines(RAW)) {
        let record = Record::parse(line);
        // auditctl -m sends words, which are no fields.
        if record.record_type() != RecordType::USER {
            assert_eq!(
                record.not_understood(),
                [],
                "{}",
                String::from_utf8_lossy(line)
            );
        }
        assert_eq!(record.raw(), line);
    }
}

#[test]
fn every_event_is_complete() {
    for event in events(ENRICHED).iter().chain(&events(RAW)) {
        assert!(
            event.is_complete(),
            "{:?} lacks {:?}",
            event.stamp(),
            event.missing()
        );
    }
}

#[test]
fn raw_form_gives_the_log_back() {
    let mut written = Vec::new();
    events(ENRICHED)
        .iter()
        .for_each(|event| write::raw(event, &mut written));
    let mut expect: Vec<&[u8]> = lines(ENRICHED).collect();
    let mut got: Vec<&[u8]> = lines(&written).collect();
    expect.sort_unstable();
    got.sort_unstable();
    assert!(got == expect);
}

#[test]
fn kernel_messages_give_the_same_lines() {
    for line in lines(RAW) {
        let record = Record::parse(line);
        let at = record.head().len();
        let kernel = Record::from_kernel(record.record_type().0, &line[at..]);
        assert_eq!(kernel.stamp(), record.stamp());
        assert_eq!(kernel.body(), record.body());
        assert!(
            kernel
                .fields()
                .map(|f| (f.name, f.value))
                .eq(record.fields().map(|f| (f.name, f.value)))
        );
    }
}

#[test]
fn ndjson_is_json_of_the_documented_shape() {
    let mut out = Vec::new();
    let events = events(ENRICHED);
    events
        .iter()
        .for_each(|event| write::ndjson(event, &NoNames, &mut out));
    let mut count = 0;
    for line in lines(&out) {
        let event: serde_json::Value = serde_json::from_slice(line).expect("valid JSON");
        assert!(
            event["time"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))
        );
        assert!(event["serial"].is_u64() && event["complete"].is_boolean());
        assert!(event["keys"].is_array());
        for record in event["records"].as_array().expect("records") {
            assert!(record["type"].is_string() && record["raw"].is_string());
            let fields = record["fields"].as_object().expect("fields");
            assert!(fields.values().all(serde_json::Value::is_string));
            let interpreted = record["interpreted"].as_object().expect("interpreted");
            assert!(interpreted.keys().all(|name| fields.contains_key(name)));
        }
        count += 1;
    }
    assert_eq!(count, events.len());
}

#[test]
fn accessors_read_an_execve() {
    let events = events(ENRICHED);
    let long = events
        .iter()
        .filter_map(Event::argv)
        .find(|argv| argv.arguments.len() == 5)
        .expect("the exercise runs a program with five arguments");
    assert!(!long.incomplete);
    assert_eq!(long.arguments[1], b"a b");
    assert_eq!(long.arguments[2], b"--x=\"q\"");
    assert_eq!(long.arguments[3], vec![b'A'; 20_000]);
    assert_eq!(long.arguments[4], b"tail\xff");
}
