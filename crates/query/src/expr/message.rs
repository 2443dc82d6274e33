//! The names of a message: of what stands in a store or a spool beside audit records. Who knows
//! messages makes a [`Subject`](super::Subject) of them, over these fields.
//!
//! A name that only events have has no value in a message and the other way round. So that
//! `not success` is not true of every message, an expression is about those of the two of which it
//! names a field that the other lacks; one that names common fields alone is about both.

use super::ast::{Check, Expr, Item, Literal, Test};
use super::compile::{Naming, Type};
use super::error::CompileError;
use super::event::{EventField, EventNaming};
use super::needles::{Strings, has_letters, named};
use crate::criteria::Needles;

/// The names of a message: docs/where.md lists them.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageNaming;

/// A field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageField {
    /// What only events have.
    Absent,
    /// Every value, and the bytes as received.
    Any,
    /// The text without the header.
    Message,
    /// Host or peer as its receiver knows it.
    Node,
    /// The host that the message names.
    Host,
    /// The program that it names.
    App,
    /// The process that it names.
    Pid,
    /// 0 to 23, with its name.
    Facility,
    /// 0 to 7, with its name.
    Severity,
    /// What it was received by: `syslog-udp`, `file:PATH`, …
    Source,
    /// Where it was sent from, where that is kept.
    Address,
    /// When it was captured, in milliseconds since 1970.
    Time,
    /// SYSLOG, JOURNAL or FILE.
    Type,
}

/// What an expression is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Audit events can match.
    pub events: bool,
    /// Messages can match.
    pub messages: bool,
}

impl Naming for MessageNaming {
    type Field = MessageField;

    fn field(&self, name: &str) -> Result<(MessageField, Type), CompileError> {
        // The types are the same: one name means one thing.
        let (_, field_type) = EventNaming.field(name)?;
        let known = FIELDS.iter().find(|(known, _)| *known == name);
        let field = known.map_or(MessageField::Absent, |(_, field)| *field);
        Ok((field, field_type))
    }
}

impl Expr {
    /// What can match at all.
    pub fn about(&self) -> About {
        let (mut of_events, mut of_messages) = (false, false);
        let mut note = |name: &str| {
            let Ok((event, _)) = EventNaming.field(name) else {
                return;
            };
            of_messages |= event == EventField::Absent;
            of_events |= matches!(MessageNaming.field(name), Ok((MessageField::Absent, _)));
        };
        self.each_test(&mut |test| {
            note(&test.field);
            if let Check::Same(other) = &test.check {
                note(&other.field);
            }
        });
        About {
            events: of_events || !of_messages,
            messages: of_messages || !of_events,
        }
    }

    /// Byte strings of which one stands in every matching message: in its bytes, its text, its node,
    /// source or program, or as `pid=NUMBER`. None where that cannot be said.
    pub fn message_needles(&self) -> Option<Needles> {
        self.needles_by(&of_test)
    }
}

pub(super) fn of_test(test: &Test) -> Option<Strings> {
    let (field, _) = MessageNaming.field(&test.field).ok()?;
    match &test.check {
        Check::Is(literal) => of_literal(field, literal),
        Check::In(items) => items
            .iter()
            .map(|item| match item {
                Item::Literal(literal) => of_literal(field, literal),
                Item::Network(_) => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(|all| all.concat()),
        Check::Like(pattern) if holds_text(field) => {
            let longest = pattern
                .literals()
                .filter(|word| pattern.cased() || !has_letters(word))
                .max_by_key(|word| word.len())?;
            Some(vec![longest.to_vec()])
        }
        _ => None,
    }
}

fn of_literal(field: MessageField, literal: &Literal) -> Option<Strings> {
    match literal {
        Literal::Number(number) if field == MessageField::Pid => {
            Some(vec![named("pid", &number.to_string())])
        }
        Literal::Number(number) if holds_text(field) => Some(vec![number.to_string().into_bytes()]),
        Literal::Text { bytes, cased } if holds_text(field) => {
            (*cased || !has_letters(bytes)).then(|| vec![bytes.clone()])
        }
        _ => None,
    }
}

fn holds_text(field: MessageField) -> bool {
    matches!(
        field,
        MessageField::App | MessageField::Message | MessageField::Node | MessageField::Source
    )
}

const FIELDS: &[(&str, MessageField)] = &[
    ("addr", MessageField::Address),
    ("any", MessageField::Any),
    ("app", MessageField::App),
    ("facility", MessageField::Facility),
    ("host", MessageField::Host),
    ("message", MessageField::Message),
    ("node", MessageField::Node),
    ("pid", MessageField::Pid),
    ("severity", MessageField::Severity),
    ("source", MessageField::Source),
    ("time", MessageField::Time),
    ("type", MessageField::Type),
];

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn what_expressions_are_about() {
        let check = |text: &str, events: bool, messages: bool| {
            let about = parse(text).expect(text).about();
            assert_eq!(about, About { events, messages }, "{text}");
        };
        check("not success", true, false);
        check("not success and time > 5 and node = a", true, false);
        check("severity <= 3", false, true);
        check("not app = sshd or hour(time) = 3", false, true);
        check("message ~ \"*x*\"", true, true);
        check("pid = 7 and addr in 10.0.0.0/8", true, true);
        check("app = sshd or exe = /usr/sbin/sshd", true, true);
        check("node = field(host)", false, true);
        check("raw.x = 1", true, false);
        check("true", true, true);
    }

    #[test]
    fn needles_of_messages() {
        let check = |text: &str, expect: &[&str]| {
            let needles = parse(text).expect(text).message_needles();
            let found: Vec<String> = needles
                .iter()
                .flat_map(Needles::iter)
                .map(|needle| String::from_utf8_lossy(needle).into_owned())
                .collect();
            assert_eq!(found, expect, "{text}");
        };
        check("app = sshd and severity < 4", &["sshd"]);
        check(
            "pid in (7, 8) or message ~ \"*failed*\"",
            &["failed", "pid=7", "pid=8"],
        );
        check("host = web1", &[]);
        check("app = sshd or host = web1", &[]);
        check("app = \"SSHD\"i", &[]);
        check("not app = sshd", &[]);
    }
}
