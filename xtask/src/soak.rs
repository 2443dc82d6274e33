//! Long runs that are not part of every test: the delivery tests at full size, optimised.

use anyhow::Result;

use crate::shell;

/// `soak`: 200,000 kernel events while collector and worker are killed and capture is upgraded.
pub(crate) fn run() -> Result<()> {
    delivery(&[], &[("INDELIBLE_EVENTS", "200000")])
}

/// `soak agent`: 1,000,000 kernel events at full speed while the worker is killed 100 times at random
/// and capture executed anew 20 times; nothing may be missing, incomplete or twice.
pub(crate) fn agent() -> Result<()> {
    delivery(
        &["kills_lose_and_duplicate_nothing"],
        &[
            ("INDELIBLE_EVENTS", "1000000"),
            ("INDELIBLE_COLLECTOR_KILLS", "0"),
            ("INDELIBLE_WORKER_KILLS", "100"),
            ("INDELIBLE_UPGRADES", "20"),
        ],
    )
}

fn delivery(tests: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let arguments = [
        "test",
        "--release",
        "-p",
        "indelible",
        "--test",
        "delivery",
        "--",
        "--nocapture",
    ];
    let mut command = shell::command("cargo", &arguments);
    command.args(tests).envs(variables.iter().copied());
    shell::run(command)
}
