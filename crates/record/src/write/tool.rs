//! [`text_as_tool`] and [`csv_as_tool`]: an event in one line, in ausearch's words.

use crate::event::Event;
use crate::number::push_decimal;
use crate::sentence::ToolSentence;
use crate::write::sentence::{Columns, push_csv};
use crate::write::time::Civil;
use crate::write::{Escape, Locale};

/// Appends the event as `ausearch --format text` prints it.
///
/// ```text
/// At 22:13:20 11/14/23 alice, acting as root, successfully deleted /etc/motd using /usr/bin/rm
/// ```
pub fn text_as_tool(event: &Event, locale: &Locale<'_>, escape: Escape, out: &mut Vec<u8>) {
    let mut said = ToolSentence::of(event, locale.names);
    said.escape(escape_with(escape));
    match event.node() {
        Some(node) => push(out, &[b"On ", node, b" at "]),
        None => push(out, &[b"At "]),
    }
    let stamp = event.stamp().unwrap_or_default();
    let civil = Civil::new(stamp.sec, (locale.offset_s)(stamp.sec));
    civil.push_clock(out);
    out.push(b' ');
    civil.push_date(locale.century, out);
    out.push(b' ');
    push(out, &[&said.subject]);
    let acts_as_another = !said.second_subject.is_empty()
        && said.second_subject != said.subject
        && !said.subject_is_label;
    if acts_as_another && !said.subject.is_empty() {
        push(out, &[b", acting as ", &said.second_subject, b","]);
    }
    push(
        out,
        &[match said.success {
            Some(true) => b" successfully ",
            Some(false) => b" unsuccessfully ",
            None => b" ",
        }],
    );
    push(out, &[&said.action, b" "]);
    let object = said.short_object.as_ref().unwrap_or(&said.object);
    if !object.is_empty() {
        push(out, &[object, b" "]);
    }
    if !said.target.is_empty() {
        push(out, &[b"to ", &said.target, b" "]);
    }
    let says_how = !WITHOUT_HOW.contains(&said.action.as_slice());
    if !said.how.is_empty() && says_how {
        push(out, &[b"using ", &said.how]);
    }
    out.push(b'\n');
}

/// Control characters, and what else is asked for.
fn escape_with(escape: Escape) -> impl Fn(&mut Vec<u8>) {
    move |value| {
        super::lines::escape_controls(0, value);
        escape.apply(0, value);
    }
}

/// Appends the event as a line of `ausearch --format csv`, but for its quotes: a value with a comma,
/// quote or line break in it is quoted (RFC 4180).
pub fn csv_as_tool(
    event: &Event,
    locale: &Locale<'_>,
    columns: Columns,
    escape: Escape,
    out: &mut Vec<u8>,
) {
    let mut said = ToolSentence::of(event, locale.names);
    said.escape(escape_with(escape));
    let mut column = |value: &[u8]| {
        push_csv(value, out);
        out.push(b',');
    };
    let stamp = event.stamp().unwrap_or_default();
    let offset_s = (locale.offset_s)(stamp.sec);
    let civil = Civil::new(stamp.sec, offset_s);
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut text = Vec::new();
        write(&mut text);
        text
    };
    column(event.node().unwrap_or_default());
    column(said.event.as_bytes());
    column(&written(&|text| civil.push_date(locale.century, text)));
    column(&written(&|text| civil.push_clock(text)));
    if columns.time {
        for part in civil.padded_parts(stamp.milli, offset_s) {
            column(part.as_bytes());
        }
    }
    column(&written(&|text| {
        push_decimal(u64::from(stamp.serial), text);
    }));
    column(said.event_kind.as_bytes());
    column(&said.session);
    column(&said.subject);
    column(&said.second_subject);
    column(said.subject_kind.as_bytes());
    if columns.labels {
        column(&said.subject_label);
    }
    column(&said.action);
    column(match said.success {
        Some(true) => b"success",
        Some(false) => b"failed",
        None => b"",
    });
    column(&said.object);
    column(&said.second_object);
    if columns.second_object {
        column(&said.target);
    }
    if columns.labels {
        column(&said.object_label);
    }
    column(said.object_kind.as_bytes());
    push_csv(&said.how, out);
    if columns.keys {
        out.push(b',');
        push_csv(&said.key, out);
    }
    out.push(b'\n');
}

fn push(out: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// Actions after which the text form does not say how.
const WITHOUT_HOW: [&[u8]; 3] = [
    b"executed",
    b"ended-session",
    b"entered-promiscuous-mode-on-device",
];
