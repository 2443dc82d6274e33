//! Whether one rule sees everything that another sees.
//!
//! The first rule of a list that matches decides about an event, and only its key is recorded;
//! `audit_filter_rules` and `rule->prio` in kernel/auditsc.c. A rule that stands behind one that
//! covers it never decides anything.
//!
//! The answer errs on one side: true only where it is certain.

use crate::field::Field;
use crate::op::Op;
use crate::rule::{Rule, Test, Value};

/// Whether every event that `later` matches is one that `earlier` matches, keys aside.
#[must_use]
pub fn covers(earlier: &Rule, later: &Rule) -> bool {
    earlier.list == later.list
        && conditions(earlier).all(|wanted| conditions(later).any(|have| implies(have, wanted)))
        && (!earlier.list.takes_syscalls() || earlier.syscalls.covers(&later.syscalls))
}

/// The conditions that select events; a key only labels them.
pub fn conditions(rule: &Rule) -> impl Iterator<Item = &Test> {
    rule.tests.iter().filter(|test| test.field != Field::Key)
}

/// Whether an event for which `have` holds is one for which `wanted` holds.
fn implies(have: &Test, wanted: &Test) -> bool {
    if have == wanted {
        return true;
    }
    match (&have.value, &wanted.value) {
        (Value::Number(a), Value::Number(b)) if have.field == wanted.field => match have.field {
            Field::Perm => have.op == Op::Equal && wanted.op == Op::Equal && a & !b == 0,
            Field::Exit => order(
                have.op,
                i64::from(*a as i32),
                wanted.op,
                i64::from(*b as i32),
            ),
            Field::Arch | Field::Compare => false,
            _ => order(have.op, i64::from(*a), wanted.op, i64::from(*b)),
        },
        (Value::Text(path), Value::Text(dir)) => {
            wanted.field == Field::Dir
                && matches!(have.field, Field::Path | Field::Dir)
                && have.op == Op::Equal
                && wanted.op == Op::Equal
                && is_below(path, dir)
        }
        _ => false,
    }
}

/// Whether `x HAVE a` says that `x WANTED b`.
fn order(have: Op, a: i64, wanted: Op, b: i64) -> bool {
    match (have, wanted) {
        (Op::Equal, Op::Equal) => a == b,
        (Op::Equal, Op::NotEqual) => a != b,
        (Op::Equal | Op::Less | Op::LessEqual, Op::Less) => match have {
            Op::Less => a <= b,
            _ => a < b,
        },
        (Op::Equal | Op::Less | Op::LessEqual, Op::LessEqual) => a <= b,
        (Op::Equal | Op::Greater | Op::GreaterEqual, Op::Greater) => match have {
            Op::Greater => a >= b,
            _ => a > b,
        },
        (Op::Equal | Op::Greater | Op::GreaterEqual, Op::GreaterEqual) => a >= b,
        (Op::Less, Op::NotEqual) => b >= a,
        (Op::LessEqual, Op::NotEqual) => b > a,
        (Op::Greater, Op::NotEqual) => b <= a,
        (Op::GreaterEqual, Op::NotEqual) => b < a,
        _ => false,
    }
}

/// Whether a path is a directory or stands somewhere below it.
#[must_use]
pub fn is_below(path: &[u8], dir: &[u8]) -> bool {
    let dir = dir.strip_suffix(b"/").unwrap_or(dir);
    path.strip_prefix(dir)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;
    use crate::file;
    use crate::host::NoHost;
    use crate::parse::{Compat, Context};

    fn check(earlier: &str, later: &str, expect: bool) {
        let cx = Context {
            compat: Compat::V3,
            ..Context::new(Arch::X86_64, &NoHost)
        };
        let rule = |text: &str| {
            let entries = file::read("", text.as_bytes(), &cx);
            entries[0]
                .rule()
                .unwrap_or_else(|| panic!("{text}: {entries:?}"))
                .clone()
        };
        assert_eq!(
            covers(&rule(earlier), &rule(later)),
            expect,
            "{earlier} | {later}"
        );
    }

    #[test]
    fn coverage() {
        let all = "-a never,exit -F arch=b64 -S all";
        check(
            all,
            "-a always,exit -F arch=b64 -S open -F auid>=1000",
            true,
        );
        check(all, "-a always,exit -F arch=b32 -S open", false);
        check("-a never,exit -S 2,3", "-a always,exit -S 2", true);
        check("-a never,exit -S 2", "-a always,exit -S 2,3", false);
        check(
            "-a never,exit -F auid>=1000",
            "-a always,exit -F auid=1001",
            true,
        );
        check(
            "-a never,exit -F auid>=1000",
            "-a always,exit -F auid>=500",
            false,
        );
        check(
            "-a never,exit -F auid!=unset",
            "-a always,exit -F auid>=1000",
            false,
        );
        check(
            "-a never,exit -F exit<0",
            "-a always,exit -F exit=-EACCES",
            true,
        );
        check(
            "-a never,exit -F dir=/etc",
            "-a always,exit -F path=/etc/shadow",
            true,
        );
        check(
            "-a never,exit -F dir=/etc",
            "-a always,exit -F path=/etcetera",
            false,
        );
        check("-w /etc -p rwxa", "-w /etc -p wa", true);
        check("-w /etc -p w", "-w /etc -p wa", false);
        check("-a never,user -F uid=0", "-a always,exit -F uid=0", false);
    }
}
