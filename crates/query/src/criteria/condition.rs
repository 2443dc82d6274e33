//! One condition: what one option of ausearch asks for.

use indelible_record::{Event, Field, Record, RecordType};

use super::Needles;
use super::noun::{Number, Text};
use super::pattern::Pattern;
use crate::terms::{TermField, Test, Wants};

/// What an event must fulfil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It has a time and serial: lines of a log that are no records have none.
    Stamped,
    /// `-a`: the serial.
    Serial(u32),
    /// A number: process, session, result, syscall.
    Number(Number, i64),
    /// `-ui`, `-ue`, `-ul`, `-gi`, `-ge`, `-ua`, `-ga`: an id in one of these places.
    Id {
        /// Where it may stand.
        places: &'static [Number],
        /// The id.
        id: Option<u32>,
        /// The name that was asked for: hosts with other ids write it into enriched records.
        name: Option<Vec<u8>>,
    },
    /// `--arch`, and what a syscall's name implies: `AUDIT_ARCH_*`.
    Arch(u32),
    /// `-sv`
    Success(bool),
    /// `-m`: one of the records has one of these types.
    Types(Vec<RecordType>),
    /// `-n`: the event comes from one of these hosts.
    Nodes(Vec<Vec<u8>>),
    /// Text in a record after its stamp, as it was logged.
    Logged(Pattern),
    /// Text in one of these places.
    Text(&'static [Text], Pattern),
}

impl Condition {
    /// Whether the event fulfils it.
    pub fn matches(&self, event: &Event) -> bool {
        match self {
            Self::Stamped => event.stamp().is_some(),
            Self::Serial(serial) => event.stamp().is_some_and(|stamp| stamp.serial == *serial),
            Self::Number(number, wanted) => {
                value(event, *number).is_some_and(|value| is_number(value, *wanted))
            }
            Self::Id { places, id, name } => places
                .iter()
                .any(|place| has_id(event, *place, *id, name.as_deref())),
            Self::Arch(wanted) => {
                event
                    .records()
                    .filter_map(|record| record.get("arch"))
                    .any(|field| {
                        let lower = format!("{wanted:x}");
                        field.value == lower.as_bytes()
                            || field.value == lower.to_ascii_uppercase().as_bytes()
                    })
            }
            Self::Success(wanted) => success(event) == Some(*wanted),
            Self::Types(types) => event
                .records()
                .any(|record| types.contains(&record.record_type())),
            Self::Nodes(nodes) => event
                .node()
                .is_some_and(|node| nodes.iter().any(|wanted| wanted == node)),
            Self::Logged(pattern) => event
                .records()
                .any(|record| pattern.matches(&record.raw()[record.body_offset()..])),
            Self::Text(places, pattern) => places
                .iter()
                .any(|place| place.any(event, |value| pattern.matches(value))),
        }
    }

    /// Byte strings of which one record of every matching event holds at least one; none where
    /// the condition implies no bytes. Only the kernel's text counts, not the type or the node
    /// before it: a store keeps those apart.
    pub fn needles(&self) -> Option<Needles> {
        match self {
            // Without the colon before it: 049 is read as 49.
            Self::Serial(serial) => Needles::any_of(vec![format!("{serial})").into_bytes()]),
            Self::Number(number, wanted) => {
                Needles::any_of(number_needles(number.field(), *wanted))
            }
            Self::Id { places, id, name } => {
                let mut needles = Vec::new();
                for place in *places {
                    if let Some(id) = id {
                        needles.extend(number_needles(place.field(), i64::from(*id)));
                        if *place == Number::Gid {
                            needles.push(format!("id={id}").into_bytes());
                        }
                    }
                    if let Some(name) = name {
                        let field = place.field().to_ascii_uppercase();
                        needles.push([field.as_bytes(), b"=\"", name].concat());
                    }
                }
                Needles::any_of(needles)
            }
            Self::Arch(wanted) => Needles::any_of(vec![
                format!("arch={wanted:x}").into_bytes(),
                format!("arch={wanted:X}").into_bytes(),
            ]),
            // Half of all records say one or the other.
            Self::Success(_) => None,
            Self::Stamped | Self::Types(_) | Self::Nodes(_) => None,
            Self::Text(places, pattern) if places.contains(&Text::Host) => {
                // The address is binary there.
                let address = Needles::any_of(vec![b"saddr=".to_vec()])?;
                pattern.needles()?.or(address)
            }
            Self::Logged(pattern) | Self::Text(_, pattern) => pattern.needles(),
        }
    }
}

impl Condition {
    /// What the terms of a matching event hold.
    pub fn wants(&self) -> Wants {
        let one_of = |values: Vec<String>| {
            Test::one_of(values.into_iter().map(String::into_bytes).collect())
        };
        match self {
            Self::Serial(serial) => Wants::Serial(*serial),
            Self::Number(Number::Pid, number) => {
                Wants::Value(TermField::Pid, one_of(spellings(*number)))
            }
            Self::Number(Number::Syscall, number) => {
                Wants::Value(TermField::Syscall, one_of(spellings(*number)))
            }
            Self::Id { places, id, name } => {
                let mut values: Vec<Vec<u8>> = name.iter().cloned().collect();
                let spelt = id.iter().flat_map(|id| spellings(i64::from(*id)));
                values.extend(spelt.map(String::into_bytes));
                let of_place = |place: &Number| match place {
                    Number::Auid => Wants::Value(TermField::Auid, Test::one_of(values.clone())),
                    Number::Uid | Number::Euid => {
                        Wants::Value(TermField::Uid, Test::one_of(values.clone()))
                    }
                    _ => Wants::Anything,
                };
                Wants::any(places.iter().map(of_place).collect())
            }
            Self::Types(types) => {
                let numbers = types.iter().map(|of_type| of_type.0.to_string());
                Wants::Value(TermField::Type, one_of(numbers.collect()))
            }
            Self::Nodes(nodes) => Wants::Node(Test::one_of(nodes.clone())),
            Self::Text([place], pattern) => {
                let field = match place {
                    Text::Key => TermField::Key,
                    Text::Exe => TermField::Exe,
                    Text::Comm => TermField::Comm,
                    Text::File => TermField::Path,
                    Text::Host => TermField::Address,
                    _ => return Wants::Anything,
                };
                let pattern = pattern.clone();
                Wants::Value(field, Test::new(move |value| pattern.matches(value)))
            }
            Self::Stamped
            | Self::Number(..)
            | Self::Arch(_)
            | Self::Success(_)
            | Self::Logged(_)
            | Self::Text(..) => Wants::Anything,
        }
    }
}

/// The value of a number, as it stands in the record.
fn value(event: &Event, number: Number) -> Option<&[u8]> {
    let (record, at) = number.of(event)?;
    field_at(&record, at).map(|field| field.value)
}

fn field_at<'a>(record: &Record<'a>, at: usize) -> Option<Field<'a>> {
    record.fields().find(|field| field.value_start == at)
}

/// Whether the text is the number, as the kernel writes it. 2³² − 1 and -1 are the same id.
fn is_number(text: &[u8], wanted: i64) -> bool {
    spellings(wanted).iter().any(|one| one.as_bytes() == text)
}

fn spellings(number: i64) -> Vec<String> {
    match number {
        -1 | UNSET => vec!["-1".into(), UNSET.to_string()],
        number => vec![number.to_string()],
    }
}

fn number_needles(field: &str, wanted: i64) -> Vec<Vec<u8>> {
    spellings(wanted)
        .iter()
        .map(|number| format!("{field}={number}").into_bytes())
        .collect()
}

fn has_id(event: &Event, place: Number, id: Option<u32>, name: Option<&[u8]>) -> bool {
    let Some((record, at)) = place.of(event) else {
        return false;
    };
    let is_id = |wanted: u32| {
        field_at(&record, at).is_some_and(|field| is_number(field.value, i64::from(wanted)))
    };
    id.is_some_and(is_id)
        || name.is_some_and(|name| record.get_enriched(place.field().as_bytes()) == Some(name))
}

/// Whether what was tried was done: the last record that says so decides, a denial says so too.
fn success(event: &Event) -> Option<bool> {
    event.records().rev().find_map(|record| {
        let said = ["success", "res", "result", "seresult"];
        let field = said.iter().find_map(|name| record.get(name))?;
        let done: &[&[u8]] = &[b"yes", b"success", b"1", b"granted"];
        let not_done: &[&[u8]] = &[b"no", b"failed", b"0", b"denied"];
        let is = |words: &[&[u8]]| {
            words
                .iter()
                .any(|word| word.eq_ignore_ascii_case(field.value))
        };
        if is(done) {
            return Some(true);
        }
        is(not_done).then_some(false)
    })
}

const UNSET: i64 = u32::MAX as i64;
