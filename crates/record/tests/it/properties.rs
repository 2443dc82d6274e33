//! Generated records: whatever the bytes, nothing is lost and nothing panics; what we write we
//! read back.

use proptest::prelude::*;

use indelible_record::{
    Assembler, Event, Interpreter, NoNames, Order, Part, Record, Settings, Stamp, Token, stamp,
    write,
};

/// Field texts as kernels and programs write them, and as damage leaves them.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z_]{1,8}=[0-9a-fx]{1,12}",
        2 => "[a-z]{1,6}=\"[ -!#-~]{0,20}\"",
        1 => "[a-z]{1,6}=[0-9A-F]{2,30}",
        1 => Just(String::from("name=(null)")),
        1 => Just(String::from("a1[0]=6162 a1_len=4")),
        1 => "[ -~]{0,12}",
        1 => Just(String::from("avc:  denied  { read } for ")),
    ]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let names = prop_oneof![
        Just("SYSCALL"),
        Just("PATH"),
        Just("EXECVE"),
        Just("SOCKADDR"),
        Just("USER_LOGIN"),
        Just("AVC"),
        Just("UNKNOWN[1999]"),
        Just("PROCTITLE"),
        Just("EOE"),
        Just("nonsense"),
    ];
    let body = prop::collection::vec(field(), 0..12).prop_map(|fields| fields.join(" "));
    (names, 0u64..4, 0u32..6, body, any::<bool>()).prop_map(
        |(name, sec, serial, body, enriched)| {
            let tail = if enriched { "\u{1d}UID=\"root\"" } else { "" };
            format!("type={name} msg=audit({sec}.001:{serial}): {body}{tail}").into_bytes()
        },
    )
}

fn check_record(bytes: &[u8]) {
    let record = Record::parse(bytes);
    assert_eq!(stamp(bytes), record.stamp());
    let mut at = record.body_offset();
    let interpreter = Interpreter::new(&record, &NoNames);
    let mut out = Vec::new();
    for token in record.tokens() {
        let (start, end) = match token {
            Token::Text { start, end } => (start, end),
            Token::Field(field) => {
                interpreter.interpret(&field, &mut out);
                if field.part != Part::Enriched && !field.name.starts_with(b"se") {
                    assert_eq!(
                        &record.raw()[field.start..field.start + field.name.len()],
                        field.name
                    );
                }
                (field.start, field.end)
            }
        };
        assert!(at <= start && start <= end && end <= record.raw().len());
        at = end;
    }
    for part in record.not_understood() {
        assert!(part.span.start <= part.span.end && part.span.end <= record.raw().len());
    }
}

/// Fields that depend on each other, as records have them that differ in a few values.
fn alike() -> impl Strategy<Value = Vec<u8>> {
    let arguments = prop::collection::vec(0u64..5, 4);
    let syscall = prop_oneof![
        Just(257),
        Just(2),
        Just(54),
        Just(72),
        Just(157),
        Just(5000)
    ];
    let arch = prop_oneof![
        8 => Just("arch=c000003e syscall="),
        1 => Just("arch=40000003 syscall=117 a="),
    ];
    let tail = prop_oneof![
        Just(" key=\"a\""),
        Just(" key=6101620763"),
        Just(" key=\"a\" x"),
        Just(" old key=1 key=2"),
        Just(" x=\"a key=3\" key=\"b\""),
        Just(" msg='key=4 res=1'"),
        Just(" key=(null)"),
        Just(","),
    ];
    let comm = prop_oneof![
        Just("\"cat\""),
        Just("\"c t\""),
        Just("610762"),
        Just("\"open")
    ];
    let enriched = prop_oneof![
        4 => Just("\u{1d}UID=\"root\" GID=\"g\""),
        1 => Just("\u{1d}UID=\"root\" GID=\"g\" UID=\"twice\""),
        1 => Just(""),
    ];
    (arch, syscall, arguments, 0u32..3, comm, tail, enriched).prop_map(
        |(arch, syscall, a, uid, comm, tail, enriched)| {
            format!(
                "type=SYSCALL msg=audit(1.001:1): {arch}{syscall} a0={:x} a1={:x} a2={:x} a3={:x} \
                 uid={uid} gid={uid} uid=0 comm={comm} ses=1{tail}{enriched}",
                a[0], a[1], a[2], a[3]
            )
            .into_bytes()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn shown_again_as_shown_afresh(
        lines in prop::collection::vec(prop_oneof![3 => alike(), 1 => line()], 1..40),
    ) {
        let (mut earlier, mut event) = (write::Interpreted::default(), Event::default());
        for line in &lines {
            let record = Record::parse(line);
            event.gather(&mut std::iter::once(record), true);
            let (mut again, mut afresh) = (Vec::new(), Vec::new());
            write::interpret_again(&event, &write::Locale::default(), &mut earlier, &mut again);
            write::interpret(&event, &write::Locale::default(), &mut afresh);
            prop_assert_eq!(
                String::from_utf8_lossy(&again),
                String::from_utf8_lossy(&afresh)
            );
        }
    }

    #[test]
    fn the_key_is_the_first_field_of_its_name(
        line in prop_oneof![alike(), line()],
    ) {
        let record = Record::parse(&line);
        let mut event = Event::default();
        event.gather(&mut std::iter::once(record), true);
        let field = record
            .get("key")
            .filter(|field| !field.is_null() && !record.record_type().needs_syscall());
        let mut expect = Vec::new();
        if let Some(field) = field {
            for key in field.decoded(record.record_type()).split(|byte| *byte == 1) {
                if !expect.iter().any(|known| known == key) {
                    expect.push(key.to_vec());
                }
            }
        }
        let keys: Vec<Vec<u8>> = event.keys().into_iter().map(|key| key.into_owned()).collect();
        prop_assert_eq!(keys, expect);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check_record(&bytes);
        let _ = Record::from_kernel(1300, &bytes).not_understood();
    }

    #[test]
    fn any_line(bytes in line()) {
        check_record(&bytes);
    }

    #[test]
    fn raw_form_reads_back(lines in prop::collection::vec(line(), 0..40)) {
        let mut assembler = Assembler::new(Settings { order: Order::Completion, ..Settings::FILE });
        let mut written = Vec::new();
        let mut events = Vec::new();
        for line in &lines {
            events.extend(assembler.push(0, &Record::parse(line)));
        }
        events.extend(assembler.finish());
        events.iter().for_each(|event| write::raw(event, &mut written));
        let mut got: Vec<&[u8]> = written.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()).collect();
        got.sort_unstable();
        // Only EOE records without an event may go missing, and they are counted.
        prop_assert_eq!(got.len() as u64 + assembler.counters().ends_alone, lines.len() as u64);
        for line in got {
            prop_assert!(lines.iter().any(|pushed| pushed == line));
        }
        prop_assert_eq!(assembler.held_bytes(), 0);
        let mut json = Vec::new();
        for event in &events {
            json.clear();
            write::ndjson(event, &NoNames, &mut json);
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
        }
    }

    #[test]
    fn order_of_time(lines in prop::collection::vec(line(), 0..60)) {
        let mut assembler = Assembler::new(Settings::FILE);
        let mut stamps = Vec::new();
        for line in &lines {
            stamps.extend(assembler.push(0, &Record::parse(line)).map(|event| event.stamp()));
        }
        stamps.extend(assembler.finish().map(|event| event.stamp()));
        // Fragments of events that timed out may come late; within the timeout all is sorted. The
        // records count, not the events: an EOE alone gives no event, but time passes with it.
        let times = || lines.iter().filter_map(|line| Record::parse(line).stamp()).map(Stamp::ms);
        let (newest, oldest) = (times().max().unwrap_or_default(), times().min().unwrap_or_default());
        if newest - oldest <= 2_000 {
            prop_assert!(stamps.is_sorted());
        }
    }
}
