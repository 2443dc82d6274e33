//! Reports over time: in each step, how many events and bytes of each key or type.

use std::collections::BTreeMap;

use indelible_record::write::{Locale, push_json_string, push_rfc3339};
use indelible_record::{Event, Stamp};

use super::write::{Escape, push_csv_text, push_escaped};
use super::{Form, tally};
use crate::limits::REPORT_BYTES_MAX;

/// What is counted in each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Over {
    /// Keys of the rules: which rule makes how much.
    Keys,
    /// Types of events: what happened when.
    Types,
}

/// A report over time that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// What is counted.
    pub over: Over,
    /// Length of a step in seconds, at least 1.
    pub interval_s: u64,
    /// How it is written.
    pub form: Form,
    /// How bytes that an attacker chose are made harmless.
    pub escape: Escape,
}

/// Events and bytes by step and value. Parts add up in any order.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    entries: BTreeMap<(u64, Box<[u8]>), Count>,
    bytes: usize,
    cut: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    events: u64,
    bytes: u64,
}

impl Steps {
    /// Adds an event. One with several keys counts for each of them.
    pub fn event(&self, event: &Event, counts: &mut Counts) {
        let Some(stamp) = event.stamp() else {
            return;
        };
        let step = stamp.sec - stamp.sec % self.interval_s.max(1);
        let one = Count {
            events: 1,
            bytes: event.bytes() as u64,
        };
        match self.over {
            Over::Types => {
                let name = event.record_type().to_string();
                counts.add(step, name.as_bytes(), one, usize::MAX);
            }
            Over::Keys => {
                for key in event.keys() {
                    counts.add(step, &key, one, usize::MAX);
                }
            }
        }
    }

    /// Appends the report; returns whether there was anything to report.
    pub fn write(&self, counts: &Counts, locale: &Locale<'_>, out: &mut Vec<u8>) -> bool {
        let (word, title, of) = match self.over {
            Over::Keys => ("keys-rate", "Key Rate Report", "key"),
            Over::Types => ("timeline", "Timeline Report", "type"),
        };
        let headings = format!("# date time {of} events bytes");
        let rule = "=".repeat(headings.len());
        match self.form {
            Form::Text => {
                out.extend_from_slice(
                    format!("\n{title}\n{rule}\n{headings}\n{rule}\n").as_bytes(),
                );
            }
            Form::Json => out.extend_from_slice(
                format!(
                    "{{\"report\":\"{word}\",\"interval_s\":{},\"cut\":{},\"rows\":[",
                    self.interval_s, counts.cut
                )
                .as_bytes(),
            ),
            Form::Csv => {
                out.extend_from_slice(format!("time,{of},events,bytes\r\n").as_bytes());
            }
        }
        for (index, ((step, value), count)) in counts.entries.iter().enumerate() {
            let stamp = Stamp {
                sec: *step,
                milli: 0,
                serial: 0,
            };
            let Count { events, bytes } = *count;
            match self.form {
                Form::Text => {
                    out.extend_from_slice(format!("{}. ", index + 1).as_bytes());
                    locale.push_time(stamp, false, out);
                    out.push(b' ');
                    push_escaped(value, self.escape, out);
                    out.extend_from_slice(format!(" {events} {bytes}\n").as_bytes());
                }
                Form::Json => {
                    out.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
                    out.extend_from_slice(b"{\"time\":\"");
                    push_rfc3339(stamp, out);
                    out.extend_from_slice(format!("\",\"{of}\":").as_bytes());
                    push_json_string(value, out);
                    let numbers = format!(",\"events\":{events},\"bytes\":{bytes}}}");
                    out.extend_from_slice(numbers.as_bytes());
                }
                Form::Csv => {
                    push_rfc3339(stamp, out);
                    out.push(b',');
                    push_csv_text(value, out);
                    out.extend_from_slice(format!(",{events},{bytes}\r\n").as_bytes());
                }
            }
        }
        let found = !counts.entries.is_empty();
        match self.form {
            Form::Text if !found => out.extend_from_slice(super::table::NOTHING),
            Form::Json => out.extend_from_slice(b"]}\n"),
            Form::Text | Form::Csv => {}
        }
        found
    }
}

impl Counts {
    fn add(&mut self, step: u64, value: &[u8], count: Count, bytes_max: usize) {
        if let Some(entry) = self.entries.get_mut(&(step, Box::from(value))) {
            entry.events += count.events;
            entry.bytes += count.bytes;
            return;
        }
        let bytes = self.bytes + value.len() + tally::ENTRY_BYTES;
        if bytes > bytes_max {
            self.cut += count.events;
            return;
        }
        self.bytes = bytes;
        self.entries.insert((step, value.into()), count);
    }

    /// Adds what came later. What no longer fits is counted as cut.
    pub fn absorb(&mut self, later: Counts) {
        self.cut += later.cut;
        for ((step, value), count) in later.entries {
            self.add(step, &value, count, REPORT_BYTES_MAX);
        }
    }

    /// Events that were left out because there are too many different values.
    pub fn cut(&self) -> u64 {
        self.cut
    }
}

#[cfg(test)]
mod tests {
    use indelible_record::{Assembler, Record, Settings};

    use super::*;

    #[test]
    fn keys_by_minute() {
        let mut assembler = Assembler::new(Settings::FILE);
        let mut events = Vec::new();
        for (sec, key) in [(60, "\"a\""), (61, "\"c\""), (119, "\"a\""), (120, "\"b\"")] {
            let line = format!("type=SYSCALL msg=audit({sec}.000:{sec}): items=0 key={key}");
            events.extend(assembler.push(0, &Record::parse(line.as_bytes())));
        }
        events.extend(assembler.finish());
        let steps = Steps {
            over: Over::Keys,
            interval_s: 60,
            form: Form::Csv,
            escape: Escape::Tty,
        };
        let mut all = Counts::default();
        for event in &events {
            let mut one = Counts::default();
            steps.event(event, &mut one);
            all.absorb(one);
        }
        let mut out = Vec::new();
        assert!(steps.write(&all, &Locale::default(), &mut out));
        let text = String::from_utf8_lossy(&out).into_owned();
        let counts: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(counts.len(), 3, "{text}");
        assert!(counts[0].contains(",a,2,"), "{text}");
        assert!(
            counts[0].starts_with("1970-01-01T00:01:00.000Z,a,"),
            "{text}"
        );
        assert!(
            counts[2].starts_with("1970-01-01T00:02:00.000Z,b,1,"),
            "{text}"
        );
    }
}
