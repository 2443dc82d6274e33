//! Properties of reports, over the logs of the compliance suite cut and damaged at random.

use indelible_query::report::{
    Detail, Form, Kind, Mark, Outcome, Report, Sessions, TYPE_PREFIXES, Table, Times,
};
use indelible_record::write::Locale;
use indelible_record::{Assembler, Event, Record, RecordType, Settings};

const LOGS: [&[u8]; 6] = [
    include_bytes!("../../../tests/compliance/report/logs/logins.log"),
    include_bytes!("../../../tests/compliance/report/logs/accounts.log"),
    include_bytes!("../../../tests/compliance/report/logs/mac.log"),
    include_bytes!("../../../tests/compliance/report/logs/anomalies.log"),
    include_bytes!("../../../tests/compliance/report/logs/files.log"),
    include_bytes!("../../../tests/compliance/report/logs/truncated.log"),
];

/// Numbers from a seed (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit.max(1)
    }
}

fn events(log: &[u8]) -> Vec<Event> {
    let mut assembler = Assembler::new(Settings::FILE);
    let mut events: Vec<Event> = Vec::new();
    for line in log.split(|byte| *byte == b'\n') {
        events.extend(assembler.push(0, &Record::parse(line)));
    }
    events.extend(assembler.finish());
    events
}

fn written(report: Report, events: &[Event], mut step: impl FnMut() -> usize) -> String {
    let (mut table, mut out) = (Table::new(report), Vec::new());
    let locale = Locale::default();
    table.begin(&mut out);
    let mut rest = events;
    while !rest.is_empty() {
        let (run, more) = rest.split_at(step().clamp(1, rest.len()));
        rest = more;
        let mut partial = report.partial();
        for event in run {
            report.event(event, &locale, &mut partial);
        }
        table.absorb(partial, &mut out, &mut Vec::new());
    }
    let times = Times {
        first: table.first(),
        ..Times::default()
    };
    table.end(&times, &locale, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// However the events are cut into parts, and whatever is done to the log's bytes.
#[test]
fn parts_tell_the_same_as_one_pass() {
    let seed = std::process::id().into();
    println!("seed {seed}");
    let mut random = Random(seed);
    for log in LOGS {
        let mut log = log.to_vec();
        for _ in 0..40 {
            let at = random.below(log.len());
            log[at] = random.below(256) as u8;
        }
        let events = events(&log);
        sessions_end_once(&events);
        for kind in Kind::all() {
            let report = Report {
                detail: [Detail::Rows, Detail::Summary][random.below(2)],
                form: [Form::Text, Form::Json, Form::Csv][random.below(3)],
                interpret: random.below(2) == 0,
                ..Report::new(kind)
            };
            let whole = written(report, &events, || events.len());
            let parts = written(report, &events, || 1 + random.below(9));
            assert_eq!(whole, parts, "{report:?}");
        }
    }
}

/// No more sessions end than events begin them, whatever the log says.
fn sessions_end_once(events: &[Event]) {
    let (mut sessions, mut ended) = (Sessions::default(), 0);
    for mark in events.iter().filter_map(Mark::read) {
        sessions.push(mark, |_| ended += 1);
    }
    sessions.finish(|_| ended += 1);
    let is_beginning = |event: &&Event| {
        event
            .records()
            .any(|record| matches!(record.record_type().0, 1006 | 1127))
    };
    assert!(ended <= events.iter().filter(is_beginning).count());
    assert_eq!(sessions.cut(), 0);
}

/// A record of every type in each of the three ways in which logs write types, with all that
/// records of such a type may need: refused, and done.
fn every_type() -> Vec<u8> {
    let mut log = String::new();
    let mut serial = 0;
    for number in 1000..3000 {
        let name = RecordType(number).name();
        let names = [
            name.map(str::to_owned),
            Some(number.to_string()),
            Some(format!("UNKNOWN[{number}]")),
        ];
        for name in names.into_iter().flatten() {
            for result in ["success", "failed"] {
                serial += 1;
                log += &format!(
                    "type={name} msg=audit(1700000000.000:{serial}): pid=7 uid=0 auid=1000 ses=3 \
                     tty=pts0 comm=\"a\" exe=\"/a\" msg='op=x id=1000 acct=\"bob\" exe=\"/b\" hostname=h \
                     addr=192.0.2.7 terminal=ssh res={result}'\n"
                );
            }
        }
    }
    log.into_bytes()
}

fn has_one_of(event: &Event, prefixes: &[&str]) -> bool {
    event.records().any(|record| {
        let line = String::from_utf8_lossy(record.raw());
        prefixes.iter().any(|prefix| line.contains(prefix))
    })
}

/// A report over the events that byte strings find is the report over all of them.
#[test]
fn needles_change_nothing() {
    let every_type = every_type();
    let mut seen = 0;
    for log in LOGS.into_iter().chain([&every_type[..]]) {
        let all = events(log);
        for kind in Kind::all() {
            let Some(prefixes) = kind.type_prefixes() else {
                continue;
            };
            let found: Vec<Event> = all
                .iter()
                .filter(|event| has_one_of(event, prefixes))
                .cloned()
                .collect();
            for (detail, outcome) in [
                (Detail::Rows, None),
                (Detail::Rows, Some(Outcome::Failed)),
                (Detail::Summary, None),
            ] {
                let report = Report {
                    detail,
                    outcome,
                    ..Report::new(kind)
                };
                let whole = written(report, &all, || all.len());
                let of_found = written(report, &found, || found.len());
                let mut pairs = whole.lines().zip(of_found.lines());
                let differing = pairs.find(|(whole, found)| whole != found);
                assert!(whole == of_found, "{report:?}: {differing:?}");
                seen += usize::from(!found.is_empty() && found.len() < all.len());
            }
        }
        for event in &all {
            assert!(
                Mark::read(event).is_none() || has_one_of(event, TYPE_PREFIXES),
                "{event:?}"
            );
        }
    }
    assert!(seen > 40, "only {seen} reports over a part of the log");
}
