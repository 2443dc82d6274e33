//! What stands in a column.

use indelible_record::write::Locale;
use indelible_record::{Arch, UNSET};

use super::facts::{Decision, Facts, NOT_GIVEN, Outcome};
use super::kind::Column;

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// The event does not say.
    Missing,
    /// Bytes as they are, not escaped.
    Text(&'a [u8]),
    /// A word of ours, or a name.
    Word(std::borrow::Cow<'a, str>),
    Number(i64),
    /// Done, refused, or unknown.
    Outcome(Outcome),
    /// Denied, granted, or unknown.
    Decision(Outcome),
    /// What was typed, in hexadecimal digits.
    Typed(&'a [u8]),
}

/// The value of a column.
pub(super) fn value<'a>(
    column: Column,
    facts: &'a Facts,
    decision: Option<&'a Decision>,
    interpret: bool,
    locale: &Locale<'a>,
) -> Value<'a> {
    let text = |text: Option<&'a [u8]>| text.map_or(Value::Missing, Value::Text);
    let of_decision = |span: fn(&Decision) -> &Option<super::facts::Span>| {
        text(decision.and_then(|decision| facts.maybe(span(decision))))
    };
    match column {
        Column::Acct => text(facts.maybe(&facts.acct)),
        Column::AcctOrUid => match facts.maybe(&facts.acct) {
            Some(acct) => Value::Text(acct),
            None if interpret && facts.auid_name.is_some() => auid(facts, interpret, locale),
            None => user(facts.uid, interpret, locale),
        },
        Column::Auid => auid(facts, interpret, locale),
        Column::Who => match facts.maybe(&facts.acct) {
            Some(acct) if facts.outcome == Outcome::Failed => Value::Text(acct),
            _ => auid(facts, interpret, locale),
        },
        Column::Host => text(facts.maybe(&facts.host)),
        Column::Terminal => text(facts.maybe(&facts.terminal)),
        Column::Exe => text(facts.maybe(&facts.exe)),
        Column::ExeOrComm => text(facts.maybe(&facts.exe).or(facts.maybe(&facts.comm))),
        Column::Success => Value::Outcome(facts.outcome),
        Column::Event => Value::Number(facts.stamp.map_or(0, |stamp| i64::from(stamp.serial))),
        Column::Type => facts
            .head
            .and_then(|head| head.name())
            .map_or(Value::Missing, |name| Value::Word(name.into())),
        Column::Pid => Value::Number(i64::from(facts.pid)),
        Column::Syscall => syscall(facts, interpret),
        Column::Comm => text(facts.maybe(&facts.comm)),
        Column::File => text(facts.files.first().map(|span| facts.text(span))),
        Column::Key => text(facts.keys.first().map(|span| facts.text(span))),
        Column::Subject => of_decision(|decision| &decision.subject),
        Column::Class => of_decision(|decision| &decision.class),
        Column::Permission => of_decision(|decision| &decision.permission),
        Column::Object => of_decision(|decision| &decision.object),
        Column::AvcResult => {
            Value::Decision(decision.map_or(Outcome::Unset, |decision| decision.outcome))
        }
        Column::Session => Value::Number(i64::from(facts.session)),
        Column::Typed => match facts.maybe(&facts.typed) {
            Some(digits) if digits.len() > 1 && digits.iter().all(u8::is_ascii_hexdigit) => {
                Value::Typed(digits)
            }
            other => text(other),
        },
    }
}

/// Who logged in: by the name that auditd knew, or else the one that is known here.
pub(super) fn auid<'a>(facts: &'a Facts, interpret: bool, locale: &Locale<'a>) -> Value<'a> {
    match facts.maybe(&facts.auid_name) {
        Some(name) if interpret => Value::Text(name),
        _ => user(facts.auid, interpret, locale),
    }
}

/// A user by number, as C prints a signed one, or by name.
pub(super) fn user<'a>(id: u32, interpret: bool, locale: &Locale<'a>) -> Value<'a> {
    let signed = id.cast_signed();
    if !interpret {
        return Value::Number(signed.into());
    }
    if id == UNSET {
        return Value::Word("unset".into());
    }
    match locale.names.user(id).filter(|_| id != NOT_GIVEN) {
        Some(name) => Value::Word(name),
        None => Value::Word(format!("unknown({signed})").into()),
    }
}

/// A system call by number, or by name; of an architecture without a name nothing is known.
pub(super) fn syscall<'a>(facts: &'a Facts, interpret: bool) -> Value<'a> {
    let number = Value::Number(facts.syscall.into());
    if !interpret {
        return number;
    }
    if let Some(name) = facts.maybe(&facts.syscall_name) {
        return Value::Text(name);
    }
    let Some(known) = facts
        .arch
        .filter(|arch| indelible_record::arch_name(*arch).is_some())
    else {
        return Value::Missing;
    };
    Arch::from_audit(known)
        .zip(u32::try_from(facts.syscall).ok())
        .and_then(|(arch, number)| arch.syscall_name(number))
        .map_or(number, |name| Value::Word(name.into()))
}
