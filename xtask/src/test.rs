//! Everything that must pass before a change lands.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::{fuzz, peers, shell};

/// Seconds per fuzz target in the smoke run.
const SMOKE_SECONDS: u32 = 3;

/// Sets up, checks, tests; ends with one line that sums up every test binary.
pub(crate) fn run() -> Result<()> {
    let mut notes = peers::install()?;
    shell::run(shell::command("cargo", &["fmt", "--all", "--check"]))?;
    shell::run(shell::command(
        "cargo",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
    ))?;
    if shell::succeeds("cargo", &["deny", "--version"]) {
        shell::run(shell::command(
            "cargo",
            &[
                "deny",
                "--log-level",
                "error",
                "check",
                "bans",
                "licenses",
                "sources",
            ],
        ))?;
    } else {
        notes.push("skipped: cargo deny: not installed (`cargo install cargo-deny`)".into());
    }
    match fuzz::unavailable() {
        None => fuzz::all(SMOKE_SECONDS, None)?,
        Some(reason) => notes.push(format!("skipped: fuzz smoke: {reason}")),
    }
    let totals = tests()?;
    for note in &notes {
        println!("{note}");
    }
    println!(
        "{} passed, {} failed, {} skipped",
        totals.passed, totals.failed, totals.skipped
    );
    ensure!(totals.failed == 0 && totals.success, "tests failed");
    ensure!(totals.passed > 0, "no test ran");
    Ok(())
}

#[derive(Debug, Default)]
struct Totals {
    passed: u32,
    failed: u32,
    skipped: u32,
    success: bool,
}

/// Runs `cargo test`, shows its output and adds up the result lines. Tests that skip say so on a
/// line that starts with `skipped:`; they count as skipped, not as passed.
fn tests() -> Result<Totals> {
    println!("$ cargo test --workspace --no-fail-fast -- --nocapture");
    let mut command = shell::command(
        "cargo",
        &["test", "--workspace", "--no-fail-fast", "--", "--nocapture"],
    );
    let rules = shell::root().join(SIGMA_RULES);
    if std::env::var_os(SIGMA_VARIABLE).is_none() && rules.is_dir() {
        command.env(SIGMA_VARIABLE, rules);
    }
    let script = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = script.context("cannot start cargo test")?;
    let stderr = child.stderr.take().context("cargo test has no stderr")?;
    let reader = std::thread::spawn(move || {
        let lines = BufReader::new(stderr).split(b'\n').map_while(Result::ok);
        lines
            .inspect(|line| eprintln!("{}", String::from_utf8_lossy(line)))
            .filter(|line| line.starts_with(SKIPPED))
            .count()
    });
    let mut totals = Totals::default();
    let stdout = child.stdout.take().context("cargo test has no stdout")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(result) = line.strip_prefix("test result: ") {
            totals.passed += count(result, " passed");
            totals.failed += count(result, " failed");
            totals.skipped += count(result, " ignored");
        }
    }
    totals.success = child.wait()?.success();
    let skipped = reader
        .join()
        .map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX));
    totals.passed = totals.passed.saturating_sub(skipped);
    totals.skipped += skipped;
    Ok(totals)
}

/// The number that stands before `word` in a line of libtest's results.
fn count(result: &str, word: &str) -> u32 {
    let before = result.split(word).next().unwrap_or_default();
    before
        .rsplit(' ')
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

const SKIPPED: &[u8] = b"skipped: ";
/// Names the folder of Sigma rules that tests load; where it may stand beside the repository.
const SIGMA_VARIABLE: &str = "INDELIBLE_SIGMA_RULES";
const SIGMA_RULES: &str = "../shared/data/sigma-linux";

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn results_are_read_from_the_runners_line() {
        let line =
            "ok. 12 passed; 3 failed; 4 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(
            (
                count(line, " passed"),
                count(line, " failed"),
                count(line, " ignored")
            ),
            (12, 3, 4)
        );
        assert_eq!(count("nonsense", " passed"), 0);
    }
}
