//! The same command line on the real aureport and on ours.
//!
//! A wanted difference is not only listed: its name stands for a rewriting of our output after
//! which both must be equal, so nothing else can hide behind it.

use std::path::Path;

use crate::cases::{self, Case};
use crate::peer::{self, Outcome};

/// What of an outcome is compared.
fn comparable(mut outcome: Outcome) -> Outcome {
    // What auditd's parser says about addresses that end too early.
    let is_note = |line: &&str| !line.ends_with("len too short");
    outcome.err = outcome
        .err
        .lines()
        .filter(is_note)
        .collect::<Vec<_>>()
        .join("\n");
    outcome
}

/// Makes our outcome of theirs, where we differ on purpose.
fn rewritten(name: &str, mut ours: Outcome, theirs: &Outcome) -> Outcome {
    match name {
        // Types that auditd 3.0.9 does not know by name.
        "new-types" => {
            for name in ["LANDLOCK_ACCESS", "LANDLOCK_DOMAIN"] {
                ours.out = ours.out.replace(name, "(null)");
            }
        }
        // Names of system calls as the kernel has them, and those newer than auditd 3.0.9.
        "kernel-names" => {
            for (our_name, their_name) in [
                ("pread64", "pread"),
                ("fchmodat2", "452"),
                ("cachestat", "451"),
            ] {
                ours.out = ours.out.replace(our_name, their_name);
            }
        }
        // The help is ours; that it is printed is compared.
        "help" => {
            let is_help = |text: &str| text.to_lowercase().contains("usage: aureport");
            if is_help(&ours.out) && is_help(&theirs.out) {
                ours.out.clone_from(&theirs.out);
            }
        }
        other => panic!("no wanted difference of the name {other}"),
    }
    ours
}

/// What is wrong with a case, if anything is.
fn check(real: &Path, ours: &Path, case: &Case) -> Option<String> {
    let theirs = comparable(peer::run(real, case));
    let plain = comparable(peer::run(ours, case));
    let name = &case.text;
    match &case.differs {
        None if plain == theirs => None,
        None => Some(format!("\n{name}\n{}", difference(&theirs, &plain))),
        Some(reason) if plain == theirs => {
            Some(format!("\n{name}\n  is equal now: {reason} can go\n"))
        }
        Some(reason) => {
            let rewritten = rewritten(reason, plain, &theirs);
            let is_equal = rewritten == theirs;
            (!is_equal).then(|| format!("\n{name}\n{}", difference(&theirs, &rewritten)))
        }
    }
}

fn difference(theirs: &Outcome, ours: &Outcome) -> String {
    let mut text = format!("  codes: {:?} and {:?}\n", theirs.code, ours.code);
    for (what, theirs, ours) in [
        ("out", &theirs.out, &ours.out),
        ("err", &theirs.err, &ours.err),
    ] {
        let pairs = std::iter::zip(theirs.lines().chain(END), ours.lines().chain(END));
        if let Some((theirs, ours)) = pairs.filter(|(theirs, ours)| theirs != ours).take(1).next() {
            text += &format!("  {what}: aureport {theirs:?}\n       ours     {ours:?}\n");
        }
    }
    text
}

const END: [&str; 3] = ["(end)"; 3];

#[test]
fn reports_are_aureports() {
    let Some(real) = peer::real() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let ours = peer::link(folder.path());
    let cases = cases::all();
    assert!(cases.len() >= 120, "only {} cases", cases.len());
    let (one, two) = cases.split_at(cases.len() / 2);
    let run = |cases: &[Case]| -> Vec<String> {
        cases
            .iter()
            .filter_map(|case| check(&real, &ours, case))
            .collect()
    };
    let wrong = std::thread::scope(|scope| {
        let other = scope.spawn(|| run(two));
        let mut wrong = run(one);
        wrong.extend(other.join().expect("no panic"));
        wrong
    });
    let report: String = wrong.concat();
    assert!(
        wrong.is_empty(),
        "{} of {} cases:{report}",
        wrong.len(),
        cases.len()
    );
    println!("{} cases are equal", cases.len());
}
