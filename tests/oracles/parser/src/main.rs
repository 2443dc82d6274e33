//! Our record parser beside linux-audit-parser, in one run on one core: records per second of
//! both, the ratio, and where the two read a record differently.
//!
//! ```text
//! cargo run --release --manifest-path tests/oracles/Cargo.toml -p oracle-parser
//! ```
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use indelible_record::{Part, Record};

const LOG: &[u8] = include_bytes!("../../../../crates/record/tests/corpus/raw.log");

fn main() {
    let corpus: Vec<Vec<u8>> = LOG
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let typical: Vec<Vec<u8>> = typical().into_iter().cycle().take(20_000).collect();
    agreement(&corpus);
    for (name, lines) in [("typical", &typical), ("recorded", &corpus)] {
        // Taken in turns, so that what else the machine does meets both.
        let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
        for _ in 0..9 {
            ours = ours.min(per_line(lines, read_ours));
            theirs = theirs.min(per_line(lines, read_theirs));
        }
        let rate = |time: Duration| 1.0 / time.as_secs_f64();
        println!(
            "{name:<9} ours {:>9.0} records/s, linux-audit-parser {:>9.0} records/s, ratio {:.1}",
            rate(ours),
            rate(theirs),
            rate(ours) / rate(theirs)
        );
    }
}

/// Reads every field; returns something that depends on all of them.
fn read_ours(line: &[u8]) -> usize {
    Record::parse(line)
        .fields()
        .map(|field| field.value.len())
        .sum()
}

fn read_theirs(line: &[u8]) -> usize {
    match linux_audit_parser::parse(line, true) {
        Ok(message) => (&message.body).into_iter().count(),
        Err(_) => 0,
    }
}

fn per_line(lines: &[Vec<u8>], read: impl Fn(&[u8]) -> usize) -> Duration {
    const ENOUGH: Duration = Duration::from_millis(100);
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < ENOUGH {
        for line in lines {
            black_box(read(black_box(line)));
        }
        count += lines.len() as u32;
    }
    start.elapsed() / count
}

/// How many of the lines both read, and to the same number of fields.
fn agreement(lines: &[Vec<u8>]) {
    let (mut same, mut refused, mut different) = (0, 0, 0);
    for line in lines {
        let record = Record::parse(line);
        let ours = record
            .fields()
            .filter(|field| field.part != Part::Enriched)
            .count();
        match linux_audit_parser::parse(line.as_slice(), true) {
            Err(_) => refused += 1,
            Ok(message) if (&message.body).into_iter().count() == ours => same += 1,
            Ok(_) => different += 1,
        }
    }
    println!(
        "of {} recorded lines: {same} read alike, {different} read to other fields \
         (parts of arguments, messages), {refused} refused by linux-audit-parser",
        lines.len()
    );
}

/// An execve's five records.
fn typical() -> Vec<Vec<u8>> {
    [
        "SYSCALL msg=audit(1700000000.123:45): arch=c000003e syscall=59 success=yes exit=0 \
         a0=55d0c2b81234 a1=55d0c2b8e2c0 a2=55d0c2b7a350 a3=8 items=1 ppid=2117 pid=10000 auid=1000 \
         uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 tty=pts0 \
         ses=3 comm=\"ls\" exe=\"/usr/bin/ls\" subj=unconfined key=\"exec\"",
        "EXECVE msg=audit(1700000000.123:45): argc=3 a0=\"ls\" a1=\"--color=auto\" \
         a2=2F746D702F6120622063",
        "CWD msg=audit(1700000000.123:45): cwd=\"/home/alice/project\"",
        "PATH msg=audit(1700000000.123:45): item=0 name=\"/usr/bin/ls\" inode=1311 dev=08:01 \
         mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 \
         cap_fver=0 cap_frootid=0",
        "PROCTITLE msg=audit(1700000000.123:45): \
         proctitle=6C73002D2D636F6C6F723D6175746F002F746D702F6120622063",
    ]
    .iter()
    .map(|text| format!("type={text}\n").into_bytes())
    .collect()
}
