//! `indelible revoke`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::exit;
use crate::net::pki::Pki;

/// Refuse a host's certificate from now on, and cut its connections
///
/// What it sent stays. It can enrol again with a token of `indelible token create --host NAME`.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// Folder of the collector's authority
    #[arg(long, value_name = "DIR")]
    pki: PathBuf,
    /// The host's name in its certificate
    host: String,
}

impl Revoke {
    pub(super) fn run(self) -> Result<u8> {
        Pki::at(&self.pki).revoke(&self.host)?;
        eprintln!("revoked {}", self.host);
        Ok(exit::DONE)
    }
}
