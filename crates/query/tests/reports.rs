//! Properties of reports, over the logs of the compliance suite cut and damaged at random.

use indelible_query::report::{Detail, Form, Kind, Report, Table, Times};
use indelible_record::write::Locale;
use indelible_record::{Assembler, Event, Record, Settings};

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
