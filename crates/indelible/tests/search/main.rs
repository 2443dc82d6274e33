//! The same search by the real ausearch and by ours under its name: exit code, standard output and
//! standard error are equal byte for byte, or the case names the difference that docs/compat.md
//! explains. Where ausearch 3.0.9 is missing, the suite says so and passes.

mod cases;
mod checkpoint;
mod native;
mod peer;
mod recorded;
mod remote;
mod store;
mod verbatim;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use cases::{Case, folder};
use peer::Program;

/// Where the log of this name stands.
fn log(name: &str) -> PathBuf {
    match name {
        "raw" | "enriched" => PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../record/tests/corpus")
            .join(format!("{name}.log")),
        "-" => PathBuf::new(),
        _ => folder().join(format!("{name}.log")),
    }
}

/// Runs the cases on both; the error names those that differ, or that should and do not.
fn compare(theirs: &Program, cases: &[Case]) -> Result<usize, String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut equal, mut report) = (0, String::new());
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (theirs, ours) = (theirs.run(case), Program::ours().run(case));
            let is_equal = theirs == ours;
            equal += usize::from(is_equal);
            if is_equal == case.differs.is_none() {
                continue;
            }
            report += &match &case.differs {
                Some(reason) => format!("\n{}\n  is equal now: {reason} can go\n", case.text),
                None => format!("\n{}\n{}\n", case.text, difference(&theirs, &ours)),
            };
        }
        (equal, report)
    };
    let results = std::thread::scope(|scope| {
        let others: Vec<_> = (1..THREADS).map(|_| scope.spawn(work)).collect();
        let mut results = vec![work()];
        results.extend(
            others
                .into_iter()
                .map(|other| other.join().expect("no panic")),
        );
        results
    });
    let equal = results.iter().map(|(equal, _)| equal).sum();
    let report: String = results.into_iter().map(|(_, report)| report).collect();
    if report.is_empty() {
        Ok(equal)
    } else {
        Err(report)
    }
}

/// The first lines that differ.
fn difference(theirs: &peer::Outcome, ours: &peer::Outcome) -> String {
    let (theirs, ours) = (format!("{theirs:?}"), format!("{ours:?}"));
    let (left, right): (Vec<&str>, Vec<&str>) = (theirs.lines().collect(), ours.lines().collect());
    let at = std::iter::zip(&left, &right).position(|(left, right)| left != right);
    let at = at.unwrap_or(left.len().min(right.len()));
    let show = |lines: &[&str]| {
        lines
            .iter()
            .skip(at)
            .take(3)
            .map(|line| format!("    {line}\n"))
            .collect::<String>()
    };
    format!(
        "  line {at} of {} and {}\n  ausearch:\n{}  ours:\n{}",
        left.len(),
        right.len(),
        show(&left),
        show(&right)
    )
}

fn check(text: &str) {
    let Some(theirs) = Program::theirs() else {
        return;
    };
    let cases = cases::read(text, &log);
    match compare(&theirs, &cases) {
        Ok(equal) => println!("{equal} of {} cases equal", cases.len()),
        Err(report) => panic!("{report}"),
    }
}

#[test]
fn options() {
    check(include_str!(
        "../../../../tests/compliance/search/options.cases"
    ));
}

#[test]
fn refusals() {
    check(include_str!(
        "../../../../tests/compliance/search/refusals.cases"
    ));
}

#[test]
fn forms() {
    check(include_str!(
        "../../../../tests/compliance/search/forms.cases"
    ));
}

/// Every difference that a case names stands in docs/compat.md.
#[test]
fn differences_are_explained() {
    let compat = include_str!("../../../../docs/compat.md");
    let section = compat
        .split("\n## ")
        .find(|part| part.starts_with("Search"))
        .expect("a section");
    for text in [
        include_str!("../../../../tests/compliance/search/options.cases"),
        include_str!("../../../../tests/compliance/search/refusals.cases"),
        include_str!("../../../../tests/compliance/search/forms.cases"),
    ] {
        for case in cases::read(text, &log) {
            if let Some(name) = case.differs {
                assert!(
                    section.contains(&format!("| {name} |")),
                    "{name} is not in docs/compat.md"
                );
            }
        }
    }
}

/// Programs run side by side.
const THREADS: usize = 3;
