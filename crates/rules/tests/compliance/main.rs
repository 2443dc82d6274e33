//! The same case on the real auditctl and on ours.
//!
//! The real one runs behind `tests/compliance/rules/shim.c`: it reaches no kernel, and what it
//! sends is written down. Where auditctl 3.0.9, a C compiler or root are missing, the suite says
//! so and passes.

mod augenrules;
mod cases;
mod fake;
mod peer;

use bstr::{BString, ByteSlice};
use indelible_rules::text::{Dialect, Listing};
use indelible_rules::{Arch, Compat, Field, Rule, auditctl, kernel, tables, text};

use cases::Case;
use fake::Fake;
use peer::{Outcome, Peer};

/// Runs a case on ours.
fn ours(case: &Case) -> Outcome {
    let mut fake = Fake::new(case);
    let code = auditctl::run(&case.args(), Compat::V3, &mut fake);
    Outcome {
        code: i32::from(code),
        out: fake.out,
        err: fake.err,
        sent: fake.sent,
    }
}

/// Runs cases on both; the error names those that differ, or that should and do not.
fn compare(peer: &Peer, cases: &[Case]) -> Result<(), String> {
    let mut report = String::new();
    let mut wrong = 0;
    for case in cases {
        let (theirs, ours) = (peer.run(case), ours(case));
        let equal = theirs == ours;
        if equal == case.differs.is_none() {
            continue;
        }
        wrong += 1;
        let name = &case.text;
        report += &match &case.differs {
            Some(reason) => format!("\n{name}\n  is equal now: {reason} can go\n"),
            None => format!("\n{name}\n  auditctl: {theirs:?}\n  ours:     {ours:?}\n"),
        };
    }
    if wrong == 0 {
        Ok(())
    } else {
        Err(format!("{wrong} of {} cases:{report}", cases.len()))
    }
}

/// Runs cases in two threads.
fn check(cases: &[Case]) {
    let Some(peer) = Peer::start() else {
        return;
    };
    let (first, second) = cases.split_at(cases.len() / 2);
    let results = std::thread::scope(|scope| {
        let other = scope.spawn(|| compare(&peer, second));
        [
            compare(&peer, first),
            other.join().expect("the thread panics only as a test does"),
        ]
    });
    let reports: String = results.into_iter().filter_map(Result::err).collect();
    assert!(reports.is_empty(), "{reports}");
    println!("{} cases equal", cases.len());
}

#[test]
fn argument_lists() {
    check(&cases::arguments(include_str!(
        "../../../../tests/compliance/rules/arguments.cases"
    )));
}

#[test]
fn files() {
    check(&cases::files(include_str!(
        "../../../../tests/compliance/rules/files.cases"
    )));
}

#[test]
fn shipped_files() {
    check(&cases::shipped("/usr/share/doc/auditd/examples/rules"));
}

/// Every field with every operator on the exit list, and every field on every list.
#[test]
fn fields_and_operators() {
    check(&cases::matrix());
}

/// `auditctl -l` prints any rule as we do.
#[test]
fn listings() {
    let Some(peer) = Peer::start() else {
        return;
    };
    let rules = listed_rules();
    for interpret in [false, true] {
        let meaning = |_, _, _, _| None;
        let listing = Listing {
            dialect: Dialect::Auditctl,
            machine: Arch::X86_64,
            interpret: interpret.then_some(&meaning),
        };
        let theirs = peer.list(&rules, interpret);
        assert_eq!(theirs.len(), rules.len(), "one line for each rule");
        for (rule, theirs) in rules.iter().zip(theirs) {
            // what an argument means under -i is another crate's to know
            let has_argument = (200..204).any(|n| rule.tests_on(Field::from_number(n)).count() > 0);
            if (interpret && has_argument) || newer_names(rule) {
                continue;
            }
            let ours = BString::from(text::line(rule, &listing));
            assert_eq!(ours.as_bstr(), theirs.as_bstr(), "{rule:?}");
        }
    }
    println!("{} rules listed alike", rules.len());
}

/// Whether ours has names for it that auditctl 3.0.9 lacks; docs/compat.md, new-calls, new-types
/// and other-machines.
fn newer_names(rule: &Rule) -> bool {
    let nameless = rule
        .arch()
        .is_some_and(|arch| !tables::knows_syscalls(arch));
    let calls = !rule.syscalls.is_all() && rule.syscalls.iter().any(|n| (451..470).contains(&n));
    let types = rule.tests_on(Field::MsgType).filter_map(indelible_rules::Test::as_number).any(|n| {
        matches!(n, 1000..=1004 | 1007..=1019 | 1204 | 1301 | 1329 | 1338..=1339 | 1420..=1426 | 1808)
    });
    nameless || calls || types
}

/// All rules that the cases make, and rules of random numbers. Those without `arch` come first:
/// auditctl takes the architecture of the rule before for them.
fn listed_rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = cases::arguments(include_str!(
        "../../../../tests/compliance/rules/arguments.cases"
    ))
    .iter()
    .chain(&cases::matrix())
    .flat_map(|case| ours(case).sent)
    .filter_map(|sent| kernel::decode(&sent.payload).ok())
    .collect();
    rules.extend(cases::random_rules());
    rules.sort_by_key(|rule| rule.tests_on(Field::Arch).count() > 0);
    rules
}

/// System calls have the names that ausyscall prints.
#[test]
fn syscall_names() {
    for arch in [Arch::X86_64, Arch::I386, Arch::Aarch64] {
        let Ok(output) = std::process::Command::new("ausyscall")
            .args([arch.name(), "--dump"])
            .output()
        else {
            eprintln!("skipped: no ausyscall");
            return;
        };
        // a line that says what is dumped, then number and name
        let rows = output
            .stdout
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once_str("\t"));
        let mut count = 0;
        for (number, name) in rows {
            let number = number
                .to_str()
                .ok()
                .and_then(|n| n.parse().ok())
                .expect("a number");
            let ours = tables::syscall_name(arch, number).unwrap_or_default();
            assert_eq!(ours.as_bytes(), name, "{arch:?} {number}");
            count += 1;
        }
        assert!(count > 300, "{arch:?}: {count} rows of ausyscall");
    }
}
