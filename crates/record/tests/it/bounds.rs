//! Records that lie about their sizes, or are far too large: memory follows what is kept, never
//! what a record says.

use indelible_record::{Assembler, Missing, NoNames, Record, Settings, limits, write};

/// Resident memory of this process, in bytes: `VmRSS` of proc(5).
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_ascii_whitespace().nth(1));
    kib.and_then(|kib| kib.parse::<usize>().ok())
        .unwrap_or_default()
        * 1024
}

#[test]
fn a_line_of_a_gibibyte() {
    // Mostly zero pages, so that the line itself does not take the memory that is measured.
    let mut line = vec![0u8; 1 << 30];
    let head = b"type=SYSCALL msg=audit(1.002:3): arch=c000003e comm=\"";
    line[..head.len()].copy_from_slice(head);
    let before = resident();
    let record = Record::parse(&line);
    assert_eq!(record.stamp().map(|stamp| stamp.serial), Some(3));
    let mut assembler = Assembler::new(Settings::FILE);
    assembler.push(0, &record).for_each(drop);
    let event = assembler.finish().next().expect("the event");
    assert!(event.bytes() <= limits::RECORD_BYTES_MAX);
    assert!(event.missing().contains(&Missing::Cut));
    let mut out = Vec::new();
    write::ndjson(&event, &NoNames, &mut out);
    assert!(out.len() < 16 * limits::RECORD_BYTES_MAX);
    // Other tests run beside this one, so the bound is coarse; a copy would take a gibibyte.
    let grown = resident().saturating_sub(before);
    assert!(grown < 256 << 20, "{grown} bytes more");
}

#[test]
fn a_million_fields() {
    let mut line = b"type=SYSCALL msg=audit(1.002:3):".to_vec();
    for index in 0..1_000_000 {
        line.extend_from_slice(format!(" k{}=1", index % 7).as_bytes());
    }
    let before = resident();
    let record = Record::parse(&line);
    assert_eq!(record.fields().count(), 1_000_000);
    let mut assembler = Assembler::new(Settings::FILE);
    assembler.push(0, &record).for_each(drop);
    let event = assembler.finish().next().expect("the event");
    let mut out = Vec::new();
    write::ndjson(&event, &NoNames, &mut out);
    assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok());
    // A coarse bound, as above; a hundred bytes for each field would exceed it.
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more");
}

#[test]
fn argument_indexes_are_no_sizes() {
    let line = b"type=EXECVE msg=audit(1.002:3): argc=100000000000 a100000000000=\"x\" \
                 a4000000000[4000000000]=78 a0=\"ls\" a1_len=100000000000 a1[0]=78";
    let mut assembler = Assembler::new(Settings::FILE);
    assembler.push(0, &Record::parse(line)).for_each(drop);
    let event = assembler.finish().next().expect("the event");
    let argv = event.argv().expect("arguments");
    assert_eq!(
        argv.arguments,
        [b"ls".to_vec(), b"x".to_vec(), b"x".to_vec()]
    );
    assert!(argv.incomplete);
    assert!(event.missing().contains(&Missing::Arguments {
        have: 2,
        expected: 100_000_000_000
    }));
}

#[test]
fn an_execve_of_thousands_of_arguments_is_whole() {
    let mut assembler = Assembler::new(Settings::FILE);
    let mut push = |line: String| assembler.push(0, &Record::parse(line.as_bytes())).count();
    push(String::from(
        "type=SYSCALL msg=audit(1.002:3): arch=c000003e syscall=59 items=0",
    ));
    for record in 0..300 {
        let argc = if record == 0 { "argc=6000 " } else { "" };
        let arguments: Vec<String> = (record * 20..record * 20 + 20)
            .map(|index| format!("a{index}=\"x{index}\""))
            .collect();
        push(format!(
            "type=EXECVE msg=audit(1.002:3): {argc}{}",
            arguments.join(" ")
        ));
    }
    push(String::from(
        "type=PROCTITLE msg=audit(1.002:3): proctitle=78",
    ));
    let event = assembler.finish().next().expect("the event");
    assert!(event.is_complete(), "{:?}", event.missing());
    let argv = event.argv().expect("arguments");
    assert_eq!(argv.arguments.len(), 6_000);
    assert_eq!(argv.arguments[5_999], b"x5999");
}

#[test]
fn events_that_never_end_are_pushed_out() {
    let mut assembler = Assembler::new(Settings::FILE);
    for serial in 0..20_000 {
        let line = format!("type=PATH msg=audit(1.002:{serial}): item=0 name=\"/x\"");
        assembler
            .push(0, &Record::parse(line.as_bytes()))
            .for_each(drop);
        assert!(assembler.held_events() <= 2 * limits::PENDING_EVENTS_MAX);
        assert!(assembler.held_bytes() <= limits::PENDING_BYTES_MAX);
    }
    assert!(assembler.counters().evicted > 10_000);
}

#[test]
fn an_event_that_never_stops_is_cut() {
    let mut assembler = Assembler::new(Settings::FILE);
    let line = format!(
        "type=PATH msg=audit(1.002:3): name=\"{}\"",
        "x".repeat(8_000)
    );
    for _ in 0..20_000 {
        let given = assembler.push(0, &Record::parse(line.as_bytes())).count();
        assert!(given <= 1);
        assert!(assembler.held_bytes() <= limits::PENDING_BYTES_MAX);
    }
    assert!(assembler.counters().evicted > 0);
}

#[test]
fn nodes_without_number() {
    let mut assembler = Assembler::new(Settings::FILE);
    let mut events = 0;
    for node in 0..10_000 {
        let line = format!("node=h{node} type=PATH msg=audit(1.002:3): name=\"/x\"");
        events += assembler.push(0, &Record::parse(line.as_bytes())).count();
    }
    events += assembler.finish().count();
    assert_eq!(events, 10_000);
}
