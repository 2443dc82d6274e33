//! Measures the hot paths on generated typical records, on one core.
//!
//! ```text
//! cargo run --release -p indelible-record --example bench
//! ```
//!
//! Prints one line per path: records or events per second of processor time, and bytes per second.
//! Time is what the scheduler gave this thread, so that a busy machine does not make us look slow.
//! The comparison with another parser stands in `tests/oracles`, outside of the product's lock
//! file.

use std::hint::black_box;
use std::time::{Duration, Instant};

use indelible_record::write::{self, Locale};
use indelible_record::{Assembler, Event, NoNames, Record, Settings, stamp};

fn main() {
    for enriched in [false, true] {
        let lines = typical_lines(20_000, enriched);
        let bytes: usize = lines.iter().map(Vec::len).sum();
        let name = if enriched { "enriched" } else { "raw" };
        let records = lines.len() as f64;

        let stamps = best(|| {
            lines
                .iter()
                .filter_map(|line| stamp(line))
                .map(|s| u64::from(s.serial))
                .sum::<u64>()
        });
        report(name, "stamp", "records", records, bytes, stamps);

        let tokens = best(|| {
            lines
                .iter()
                .map(|line| {
                    Record::parse(line)
                        .fields()
                        .map(|f| f.value.len())
                        .sum::<usize>()
                })
                .sum::<usize>() as u64
        });
        report(name, "parse, all fields", "records", records, bytes, tokens);

        let assembled = best(|| assemble(&lines, |_| 1));
        report(
            name,
            "parse, assemble",
            "events",
            records / 5.0,
            bytes,
            assembled,
        );

        let locale = Locale::default();
        type Write<'a> = &'a dyn Fn(&Event, &mut Vec<u8>);
        let forms: [(&str, Write<'_>); 4] = [
            ("…, ndjson", &|event, out| {
                write::ndjson(event, &NoNames, out);
            }),
            ("…, interpret", &|event, out| {
                write::interpret(event, &locale, out);
            }),
            ("…, default", &|event, out| {
                write::default(event, &locale, out);
            }),
            ("…, text", &|event, out| write::text(event, &locale, out)),
        ];
        for (form, write) in forms {
            let mut out = Vec::new();
            let time = best(|| {
                assemble(&lines, |event| {
                    out.clear();
                    write(event, &mut out);
                    out.len() as u64
                })
            });
            report(name, form, "events", records / 5.0, bytes, time);
        }
    }
}

fn assemble(lines: &[Vec<u8>], mut each: impl FnMut(&indelible_record::Event) -> u64) -> u64 {
    let mut assembler = Assembler::new(Settings::FILE);
    let mut sum = 0;
    for line in lines {
        for event in assembler.push(0, &Record::parse(line)) {
            sum += each(&event);
        }
    }
    sum
}

/// The shortest of several measurements, each long enough for the scheduler's clock, which moves
/// in ticks.
fn best(mut run: impl FnMut() -> u64) -> Duration {
    const ENOUGH: Duration = Duration::from_millis(300);
    let mut measure = || {
        let (start, began) = (cpu_time(), Instant::now());
        let mut runs = 0;
        while began.elapsed() < ENOUGH {
            black_box(run());
            runs += 1;
        }
        match (start, cpu_time()) {
            (Some(start), Some(end)) => (end - start) / runs,
            _ => began.elapsed() / runs,
        }
    };
    (0..5).map(|_| measure()).min().unwrap_or_default()
}

/// Processor time of this thread: the first number of its schedstat, in nanoseconds
/// (Documentation/scheduler/sched-stats.rst).
fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

fn report(form: &str, path: &str, what: &str, count: f64, bytes: usize, time: Duration) {
    let seconds = time.as_secs_f64();
    println!(
        "{form:<9}{path:<26}{:>12.0} {what}/s{:>8.0} MB/s",
        count / seconds,
        bytes as f64 / seconds / 1e6
    );
}

/// `events` execve events of five records each, as audit.log holds them.
fn typical_lines(events: usize, enriched: bool) -> Vec<Vec<u8>> {
    let mut lines = Vec::with_capacity(events * 5);
    for event in 0..events {
        let (sec, milli, serial) = (1_700_000_000 + event / 500, event % 1000, 4_000 + event);
        let mut add = |name: &str, text: String, tail: &str| {
            let mut line = format!("type={name} msg=audit({sec}.{milli:03}:{serial}): {text}");
            if enriched {
                line.push('\u{1d}');
                line.push_str(tail);
            }
            lines.push(line.into_bytes());
        };
        add(
            "SYSCALL",
            format!(
                "arch=c000003e syscall=59 success=yes exit=0 a0=55d0c2b8{:04x} a1=55d0c2b8e2c0 \
                 a2=55d0c2b7a350 a3=8 items=1 ppid=2117 pid={} auid=1000 uid=1000 gid=1000 \
                 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 tty=pts0 ses=3 \
                 comm=\"ls\" exe=\"/usr/bin/ls\" subj=unconfined key=\"exec\"",
                event % 65_536,
                10_000 + event
            ),
            "ARCH=x86_64 SYSCALL=execve AUID=\"alice\" UID=\"alice\" GID=\"alice\" EUID=\"alice\" \
             SUID=\"alice\" FSUID=\"alice\" EGID=\"alice\" SGID=\"alice\" FSGID=\"alice\"",
        );
        add(
            "EXECVE",
            String::from("argc=3 a0=\"ls\" a1=\"--color=auto\" a2=2F746D702F6120622063"),
            "",
        );
        add("CWD", String::from("cwd=\"/home/alice/project\""), "");
        add(
            "PATH",
            String::from(
                "item=0 name=\"/usr/bin/ls\" inode=1311 dev=08:01 mode=0100755 ouid=0 ogid=0 \
                 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0",
            ),
            "OUID=\"root\" OGID=\"root\"",
        );
        add(
            "PROCTITLE",
            String::from("proctitle=6C73002D2D636F6C6F723D6175746F002F746D702F6120622063"),
            "",
        );
    }
    lines
}
