//! `cargo xtask package-test`: the packages on a machine of their own (`machine.rs`).
//!
//! `packaging/test/guest.sh` installs, enrols, starts, upgrades under load, removes, and migrates from
//! auditd and rsyslog and back. The machine's root is kept in `target/package-test`; delete the folder
//! to begin anew.
//!
//! ```text
//! cargo xtask package-test [--binary FILE]
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::machine::Machine;
use crate::{dist, peers, shell};

/// Builds the packages twice and tries them.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let binary = match words {
        [] => None,
        ["--binary", file] => Some(PathBuf::from(file)),
        _ => bail!("usage: cargo xtask package-test [--binary FILE]"),
    };
    let machine = Machine::in_qemu("package-test", &[DOWNLOADS])?;
    let binary = match binary {
        Some(binary) => binary,
        None => dist::release()?,
    };
    let mut packages = Vec::new();
    for revision in ["1", "2"] {
        let out = machine.root().join("root/packages").join(revision);
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        packages.push(dist::packages(&binary, revision, &out)?);
    }
    lintian(&packages[0])?;
    let took = machine.run("packaging/test/guest.sh", TIME_MAX)?;
    println!(
        "packages: everything held, in {} s; systemd was the first process of a QEMU machine",
        took.as_secs()
    );
    Ok(())
}

/// Errors of lintian fail; its warnings are shown.
fn lintian(packages: &[PathBuf]) -> Result<()> {
    if let Some(note) = peers::install_these(&[("lintian", LINTIAN)])?.first() {
        bail!("{note}");
    }
    let mut command = shell::command(LINTIAN, &["--allow-root", "--fail-on", "error"]);
    command
        .arg("--suppress-tags")
        .arg(SUPPRESSED.join(","))
        .args(packages.iter().map(AsRef::<Path>::as_ref));
    shell::run(command)
}

/// The trial installs them: the archives have to be there.
const DOWNLOADS: &str =
    "apt-get install -y -qq --no-install-recommends --download-only auditd rsyslog";
const LINTIAN: &str = "/usr/bin/lintian";
/// A package outside an archive closes no bug of it, and has no long history.
const SUPPRESSED: &[&str] = &["initial-upload-closes-no-bugs"];
const TIME_MAX: Duration = Duration::from_secs(1500);
