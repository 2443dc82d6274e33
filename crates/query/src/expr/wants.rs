//! What an expression wants of a block index.

use std::net::IpAddr;

use indelible_record::{Arch, RecordType, UNSET};

use super::ast::{Check, Expr, Literal, Test};
use super::compile::{Compiled, Type, check};
use super::event::{EventField, EventNaming};
use super::message::{MessageField, MessageNaming};
use super::needles;
use super::subject::{Value, decimal};
use crate::terms::{self, TermField, Wants};

impl Expr {
    /// What the records of a matching event hold.
    pub fn wants(&self) -> Wants {
        of(self, &of_event, &needles::of_test)
    }

    /// What a matching message holds.
    pub fn message_wants(&self) -> Wants {
        of(self, &of_message, &super::message::of_test)
    }
}

type Strings = needles::Strings;

fn of(
    expr: &Expr,
    of_test: &dyn Fn(&Test) -> Wants,
    needles_of: &dyn Fn(&Test) -> Option<Strings>,
) -> Wants {
    let of = |expr: &Expr| of(expr, of_test, needles_of);
    match expr {
        Expr::All(parts) => {
            // The part that gives the needles goes first.
            let first = needles::best(parts, needles_of).unwrap_or(0);
            let Some(best) = parts.get(first) else {
                return Wants::Anything;
            };
            let others = parts.iter().enumerate();
            let others = others.filter(|(number, _)| *number != first);
            Wants::all(of(best), others.map(|(_, part)| of(part)))
        }
        Expr::Any(parts) => Wants::any(parts.iter().map(of).collect()),
        Expr::Not(_) => Wants::Anything,
        Expr::Test(test) => of_test(test),
    }
}

/// How a term is compared.
#[derive(Clone, Copy)]
enum As {
    Text,
    Number(Type),
    Syscall,
    RecordType,
    Address,
}

fn of_event(test: &Test) -> Wants {
    let Ok((field, compiled)) = check(&EventNaming, test) else {
        return Wants::Anything;
    };
    if matches!(test.check, Check::Same(_)) {
        return Wants::Anything;
    }
    let (term, how) = match field {
        EventField::Node => return Wants::Node(value_test(compiled, As::Text)),
        EventField::Serial => {
            return match &test.check {
                Check::Is(Literal::Number(number)) => {
                    u32::try_from(*number).map_or(Wants::Nothing, Wants::Serial)
                }
                _ => Wants::Anything,
            };
        }
        EventField::Key => (TermField::Key, As::Text),
        EventField::First("exe") => (TermField::Exe, As::Text),
        EventField::First("comm") => (TermField::Comm, As::Text),
        EventField::Path | EventField::Cwd => (TermField::Path, As::Text),
        EventField::Address => (TermField::Address, As::Address),
        EventField::Number("pid", number) => (TermField::Pid, As::Number(number)),
        EventField::Number("auid", number) => (TermField::Auid, As::Number(number)),
        EventField::Number("uid" | "euid", number) => (TermField::Uid, As::Number(number)),
        EventField::Syscall => (TermField::Syscall, As::Syscall),
        EventField::Type => (TermField::Type, As::RecordType),
        _ => return Wants::Anything,
    };
    Wants::Value(term, value_test(compiled, how))
}

fn of_message(test: &Test) -> Wants {
    let Ok((field, compiled)) = check(&MessageNaming, test) else {
        return Wants::Anything;
    };
    if matches!(test.check, Check::Same(_)) {
        return Wants::Anything;
    }
    let (term, how) = match field {
        MessageField::Absent => return Wants::Nothing,
        MessageField::Node | MessageField::Host => {
            return Wants::Node(value_test(compiled, As::Text));
        }
        MessageField::App => (TermField::Comm, As::Text),
        MessageField::Pid => (TermField::Pid, As::Number(Type::Number)),
        MessageField::Address => (TermField::Address, As::Address),
        _ => return Wants::Anything,
    };
    Wants::Value(term, value_test(compiled, how))
}

fn value_test<F: Send + Sync + 'static>(compiled: Compiled<F>, how: As) -> terms::Test {
    terms::Test::new(move |value| match how {
        As::Text => compiled.holds_of(Value::Text(value)),
        As::Number(number) => decimal(value).is_some_and(|value| {
            compiled.holds_of(Value::Number(match (number, value) {
                (Type::Id, -1) => i64::from(UNSET),
                _ => value,
            }))
        }),
        As::Syscall => decimal(value).is_some_and(|number| {
            let names = Arch::ALL.iter().filter_map(|arch| {
                let number = u32::try_from(number).ok()?;
                arch.syscall_name(number)
            });
            compiled.holds_of(Value::Number(number))
                || names
                    .map(|name| Value::Named(number, name.as_bytes()))
                    .any(|value| compiled.holds_of(value))
        }),
        As::RecordType => {
            let number = decimal(value).and_then(|number| u16::try_from(number).ok());
            match number.and_then(|number| RecordType(number).name().map(|name| (number, name))) {
                Some((number, name)) => {
                    compiled.holds_of(Value::Named(i64::from(number), name.as_bytes()))
                }
                // It is called what the record calls it.
                None => true,
            }
        }
        As::Address => {
            let address = std::str::from_utf8(value).ok();
            let address = address.and_then(|address| address.parse::<IpAddr>().ok());
            compiled.holds_of(Value::Text(value))
                || address.is_some_and(|address| compiled.holds_of(Value::Address(address)))
        }
    })
}
