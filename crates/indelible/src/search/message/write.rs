//! Messages in the forms of a search.
//!
//! ```text
//! raw        <34>Oct 11 22:14:15 web1 su[230]: failed
//! default    node=192.0.2.7 type=SYSLOG from=syslog-udp: <34>Oct 11 22:14:15 web1 su[230]: failed
//! interpret  node=192.0.2.7 type=SYSLOG facility=auth severity=crit host=web1 app=su pid=230: failed
//! text       On 192.0.2.7 at 11/14/23 22:13:20 su[230] wrote: failed
//! csv        the columns of events, the program as subject, the text as object
//! ndjson     docs/schemas/event.json
//! ```
//!
//! Raw is the bytes as received, a line each: line feeds inside are blanks. All others escape control
//! characters.

use std::borrow::Cow;

use indelible_record::write::{self, Columns, Locale};

use super::Message;
use super::view::View;
use crate::terminal;

/// Appends the bytes as received, as one line.
pub(in crate::search) fn raw(message: &Message<'_>, out: &mut Vec<u8>) {
    let blank = |byte: &u8| if *byte == b'\n' { b' ' } else { *byte };
    let raw = message.raw.strip_suffix(b"\n").unwrap_or(&message.raw);
    out.extend(raw.iter().map(blank));
    out.push(b'\n');
}

/// Appends a rule, the capture time and the bytes as received.
pub(in crate::search) fn default(message: &Message<'_>, locale: &Locale<'_>, out: &mut Vec<u8>) {
    push_head(message, locale, out);
    if !message.source.is_empty() {
        out.extend_from_slice(b" from=");
        push_shown(&message.source, out);
    }
    out.extend_from_slice(b": ");
    let raw = message.raw.strip_suffix(b"\n").unwrap_or(&message.raw);
    push_shown(raw, out);
    out.push(b'\n');
}

/// Appends the same with the message's own words taken apart.
pub(in crate::search) fn interpret(message: &Message<'_>, locale: &Locale<'_>, out: &mut Vec<u8>) {
    push_head(message, locale, out);
    let view = message.view();
    let named = |name: &'static str| Some(Cow::Borrowed(name.as_bytes()));
    for (name, value) in [
        ("facility", view.facility_name().and_then(named)),
        ("severity", view.severity_name().and_then(named)),
        ("host", view.host.clone()),
        ("app", view.app.clone()),
        ("pid", view.pid.clone()),
    ] {
        if let Some(value) = value {
            out.extend_from_slice(format!(" {name}=").as_bytes());
            push_shown(&value, out);
        }
    }
    out.extend_from_slice(b": ");
    push_shown(&view.text, out);
    out.push(b'\n');
}

fn push_head(message: &Message<'_>, locale: &Locale<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"----\ntime->");
    locale.push_ctime(message.stamp, out);
    out.push(b'\n');
    if !message.node.is_empty() {
        out.extend_from_slice(b"node=");
        push_shown(&message.node, out);
        out.push(b' ');
    }
    out.extend_from_slice(b"type=");
    out.extend_from_slice(message.class.name().as_bytes());
}

/// Appends a sentence.
pub(in crate::search) fn text(message: &Message<'_>, locale: &Locale<'_>, out: &mut Vec<u8>) {
    let view = message.view();
    match &message.node[..] {
        b"" => out.extend_from_slice(b"At "),
        node => {
            out.extend_from_slice(b"On ");
            push_shown(node, out);
            out.extend_from_slice(b" at ");
        }
    }
    locale.push_time(message.stamp, false, out);
    out.push(b' ');
    push_shown(view.app.as_deref().unwrap_or(b"somebody"), out);
    if let Some(pid) = &view.pid {
        out.push(b'[');
        push_shown(pid, out);
        out.push(b']');
    }
    out.extend_from_slice(b" wrote: ");
    push_shown(&view.text, out);
    out.push(b'\n');
}

/// Appends a row under the columns of events.
pub(in crate::search) fn csv(
    message: &Message<'_>,
    locale: &Locale<'_>,
    columns: Columns,
    out: &mut Vec<u8>,
) {
    let view = message.view();
    let mut time = Vec::new();
    locale.push_time(message.stamp, false, &mut time);
    let (date, clock) = time.split_at(memchr::memchr(b' ', &time).unwrap_or(time.len()));
    let mut header = Vec::new();
    write::csv_header(columns, &mut header);
    let names = header.trim_ascii_end().split(|byte| *byte == b',');
    for (index, name) in names.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let value: &[u8] = match name {
            b"NODE" => &message.node,
            b"EVENT" => message.class.name().as_bytes(),
            b"DATE" => date,
            b"TIME" => clock.trim_ascii_start(),
            b"EVENT_KIND" => b"message",
            b"SUBJ_PRIME" => view.app.as_deref().unwrap_or_default(),
            b"SUBJ_SEC" => view.pid.as_deref().unwrap_or_default(),
            b"ACTION" => b"wrote",
            b"OBJ_PRIME" => &view.text,
            b"HOW" => &message.source,
            _ => b"",
        };
        push_column(value, out);
    }
    out.push(b'\n');
}

/// RFC 4180.
fn push_column(value: &[u8], out: &mut Vec<u8>) {
    let mut shown = Vec::new();
    push_shown(value, &mut shown);
    if !shown.iter().any(|byte| matches!(byte, b',' | b'"')) {
        out.append(&mut shown);
        return;
    }
    out.push(b'"');
    for byte in shown {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Appends one line of JSON, in the shape of an event.
pub(in crate::search) fn ndjson(message: &Message<'_>, out: &mut Vec<u8>) {
    let view = message.view();
    out.extend_from_slice(b"{\"time\":\"");
    write::push_rfc3339(message.stamp, out);
    out.extend_from_slice(b"\",\"serial\":null,\"node\":");
    match &message.node[..] {
        b"" => out.extend_from_slice(b"null"),
        node => write::push_json_string(node, out),
    }
    out.extend_from_slice(match message.is_cut {
        true => b",\"keys\":[],\"complete\":false,\"missing\":[\"cut\"]",
        false => b",\"keys\":[],\"complete\":true",
    });
    out.extend_from_slice(b",\"records\":[{\"type\":\"");
    out.extend_from_slice(message.class.name().as_bytes());
    out.extend_from_slice(b"\",\"fields\":{");
    push_members(&fields(message, &view), out);
    out.extend_from_slice(b"},\"interpreted\":{");
    let named = |name: &'static str| Cow::Borrowed(name.as_bytes());
    push_members(
        &[
            ("facility", view.facility_name().map(named)),
            ("severity", view.severity_name().map(named)),
        ],
        out,
    );
    out.extend_from_slice(b"},\"raw\":");
    write::push_json_string(&message.raw, out);
    if std::str::from_utf8(&message.raw).is_err() {
        out.extend_from_slice(b",\"raw_hex\":\"");
        for byte in message.raw.iter() {
            out.extend_from_slice(format!("{byte:02x}").as_bytes());
        }
        out.push(b'"');
    }
    out.extend_from_slice(b"}]}\n");
}

type Member<'a> = (&'static str, Option<Cow<'a, [u8]>>);

fn fields<'a>(message: &'a Message<'_>, view: &'a View<'_>) -> [Member<'a>; 9] {
    let some = |bytes: &'a [u8]| (!bytes.is_empty()).then_some(Cow::Borrowed(bytes));
    let part = |part: &'a Option<Cow<'_, [u8]>>| part.as_deref().map(Cow::Borrowed);
    let number = |number: u8| Cow::Owned(number.to_string().into_bytes());
    [
        ("source", some(&message.source)),
        ("address", some(&message.address)),
        (
            "time",
            view.time
                .map(|time| Cow::Owned(time.to_string().into_bytes())),
        ),
        ("host", part(&view.host)),
        ("app", part(&view.app)),
        ("pid", part(&view.pid)),
        ("facility", view.facility.map(number)),
        ("severity", view.severity.map(number)),
        ("message", Some(Cow::Borrowed(&*view.text))),
    ]
}

/// Those that have a value.
fn push_members(members: &[Member<'_>], out: &mut Vec<u8>) {
    let present = members
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)));
    for (index, (name, value)) in present.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(format!("\"{name}\":").as_bytes());
        write::push_json_string(value, out);
    }
}

/// Appends text without control characters, on one line.
fn push_shown(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    terminal::escape(text, out);
    if memchr::memchr2(b'\n', b'\t', &out[start..]).is_none() {
        return;
    }
    for byte in out.split_off(start) {
        match byte {
            b'\n' => out.extend_from_slice(b"\\012"),
            b'\t' => out.extend_from_slice(b"\\011"),
            byte => out.push(byte),
        }
    }
}
