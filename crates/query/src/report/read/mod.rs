//! Reading records: which of them say what to a report.
//!
//! One file per way of writing; what each looks for, in which order, and without what a record is
//! malformed, was found out by leaving fields out and looking at what aureport 3.0.9 prints. The
//! codes of malformed records are its own (`--debug` shows them).

mod avc;
mod kernel;
mod message;
mod path;
mod task;

use indelible_record::{Record, RecordType};

use super::cursor::{Cursor, Name, number};
use super::facts::{Facts, Outcome};
use super::wants::Wants;

/// What a record lacks.
type Code = u8;

/// Adds what a record says to the facts.
pub(super) fn record(record: &Record<'_>, wants: Wants, facts: &mut Facts) -> Result<(), Code> {
    // The blank before the first field belongs to what is looked for.
    let start = record.body_offset().saturating_sub(1);
    let end = record.body_offset() + record.body().len();
    let cursor = &mut Cursor::new(&record.raw()[start..end]);
    match record.record_type().0 {
        1300 => task::syscall(cursor, wants, facts),
        1302 if wants.has(Wants::FILE) => path::path(cursor, facts),
        1307 if wants.has(Wants::FILE) => path::working_directory(cursor, facts),
        1306 if wants.has(Wants::FILE) || wants.has(Wants::HOST) => {
            path::socket(cursor, wants, facts)
        }
        1302 | 1306 | 1307 | 1309 | 1327 => Ok(()),
        1402 if wants.has(Wants::FILE) => path::avc_path(cursor, facts),
        1005 | 1100..=1106 | 1108..=1199 | 2100..=2999 => {
            message::message(record.record_type(), cursor, wants, facts)
        }
        1107 => message::message(RecordType::USER_AVC, cursor, wants, facts),
        1006 => kernel::login(cursor, wants, facts),
        1200..=1206 => kernel::daemon(cursor, wants, facts),
        1207 | 1208 => kernel::daemon_connection(cursor, wants, facts),
        1305 => kernel::config_change(cursor, wants, facts),
        1319 => kernel::tty(cursor, wants, facts),
        1324 => kernel::packet(cursor, wants, facts),
        1325 | 1335 => kernel::process(cursor, wants, facts),
        1326 => kernel::anomaly(true, cursor, wants, facts),
        1328 | 1702 => task::task(cursor, wants, facts),
        1400 => avc::avc(cursor, wants, facts),
        1403..=1417 => kernel::policy(cursor, wants, facts),
        1700 | 1701 => kernel::anomaly(false, cursor, wants, facts),
        1800..=1805 => kernel::integrity(cursor, wants, facts),
        _ => Ok(()),
    }
}

/// A number up to the next blank. The codes: there is no blank; the number exceeds 64 bits.
fn word_number(cursor: &mut Cursor<'_>, unended: Code, overflow: Code) -> Result<u32, Code> {
    let word = cursor.word().ok_or(unended)?;
    number(word, 10).map(|value| value as u32).ok_or(overflow)
}

/// `res=1`: done if it is 1.
fn numeric_result(cursor: &mut Cursor<'_>, facts: &mut Facts) {
    if cursor.find(Name::Res) {
        facts.outcome = match number(cursor.last_word(), 10) {
            Some(1) => Outcome::Success,
            _ => Outcome::Failed,
        };
    }
}
