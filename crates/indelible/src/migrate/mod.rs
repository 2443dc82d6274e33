//! Taking auditd's place, and giving it back.
//!
//! ```text
//! found ─▶ plan: file changes, unit changes ─▶ shown ─▶ journal ─▶ done
//!                                                          └──────▶ undone, byte for byte
//! ```
//! What a file was is copied into the journal's folder before the first change, so an interrupted
//! migration is undone like a whole one. A file that somebody edited since is kept beside.

mod found;
mod journal;
mod plan;
mod units;

use std::path::Path;

use anyhow::{Context, Result, ensure};

pub(crate) use found::Found;
pub(crate) use plan::Plan;

use journal::Journal;

/// What would be done below a root folder (`/` but for tests).
///
/// # Errors
/// Files that cannot be read, and a migration that was done already.
pub(crate) fn plan(root: &Path) -> Result<Plan> {
    let journal = Journal::at(root);
    ensure!(
        !journal.exists(),
        "this host was migrated already ({}); `indelible migrate from-auditd --undo` puts it back",
        journal.folder().display()
    );
    let found = Found::below(root)?;
    ensure!(
        found.agent_is_installed(),
        "/etc/indelible/agent.toml is not there: install the package indelible-agent first"
    );
    Ok(Plan::of(&found))
}

/// Does what a plan says; units are changed only where `root` is the system's own.
pub(crate) fn perform(root: &Path, plan: &Plan) -> Result<()> {
    let journal = Journal::at(root);
    let own = root == Path::new("/");
    let states = if own {
        units::states(plan::UNITS)
    } else {
        Vec::new()
    };
    journal.begin(root, plan, states)?;
    if own {
        // The kernel has one audit daemon: the former one goes first.
        units::stop_auditd().context("auditd does not stop")?;
    }
    for change in &plan.changes {
        change.perform(root)?;
    }
    if own {
        units::start_agent(plan.changes_rsyslog())?;
    }
    Ok(())
}

/// Puts everything back; tells of files that were edited since and where they are now.
pub(crate) fn undo(root: &Path) -> Result<Vec<String>> {
    let journal = Journal::at(root);
    ensure!(
        journal.exists(),
        "nothing to undo: there is no {}",
        journal.folder().display()
    );
    let own = root == Path::new("/");
    let record = journal.read()?;
    if own {
        units::stop_agent();
    }
    let kept = journal.restore(root, &record)?;
    if own {
        units::restore(&record.units, record.changes_rsyslog())?;
    }
    journal.end()?;
    Ok(kept)
}
