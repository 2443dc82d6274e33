//! Events as they come out of lines in all their orders.

use super::*;

/// Pushes lines `TYPE milli serial text`, and shows each event that comes out as
/// `serial:records:missing`.
fn run(settings: Settings, lines: &[&str]) -> Vec<String> {
    let mut assembler = Assembler::new(settings);
    let mut shown = Vec::new();
    let mut show = |event: Event| {
        let missing: Vec<&str> = event.missing().iter().map(|m| m.name()).collect();
        let serial = event.stamp().map_or(0, |stamp| stamp.serial);
        shown.push(format!(
            "{serial}:{}:{}",
            event.records().len(),
            missing.join("+")
        ));
    };
    for line in lines {
        let mut parts = line.splitn(4, ' ');
        let mut part = || parts.next().unwrap_or_default();
        let (name, ms, serial) = (part(), part(), part());
        let ms: u64 = ms.parse().expect("milliseconds");
        let record = format!(
            "type={name} msg=audit({}.{:03}:{serial}): {}",
            ms / 1000,
            ms % 1000,
            part()
        );
        assembler
            .push(ms, &Record::parse(record.as_bytes()))
            .for_each(&mut show);
    }
    assembler.finish().for_each(&mut show);
    assert_eq!(assembler.held_bytes(), 0);
    assert_eq!(assembler.held_events(), 0);
    shown
}

fn check(lines: &[&str], expect: &[&str]) {
    assert_eq!(run(Settings::FILE, lines), expect, "{lines:?}");
}

#[test]
fn whole_events() {
    check(
        &[
            "SYSCALL 1 1 items=1",
            "CWD 1 1",
            "PATH 1 1",
            "PROCTITLE 1 1",
        ],
        &["1:4:"],
    );
    check(&["SYSCALL 1 1 items=0", "EOE 1 1"], &["1:2:"]);
    check(&["USER_LOGIN 1 1", "USER_END 1 2"], &["1:1:", "2:1:"]);
    check(
        &["AVC 1 1", "SYSCALL 1 1 items=0", "PROCTITLE 1 1", "EOE 1 1"],
        &["1:3:"],
    );
    check(&["AVC 1 1"], &["1:1:"]);
}

#[test]
fn interleaved_and_out_of_order() {
    check(
        &[
            "SYSCALL 1 1 items=1",
            "SYSCALL 1 2 items=0",
            "PROCTITLE 1 2",
            "USER_CMD 1 3",
            "PROCTITLE 1 1",
            "PATH 1 1",
        ],
        &["1:3:", "2:2:", "3:1:"],
    );
    let completion = Settings {
        order: Order::Completion,
        ..Settings::FILE
    };
    let lines = [
        "SYSCALL 1 1 items=0",
        "SYSCALL 1 2 items=0",
        "EOE 1 2",
        "USER 1 3",
        "EOE 1 1",
    ];
    assert_eq!(run(completion, &lines), ["2:2:", "3:1:", "1:2:"]);
}

#[test]
fn missing_parts() {
    check(
        &["SYSCALL 1 1 items=2", "PATH 1 1", "PROCTITLE 1 1"],
        &["1:3:paths"],
    );
    check(&["PATH 1 1", "PROCTITLE 1 1"], &["1:2:syscall"]);
    check(
        &[
            "SYSCALL 1 1 items=0",
            "EXECVE 1 1 argc=2 a0=\"x\"",
            "EOE 1 1",
        ],
        &["1:3:arguments"],
    );
    check(
        &["SYSCALL 1 1 items=0", "SYSCALL 1 2 items=0", "EOE 1 2"],
        &["1:1:end", "2:2:"],
    );
    // A kernel without PROCTITLE, in a file without EOE: nothing tells that something lacks.
    check(&["SYSCALL 1 1 items=0"], &["1:1:"]);
    check(&["SYSCALL 1 1 items=99999999999"], &["1:1:paths"]);
}

#[test]
fn serial_wraps_and_repeats() {
    check(
        &[
            "SYSCALL 1 4294967295 items=0",
            "SYSCALL 2 0 items=0",
            "EOE 1 4294967295",
            "EOE 2 0",
            "SYSCALL 3 0 items=0",
            "EOE 3 0",
        ],
        &["4294967295:2:", "0:2:", "0:2:"],
    );
}

#[test]
fn stream_time_closes() {
    check(
        &[
            "SYSCALL 1 1 items=1",
            "SYSCALL 2500 2 items=0",
            "PATH 1 1",
            "EOE 2500 2",
        ],
        &["1:1:paths", "1:1:syscall", "2:2:"],
    );
    // A syscall that slept is stamped long before it is written.
    check(
        &[
            "SYSCALL 90000 2 items=0",
            "SYSCALL 1 1 items=0",
            "EOE 1 1",
            "EOE 90000 2",
        ],
        &["1:2:", "2:2:"],
    );
}

#[test]
fn nodes_with_different_clocks() {
    let line = |node: &str, ms: u64, text: &str| {
        format!("node={node} type={text} msg=audit(1700000{ms:03}.000:1): items=0")
    };
    let mut assembler = Assembler::new(Settings::FILE);
    let mut events = 0;
    for text in [
        line("a", 900, "SYSCALL"),
        line("b", 100, "SYSCALL"),
        line("a", 900, "EOE"),
        line("b", 100, "EOE"),
    ] {
        events += assembler
            .push(0, &Record::parse(text.as_bytes()))
            .inspect(|event| assert!(event.is_complete() && event.records().len() == 2))
            .count();
    }
    events += assembler.finish().count();
    assert_eq!(events, 2);
}

#[test]
fn live_clock_ticks() {
    let mut assembler = Assembler::new(Settings::LIVE);
    let record = Record::from_kernel(1300, b"audit(1.000:1): items=0");
    assert_eq!(assembler.push(5_000, &record).count(), 0);
    assert_eq!(assembler.tick(7_000).count(), 0);
    assert_eq!(assembler.tick(7_001).count(), 1);
}

#[test]
fn limits_push_out_the_oldest() {
    let settings = Settings {
        pending_events_max: 2,
        ..Settings::FILE
    };
    let lines = ["AVC 1 1", "AVC 1 2", "AVC 1 3"];
    assert_eq!(run(settings, &lines), ["1:1:evicted", "2:1:", "3:1:"]);
    let settings = Settings {
        pending_bytes_max: 50,
        ..Settings::FILE
    };
    assert_eq!(
        run(settings, &lines),
        ["1:1:evicted", "2:1:evicted", "3:1:"]
    );
}

#[test]
fn ends_without_events_are_counted() {
    let mut assembler = Assembler::new(Settings::FILE);
    assert_eq!(
        assembler
            .push(0, &Record::parse(b"type=EOE msg=audit(1.000:1): "))
            .count(),
        0
    );
    assert_eq!(assembler.push(0, &Record::parse(b"rubbish")).count(), 1);
    let counters = assembler.counters();
    assert_eq!(
        (counters.ends_alone, counters.stampless, counters.incomplete),
        (1, 1, 1)
    );
}
