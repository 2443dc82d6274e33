//! What programs send: `pid= uid= auid= ses= subj= msg='… acct= exe= hostname= addr= terminal= res='`

use indelible_record::RecordType;

use super::super::cursor::{Cursor, Encoded, Name, number};
use super::super::facts::{Facts, Outcome};
use super::super::wants::Wants;
use super::{Code, avc, word_number};

pub(super) fn message(
    record_type: RecordType,
    cursor: &mut Cursor<'_>,
    wants: Wants,
    facts: &mut Facts,
) -> Result<(), Code> {
    if !cursor.find(Name::Pid) {
        return Err(1);
    }
    facts.pid = word_number(cursor, 2, 3)?;
    if wants.has(Wants::UID) {
        if !cursor.find(Name::Uid) {
            return Err(4);
        }
        facts.uid = word_number(cursor, 5, 6)?;
    }
    if wants.has(Wants::AUID) {
        if !cursor.find(Name::Auid) {
            return Err(7);
        }
        facts.auid = word_number(cursor, 8, 9)?;
    }
    if wants.has(Wants::SESSION) && cursor.find(Name::Ses) {
        facts.session = word_number(cursor, 10, 11)?;
    }
    let mut subject = None;
    if wants.has(Wants::CONTEXT) && cursor.find(Name::Subj) {
        let word = cursor.word().ok_or(12)?;
        subject = Some(facts.keep(word));
    }
    // Some programs name the uid that is meant once more.
    if wants.has(Wants::UID) && wants.has(Wants::AUID) && cursor.find(Name::Uid) {
        facts.uid = loose_number(cursor);
    }
    if record_type == RecordType::USER_AVC {
        avc::user(cursor, wants, facts, subject)?;
    }
    if wants.has(Wants::COMM) && cursor.find(Name::Comm) {
        let string = cursor.string();
        if string == Encoded::Open {
            return Err(13);
        }
        facts.comm = facts.keep_string(string);
    }
    account(cursor, facts)?;
    // What follows may stand in any order.
    if wants.has(Wants::EXE) {
        let mut ahead = *cursor;
        if ahead.find(Name::Exe) {
            let string = ahead.string();
            if string == Encoded::Open {
                return Err(16);
            }
            facts.exe = facts.keep_string(string);
        }
    }
    if record_type == RecordType::USER_TTY && wants.has(Wants::TYPED) {
        typed(&mut cursor.clone(), facts);
    }
    if wants.has(Wants::HOST) {
        host(*cursor, facts)?;
    }
    if wants.has(Wants::TERMINAL) {
        let mut ahead = *cursor;
        if ahead.find(Name::Terminal) {
            let word = ahead.word().ok_or(19)?;
            facts.terminal = Some(facts.keep(word));
        }
    }
    result(*cursor, facts)
}

/// `acct="root"`, in hexadecimal digits, or bare.
fn account(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<(), Code> {
    if !cursor.find(Name::Acct) {
        return Ok(());
    }
    if cursor.rest().starts_with(b"\"") {
        if let Encoded::Plain(text) = cursor.string() {
            facts.acct = Some(facts.keep(text));
        }
        return Ok(());
    }
    let word = cursor.word().ok_or(15)?;
    let is_hexadecimal = word.len() > 1 && word.iter().all(u8::is_ascii_hexdigit);
    facts.acct = Some(match is_hexadecimal {
        true => facts.keep_decoded(word),
        false => facts.keep(word),
    });
    Ok(())
}

/// The host's name, or its address where it has none.
fn host(mut cursor: Cursor<'_>, facts: &mut Facts) -> Result<(), Code> {
    if !cursor.find(Name::Hostname) {
        return Ok(());
    }
    let mut host = cursor.up_to(b',', b' ').ok_or(17)?;
    if host == b"?" && cursor.find(Name::Addr) {
        let address = cursor.up_to(b',', b' ').ok_or(18)?;
        if address != b"?" {
            host = address;
        }
    }
    facts.host = Some(facts.keep(host));
    Ok(())
}

/// `res=success'`, or `result=` as old programs wrote. All but `failed` is success.
fn result(mut cursor: Cursor<'_>, facts: &mut Facts) -> Result<(), Code> {
    if !cursor.find(Name::Res) && !cursor.find(Name::Result) {
        return Ok(());
    }
    let word = cursor.up_to(b'\'', b')').ok_or(21)?;
    facts.outcome = match word.starts_with(b"failed") {
        true => Outcome::Failed,
        false => Outcome::Success,
    };
    Ok(())
}

/// `data=` of TTY and USER_TTY: hexadecimal digits of what was typed, or words.
pub(super) fn typed(cursor: &mut Cursor<'_>, facts: &mut Facts) {
    if cursor.find(Name::Data) {
        let word = cursor.last_word();
        facts.typed = Some(facts.keep(word));
    }
}

/// A number without a blank behind it is a number all the same.
pub(super) fn loose_number(cursor: &mut Cursor<'_>) -> u32 {
    number(cursor.last_word(), 10).unwrap_or_default() as u32
}
