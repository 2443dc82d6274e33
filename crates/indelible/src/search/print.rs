//! Printing: the work that makes an event's text.

use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indelible_query::mask::{Clean, Masks};
use indelible_record::write::{self, Columns, Escape, Interpreted, Locale};
use indelible_record::{Event, Names};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::context::Contexts;
use super::engine::Work;
use super::message::{self, Message};
use crate::masking;

/// How an event is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Raw,
    Default,
    Interpret,
    Csv,
    Text,
    Json,
    Ndjson,
}

impl Form {
    /// The form of this name.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "raw" => Self::Raw,
            "default" => Self::Default,
            "interpret" => Self::Interpret,
            "csv" => Self::Csv,
            "text" => Self::Text,
            "json" => Self::Json,
            "ndjson" => Self::Ndjson,
            _ => return None,
        })
    }
}

/// Makes the text of events.
pub(crate) struct Print<'a> {
    pub(crate) form: Form,
    pub(crate) names: &'a (dyn Names + Sync),
    pub(crate) zone: TimeZone,
    pub(crate) century: bool,
    pub(crate) columns: Columns,
    pub(crate) escape: Escape,
    /// As ausearch prints it, where ours tells more.
    pub(crate) as_tool: bool,
    /// What is not shown of command lines.
    pub(crate) masks: Masks,
    /// Whether some events are messages.
    pub(crate) messages: bool,
    /// What surrounds the events, for the forms that show it.
    pub(crate) contexts: Contexts,
    /// Parts that were shown, for those that come.
    pub(crate) spare: Spare,
}

/// Parts that were shown: their memory is used again, and what they know of records like those to come.
#[derive(Debug, Default)]
pub(crate) struct Spare(Mutex<Vec<Printed>>);

impl Spare {
    /// Takes a part that was shown. There are never more of them than batches under way.
    pub(crate) fn put(&self, mut part: Printed) {
        part.text.clear();
        part.ends.clear();
        self.lock().push(part);
    }

    fn take(&self) -> Printed {
        self.lock().pop().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Printed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text of a run of events.
#[derive(Debug, Default)]
pub(crate) struct Printed {
    pub(crate) text: Vec<u8>,
    /// Where each event's text ends.
    pub(crate) ends: Vec<usize>,
    /// Records of it that others are much like.
    pub(crate) interpreted: Interpreted,
    pub(crate) clean: Clean,
}

impl Printed {
    /// The text of each event.
    pub(crate) fn events(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        (0..self.ends.len()).map(|index| {
            let start = match index {
                0 => 0,
                _ => self.ends[index - 1],
            };
            &self.text[start..self.ends[index]]
        })
    }
}

impl Work for Print<'_> {
    type Part = Printed;

    fn part(&self) -> Printed {
        self.spare.take()
    }

    fn event(&self, event: &Event, part: &mut Printed) {
        let offset_s = |seconds: u64| {
            let time = i64::try_from(seconds)
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok());
            time.map_or(0, |time| self.zone.to_offset(time).seconds())
        };
        let locale = Locale {
            names: self.names,
            offset_s: &offset_s,
            century: self.century,
        };
        let text = &mut part.text;
        if self.messages
            && let Some(message) = Message::of(event)
        {
            self.message(&message, &locale, text);
            part.ends.push(text.len());
            return;
        }
        let masked = self.masks.event_again(event, &mut part.clean);
        let event = masked.as_ref().unwrap_or(event);
        match self.form {
            Form::Raw if self.as_tool => write::raw_as_tool(event, text),
            Form::Raw => write::raw(event, text),
            Form::Default => write::default_escaped(event, &locale, self.escape, text),
            Form::Interpret if self.escape == Escape::Tty => {
                write::interpret_again(event, &locale, &mut part.interpreted, text);
            }
            Form::Interpret => write::interpret_escaped(event, &locale, self.escape, text),
            Form::Csv if self.as_tool => {
                write::csv_as_tool(event, &locale, self.columns, self.escape, text);
            }
            Form::Text if self.as_tool => {
                write::text_as_tool(event, &locale, self.escape, text);
            }
            Form::Csv => write::csv(event, &locale, self.columns, text),
            Form::Text => write::text(event, &locale, text),
            Form::Ndjson => self.json(event, text),
            Form::Json => {
                self.json(event, text);
                text.pop();
            }
        }
        part.ends.push(text.len());
    }
}

impl Print<'_> {
    /// The event as a line of JSON, with its context as one more member.
    fn json(&self, event: &Event, text: &mut Vec<u8>) {
        write::ndjson(event, self.names, text);
        if let Some(context) = self.contexts.of(event)
            && text.ends_with(b"}\n")
        {
            text.truncate(text.len() - 2);
            text.extend_from_slice(b",\"context\":");
            text.extend_from_slice(masking::context(&self.masks, &context).as_bytes());
            text.extend_from_slice(b"}\n");
        }
    }

    fn message(&self, message: &Message<'_>, locale: &Locale<'_>, text: &mut Vec<u8>) {
        match self.form {
            Form::Raw => message::write::raw(message, text),
            Form::Default => message::write::default(message, locale, text),
            Form::Interpret => message::write::interpret(message, locale, text),
            Form::Csv => message::write::csv(message, locale, self.columns, text),
            Form::Text => message::write::text(message, locale, text),
            Form::Ndjson => message::write::ndjson(message, text),
            Form::Json => {
                message::write::ndjson(message, text);
                text.pop();
            }
        }
    }
}

/// Whether the locale's dates have four digits for the year: the American one's have, the C
/// locale's have two.
pub(crate) fn has_century() -> bool {
    let set = |name: &&str| std::env::var_os(name).filter(|value| !value.is_empty());
    let locale: Option<OsString> = ["LC_ALL", "LC_TIME", "LANG"].iter().find_map(set);
    locale.is_some_and(|locale| locale.as_encoded_bytes().starts_with(b"en_US"))
}
