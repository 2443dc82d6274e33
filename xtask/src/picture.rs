//! `cargo xtask picture`: what `indelible demo` shows, as the picture of README.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::book::svg::{Look, picture};
use crate::shell;

/// Runs the demonstration and writes `docs/demo.svg`.
pub(crate) fn run() -> Result<()> {
    shell::run(shell::command(
        "cargo",
        &["build", "--quiet", "-p", "indelible"],
    ))?;
    let program = shell::target().join("debug/indelible");
    let output = Command::new(program)
        .arg("demo")
        .env("NO_COLOR", "1")
        .output()
        .context("the demonstration cannot be started")?;
    ensure!(output.status.success(), "the demonstration failed");
    let said = String::from_utf8_lossy(&output.stdout);
    let mut text = String::from("$ indelible demo\n");
    for line in said.lines() {
        for part in wrapped(line) {
            text.push_str(&part);
            text.push('\n');
        }
    }
    let file = shell::root().join("docs/demo.svg");
    fs::write(&file, picture(&text, Look::Terminal, "indelible demo"))?;
    println!("wrote {}", file.display());
    Ok(())
}

/// A line in pieces that fit the window.
fn wrapped(line: &str) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    if characters.is_empty() {
        return vec![String::new()];
    }
    characters
        .chunks(COLUMNS)
        .map(|piece| piece.iter().collect())
        .collect()
}

const COLUMNS: usize = 110;
