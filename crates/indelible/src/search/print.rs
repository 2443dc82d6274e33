//! Printing: the work that makes an event's text.

use indelible_record::write::{self, Locale};
use indelible_record::{Event, Names};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::engine::Work;

/// How an event is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Raw,
    Default,
    Interpret,
    Ndjson,
}

/// Makes the text of events.
pub(crate) struct Print<'a> {
    pub(crate) form: Form,
    pub(crate) names: &'a (dyn Names + Sync),
    pub(crate) zone: TimeZone,
}

impl Work for Print<'_> {
    type Part = Vec<u8>;

    fn part(&self) -> Vec<u8> {
        Vec::new()
    }

    fn event(&self, event: &Event, text: &mut Vec<u8>) {
        let offset_s = |seconds: u64| {
            let time = i64::try_from(seconds)
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok());
            time.map_or(0, |time| self.zone.to_offset(time).seconds())
        };
        let locale = Locale {
            names: self.names,
            offset_s: &offset_s,
            century: false,
        };
        match self.form {
            Form::Raw => write::raw(event, text),
            Form::Default => write::default(event, &locale, text),
            Form::Interpret => write::interpret(event, &locale, text),
            Form::Ndjson => write::ndjson(event, self.names, text),
        }
    }
}
