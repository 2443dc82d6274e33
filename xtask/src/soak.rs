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

/// `soak tampering`: 5,000 random tamperings with a store, and who finds each out.
pub(crate) fn tampering() -> Result<()> {
    let package = ["-p", "indelible-log", "--test", "it"];
    let test = ["tamper::every_tampering_is_found_out"];
    tests(&package, &test, &[("INDELIBLE_TRIALS", "5000")])
}

/// `soak crashes`: 300 disks that fail while segments are sealed, and 1,200 flipped bits.
pub(crate) fn crashes() -> Result<()> {
    let package = ["-p", "indelible-log", "--test", "it"];
    let test = ["while_it_seals", "random_bits"];
    let variables = [("INDELIBLE_CRASHES", "300"), ("INDELIBLE_FLIPS", "1200")];
    tests(&package, &test, &variables)
}

/// `soak collector`: five minutes of 50,000 records per second while the collector is killed every
/// 2 s; nothing acknowledged may be missing or twice, and the store is verified after every kill.
pub(crate) fn collector() -> Result<()> {
    let package = ["-p", "indelible", "--test", "integrity"];
    let test = ["kills::a_killed_collector_keeps_what_it_acknowledged_once"];
    let variables = [("INDELIBLE_SECONDS", "300"), ("INDELIBLE_RATE", "50000")];
    tests(&package, &test, &variables)
}

/// `soak connections`: 100,000 connections one after another, half of them half a frame.
pub(crate) fn connections() -> Result<()> {
    let package = ["-p", "indelible", "--test", "integrity"];
    let test = ["refused::many_connections_one_after_another_and_some_that_say_nothing"];
    tests(&package, &test, &[("INDELIBLE_CONNECTIONS", "100000")])
}

fn delivery(tests: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    self::tests(&["-p", "indelible", "--test", "delivery"], tests, variables)
}

/// Optimised tests of a package, all or those named, with variables that size them.
fn tests(package: &[&str], names: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let mut command = shell::command("cargo", &["test", "--release"]);
    command.args(package).args(["--", "--nocapture"]);
    command.args(names).envs(variables.iter().copied());
    shell::run(command)
}
