//! `indelible enroll`.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::agent::{host_name, worker_user_named};
use crate::agent::layout::Layout;
use crate::config::agent::default_worker_user;
use crate::config::{self, AgentConfig, INSTALLED_AGENT};
use crate::exit;
use crate::net::enrol::identity::IdentityFolder;
use crate::net::enrol::token::Token;

/// Get this host a certificate of its collector, with a token of `indelible token create`
///
/// The key is made here and stays here. The certificate lives for a week; the agent renews it by
/// itself.
#[derive(Debug, Args)]
pub(super) struct Enroll {
    /// The host's spool, which keeps the identity [default: that of /etc/indelible/agent.toml]
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// File with the token; `-` is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "renew")]
    token: Option<PathBuf>,
    /// Name of this host for its collector [default: the host's own name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Renew the certificate now
    #[arg(long, conflicts_with = "token")]
    renew: bool,
    /// The user that the agent's worker becomes [default: as that file says, or nobody]
    #[arg(long, value_name = "USER")]
    worker_user: Option<String>,
}

impl Enroll {
    pub(super) fn run(self) -> Result<u8> {
        let (spool, user) = match self.spool {
            Some(spool) => (spool, default_worker_user()),
            None => {
                let path = Path::new(INSTALLED_AGENT);
                anyhow::ensure!(
                    path.exists(),
                    "say --spool DIR: there is no {INSTALLED_AGENT}"
                );
                let config: AgentConfig = config::read(path)?;
                (config.spool, config.worker_user)
            }
        };
        let layout = Layout::at(&spool);
        let identity = IdentityFolder::at(&layout.identity());
        let owner = worker_user_named(&self.worker_user.unwrap_or(user))?;
        if self.renew {
            identity.renew_now()?;
            identity.give_to(owner)?;
            eprintln!("renewed the certificate in {}", layout.identity().display());
            return Ok(exit::DONE);
        }
        layout.create(owner)?;
        let path = self.token.context("--token is needed")?;
        let name = self.name.unwrap_or_else(host_name);
        identity.enroll(&read_token(&path)?, &name, owner)?;
        eprintln!("enrolled as {name}");
        Ok(exit::DONE)
    }
}

/// Reads a token from a file or standard input.
pub(super) fn read_token(path: &Path) -> Result<Token> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(TOKEN_BYTES_MAX)
            .read_to_string(&mut text)
            .context("cannot read the token from standard input")?;
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(TOKEN_BYTES_MAX).read_to_string(&mut text))
            .with_context(|| format!("cannot read the token from {}", path.display()))?;
    }
    Token::parse(&text)
}

/// Longest token.
const TOKEN_BYTES_MAX: u64 = 16 << 10;
