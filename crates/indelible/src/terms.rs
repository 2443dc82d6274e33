//! What of an entry can be looked for: the terms of which the collector's block indexes are made.

use std::borrow::Cow;

use indelible_log::index::{Found, Terms};
use indelible_log::{EntryRef, Kind};
use indelible_query::scan::stands_alone;
use indelible_query::terms::{self, TermField};
use indelible_record::Record;
use serde::Deserialize;

use crate::search::message_terms;

/// The terms of records, of messages and of contexts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryTerms;

impl Terms for EntryTerms {
    fn version(&self) -> u16 {
        terms::VERSION
    }

    fn had(&self, version: u16, field: u8) -> Option<bool> {
        terms::had(version, field)
    }

    fn of(&self, entry: &EntryRef<'_>, found: &mut Found<'_>) {
        match entry.header().kind {
            Kind::Audit => {
                if let Some((kind, text)) = entry.audit() {
                    of_record(kind, text, found);
                }
            }
            Kind::Syslog | Kind::Journal | Kind::FileLine => {
                found.message(entry.header().time_ns / 1_000_000);
                message_terms(entry, &mut |field, value| {
                    found.value(field.number(), value);
                });
            }
            Kind::Context => {
                if let Ok(context) = serde_json::from_slice::<OfProcess>(entry.payload()) {
                    let pid = context.process.pid.to_string();
                    found.value(TermField::Context.number(), pid.as_bytes());
                }
            }
            _ => {}
        }
    }
}

/// Of a context what is looked for.
#[derive(Deserialize)]
struct OfProcess {
    process: Pid,
}

#[derive(Deserialize)]
struct Pid {
    pid: u32,
}

fn of_record(kind: u16, text: &[u8], found: &mut Found<'_>) {
    // A search reads a newline as a blank, so that one record stays one.
    let text = match memchr::memchr(b'\n', text) {
        None => Cow::Borrowed(text),
        Some(_) => text
            .iter()
            .map(|byte| if *byte == b'\n' { b' ' } else { *byte })
            .collect(),
    };
    let record = match kind {
        WHOLE_LINE => Record::parse(&text),
        kind => Record::from_kernel(kind, &text),
    };
    let Some(stamp) = record.stamp() else {
        return;
    };
    let waits = !stands_alone(record.record_type());
    found.record(stamp.ms(), stamp.serial, waits);
    if let Some(node) = record.node() {
        found.value(TermField::Node.number(), node);
    }
    terms::each(&record, &mut |field, value| {
        found.value(field.number(), value);
    });
}

/// Type of a record that is a whole line of a log, as it was received.
const WHOLE_LINE: u16 = 0;
