//! `cargo xtask dist`: the Debian packages, by dpkg-deb from one table.
//!
//! ```text
//! cargo xtask dist [--binary FILE] [--revision N] [--out DIR]
//! ```
//! Without `--binary` the program is built for release first. Needs `dpkg-deb`, `gzip` and, for a
//! program that is not stripped, `strip`. Nothing of a machine's clock or paths goes into a package:
//! dates are those of the commit.

mod deb;
mod licences;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::shell;
use deb::Build;

/// Builds every package, and says where they are.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let mut binary = None;
    let mut revision = "1";
    let mut out = shell::target().join("dist");
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = words
            .next()
            .with_context(|| format!("{word} needs a value"))?;
        match *word {
            "--binary" => binary = Some(PathBuf::from(value)),
            "--revision" => revision = value,
            "--out" => out = PathBuf::from(value),
            _ => {
                anyhow::bail!("usage: cargo xtask dist [--binary FILE] [--revision N] [--out DIR]")
            }
        }
    }
    let binary = match binary {
        Some(binary) => binary,
        None => release()?,
    };
    for package in packages(&binary, revision, &out)? {
        println!("{}", package.display());
    }
    Ok(())
}

/// Builds the packages from a program; gives their files.
pub(crate) fn packages(binary: &Path, revision: &str, out: &Path) -> Result<Vec<PathBuf>> {
    ensure!(
        shell::succeeds("dpkg-deb", &["--version"]),
        "dpkg-deb is not installed"
    );
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let build = Build {
        root: shell::root(),
        version: format!("{}-{revision}", env!("CARGO_PKG_VERSION")),
        date_s: commit_date_s()?,
        binary: stripped(binary, out)?,
    };
    table::PACKAGES
        .iter()
        .map(|package| build.package(package, out))
        .collect()
}

/// Builds the program for release.
pub(crate) fn release() -> Result<PathBuf> {
    shell::run(shell::command(
        "cargo",
        &["build", "--release", "--locked", "-p", "indelible"],
    ))?;
    Ok(shell::target().join("release/indelible"))
}

/// A copy without symbols, whichever profile the program was built with.
fn stripped(binary: &Path, out: &Path) -> Result<PathBuf> {
    let copy = out.join("indelible.stripped");
    fs::copy(binary, &copy).with_context(|| format!("cannot copy {}", binary.display()))?;
    let mut command = Command::new("strip");
    command.args(["--strip-unneeded", "--"]).arg(&copy);
    shell::run(command).context("`strip` is of the package binutils")?;
    Ok(copy)
}

fn commit_date_s() -> Result<u64> {
    let output = shell::command("git", &["log", "-1", "--format=%ct"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .context("the date of the commit is not known")
}
