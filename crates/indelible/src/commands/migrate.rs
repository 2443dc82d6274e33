//! `indelible migrate`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::terminal::Output;
use crate::{exit, migrate};

/// Take the place of what a host has, and give it back
#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take auditd's place: its rules, its configuration, and what rsyslog forwards
    ///
    /// Shows what would be done. With --yes it is done: auditd stops, its rules are loaded by
    /// indelible-rules.service, forwarding lines of rsyslog become outputs of the agent. No package
    /// is removed, and --undo puts every file and unit back as it was.
    FromAuditd {
        /// Do what the plan says
        #[arg(long, conflicts_with = "undo")]
        yes: bool,
        /// Put everything back
        #[arg(long)]
        undo: bool,
        /// Change files below this folder alone, and no unit
        #[arg(long, value_name = "DIR", default_value = "/")]
        root: PathBuf,
    },
}

impl Migrate {
    pub(super) fn run(self) -> Result<u8> {
        let Action::FromAuditd { yes, undo, root } = self.action;
        let mut output = Output::stdout();
        if undo {
            for line in migrate::undo(&root)? {
                output.write(format!("{line}\n").as_bytes())?;
            }
            output.write(b"everything is as it was\n")?;
            output.flush()?;
            return Ok(exit::DONE);
        }
        let plan = migrate::plan(&root)?;
        output.write(plan.text().as_bytes())?;
        output.flush()?;
        if yes {
            migrate::perform(&root, &plan)?;
            output.write(b"done; `indelible migrate from-auditd --undo` puts it back\n")?;
        } else {
            output.write(b"nothing was changed; --yes does this\n")?;
        }
        output.flush()?;
        Ok(exit::DONE)
    }
}
