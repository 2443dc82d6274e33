//! Findings about rules beside other rules, and about what a whole set lacks.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use bstr::BString;

use super::line::chooses_calls;
use super::{Change, Code, Finding, Level, Place, Surroundings, architectures, written};
use crate::control::Control;
use crate::cost;
use crate::cover::{conditions, covers};
use crate::field::Field;
use crate::file::Entry;
use crate::limits::LINT_RULES_MAX;
use crate::list::{Action, List};
use crate::op::Op;
use crate::parse::End;
use crate::rule::{Rule, Test};
use crate::twin;

/// A set that adds more than this to every system call is worth a word.
const COST_NS_USUAL: u64 = 250;

pub(super) fn lint(entries: &[Entry], around: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let rules: Vec<(&Entry, &Rule)> = entries
        .iter()
        .filter_map(|entry| Some((entry, entry.rule()?)))
        .collect();
    // comparing each rule with each is for sets that people write
    if rules.len() <= LINT_RULES_MAX {
        order(&rules, around, findings);
        twins(&rules, around, findings);
    }
    key_collisions(&rules, findings);
    hard_links(&rules, around, findings);
    after_lock(entries, findings);
    if around.complete {
        settings(entries, findings);
    }
    total_cost(&rules, findings);
}

/// What each rule is to those before it.
fn order(rules: &[(&Entry, &Rule)], around: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let mut seen: HashMap<Rule, &Entry> = HashMap::new();
    for (at, &(entry, rule)) in rules.iter().enumerate() {
        let before = &rules[..at];
        match seen.entry(rule.as_listed()) {
            Slot::Occupied(first) => {
                let finding = Finding::new(Code::Duplicate, entry, "the same rule stands above");
                findings.push(finding.related(first.get()).replace(Vec::new()));
                continue;
            }
            Slot::Vacant(free) => {
                free.insert(entry);
            }
        }
        if rule.prepend {
            continue;
        }
        if let Some(&(first, other)) = before.iter().find(|(_, other)| covers(other, rule)) {
            findings.push(covered(entry, rule, first, other));
        } else if let Some(at) = before.iter().position(|(_, other)| mergeable(other, rule)) {
            let (first, other) = before[at];
            let free = before[at + 1..]
                .iter()
                .all(|(_, between)| !interferes(between, rule));
            findings.push(merged((entry, rule), (first, other), free, around));
        }
    }
}

/// Whether it matters on which side of a rule another one stands.
fn interferes(between: &Rule, rule: &Rule) -> bool {
    between.list == rule.list && between.syscalls.meets(&rule.syscalls)
}

fn covered(entry: &Entry, rule: &Rule, first: &Entry, other: &Rule) -> Finding {
    let (code, message) = match (other.action, rule.action) {
        (Action::Never, Action::Always) => {
            (Code::Unreachable, "an earlier never rule hides this one")
        }
        (Action::Always, Action::Never) => (
            Code::LateNever,
            "an earlier always rule records what this one leaves out",
        ),
        (Action::Always, Action::Always) if !rule.keys().eq(other.keys()) => (
            Code::LostKey,
            "an earlier rule records the same events under its own key",
        ),
        _ => {
            let message = "an earlier rule covers this one";
            let finding = Finding::new(Code::Unreachable, entry, message).level(Level::Info);
            return finding.related(first).replace(Vec::new());
        }
    };
    let finding = Finding::new(code, entry, message).related(first);
    let text = entry.text.to_string();
    match code {
        // first what is left out, then the rest; not unasked, since it records less
        Code::LateNever => finding.edit(moved(entry, first, text), false),
        // the narrower rule first keeps both keys alive
        Code::LostKey if !covers(rule, other) => finding.edit(moved(entry, first, text), true),
        _ => finding,
    }
}

/// A line moved above another.
fn moved(entry: &Entry, above: &Entry, text: String) -> Vec<Change> {
    vec![
        Change {
            source: entry.source.clone(),
            place: Place::Replace,
            lines: Vec::new(),
        },
        Change {
            source: above.source.clone(),
            place: Place::Before,
            lines: vec![text],
        },
    ]
}

/// Whether two rules differ in nothing but their system calls.
fn mergeable(a: &Rule, b: &Rule) -> bool {
    a.list == b.list
        && a.list.takes_syscalls()
        && a.action == b.action
        && a.prepend == b.prepend
        && chooses_calls(a)
        && chooses_calls(b)
        && a.tests == b.tests
}

/// Puts the system calls of the later rule into the earlier one. `free`: nothing between them
/// has a say about the same calls.
fn merged(
    (entry, rule): (&Entry, &Rule),
    (first, other): (&Entry, &Rule),
    free: bool,
    around: &Surroundings<'_>,
) -> Finding {
    let mut both = other.clone();
    both.syscalls.extend(&rule.syscalls);
    let line = written(&both, around.cx.machine);
    let message = "differs only in its system calls from an earlier rule";
    let changes = vec![
        Change {
            source: entry.source.clone(),
            place: Place::Replace,
            lines: Vec::new(),
        },
        Change {
            source: first.source.clone(),
            place: Place::Replace,
            lines: vec![line],
        },
    ];
    Finding::new(Code::Mergeable, entry, message)
        .related(first)
        .edit(changes, free)
}

/// 64-bit rules without their like for 32-bit programs.
fn twins(rules: &[(&Entry, &Rule)], around: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let machine = around.cx.machine;
    let [wide, narrow] = architectures(machine)[..] else {
        return;
    };
    if rules
        .iter()
        .any(|(_, rule)| records_all_of(rule, narrow.elf()))
    {
        return;
    }
    for &(entry, rule) in rules {
        let is_wide = rule.list == List::Exit
            && rule.action == Action::Always
            && rule.number_of(Field::Arch) == Some(wide.elf())
            && rule.tests_on(Field::Arch).all(|test| test.op == Op::Equal);
        if !is_wide {
            continue;
        }
        let Some(twin) = twin::rule(rule, wide, narrow) else {
            continue;
        };
        let narrow_rule = |other: &Rule| other.number_of(Field::Arch) == Some(narrow.elf());
        let others: Vec<&Test> = without_arch(rule).collect();
        let seen = rules.iter().any(|(_, other)| {
            narrow_rule(other)
                && other.list == rule.list
                && other.syscalls.meets(&twin.syscalls)
                && without_arch(other).eq(others.iter().copied())
        });
        if !seen {
            let finding = Finding::new(
                Code::MissingTwin,
                entry,
                format!("no rule for {}", narrow.name()),
            );
            findings.push(finding.append(vec![written(&twin, machine)], true));
        }
    }
}

fn without_arch(rule: &Rule) -> impl Iterator<Item = &Test> {
    conditions(rule).filter(|test| test.field != Field::Arch)
}

/// Whether a rule records every call of an architecture.
fn records_all_of(rule: &Rule, elf: u32) -> bool {
    rule.list == List::Exit
        && rule.action == Action::Always
        && rule.syscalls.is_all()
        && conditions(rule).eq([&Test::number(Field::Arch, Op::Equal, elf)])
}

/// Keys that stand in several files for rules that have little to do with each other.
fn key_collisions(rules: &[(&Entry, &Rule)], findings: &mut Vec<Finding>) {
    let mut first_use: HashMap<&[u8], (&Entry, Vec<Field>)> = HashMap::new();
    for &(entry, rule) in rules {
        let fields: Vec<Field> = conditions(rule).map(|test| test.field).collect();
        for key in rule.keys() {
            let (first, shape) = first_use
                .entry(key)
                .or_insert_with(|| (entry, fields.clone()));
            if first.source.file != entry.source.file && *shape != fields {
                let message = format!("the key {} also stands in another file", key.escape_ascii());
                findings.push(Finding::new(Code::KeyCollision, entry, message).related(first));
            }
        }
    }
}

/// Directory watches that a hard link gets around, told once for the set.
fn hard_links(rules: &[(&Entry, &Rule)], around: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let records_links = |rule: &Rule| {
        let arch = rule.arch().unwrap_or(around.cx.machine);
        let number = crate::tables::syscall_number(arch, b"linkat");
        let free =
            conditions(rule).all(|test| test.field == Field::Arch || test.field == Field::Auid);
        rule.action == Action::Always && free && number.is_some_and(|n| rule.syscalls.contains(n))
    };
    if rules.iter().any(|(_, rule)| records_links(rule)) {
        return;
    }
    let watches = |rule: &Rule| rule.action == Action::Always && rule.text_of(Field::Dir).is_some();
    let mut watched = rules.iter().filter(|(_, rule)| watches(rule));
    let Some((entry, rule)) = watched.next() else {
        return;
    };
    let dir = rule
        .text_of(Field::Dir)
        .map_or_else(BString::default, Clone::clone);
    let more = watched.count();
    let others = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    let lines = architectures(around.cx.machine)
        .into_iter()
        .filter_map(|arch| {
            let mut links = Rule::new(List::Exit, Action::Always);
            for name in [&b"link"[..], b"linkat"] {
                if let Some(number) = crate::tables::syscall_number(arch, name) {
                    links.syscalls.insert(number);
                }
            }
            links
                .tests
                .push(Test::number(Field::Arch, Op::Equal, arch.elf()));
            links
                .tests
                .push(Test::text(Field::Key, Op::Equal, "hard-links"));
            (!links.syscalls.is_none()).then(|| written(&links, around.cx.machine))
        })
        .collect();
    let message = format!("hard links out of {dir}{others} are not recorded");
    let finding = Finding::new(Code::HardLink, entry, message);
    findings.push(finding.append(lines, true));
}

/// Lines behind `-e 2`.
fn after_lock(entries: &[Entry], findings: &mut Vec<Finding>) {
    let is_lock = |entry: &Entry| entry.line.controls().any(|c| *c == Control::Enable(2));
    let Some(at) = entries.iter().position(is_lock) else {
        return;
    };
    for entry in &entries[at + 1..] {
        let changes = matches!(entry.line.end, End::Add(_) | End::Delete(_))
            || entry
                .line
                .controls()
                .any(|control| control.message().is_some());
        if changes {
            let message = "the rules are locked here already";
            findings.push(Finding::new(Code::AfterLock, entry, message).related(&entries[at]));
        }
    }
}

/// Settings that a whole set should have.
fn settings(entries: &[Entry], findings: &mut Vec<Finding>) {
    let Some(last) = entries.last() else {
        return;
    };
    let has = |wanted: &Control| {
        entries
            .iter()
            .any(|entry| entry.line.controls().any(|control| control == wanted))
    };
    if !has(&Control::LoginuidImmutable) {
        let finding = Finding::new(Code::LoginuidMutable, last, "no --loginuid-immutable");
        findings.push(finding.append(vec!["--loginuid-immutable".to_owned()], false));
    }
    if !has(&Control::Enable(2)) {
        let finding = Finding::new(Code::NotLocked, last, "no -e 2 at the end");
        findings.push(finding.append(vec!["-e 2".to_owned()], false));
    }
}

fn total_cost(rules: &[(&Entry, &Rule)], findings: &mut Vec<Finding>) {
    let total = cost::of_set(rules.iter().map(|(_, rule)| *rule)).as_ns();
    let dearest = rules.iter().max_by_key(|(_, rule)| cost::of_rule(rule));
    if let (true, Some((entry, rule))) = (total > COST_NS_USUAL, dearest) {
        let message = format!(
            "the set adds about {total} ns to every system call; no rule costs more than this \
             one, {} ns",
            cost::of_rule(rule).as_ns()
        );
        findings.push(Finding::new(Code::Cost, entry, message));
    }
}
