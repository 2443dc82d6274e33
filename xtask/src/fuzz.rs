//! Fuzz targets: all of them for a while, or one.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Seconds that each target runs when nothing else is said.
const DEFAULT_SECONDS: u32 = 600;

/// `fuzz [SECONDS [NAME]]`.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let (seconds, only) = match arguments {
        [] => (DEFAULT_SECONDS, None),
        [seconds] => (seconds.parse()?, None),
        [seconds, name] => (seconds.parse()?, Some(*name)),
        _ => bail!("usage: cargo xtask fuzz [SECONDS [NAME]]"),
    };
    if let Some(reason) = unavailable() {
        bail!("{reason}");
    }
    all(seconds, only)
}

/// Why fuzzing cannot run here, if it cannot.
pub(crate) fn unavailable() -> Option<&'static str> {
    (!shell::succeeds("cargo", &["fuzz", "--version"]))
        .then_some("fuzzing needs cargo-fuzz (`cargo install cargo-fuzz`)")
}

/// Runs every target, or `only` that one, for `seconds` each.
pub(crate) fn all(seconds: u32, only: Option<&str>) -> Result<()> {
    // Coverage and sanitizers are unstable flags of the compiler. A stable one of the same age has
    // them too, and takes them if it is told to; then without a sanitizer, whose runtime comes
    // with nightlies.
    let has_nightly = shell::succeeds("cargo", &["+nightly", "--version"]);
    let targets = targets()?;
    for target in targets
        .iter()
        .filter(|target| only.is_none_or(|only| only == target.as_str()))
    {
        let limit = format!("-max_total_time={seconds}");
        let mut arguments = match has_nightly {
            true => vec!["+nightly", "fuzz", "run"],
            false => vec!["fuzz", "run", "--sanitizer", "none"],
        };
        arguments.extend([target, "--", &limit, "-rss_limit_mb=1024", "-timeout=10"]);
        // What safe code forgets is no error, and looking for it forks at every second input.
        arguments.push("-detect_leaks=0");
        let mut command = shell::command("cargo", &arguments);
        if !has_nightly {
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        shell::run(command)?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let folder = shell::root().join("fuzz/fuzz_targets");
    let mut targets = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs")
            && let Some(name) = path.file_stem()
        {
            targets.push(name.to_string_lossy().into_owned());
        }
    }
    targets.sort();
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A manifest that two changes wrote to can be broken although they did not conflict.
    #[test]
    fn the_manifest_names_each_target_once() {
        let manifest = fs::read_to_string(shell::root().join("fuzz/Cargo.toml")).unwrap();
        let mut names: Vec<String> = manifest
            .split("\n[[bin]]\n")
            .skip(1)
            .map(|section| {
                let lines: Vec<&str> = section.lines().filter(|line| !line.is_empty()).collect();
                let [name, path, "test = false", "doc = false", "bench = false"] = lines[..] else {
                    panic!("not a target: {section}");
                };
                let name = name.trim_start_matches("name = ").trim_matches('"');
                assert_eq!(path, format!("path = \"fuzz_targets/{name}.rs\""));
                name.to_owned()
            })
            .collect();
        names.sort();
        assert_eq!(names, targets().unwrap());
    }
}
