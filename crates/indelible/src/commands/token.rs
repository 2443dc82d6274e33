//! `indelible token`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::exit;
use crate::net::enrol::token::{LIFETIME_MINUTES, Tokens};
use crate::net::pki::{COLLECTOR, Pki, now_s};

/// Make tokens with which hosts enrol
#[derive(Debug, Args)]
pub(super) struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token that enrols one host, once, within half an hour
    ///
    /// It carries the collector's address and the hash of its authority, so that a host knows the
    /// collector. Carry it like a password: on standard input or in a file, never as an argument.
    Create {
        /// Folder of the collector's authority (`STORE.pki` by default of `indelible collector`)
        #[arg(long, value_name = "DIR")]
        pki: PathBuf,
        /// The collector's native receiver, as hosts reach it
        #[arg(long, value_name = "HOST:PORT")]
        address: String,
        /// The one host that may use it; needed for a host that was enrolled before
        #[arg(long, value_name = "NAME")]
        host: Option<String>,
        /// How long it may be used
        #[arg(long, value_name = "N", default_value_t = LIFETIME_MINUTES)]
        minutes: u64,
        /// Write it to a file, readable by its owner alone, instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

impl Token {
    pub(super) fn run(self) -> Result<u8> {
        let Action::Create {
            pki,
            address,
            host,
            minutes,
            out,
        } = self.action;
        let authority = Pki::at(&pki).authority_der()?;
        let token = Tokens::of(&pki).create(
            &address,
            COLLECTOR,
            &authority,
            host.as_deref(),
            now_s(),
            minutes.saturating_mul(60),
        )?;
        match out {
            Some(path) => {
                let mut options = fs::File::options();
                let mut file = options
                    .create_new(true)
                    .write(true)
                    .mode(0o600)
                    .open(&path)
                    .with_context(|| format!("cannot create {}", path.display()))?;
                writeln!(file, "{}", token.text())?;
            }
            None => writeln!(std::io::stdout().lock(), "{}", token.text())?,
        }
        Ok(exit::DONE)
    }
}
