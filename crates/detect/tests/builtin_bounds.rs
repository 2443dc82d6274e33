//! The built-in detections on hostile input: any bytes, and more processes than they remember.

use indelible_detect::builtin::{Engine, Finding, Tuning};
use indelible_detect::limits::builtin::{CONNECTED_MAX, PROCESSES_MAX};
use indelible_query::criteria::Filter;
use indelible_query::expr::Where;
use indelible_record::{Assembler, Event, Record, Settings, Stamp};
use proptest::prelude::*;

fn events(lines: &[Vec<u8>]) -> Vec<Event> {
    let mut assembler = Assembler::new(Settings::FILE);
    let mut events = Vec::new();
    for line in lines {
        events.extend(assembler.push(0, &Record::parse(line)));
    }
    events.extend(assembler.finish());
    events
}

fn found(events: &[Event]) -> Vec<Finding> {
    let mut engine = Engine::new(&[], &Tuning::default()).expect("an engine");
    let mut found = Vec::new();
    for event in events {
        engine.event(event.stamp().map_or(0, Stamp::ms), event, &mut found);
    }
    engine.tick(u64::MAX, &mut found);
    found
}

/// Field names and values that the detections look at, and some that they do not expect.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let record_type = prop::sample::select(vec![
        "SYSCALL",
        "PATH",
        "CWD",
        "EXECVE",
        "SOCKADDR",
        "OBJ_PID",
        "CONFIG_CHANGE",
        "OPENAT2",
        "ANOM_ABEND",
        "KERN_MODULE",
        "DAEMON_END",
        "DAEMON_START",
        "SYSTEM_SHUTDOWN",
        "TIME_INJOFFSET",
    ]);
    let field = prop::sample::select(vec![
        "arch=c000003e",
        "arch=40000003",
        "arch=x",
        "syscall=257",
        "syscall=59",
        "syscall=42",
        "syscall=33",
        "syscall=62",
        "syscall=101",
        "syscall=321",
        "syscall=82",
        "syscall=268",
        "syscall=263",
        "syscall=133",
        "syscall=259",
        "syscall=264",
        "success=yes",
        "success=no",
        "exit=-115",
        "a0=5",
        "a0=ffffffffffffffff",
        "a0=\"sh\"",
        "a1=\"/tmp/x\"",
        "a1=1180",
        "a2=1180",
        "a1=0",
        "a1=1",
        "a1=2",
        "a1=",
        "a2=201",
        "a2=9c0",
        "pid=7",
        "pid=-1",
        "ppid=7",
        "auid=1000",
        "auid=4294967295",
        "uid=1000",
        "euid=0",
        "exe=\"/tmp/x\"",
        "exe=\"/memfd:x (deleted)\"",
        "exe=(null)",
        "exe=\"/bin/sh\"",
        "exe=\"/usr/bin/find\"",
        "ppid=6",
        "name=\"/var/log/x\"",
        "name=\"/etc/shadow\"",
        "name=\"../../etc/ld.so.preload\"",
        "name=\"/etc/pam.d/x\"",
        "name=\"/etc/sudoers\"",
        "name=2F746D702FFF",
        "name=\"/var/log/\"",
        "name=\"/etc/cron.d\"",
        "name=\"x\"",
        "inode=7",
        "inode=8",
        "dev=08:01",
        "mode=040755",
        "nametype=PARENT",
        "nametype=NORMAL",
        "nametype=CREATE",
        "nametype=DELETE",
        "item=0",
        "item=99999999999",
        "cwd=\"/etc\"",
        "cwd=2F",
        "oflag=01001",
        "saddr=020011BBCB007109",
        "saddr=02",
        "ocomm=\"auditd\"",
        "op=remove_rule",
        "op=add_rule",
        "op=set",
        "audit_enabled=0",
        "audit_pid=0",
        "old=1",
        "key=\"k\"",
        "res=1",
        "sig=11",
    ]);
    let stamp = (0u64..4, 0u64..1_000, 0u64..6);
    (record_type, stamp, prop::collection::vec(field, 0..14)).prop_map(
        |(record_type, (sec, milli, serial), fields)| {
            let sec = [0, 1, 4_000_000_000, u64::MAX][sec as usize];
            format!(
                "type={record_type} msg=audit({sec}.{milli:03}:{serial}): {}",
                fields.join(" ")
            )
            .into_bytes()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_records(lines in prop::collection::vec(
        prop_oneof![8 => line(), 1 => prop::collection::vec(any::<u8>(), 0..80)], 0..24)
    ) {
        let events = events(&lines);
        let findings = found(&events);
        for finding in &findings {
            prop_assert!(!finding.why.is_empty());
            prop_assert!(finding.about.techniques.contains(&finding.technique));
            prop_assert!(finding.level <= finding.about.level);
            // Replayable as a search: the events that have the stamp of the last one.
            let candidates = Where::parse(finding.about.candidates).expect("a condition");
            let last = finding.stamps.last().copied();
            let mut of = events.iter().filter(|event| event.stamp() == last);
            prop_assert!(of.any(|event| candidates.matches(event)), "{finding:?}");
        }
    }
}

#[test]
fn a_million_processes() {
    // One that remembers per process; what all of them share is there, too.
    let only = ["reverse-shell".to_owned()];
    let mut engine = Engine::new(&only, &Tuning::default()).expect("an engine");
    let mut found = Vec::new();
    let mut assembler = Assembler::new(Settings::FILE);
    for pid in 1..=1_000_000u32 {
        let line = format!(
            "type=SYSCALL msg=audit(1.002:{pid}): arch=c000003e syscall=42 success=yes a0=3 \
             ppid=1 pid={pid} auid=1000 uid=0 euid=0 exe=\"/usr/bin/curl\""
        );
        let address =
            format!("type=SOCKADDR msg=audit(1.002:{pid}): saddr=020001BBCB0071090000000000000000");
        assembler.push(0, &Record::parse(line.as_bytes())).count();
        assembler
            .push(0, &Record::parse(address.as_bytes()))
            .count();
        for event in assembler.finish() {
            engine.event(1_002, &event, &mut found);
        }
    }
    assert!(found.is_empty());
    let counted = engine.counted();
    // All but what is still held was forgotten and counted.
    assert!(
        counted.processes >= 1_000_000 - 2 * PROCESSES_MAX as u64,
        "{counted:?}"
    );
    assert!(
        counted.forgotten >= 1_000_000 - 2 * CONNECTED_MAX as u64,
        "{counted:?}"
    );
}
