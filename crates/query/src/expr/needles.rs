//! Which bytes a matching event's records must hold.
//!
//! A string stands in a record as it is, or in hexadecimal where its writer had to encode it: in
//! upper case as the kernel does (`audit_log_n_hex`) and most of its user space, or in lower case; so
//! each gives three needles. A number stands there as `name=number`. What can be written in more ways
//! than can be listed gives none.

use std::net::IpAddr;

use indelible_record::{Arch, UNSET};

use super::ast::{Check, Expr, Item, Literal, Test};
use super::compile::{Naming, Type};
use super::event::{EventField, EventNaming};
use super::network::Network;
use crate::criteria::Needles;
use crate::limits::NEEDLE_BYTES_MIN;

/// Strings of which one must occur.
pub(super) type Strings = Vec<Vec<u8>>;

impl Expr {
    /// Byte strings of which every matching event holds at least one in one of its records, as the
    /// record was written (a line or a kernel's message, without `node=` and `type=`); none where
    /// that cannot be said.
    pub fn needles(&self) -> Option<Needles> {
        self.needles_by(&of_test)
    }

    /// Those that follow from what each test needs.
    pub(super) fn needles_by(&self, of_test: &dyn Fn(&Test) -> Option<Strings>) -> Option<Needles> {
        let mut needles = of(self, of_test)?;
        needles.sort();
        needles.dedup();
        // One that holds another finds nothing more.
        let all = needles.clone();
        needles.retain(|needle| {
            !all.iter()
                .any(|other| other != needle && memchr::memmem::find(needle, other).is_some())
        });
        Needles::any_of(needles)
    }
}

fn of(expr: &Expr, of_test: &dyn Fn(&Test) -> Option<Strings>) -> Option<Strings> {
    let of = |expr: &Expr| of(expr, of_test);
    match expr {
        // Of several that must hold, the best.
        Expr::All(parts) => best(parts, of_test).and_then(|best| of(&parts[best])),
        Expr::Any(parts) => parts
            .iter()
            .map(of)
            .collect::<Option<Vec<_>>>()
            .map(|all| all.concat()),
        Expr::Not(_) => None,
        Expr::Test(test) => of_test(test),
    }
    .filter(|needles| {
        needles
            .iter()
            .all(|needle| needle.len() >= NEEDLE_BYTES_MIN)
    })
}

/// The part whose needles are the best of those that have some.
pub(super) fn best(parts: &[Expr], of_test: &dyn Fn(&Test) -> Option<Strings>) -> Option<usize> {
    let cost_of = |part: &Expr| of(part, of_test).map(|needles| cost(&needles));
    let costs = parts.iter().enumerate();
    let costs = costs.filter_map(|(number, part)| Some((cost_of(part)?, number)));
    costs.min().map(|(_, number)| number)
}

/// Few and long ones are best: each further string costs as much as some bytes less.
fn cost(needles: &Strings) -> usize {
    let shortest = needles.iter().map(Vec::len).min().unwrap_or_default();
    needles.len() * 4 + 100_usize.saturating_sub(shortest.min(24) * 4)
}

pub(super) fn of_test(test: &Test) -> Option<Strings> {
    let (field, field_type) = EventNaming.field(&test.field).ok()?;
    match &test.check {
        Check::Is(literal) => of_literal(&field, field_type, literal),
        Check::In(items) => items
            .iter()
            .map(|item| match item {
                Item::Literal(literal) => of_literal(&field, field_type, literal),
                Item::Network(network) => of_network(&field, *network),
            })
            .collect::<Option<Vec<_>>>()
            .map(|all| all.concat()),
        Check::Like(pattern) if holds_text(&field) => {
            let longest = pattern
                .literals()
                .flat_map(|literal| words(&field, literal))
                .filter(|word| pattern.cased() || !has_letters(word))
                .max_by_key(|word| word.len())?;
            Some(text(&field, longest))
        }
        Check::Exists => match &field {
            EventField::First(name) | EventField::Number(name, _) => Some(vec![named(name, "")]),
            EventField::Key => Some(vec![named("key", "")]),
            EventField::Raw(name) => {
                let name = std::str::from_utf8(name).ok()?;
                is_written(name).then(|| vec![named(name, "")])
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether a field of this name stands in records under its name: the tokeniser makes two up.
fn is_written(name: &str) -> bool {
    !matches!(name, "seresult" | "seperms")
}

fn of_literal(field: &EventField, field_type: Type, literal: &Literal) -> Option<Strings> {
    match (field, literal) {
        (EventField::Number(name, Type::Id), literal) => {
            let number = match literal {
                Literal::Number(number) => *number,
                Literal::Text { .. } => i64::from(UNSET),
            };
            let is_unset = number == -1 || number == i64::from(UNSET);
            Some(match is_unset {
                true => vec![named(name, "-1"), named(name, "4294967295")],
                false => vec![named(name, &number.to_string())],
            })
        }
        (EventField::Number(name, _), Literal::Number(number)) => {
            Some(vec![named(name, &number.to_string())])
        }
        (EventField::Syscall, Literal::Number(number)) => {
            Some(vec![named("syscall", &number.to_string())])
        }
        (EventField::Syscall, Literal::Text { bytes, cased: true }) => syscalls(bytes),
        (EventField::Serial, Literal::Number(number)) => {
            Some(vec![format!(":{number})").into_bytes()])
        }
        (EventField::Address, Literal::Text { bytes, .. }) => {
            match std::str::from_utf8(bytes).ok()?.parse::<Network>() {
                Ok(network) => of_network(field, network),
                // A host's name, which user space writes as it is.
                Err(()) => None,
            }
        }
        (_, Literal::Number(number)) if field_type == Type::Text && holds_text(field) => {
            Some(text(field, number.to_string().as_bytes()))
        }
        (_, Literal::Text { bytes, cased }) if holds_text(field) => {
            let longest = words(field, bytes)
                .into_iter()
                .filter(|word| *cased || !has_letters(word))
                .max_by_key(|word| word.len())?;
            Some(text(field, longest))
        }
        _ => None,
    }
}

/// Whether the field's text stands in records as it is or in hexadecimal.
fn holds_text(field: &EventField) -> bool {
    match field {
        EventField::Key
        | EventField::First(_)
        | EventField::Path
        | EventField::Cwd
        | EventField::Argument
        | EventField::CommandLine
        | EventField::Terminal
        | EventField::Message => true,
        EventField::Raw(name) => std::str::from_utf8(name).is_ok_and(is_written),
        _ => false,
    }
}

/// The parts of a text that stand in one piece in a record.
fn words<'t>(field: &EventField, text: &'t [u8]) -> Vec<&'t [u8]> {
    match field {
        // Blanks are put between arguments, and in place of the zero bytes of PROCTITLE.
        EventField::CommandLine => text.split(|byte| *byte == b' ').collect(),
        _ => vec![text],
    }
}

/// How a text may stand in a record.
fn text(field: &EventField, bytes: &[u8]) -> Strings {
    let mut needles = vec![bytes.to_vec()];
    if *field == EventField::Message {
        return needles;
    }
    needles.extend(hexadecimal(bytes));
    if matches!(field, EventField::Argument | EventField::CommandLine) {
        // A long argument is cut into pieces, and the text may stand across a cut: `a1[0]=`.
        needles.push(b"]=".to_vec());
    }
    needles
}

pub(super) fn has_letters(bytes: &[u8]) -> bool {
    // What is not ASCII may have an upper case, too.
    bytes
        .iter()
        .any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
}

/// In upper and in lower case.
fn hexadecimal(bytes: &[u8]) -> [Vec<u8>; 2] {
    [b"0123456789ABCDEF", b"0123456789abcdef"].map(|digits: &[u8; 16]| {
        bytes
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| digits[usize::from(digit)])
            .collect()
    })
}

pub(super) fn named(name: &str, value: &str) -> Vec<u8> {
    format!("{name}={value}").into_bytes()
}

/// The numbers of a syscall on every architecture.
fn syscalls(name: &[u8]) -> Option<Strings> {
    /// Marks the syscalls of the x32 ABI.
    const X32: u32 = 0x4000_0000;
    let name = std::str::from_utf8(name).ok()?;
    let mut needles = Vec::new();
    for arch in Arch::ALL {
        let calls = arch.syscalls().iter().filter(|call| call.1 == name);
        for (number, _) in calls {
            needles.push(named("syscall", &number.to_string()));
            if arch == Arch::X86_64 {
                needles.push(named("syscall", &(number | X32).to_string()));
            }
        }
    }
    // Architectures share many of them.
    needles.sort_unstable();
    needles.dedup();
    Some(needles)
}

/// The whole bytes that the network's addresses share, as SOCKADDR has them, and as text has them.
fn of_network(field: &EventField, network: Network) -> Option<Strings> {
    let IpAddr::V4(first) = network.first() else {
        // IPv6 addresses can be written in many ways.
        return None;
    };
    if *field != EventField::Address {
        return None;
    }
    let shared = usize::from(network.bits() / 8);
    let octets = &first.octets()[..shared];
    let mut dotted: Vec<String> = octets.iter().map(u8::to_string).collect();
    if shared < 4 {
        dotted.push(String::new());
    }
    let [upper, lower] = hexadecimal(octets);
    // A program may have written ::ffff:a00:1.
    Some(vec![
        upper,
        lower,
        dotted.join(".").into_bytes(),
        b":ffff:".to_vec(),
        b":FFFF:".to_vec(),
    ])
}
