//! [`text`] and [`csv`]: an event in one line, by its [`Sentence`].

use crate::event::Event;
use crate::number::push_decimal;
use crate::record_type::RecordType;
use crate::sentence::Sentence;
use crate::write::Locale;
use crate::write::lines::escape_controls;
use crate::write::time::Civil;

/// Columns of the csv form that stand there only if asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The parts of the time: `--extra-time`.
    pub time: bool,
    /// Labels of subject and object: `--extra-labels`.
    pub labels: bool,
    /// The second object: `--extra-obj2`.
    pub second_object: bool,
    /// The keys: `--extra-keys`.
    pub keys: bool,
}

/// Appends the first line of the csv form: the columns of `ausearch --format csv`.
pub fn csv_header(columns: Columns, out: &mut Vec<u8>) {
    let extra = |wanted: bool, names: &'static str| if wanted { names } else { "" };
    for names in [
        "NODE,EVENT,DATE,TIME,",
        extra(
            columns.time,
            "YEAR,MONTH,DAY,WEEKDAY,HOUR,MILLI,GMT_OFFSET,",
        ),
        "SERIAL_NUM,EVENT_KIND,SESSION,SUBJ_PRIME,SUBJ_SEC,SUBJ_KIND,",
        extra(columns.labels, "SUBJ_LABEL,"),
        "ACTION,RESULT,OBJ_PRIME,OBJ_SEC,",
        extra(columns.second_object, "OBJ2,"),
        extra(columns.labels, "OBJ_LABEL,"),
        "OBJ_KIND,HOW",
        extra(columns.keys, ",KEY"),
        "\n",
    ] {
        push(out, &[names.as_bytes()]);
    }
}

/// Appends the event as a sentence.
///
/// ```text
/// On h1 at 22:13:20 11/14/23 alice, acting as root, successfully deleted /etc/motd using /usr/bin/rm
/// ```
pub fn text(event: &Event, locale: &Locale<'_>, out: &mut Vec<u8>) {
    let sentence = Sentence::of(event, locale.names);
    if let Some(node) = event.node() {
        push(out, &[b"On ", node, b" at "]);
    } else {
        push(out, &[b"At "]);
    }
    if let Some(stamp) = event.stamp() {
        let civil = Civil::new(stamp.sec, (locale.offset_s)(stamp.sec));
        civil.push_clock(out);
        out.push(b' ');
        civil.push_date(locale.century, out);
        out.push(b' ');
    }
    let start = out.len();
    push_subject(&sentence, out);
    push(
        out,
        &[match sentence.success {
            Some(true) => b" successfully ",
            Some(false) => b" unsuccessfully ",
            None => b" ",
        }],
    );
    push(out, &[phrase(&sentence).as_bytes()]);
    // "crashed /bin/x using /bin/x" says it twice.
    let how = if sentence.how == sentence.object {
        &[][..]
    } else {
        &sentence.how
    };
    for (before, part) in [
        (&b" "[..], &sentence.object[..]),
        (b" to ", &sentence.second_object),
        (b" from ", &sentence.origin),
        (b" using ", how),
    ] {
        if !part.is_empty() {
            push(out, &[before, part]);
        }
    }
    escape_controls(start, out);
    out.push(b'\n');
}

fn push_subject(sentence: &Sentence, out: &mut Vec<u8>) {
    match sentence.subject.as_slice() {
        [] => push(out, &[b"somebody"]),
        subject => push(out, &[subject]),
    }
    if !sentence.acting_as.is_empty() {
        push(out, &[b", acting as ", &sentence.acting_as, b","]);
    }
}

/// The phrase; without an object, also without the word that leads to it.
fn phrase(sentence: &Sentence) -> &'static str {
    let phrase = sentence.action;
    if !sentence.object.is_empty() {
        return phrase;
    }
    [" of", " to", " from", " as", " on", " for"]
        .iter()
        .find_map(|word| phrase.strip_suffix(word))
        .unwrap_or(phrase)
}

/// Appends the event as a line of the csv form. Unlike ausearch's, a value with a comma, quote or
/// line break in it is quoted (RFC 4180).
pub fn csv(event: &Event, locale: &Locale<'_>, columns: Columns, out: &mut Vec<u8>) {
    let sentence = Sentence::of(event, locale.names);
    let start = out.len();
    let mut column = |value: &[u8]| {
        push_csv(value, out);
        out.push(b',');
    };
    let mut text = Vec::new();
    column(event.node().unwrap_or_default());
    column(event.record_type().to_string().as_bytes());
    let stamp = event.stamp().unwrap_or_default();
    let civil = Civil::new(stamp.sec, (locale.offset_s)(stamp.sec));
    civil.push_date(locale.century, &mut text);
    column(&text);
    text.clear();
    civil.push_clock(&mut text);
    column(&text);
    if columns.time {
        for part in civil.padded_parts(stamp.milli, (locale.offset_s)(stamp.sec)) {
            column(part.as_bytes());
        }
    }
    text.clear();
    push_decimal(u64::from(stamp.serial), &mut text);
    column(&text);
    column(sentence.event_kind.as_bytes());
    column(session(event).as_bytes());
    column(&sentence.subject);
    column(&sentence.acting_as);
    column(subject_kind(event, &sentence).as_bytes());
    if columns.labels {
        column(
            &label(event, "subj")
                .or_else(|| label(event, "scontext"))
                .unwrap_or_default(),
        );
    }
    column(sentence.action.replace(' ', "-").as_bytes());
    column(match sentence.success {
        Some(true) => b"success",
        Some(false) => b"failed",
        None => b"",
    });
    column(&sentence.object);
    column(&sentence.second_object);
    if columns.second_object {
        column(b"");
    }
    if columns.labels {
        column(
            &label(event, "obj")
                .or_else(|| label(event, "tcontext"))
                .unwrap_or_default(),
        );
    }
    column(sentence.object_kind.replace(' ', "-").as_bytes());
    push_csv(&sentence.how, out);
    if columns.keys {
        out.push(b',');
        push_csv(&event.keys().join(&b' '), out);
    }
    escape_controls(start, out);
    out.push(b'\n');
}

/// A security label, unless null.
fn label(event: &Event, name: &str) -> Option<Vec<u8>> {
    event.value(name).map(std::borrow::Cow::into_owned)
}

fn session(event: &Event) -> String {
    match event.session() {
        None => String::new(),
        Some(crate::event::UNSET) => String::from("unset"),
        Some(session) => session.to_string(),
    }
}

/// What sort of account acts.
fn subject_kind(event: &Event, sentence: &Sentence) -> &'static str {
    const SYSTEM_UID_MAX: u32 = 999;
    match (event.uid(), event.record_type()) {
        (_, RecordType::AVC) if sentence.acting_as.is_empty() => "unknown-acct",
        (None, _) => "unknown-acct",
        (Some(0), _) => "privileged-acct",
        (Some(uid), _) if uid <= SYSTEM_UID_MAX => "service-acct",
        (Some(_), _) => "user-acct",
    }
}

pub(super) fn push_csv(value: &[u8], out: &mut Vec<u8>) {
    if !value
        .iter()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
    {
        out.extend_from_slice(value);
        return;
    }
    out.push(b'"');
    for byte in value {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

fn push(out: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| out.extend_from_slice(part));
}
