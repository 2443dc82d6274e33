//! How long 10,000 rules take from text to the kernel's bytes, and back to text. The promise is
//! under 100 ms for the way there.

use std::hint::black_box;
use std::time::{Duration, Instant};

use indelible_rules::text::{self, Dialect, Listing};
use indelible_rules::{Arch, Context, NoHost, file, kernel, plan};

const RULES: usize = 10_000;
const ROUNDS: usize = 20;

/// Rules as people write them, no two the same.
fn rules() -> String {
    (0..RULES)
        .map(|at| match at % 4 {
            0 => format!("-w /etc/file{at} -p wa -k key{at}\n"),
            1 => format!(
                "-a always,exit -F arch=b64 -S open,openat,creat,truncate -F exit=-EACCES \
                 -F auid>=1000 -F auid!=unset -F key=access{at}\n"
            ),
            2 => format!("-a always,exit -F arch=b32 -F path=/usr/bin/p{at} -F perm=x -F key=p\n"),
            _ => format!("-a never,exclude -F msgtype=CWD -F uid={at}\n"),
        })
        .collect()
}

/// The shortest of some rounds.
fn best<T>(mut work: impl FnMut() -> T) -> Duration {
    let round = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    (0..ROUNDS).map(round).min().expect("at least one round")
}

fn main() {
    let text = rules();
    let cx = Context::new(Arch::X86_64, &NoHost);
    let compile = || {
        file::read("bench", text.as_bytes(), &cx)
            .iter()
            .filter_map(|entry| entry.rule())
            .map(|rule| kernel::encode(rule).expect("rules from text fit").len())
            .sum::<usize>()
    };
    let entries = file::read("bench", text.as_bytes(), &cx);
    let rules: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.rule().cloned())
        .collect();
    assert_eq!(rules.len(), RULES, "every line is a rule");
    let listing = Listing {
        dialect: Dialect::Auditctl,
        machine: Arch::X86_64,
        interpret: None,
    };
    let list = || {
        rules
            .iter()
            .map(|rule| text::line(rule, &listing).len())
            .sum::<usize>()
    };
    let load = || plan::plan_load(&rules[..RULES / 2], &rules).expect("no rule twice");
    println!("parse and encode {RULES} rules: {:?}", best(compile));
    println!("print {RULES} rules: {:?}", best(list));
    println!(
        "plan a load of {RULES} rules over half of them: {:?}",
        best(load)
    );
}
