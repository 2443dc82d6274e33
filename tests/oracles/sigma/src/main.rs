//! Our Sigma evaluator beside rsigma-eval, in one run on one core: the same findings, rule by rule,
//! on recorded and on generated events; then events per second of both.
//!
//! ```text
//! cargo run --release --manifest-path tests/oracles/Cargo.toml -p oracle-sigma [-- bench]
//! ```
//!
//! Rules come from the folder in INDELIBLE_SIGMA_RULES, or from ../shared/data/sigma-linux beside
//! the repository; without either this says so and ends. What an event is to a rule (its view) is
//! put together here once more, from the records alone, so that both the views and the evaluation
//! are judged.
#![forbid(unsafe_code)]

mod bench;
mod events;
mod oracle;
mod rules;

use std::collections::BTreeSet;
use std::process::ExitCode;

use indelible_detect::sigma::Finding;
use indelible_record::{Event, Stamp};

const RECORDED: [&[u8]; 2] = [
    include_bytes!("../../../../crates/record/tests/corpus/raw.log"),
    include_bytes!("../../../../crates/record/tests/corpus/enriched.log"),
];

fn main() -> ExitCode {
    let Some(files) = rules::find() else {
        println!("skipped: no Sigma rules (INDELIBLE_SIGMA_RULES names a folder of them)");
        return ExitCode::SUCCESS;
    };
    if std::env::args().any(|argument| argument == "bench") {
        bench::run(&files);
        return ExitCode::SUCCESS;
    }
    let mut ours = rules::ours(&files);
    let mut theirs = oracle::Oracle::new(&files, &ours);
    let mut events: Vec<Event> = RECORDED.iter().flat_map(|log| events::of(log)).collect();
    let recorded = events.len();
    events.extend(events::generated(theirs.rules(), SEED));
    let (mut matches, mut wrong) = (0, 0);
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for event in &events {
        let mut found: Vec<Finding> = Vec::new();
        ours.event(event.stamp().map_or(0, Stamp::ms), event, &mut found);
        let found: BTreeSet<String> = found
            .iter()
            .map(|finding| finding.rule.title.clone())
            .collect();
        let expected = theirs.event(event);
        matches += found.len();
        for title in found.symmetric_difference(&expected) {
            let who = if found.contains(title) {
                "only ours"
            } else {
                "only rsigma"
            };
            if wrong < 20 {
                println!("{who}: {title}");
                for record in event.records() {
                    println!("    {}", String::from_utf8_lossy(record.raw()));
                }
            }
            wrong += 1;
        }
        seen.extend(found);
    }
    println!(
        "sigma: {} rules over {recorded} recorded and {} generated events (seed {SEED}): {matches} \
         findings of {} rules, {wrong} differences",
        theirs.rules().len(),
        events.len() - recorded,
        seen.len(),
    );
    if wrong > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

const SEED: u64 = 20_260_805;
