//! `indelible status`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::account::Account;
use crate::config::{self, AgentConfig, CollectorConfig, INSTALLED_AGENT, INSTALLED_COLLECTOR};
use crate::exit;
use crate::form::Form;
use crate::terminal::Output;

/// Show the account of a host's spool or a collector's store: what is there, what is missing and why
///
/// Exit codes: 0 everything adds up, 1 there are findings, 2 error.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// A host's spool [default: that of /etc/indelible/agent.toml, or the collector's store]
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// A collector's store
    #[arg(long, value_name = "DIR", conflicts_with = "spool")]
    store: Option<PathBuf>,
    /// Form of the account
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    format: Form,
    /// The same as --format json
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn run(self) -> Result<u8> {
        let account = match (&self.spool, &self.store) {
            (Some(spool), _) => Account::of_spool(spool)?,
            (None, Some(store)) => Account::of_store(store)?,
            (None, None) => installed()?,
        };
        let form = if self.json { Form::Json } else { self.format };
        let text = match form {
            Form::Text => text(&account),
            Form::Json => serde_json::to_string(&account)? + "\n",
        };
        let mut output = Output::stdout();
        output.write(text.as_bytes())?;
        output.flush()?;
        Ok(if account.is_whole() {
            exit::DONE
        } else {
            exit::NOTHING
        })
    }
}

/// What the configurations of this host's packages name.
fn installed() -> Result<Account> {
    let (agent, collector) = (Path::new(INSTALLED_AGENT), Path::new(INSTALLED_COLLECTOR));
    if agent.exists() {
        let config: AgentConfig = config::read(agent)?;
        return Account::of_spool(&config.spool);
    }
    if collector.exists() {
        let config: CollectorConfig = config::read(collector)?;
        return Account::of_store(&config.store);
    }
    anyhow::bail!(
        "say --spool or --store: there is neither {INSTALLED_AGENT} nor {INSTALLED_COLLECTOR}"
    )
}

fn text(account: &Account) -> String {
    account.boots_text()
        + &account.streams_text()
        + &account.outputs_text()
        + &account.findings_text()
}
