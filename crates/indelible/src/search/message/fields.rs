//! A message as the subject of `--where`.

use std::net::IpAddr;

use indelible_query::expr::{MessageField, Subject, Value};

use super::view::View;
use super::{Class, Message, without_port};

/// A message, and what it says of itself.
pub(super) struct Fields<'m> {
    pub(super) message: &'m Message<'m>,
    pub(super) view: &'m View<'m>,
}

impl Subject for Fields<'_> {
    type Field = MessageField;

    fn any(&self, field: &MessageField, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        let (message, view) = (self.message, self.view);
        if *field == MessageField::Any {
            return test(Value::Text(&message.raw))
                || EACH.iter().any(|field| self.any(field, test));
        }
        let mut text = |text: Option<&[u8]>| text.is_some_and(|text| test(Value::Text(text)));
        match field {
            MessageField::Absent | MessageField::Any => false,
            MessageField::Message => text(Some(&view.text)),
            MessageField::Node => text(Some(&message.node)),
            MessageField::Host => text(view.host.as_deref()),
            MessageField::App => text(view.app.as_deref()),
            MessageField::Source => text(Some(&message.source)),
            MessageField::Pid => view
                .pid()
                .is_some_and(|pid| test(Value::Number(i64::from(pid)))),
            MessageField::Facility => named(view.facility, view.facility_name(), test),
            MessageField::Severity => named(view.severity, view.severity_name(), test),
            MessageField::Address => {
                let host = without_port(&message.address);
                let address = std::str::from_utf8(host).ok();
                let address = address.and_then(|host| host.parse::<IpAddr>().ok());
                address.is_some_and(|address| test(Value::Address(address)))
            }
            MessageField::Time => {
                let ms = i64::try_from(message.stamp.ms()).unwrap_or(i64::MAX);
                test(Value::Number(ms))
            }
            MessageField::Type => {
                let name = message.class.name().as_bytes();
                test(Value::Named(number(message.class), name))
            }
        }
    }
}

fn named(
    number: Option<u8>,
    name: Option<&'static str>,
    test: &mut dyn FnMut(Value<'_>) -> bool,
) -> bool {
    number.is_some_and(|number| {
        let number = i64::from(number);
        test(match name {
            Some(name) => Value::Named(number, name.as_bytes()),
            None => Value::Number(number),
        })
    })
}

/// The kind of an entry (docs/formats.md).
fn number(class: Class) -> i64 {
    match class {
        Class::Syslog => 2,
        Class::Journal => 3,
        Class::File => 4,
        Class::Finding => 8,
    }
}

/// What `any` goes through.
const EACH: [MessageField; 9] = [
    MessageField::Message,
    MessageField::Node,
    MessageField::Host,
    MessageField::App,
    MessageField::Source,
    MessageField::Pid,
    MessageField::Facility,
    MessageField::Severity,
    MessageField::Address,
];
