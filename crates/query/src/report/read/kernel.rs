//! The kernel's own messages that come without a SYSCALL record, or say more than it, and those of
//! auditd.

use super::super::cursor::{Cursor, Encoded, Name, number};
use super::super::facts::{Facts, Outcome};
use super::super::wants::Wants;
use super::message::loose_number;
use super::{Code, numeric_result, task, word_number};

/// `pid= uid= old-auid= auid= tty= old-ses= ses= res=` of LOGIN. Without a result it was done.
pub(super) fn login(cursor: &mut Cursor<'_>, wants: Wants, facts: &mut Facts) -> Result<(), Code> {
    if !cursor.find(Name::Pid) {
        return Err(1);
    }
    facts.pid = word_number(cursor, 2, 3)?;
    if wants.has(Wants::UID) && cursor.find(Name::Uid) {
        facts.uid = word_number(cursor, 5, 6)?;
    }
    if wants.has(Wants::AUID) {
        if !cursor.find(Name::AuidWord) {
            return Err(7);
        }
        facts.auid = loose_number(cursor);
    }
    if wants.has(Wants::SESSION) {
        if !cursor.find(Name::Ses) {
            return Err(14);
        }
        facts.session = loose_number(cursor);
    }
    facts.outcome = Outcome::Success;
    numeric_result(cursor, facts);
    Ok(())
}

/// `auid= pid= uid= … res=` of auditd's start, end, rotation.
pub(super) fn daemon(cursor: &mut Cursor<'_>, wants: Wants, facts: &mut Facts) -> Result<(), Code> {
    if wants.has(Wants::AUID) {
        if !cursor.find(Name::Auid) {
            return Err(1);
        }
        facts.auid = word_number(cursor, 2, 3)?;
    }
    if !cursor.find(Name::Pid) {
        return Err(4);
    }
    facts.pid = word_number(cursor, 5, 6)?;
    if wants.has(Wants::UID) && cursor.find(Name::Uid) {
        facts.uid = word_number(cursor, 7, 8)?;
    }
    word_result(cursor, facts, 12)
}

/// `addr= port= res=` of a connection to auditd.
pub(super) fn daemon_connection(
    cursor: &mut Cursor<'_>,
    wants: Wants,
    facts: &mut Facts,
) -> Result<(), Code> {
    if wants.has(Wants::HOST) && cursor.find(Name::Addr) {
        let host = cursor.up_to(b':', b' ').ok_or(1)?;
        facts.host = Some(facts.keep(host));
    }
    word_result(cursor, facts, 2)
}

/// `res=success`; all but `failed` is success.
fn word_result(cursor: &mut Cursor<'_>, facts: &mut Facts, code: Code) -> Result<(), Code> {
    if cursor.find(Name::Res) {
        let word = cursor.last_word();
        if word.first().is_some_and(u8::is_ascii_digit) {
            return Err(code);
        }
        facts.outcome = match word.starts_with(b"failed") {
            true => Outcome::Failed,
            false => Outcome::Success,
        };
    }
    Ok(())
}

/// `auid= … key= … res=` of CONFIG_CHANGE. Without a result it was done.
pub(super) fn config_change(
    cursor: &mut Cursor<'_>,
    wants: Wants,
    facts: &mut Facts,
) -> Result<(), Code> {
    if wants.has(Wants::AUID) && cursor.find(Name::Auid) {
        facts.auid = word_number(cursor, 1, 2)?;
    }
    if wants.has(Wants::KEY) && cursor.find(Name::Key) {
        task::key(cursor, facts)?;
    }
    facts.outcome = Outcome::Success;
    numeric_result(cursor, facts);
    Ok(())
}

/// `auid= … res=` of what changes the policy of a security module.
pub(super) fn policy(cursor: &mut Cursor<'_>, wants: Wants, facts: &mut Facts) -> Result<(), Code> {
    if wants.has(Wants::AUID) {
        if !cursor.find(Name::Auid) {
            return Err(1);
        }
        facts.auid = loose_number(cursor);
    }
    numeric_result(cursor, facts);
    Ok(())
}

/// `pid= uid= auid= ses= … comm= data=` of TTY.
pub(super) fn tty(cursor: &mut Cursor<'_>, wants: Wants, facts: &mut Facts) -> Result<(), Code> {
    if cursor.find(Name::Pid) {
        facts.pid = word_number(cursor, 1, 2)?;
    }
    if wants.has(Wants::UID) && cursor.find(Name::Uid) {
        facts.uid = word_number(cursor, 3, 4)?;
    }
    if wants.has(Wants::AUID) {
        if !cursor.find(Name::Auid) {
            return Err(5);
        }
        facts.auid = word_number(cursor, 6, 7)?;
    }
    if wants.has(Wants::SESSION) && cursor.find(Name::Ses) {
        facts.session = word_number(cursor, 8, 9)?;
    }
    if wants.has(Wants::COMM) && cursor.find(Name::Comm) {
        let string = cursor.string();
        if string == Encoded::Open {
            return Err(10);
        }
        facts.comm = facts.keep_string(string);
    }
    if wants.has(Wants::TYPED) {
        super::message::typed(cursor, facts);
    }
    Ok(())
}

/// `saddr=` of NETFILTER_PKT.
pub(super) fn packet(cursor: &mut Cursor<'_>, wants: Wants, facts: &mut Facts) -> Result<(), Code> {
    if wants.has(Wants::HOST) && cursor.find(Name::Saddr) {
        let host = cursor.word().ok_or(1)?;
        facts.host = Some(facts.keep(host));
    }
    Ok(())
}

/// `pid= uid= auid= tty= ses= subj= comm= exe= … res=` of NETFILTER_CFG and EVENT_LISTENER. What
/// these leave out is taken for unset, and not for missing.
pub(super) fn process(
    cursor: &mut Cursor<'_>,
    wants: Wants,
    facts: &mut Facts,
) -> Result<(), Code> {
    if !cursor.find(Name::PidWord) {
        return Err(54);
    }
    facts.pid = word_number(cursor, 55, 56)?;
    if wants.has(Wants::UID) {
        facts.uid = match cursor.find(Name::Uid) {
            true => word_number(cursor, 57, 58)?,
            false => indelible_record::UNSET,
        };
    }
    if wants.has(Wants::AUID) {
        facts.auid = match cursor.find(Name::Auid) {
            true => word_number(cursor, 59, 60)?,
            false => indelible_record::UNSET,
        };
    }
    if wants.has(Wants::TERMINAL) {
        let word = match cursor.find(Name::Tty) {
            true => cursor.word().ok_or(61)?,
            false => b"(none)",
        };
        facts.terminal = Some(facts.keep(word));
    }
    if wants.has(Wants::SESSION) && cursor.find(Name::Ses) {
        facts.session = word_number(cursor, 62, 63)?;
    }
    if wants.has(Wants::CONTEXT) {
        if !cursor.find(Name::Subj) {
            return Err(64);
        }
        cursor.word().ok_or(62)?;
    }
    if wants.has(Wants::COMM) {
        if !cursor.find(Name::Comm) {
            return Err(66);
        }
        let string = cursor.string();
        if string == Encoded::Open {
            return Err(65);
        }
        facts.comm = facts.keep_string(string);
    }
    if wants.has(Wants::EXE) {
        facts.exe = match cursor.find(Name::Exe) {
            true => match cursor.string() {
                Encoded::Open => return Err(67),
                string => facts.keep_string(string),
            },
            false => Some(facts.keep(b"(null)")),
        };
    }
    numeric_result(cursor, facts);
    Ok(())
}

/// `auid= uid= … pid= comm= exe= … res=` of anomalies that the kernel sees, and of SECCOMP, which
/// has to name the program and goes on with `arch= syscall=`.
pub(super) fn anomaly(
    is_seccomp: bool,
    cursor: &mut Cursor<'_>,
    wants: Wants,
    facts: &mut Facts,
) -> Result<(), Code> {
    if wants.has(Wants::AUID) {
        if !cursor.find(Name::Auid) {
            return Err(1);
        }
        facts.auid = word_number(cursor, 2, 3)?;
    }
    if wants.has(Wants::UID) && cursor.find(Name::UidWord) {
        facts.uid = word_number(cursor, 4, 5)?;
    }
    if cursor.find(Name::PidWord) {
        facts.pid = word_number(cursor, 9, 10)?;
    }
    if wants.has(Wants::COMM) && cursor.find(Name::Comm) {
        let string = cursor.string();
        if string == Encoded::Open {
            return Err(11);
        }
        facts.comm = facts.keep_string(string);
    }
    if wants.has(Wants::EXE) {
        match cursor.find(Name::Exe) {
            true => match cursor.string() {
                Encoded::Open => return Err(12),
                string => facts.exe = facts.keep_string(string),
            },
            false if is_seccomp => return Err(14),
            false => {}
        }
    }
    if is_seccomp && cursor.find(Name::Arch) {
        let word = cursor.word().ok_or(15)?;
        facts.arch = Some(number(word, 16).ok_or(16)? as u32);
        if !cursor.find(Name::Syscall) {
            return Err(17);
        }
        facts.syscall = word_number(cursor, 18, 19)? as i32;
    }
    numeric_result(cursor, facts);
    Ok(())
}

/// `pid= uid= auid= … comm= name= … res=` of integrity measurement, in any order.
pub(super) fn integrity(
    cursor: &mut Cursor<'_>,
    wants: Wants,
    facts: &mut Facts,
) -> Result<(), Code> {
    let start = *cursor;
    let find = |name| {
        let mut cursor = start;
        cursor.find(name).then_some(cursor)
    };
    if let Some(mut cursor) = find(Name::Pid) {
        facts.pid = word_number(&mut cursor, 1, 2)?;
    }
    if wants.has(Wants::UID)
        && let Some(mut cursor) = find(Name::UidWord)
    {
        facts.uid = word_number(&mut cursor, 3, 4)?;
    }
    if wants.has(Wants::AUID)
        && let Some(mut cursor) = find(Name::Auid)
    {
        facts.auid = word_number(&mut cursor, 5, 6)?;
    }
    if wants.has(Wants::COMM)
        && let Some(mut cursor) = find(Name::Comm)
    {
        let string = cursor.string();
        if string == Encoded::Open {
            return Err(7);
        }
        facts.comm = facts.keep_string(string);
    }
    if wants.has(Wants::FILE)
        && let Some(mut cursor) = find(Name::File)
    {
        let string = cursor.string();
        if string == Encoded::Open {
            return Err(8);
        }
        if let Some(file) = facts.keep_string(string) {
            facts.add_file(file);
        }
    }
    numeric_result(&mut start.clone(), facts);
    Ok(())
}
