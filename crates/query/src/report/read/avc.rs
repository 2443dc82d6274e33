//! SELinux's messages: `avc:  denied  { read } for  pid= comm= path= scontext= tcontext= tclass=`

use memchr::{memchr, memmem};

use super::super::cursor::{Cursor, Encoded, Name, number};
use super::super::facts::{Decision, Facts, Outcome, Span};
use super::super::wants::Wants;
use super::Code;
use crate::limits::REPORT_DECISIONS_MAX;

/// An AVC record.
pub(super) fn avc(cursor: &mut Cursor<'_>, wants: Wants, facts: &mut Facts) -> Result<(), Code> {
    let mut decision = verdict(cursor, facts)?;
    if cursor.find(Name::PidWord) {
        facts.pid = number(cursor.word().ok_or(3)?, 10).ok_or(4)? as u32;
    }
    if wants.has(Wants::COMM) && facts.comm.is_none() {
        if !cursor.find(Name::Comm) {
            return Err(5);
        }
        let string = cursor.string();
        if string == Encoded::Open {
            return Err(6);
        }
        facts.comm = facts.keep_string(string);
    }
    if wants.has(Wants::FILE) && (cursor.find(Name::Path) || cursor.find(Name::File)) {
        let string = cursor.string();
        if string == Encoded::Open {
            return Err(7);
        }
        if let Some(file) = facts.keep_string(string) {
            facts.add_file(file);
        }
    }
    if wants.has(Wants::CONTEXT) {
        decision.subject = context(Name::Scontext, cursor, facts)?;
        decision.object = context(Name::Tcontext, cursor, facts)?;
    }
    if !cursor.find(Name::Tclass) {
        return Err(9);
    }
    let class = cursor.last_word();
    decision.class = Some(facts.keep(class));
    take(decision, facts);
    Ok(())
}

/// The part of a USER_AVC record that is SELinux's.
pub(super) fn user(
    cursor: &mut Cursor<'_>,
    wants: Wants,
    facts: &mut Facts,
    subject: Option<Span>,
) -> Result<(), Code> {
    let mut decision = verdict(cursor, facts)?;
    decision.subject = subject;
    if wants.has(Wants::CONTEXT) {
        decision.object = context(Name::Tcontext, cursor, facts)?;
        if cursor.find(Name::Tclass) {
            let class = cursor.last_word();
            decision.class = Some(facts.keep(class));
        }
    }
    take(decision, facts);
    Ok(())
}

/// `denied` or `granted`, and what was asked for, between braces.
fn verdict(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<Decision, Code> {
    let mut decision = Decision::default();
    if !cursor.find(Name::Avc) {
        return Ok(decision);
    }
    let rest = cursor.rest();
    let Some(open) = memchr(b'{', rest) else {
        return Ok(decision);
    };
    decision.outcome = match memmem::find(&rest[..open], b"denied") {
        Some(_) => Outcome::Failed,
        None => Outcome::Success,
    };
    let inner = &rest[open + 1..];
    let close = memchr(b'}', inner).ok_or(2)?;
    let words = inner[..close].trim_ascii();
    decision.permission = Some(facts.keep(words));
    cursor.skip(open + 1 + close);
    Ok(decision)
}

fn context(name: Name, cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<Option<Span>, Code> {
    if !cursor.find(name) {
        return Ok(None);
    }
    let word = cursor.word().ok_or(8)?;
    Ok(Some(facts.keep(word)))
}

/// Adds a decision, which also says whether the event succeeded.
fn take(decision: Decision, facts: &mut Facts) {
    if decision.outcome != Outcome::Unset {
        facts.outcome = decision.outcome;
    }
    if facts.decisions.len() < REPORT_DECISIONS_MAX {
        facts.decisions.push(decision);
    }
}
