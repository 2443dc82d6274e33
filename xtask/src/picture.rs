//! `cargo xtask picture`: what `indelible demo` shows, as the picture of README.
//!
//! ```text
//! cargo xtask picture [--binary FILE]
//! ```

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::book::svg::{Look, picture};
use crate::shell;

/// Runs the demonstration and writes `docs/demo.svg`.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let program = match words {
        [] => {
            shell::run(shell::command(
                "cargo",
                &["build", "--quiet", "-p", "indelible"],
            ))?;
            shell::target().join("debug/indelible")
        }
        ["--binary", file] => fs::canonicalize(PathBuf::from(file))?,
        _ => bail!("usage: cargo xtask picture [--binary FILE]"),
    };
    let output = Command::new(program)
        .arg("demo")
        // Records name the working directory: nobody's own belongs into a picture.
        .current_dir("/")
        .env("NO_COLOR", "1")
        .output()
        .context("the demonstration cannot be started")?;
    ensure!(output.status.success(), "the demonstration failed");
    let said = String::from_utf8_lossy(&output.stdout);
    let mut text = String::from("$ indelible demo\n");
    for line in said.lines() {
        text.push_str(&cut(line));
        text.push('\n');
    }
    let file = shell::root().join("docs/demo.svg");
    fs::write(&file, picture(&text, Look::Terminal, "indelible demo"))?;
    println!("wrote {}", file.display());
    Ok(())
}

/// A line as far as it fits the window.
fn cut(line: &str) -> String {
    if line.chars().count() <= COLUMNS {
        return line.to_owned();
    }
    let mut text: String = line.chars().take(COLUMNS - 1).collect();
    text.push('…');
    text
}

const COLUMNS: usize = 118;
