//! `indelible doctor`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::agent::layout::Layout;
use crate::config::{self, AgentConfig, INSTALLED_AGENT};
use crate::doctor::{self, Outcome};
use crate::exit;
use crate::form::Form;
use crate::net::enrol::identity::IdentityFolder;
use crate::terminal::Output;

/// Say what is wrong with auditing on this host, each with what mends it
///
/// Nothing is changed. Exit codes: 0 all is fine, 1 something must be mended, 2 error.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// The agent's configuration file [default: /etc/indelible/agent.toml, where it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The agent's spool, where it has no configuration file
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    spool: Option<PathBuf>,
    /// Form of the answer
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    format: Form,
}

impl Doctor {
    pub(super) fn run(self) -> Result<u8> {
        let mut config: Option<AgentConfig> = match (&self.config, &self.spool) {
            (Some(path), _) => Some(config::read(path)?),
            (None, Some(spool)) => Some(AgentConfig::new(spool.clone())),
            (None, None) => {
                let installed = Path::new(INSTALLED_AGENT);
                installed
                    .exists()
                    .then(|| config::read(installed))
                    .transpose()?
            }
        };
        if let Some(config) = &mut config
            && config.collector.is_none()
        {
            let identity = IdentityFolder::at(&Layout::at(&config.spool).identity());
            config.collector = identity.collector().ok();
        }
        let found = doctor::run(config.as_ref());
        let ok = found
            .iter()
            .all(|checked| checked.outcome < Outcome::Warning);
        let mut text = String::new();
        match self.format {
            Form::Json => {
                let _ = writeln!(text, "{}", json!({ "ok": ok, "checks": found }));
            }
            Form::Text => {
                for checked in &found {
                    let outcome = checked.outcome.as_str();
                    let _ = writeln!(text, "{outcome:8} {}: {}", checked.check, checked.detail);
                    if let Some(mend) = &checked.mend {
                        let _ = writeln!(text, "         mend: {mend}");
                    }
                }
                let _ = writeln!(text, "\n{}", doctor::summary(&found));
            }
        }
        let mut output = Output::stdout();
        output.write(text.as_bytes())?;
        output.flush()?;
        Ok(if ok { exit::DONE } else { exit::NOTHING })
    }
}
