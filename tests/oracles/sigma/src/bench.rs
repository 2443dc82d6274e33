//! Events per second of both on one core, with 250 rules.

use std::hint::black_box;
use std::time::Duration;

use indelible_detect::sigma::View;
use indelible_record::{Event, Stamp};
use serde_json::Value;

use crate::oracle::Oracle;
use crate::rules::{self, RuleFile};
use crate::{RECORDED, events};

const RULES: usize = 250;

/// The recorded log, and a busy host's programs: 250 rules, the collection's and, where it holds
/// fewer, the same again under other titles.
pub fn run(files: &[RuleFile]) {
    let copies: Vec<RuleFile> = (0..)
        .flat_map(|copy| {
            files.iter().map(move |file| RuleFile {
                name: file.name.clone(),
                text: file.text.replacen("title: ", &format!("title: {copy} "), 1),
            })
        })
        .take(2 * files.len().max(RULES))
        .collect();
    let mut count = files.len();
    let mut ours = rules::ours(&copies[..count]);
    while ours.rules().len() < RULES && count < copies.len() {
        count += 1;
        ours = rules::ours(&copies[..count]);
    }
    let mut theirs = Oracle::new(&copies[..count], &ours);
    let mut log: Vec<Event> = events::of(RECORDED[0]);
    let recorded = log.len();
    log.extend(programs(recorded));
    let objects: Vec<Vec<(View, Value)>> = log.iter().map(|event| theirs.objects(event)).collect();
    println!("{} rules, {} events", ours.rules().len(), log.len());
    let (mut best, mut other) = (Duration::MAX, Duration::MAX);
    let mut found = Vec::new();
    for _ in 0..5 {
        best = best.min(per_event(&log, |event| {
            found.clear();
            ours.event(event.stamp().map_or(0, Stamp::ms), event, &mut found);
            found.len()
        }));
        other = other.min(per_event(&objects, |views| {
            let found = views
                .iter()
                .map(|(view, object)| theirs.evaluate(*view, object).len());
            found.sum()
        }));
    }
    let rate = |time: Duration| 1.0 / time.as_secs_f64();
    println!(
        "ours {:.0} events/s from records to findings, rsigma-eval {:.0} events/s from JSON that is \
         ready, ratio {:.1}",
        rate(best),
        rate(other),
        rate(best) / rate(other)
    );
}

fn per_event<E>(events: &[E], mut evaluate: impl FnMut(&E) -> usize) -> Duration {
    const ENOUGH: Duration = Duration::from_millis(300);
    let start = on_cpu();
    let mut count = 0;
    while on_cpu() - start < ENOUGH {
        for event in events {
            black_box(evaluate(black_box(event)));
        }
        count += events.len() as u32;
    }
    (on_cpu() - start) / count
}

/// How long this thread has run, whatever else the machine does: the first number of schedstat.
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// As many programs as there are other events: what cron jobs, builds and people run.
fn programs(count: usize) -> Vec<Event> {
    const LINES: [&[&str]; 8] = [
        &["ls", "--color=auto", "-la", "/home/alice"],
        &[
            "/bin/sh",
            "-c",
            "test -x /usr/sbin/anacron || run-parts --report /etc/cron.hourly",
        ],
        &[
            "gcc",
            "-O2",
            "-Wall",
            "-c",
            "src/main.c",
            "-o",
            "build/main.o",
        ],
        &["git", "status", "--porcelain"],
        &["grep", "-rn", "TODO", "src"],
        &["python3", "/opt/app/manage.py", "runserver", "0.0.0.0:8000"],
        &["sed", "-e", "s/a/b/", "file.txt"],
        &[
            "/usr/lib/systemd/systemd-executor",
            "--deserialize",
            "33",
            "--log-level",
            "info",
        ],
    ];
    let mut log = String::new();
    for number in 0..count {
        let argv = LINES[number % LINES.len()];
        events::program(
            &mut (number as u32),
            (20_000 + number as u32, 900),
            &format!(
                "/usr/bin/{}",
                argv[0].rsplit('/').next().unwrap_or_default()
            ),
            argv,
            &mut log,
        );
    }
    events::of(log.as_bytes())
}
