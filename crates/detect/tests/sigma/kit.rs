//! What the tests share: rules from text, events from lines.

use indelible_detect::sigma::{Engine, Finding, Loader};
use indelible_record::{Assembler, Event, Record, Settings};

/// An engine of this file.
pub(crate) fn engine(rules: &str) -> Engine {
    let mut loader = Loader::default();
    loader.file("test.yml", rules.as_bytes());
    loader.finish()
}

/// The events of these lines, in order.
pub(crate) fn events(lines: &str) -> Vec<Event> {
    let mut assembler = Assembler::new(Settings::FILE);
    let mut events = Vec::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        events.extend(assembler.push(0, &Record::parse(line.trim().as_bytes())));
    }
    events.extend(assembler.finish());
    events
}

/// What the engine finds in these lines.
pub(crate) fn findings(engine: &mut Engine, lines: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for event in events(lines) {
        let now_ms = event.stamp().map_or(0, indelible_record::Stamp::ms);
        engine.event(now_ms, &event, &mut found);
    }
    found
}

/// A rule about a log source.
pub(crate) fn rule(source: &str, detection: &str) -> String {
    format!("title: T\nid: i\nname: n\nlogsource: {source}\ndetection: {detection}\n")
}

/// Whether a rule of this detection finds something in the lines.
#[track_caller]
pub(crate) fn check(source: &str, detection: &str, lines: &str, expect: usize) {
    let mut engine = engine(&rule(source, detection));
    assert!(engine.refused().is_empty(), "{:?}", engine.refused());
    assert_eq!(findings(&mut engine, lines).len(), expect, "{detection}");
}

/// The reason why a document is refused.
#[track_caller]
pub(crate) fn refused(text: &str, why: &str) {
    let engine = engine(text);
    let [refused] = engine.refused() else {
        panic!("{text}: {:?}", engine.refused());
    };
    assert!(refused.why.contains(why), "{}", refused.why);
}

pub(crate) const AUDITD: &str = "{product: linux, service: auditd}";
pub(crate) const PROCESS: &str = "{product: linux, category: process_creation}";

/// An `execve`, as the kernel records it.
pub(crate) fn exec(serial: u32, pid: u32, ppid: u32, exe: &str, argv: &[&str]) -> String {
    let stamp = format!("audit({}.000:{serial})", 1_700_000_000 + serial);
    let arguments: Vec<String> = argv
        .iter()
        .enumerate()
        .map(|(place, argument)| format!("a{place}={}", quoted(argument)))
        .collect();
    format!(
        "type=SYSCALL msg={stamp}: arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2 ppid={ppid} pid={pid} auid=1000 uid=33 gid=33 euid=33 tty=pts0 ses=3 comm=\"x\" exe={} key=\"exec\"\n\
         type=EXECVE msg={stamp}: argc={} {}\n\
         type=CWD msg={stamp}: cwd=\"/srv/www\"\n\
         type=PATH msg={stamp}: item=0 name={} inode=7 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL\n\
         type=PROCTITLE msg={stamp}: proctitle=\"x\"\n",
        quoted(exe),
        argv.len(),
        arguments.join(" "),
        quoted(exe),
    )
}

/// As the kernel writes a string.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = text
        .bytes()
        .all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'"');
    if is_plain {
        return format!("\"{text}\"");
    }
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
}
