//! Searching a large store by its block indexes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::report::Report;
use super::runs::Runs;
use crate::shell;

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Index",
        "A store of 10 million execve events of six records each from four hosts, over two and a half hours of their time; \
         100 of the events have a rare key. `indelible reindex` (verification of the whole store included) \
         makes the block indexes. Then searches of the whole process's time, from start to exit, the page cache warm; \
         cold: the store's files were dropped from it before. The aims: a key in one hour within 50 ms, a \
         key with 100 hits in everything within 200 ms, and a store with its index of at most a ninth of \
         the text.",
    );
    let build = ["build", "--release", "--quiet", "-p", "indelible"];
    shell::run(shell::command("cargo", &build))?;
    let ours = shell::target().join("release/indelible");
    let ours = ours.to_string_lossy();
    let folder = tempfile::tempdir()?;
    // One that is kept is made by the first run, and the next ones only search in it.
    let kept = std::env::var_os("INDELIBLE_STORE").map(PathBuf::from);
    let store = kept.unwrap_or_else(|| folder.path().join("store"));
    let path = store.to_string_lossy();
    if !store.join(MADE).exists() {
        make(report, &ours, &store)?;
        fs::write(store.join(MADE), "")?;
    }
    super::mix::run(report, &ours)?;
    let hour = ["--since", FROM, "--until", UNTIL];
    for (what, words) in [
        (
            "a key in one hour",
            &[&["-k", RARE][..], &hour].concat()[..],
        ),
        ("a key with 100 hits", &["-k", RARE]),
        ("the same, interpreted", &["-k", RARE, "-i"]),
        ("a key that is not there", &["-k", "nothing_of_that"]),
        ("a host, a key", &["-k", RARE, "-n", "host2"]),
        (
            "a path, 100 hits of a part",
            &["-f", "/data-012345.db", "--count"],
        ),
    ] {
        let all = [&["search", "--raw", "--store", &path][..], words].concat();
        let all: Vec<&str> = match words.contains(&"-i") || words.contains(&"--count") {
            true => all.into_iter().filter(|word| *word != "--raw").collect(),
            false => all,
        };
        let mut cold = Runs::default();
        forget(&store)?;
        cold.run(&ours, &all)?;
        let mut warm = Runs::default();
        for _ in 0..ROUNDS {
            warm.run(&ours, &all)?;
        }
        report.line(&format!(
            "{what}: warm {}, cold {:.3} s",
            warm.shown(),
            cold.wall_s()
        ));
    }
    Ok(())
}

/// Makes the store and its indexes.
fn make(report: &mut Report, ours: &str, store: &Path) -> Result<()> {
    let path = store.to_string_lossy();
    let events = std::env::var("INDELIBLE_EVENTS").unwrap_or(EVENTS.into());
    let example = [
        "run",
        "--release",
        "--quiet",
        "-p",
        "indelible-log",
        "--example",
        "make_store",
        "--",
        &path,
        &events,
    ];
    let made = shell::command("cargo", &example)
        .output()
        .context("cannot start the example")?;
    ensure!(
        made.status.success(),
        "make_store failed: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let said = String::from_utf8(made.stdout)?;
    let (entries, text) = said.trim().split_once(' ').context("two numbers")?;
    let (entries, text): (f64, f64) = (entries.parse()?, text.parse()?);

    let begun = Instant::now();
    shell::run(shell::command(ours, &["reindex", "--store", &path]))?;
    let took = begun.elapsed().as_secs_f64();
    let (segments, indexes) = (bytes(store, ".seg")?, bytes(store, ".idx")?);
    report.line(&format!(
        "{events} events, {entries} entries: indexes made in {took:.0} s, {:.0} entries/s with verification",
        entries / took
    ));
    report.line(&format!(
        "size: {:.1} bytes/entry and {:.1} of index, text {:.0}: {:.1} times smaller",
        segments / entries,
        indexes / entries,
        text / entries,
        text / (segments + indexes),
    ));
    Ok(())
}

/// Bytes of the segments' files that end so.
pub(super) fn bytes(store: &Path, ending: &str) -> Result<f64> {
    let mut bytes = 0;
    for item in fs::read_dir(store.join("segments"))? {
        let item = item?;
        if item.file_name().to_string_lossy().ends_with(ending) {
            bytes += item.metadata()?.len();
        }
    }
    Ok(bytes as f64)
}

/// Drops the store's files from the page cache.
fn forget(store: &Path) -> Result<()> {
    for folder in ["segments", "wal"] {
        for item in fs::read_dir(store.join(folder))? {
            let input = format!("if={}", item?.path().display());
            let dropped =
                shell::succeeds("dd", &[&input, "iflag=nocache", "count=0", "status=none"]);
            ensure!(dropped, "dd cannot drop {input} from the page cache");
        }
    }
    Ok(())
}

/// Stands in a store that is whole.
const MADE: &str = "made";
const EVENTS: &str = "10000000";
const RARE: &str = "shadow_watch";
/// An hour in the middle; the events begin at 2024-11-22 21:46:40 or so.
const FROM: &str = "2024-11-22T22:46:40Z";
const UNTIL: &str = "2024-11-22T23:46:40Z";
const ROUNDS: usize = 5;
