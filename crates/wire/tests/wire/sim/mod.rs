//! Two peers in one thread: a fake clock, a link that delays, cuts and truncates, and crashes of
//! either side at any moment.
//!
//! `INDELIBLE_SIM_SEED=n cargo test -p indelible-wire sim` repeats one run;
//! `INDELIBLE_SIM_RUNS=n` makes more or fewer of them.

mod collector;
mod evil;
mod honest;
mod host;
mod link;
mod world;

/// Runs a property over seeds, and says which one failed.
fn for_each_seed(name: &str, runs: u64, property: impl Fn(u64)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    if let Some(seed) = number("INDELIBLE_SIM_SEED") {
        return property(seed);
    }
    for seed in 0..number("INDELIBLE_SIM_RUNS").unwrap_or(runs) {
        let run = std::panic::AssertUnwindSafe(|| property(seed));
        if let Err(cause) = std::panic::catch_unwind(run) {
            eprintln!("{name}: seed {seed} failed; repeat with INDELIBLE_SIM_SEED={seed}");
            std::panic::resume_unwind(cause);
        }
    }
}
