//! The licence texts of everything that the program holds: those who wrote it ask that they go along.
//!
//! ```text
//! == aho-corasick 1.1.3 (Unlicense OR MIT)
//! == memchr 2.8.3 (Unlicense OR MIT)
//!
//! The MIT License (MIT) …
//! ```
//! A text that several packages share stands once, below all of them. Read from the sources that
//! cargo has, so it needs no network and no further tool.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::shell;

/// The texts, for the packages that the program is built of.
pub(super) fn texts() -> Result<String> {
    let metadata = metadata()?;
    let ids = reached(&metadata, "indelible")?;
    let packages = array(&metadata["packages"])
        .iter()
        .filter(|package| ids.contains(text(&package["id"])))
        // Without a source it is one of ours.
        .filter(|package| !package["source"].is_null());
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    for package in packages {
        count += 1;
        let name = format!(
            "{} {} ({})",
            text(&package["name"]),
            text(&package["version"]),
            text(&package["license"])
        );
        let folder = Path::new(text(&package["manifest_path"]))
            .parent()
            .with_context(|| format!("{name} has no folder"))?;
        for found in of_folder(folder)? {
            by_text.entry(found).or_default().push(name.clone());
        }
    }
    ensure!(count > 0, "the program is built of nothing");
    let mut groups: Vec<(Vec<String>, String)> = by_text
        .into_iter()
        .map(|(text, names)| (names, text))
        .collect();
    groups.sort();
    let mut all = String::new();
    for (names, found) in groups {
        for name in names {
            let _ = writeln!(all, "== {name}");
        }
        let _ = writeln!(all, "\n{}\n", found.trim_end());
    }
    Ok(all)
}

fn metadata() -> Result<Value> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .arg("--filter-platform")
        // What is not for Linux is in no package.
        .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .current_dir(shell::root())
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo metadata failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Ids of what a package needs when it runs, itself included.
fn reached<'a>(metadata: &'a Value, name: &str) -> Result<BTreeSet<&'a str>> {
    let root = array(&metadata["packages"])
        .iter()
        .find(|package| text(&package["name"]) == name)
        .with_context(|| format!("no package {name}"))?;
    let nodes: BTreeMap<&str, &Value> = array(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| (text(&node["id"]), node))
        .collect();
    let mut reached = BTreeSet::new();
    let mut next = vec![text(&root["id"])];
    while let Some(id) = next.pop() {
        if !reached.insert(id) {
            continue;
        }
        let node = nodes.get(id).with_context(|| format!("no node {id}"))?;
        for dep in array(&node["deps"]) {
            let runs = array(&dep["dep_kinds"])
                .iter()
                .any(|kind| kind["kind"].is_null());
            if runs {
                next.push(text(&dep["pkg"]));
            }
        }
    }
    Ok(reached)
}

/// Texts of a package's own folder.
fn of_folder(folder: &Path) -> Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_uppercase();
        if path.is_file() && NAMES.iter().any(|start| name.starts_with(start)) {
            let bytes = fs::read(&path)?;
            texts.insert(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"));
        }
    }
    Ok(texts)
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_holds_is_named_with_its_texts() {
        let texts = texts().unwrap();
        let named = |name: &str| texts.lines().any(|line| line.starts_with(name));
        assert!(named("== aws-lc-rs "), "a dependency");
        assert!(named("== memchr "), "one of a dependency");
        assert!(
            !named("== insta ") && !named("== indelible"),
            "none of tests, none of ours"
        );
        assert!(texts.contains("Permission is hereby granted, free of charge"));
    }
}
