//! Any bytes as a log through every report, row by row, summed up, as JSON and CSV: no panic, and
//! the same table however the events are cut into parts. The first byte says where they are cut.
//! Sessions end once each, and no more end than begin.
#![no_main]

use indelible_query::report::{
    Detail, Escape, Form, Kind, Logins, Mark, Report, Session, Sessions, Table, Times,
};
use indelible_record::write::Locale;
use indelible_record::{Assembler, Event, Record, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((step, log)) = data.split_first() else {
        return;
    };
    let mut assembler = Assembler::new(Settings::FILE);
    let mut events: Vec<Event> = Vec::new();
    for line in log.split(|byte| *byte == b'\n') {
        events.extend(assembler.push(0, &Record::parse(line)));
    }
    events.extend(assembler.finish());
    sessions(&events);
    for kind in Kind::all() {
        for detail in [Detail::Rows, Detail::Summary] {
            for form in [Form::Text, Form::Json, Form::Csv] {
                let report = Report {
                    detail,
                    form,
                    interpret: step % 2 == 0,
                    debug: true,
                    ..Report::new(kind)
                };
                let whole = written(report, &events, events.len().max(1));
                let parts = written(report, &events, usize::from(*step).max(1));
                assert_eq!(whole, parts, "{kind:?} {detail:?} {form:?}");
            }
        }
    }
});

/// Login sessions, in every form.
fn sessions(events: &[Event]) {
    for form in [Form::Text, Form::Json, Form::Csv] {
        let mut logins = Logins::new(form, Escape::Tty);
        let (mut sessions, mut out, mut rows) = (Sessions::default(), Vec::new(), 0);
        let marks = events.iter().filter_map(Mark::read);
        for mark in marks {
            let mut row = |session: Session| {
                logins.row(&session, &Locale::default(), &mut out);
                rows += 1;
            };
            Session::failed(mark.clone()).into_iter().for_each(&mut row);
            sessions.push(mark, row);
        }
        sessions.finish(|session| {
            logins.row(&session, &Locale::default(), &mut out);
            rows += 1;
        });
        assert_eq!(logins.end(sessions.cut(), &mut out), rows > 0);
        assert!(rows <= events.len());
    }
}

/// The report over the events in parts of `step`.
fn written(report: Report, events: &[Event], step: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut table, mut out, mut notes) = (Table::new(report), Vec::new(), Vec::new());
    let locale = Locale::default();
    table.begin(&mut out);
    for run in events.chunks(step) {
        let mut partial = report.partial();
        for event in run {
            report.event(event, &locale, &mut partial);
        }
        table.absorb(partial, &mut out, &mut notes);
    }
    let times = Times {
        first: table.first(),
        ..Times::default()
    };
    table.end(&times, &locale, &mut out);
    (out, notes)
}
