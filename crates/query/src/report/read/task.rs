//! SYSCALL records, and those that describe a process as these do: FEATURE_CHANGE, ANOM_LINK.

use super::super::cursor::{Cursor, Encoded, Name, number};
use super::super::facts::{Facts, Outcome};
use super::super::wants::Wants;
use super::{Code, numeric_result, word_number};

/// `arch= syscall= success= a0= a1= … pid= auid= … tty= ses= comm= exe= subj= key=`
pub(super) fn syscall(
    cursor: &mut Cursor<'_>,
    wants: Wants,
    facts: &mut Facts,
) -> Result<(), Code> {
    if cursor.find(Name::Arch) {
        let word = cursor.word().ok_or(1)?;
        facts.arch = Some(number(word, 16).ok_or(2)? as u32);
    }
    if !cursor.find(Name::Syscall) {
        return Err(4);
    }
    facts.syscall = word_number(cursor, 5, 6)? as i32;
    if cursor.find(Name::Success) {
        facts.outcome = match cursor.rest().starts_with(b"yes") {
            true => Outcome::Success,
            false => Outcome::Failed,
        };
    }
    for argument in [Name::A0, Name::A1] {
        if !cursor.find(argument) {
            return Err(11);
        }
        let word = cursor.word().ok_or(12)?;
        number(word, 16).ok_or(13)?;
    }
    identity(cursor, wants, facts)?;
    if wants.has(Wants::CONTEXT) && cursor.find(Name::Subj) {
        cursor.word().ok_or(41)?;
    }
    if wants.has(Wants::KEY) && cursor.find(Name::Key) {
        key(cursor, facts)?;
    }
    Ok(())
}

/// The same without a system call, and with `res=` at its end.
pub(super) fn task(cursor: &mut Cursor<'_>, wants: Wants, facts: &mut Facts) -> Result<(), Code> {
    identity(cursor, wants, facts)?;
    numeric_result(cursor, facts);
    Ok(())
}

/// Who it was: ids, terminal, session, command and program.
fn identity(cursor: &mut Cursor<'_>, wants: Wants, facts: &mut Facts) -> Result<(), Code> {
    if !cursor.find(Name::PidWord) {
        return Err(16);
    }
    facts.pid = word_number(cursor, 17, 18)?;
    if wants.has(Wants::AUID) {
        if !cursor.find(Name::Auid) {
            return Err(19);
        }
        facts.auid = word_number(cursor, 20, 21)?;
    }
    if wants.has(Wants::UID) {
        if !cursor.find(Name::Uid) {
            return Err(22);
        }
        facts.uid = word_number(cursor, 23, 24)?;
    }
    if wants.has(Wants::TERMINAL) && cursor.find(Name::Tty) {
        let word = cursor.word().ok_or(34)?;
        facts.terminal = Some(facts.keep(word));
    }
    if wants.has(Wants::SESSION) && cursor.find(Name::Ses) {
        facts.session = word_number(cursor, 35, 36)?;
    }
    if wants.has(Wants::COMM) {
        if !cursor.find(Name::Comm) {
            return Err(38);
        }
        facts.comm = string(cursor, facts, 37)?;
    }
    if wants.has(Wants::EXE) {
        if !cursor.find(Name::Exe) {
            return Err(40);
        }
        facts.exe = string(cursor, facts, 39)?;
    }
    Ok(())
}

/// A string; the code is for one that does not end.
fn string(
    cursor: &mut Cursor<'_>,
    facts: &mut Facts,
    open: Code,
) -> Result<Option<super::super::facts::Span>, Code> {
    match cursor.string() {
        Encoded::Open => Err(open),
        string => Ok(facts.keep_string(string)),
    }
}

/// The keys of the rule.
pub(super) fn key(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<(), Code> {
    if cursor.rest().starts_with(b"(null)") {
        return Ok(());
    }
    let span = match cursor.string() {
        Encoded::Open => return Err(43),
        string => facts.keep_string(string).ok_or(45)?,
    };
    match span.is_empty() {
        true => facts.keys.push(span),
        false => facts.add_keys(&span),
    }
    Ok(())
}
