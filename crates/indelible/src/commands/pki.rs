//! `indelible pki`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::exit;
use crate::net::pki::Pki as Folder;

/// Make certificates for a collector and its hosts
#[derive(Debug, Args)]
pub(super) struct Pki {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Issue a certificate for a host; the authority is made where it is missing
    Issue {
        /// Folder of the authority
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// The host's DNS name, which becomes its peer name
        name: String,
    },
}

impl Pki {
    pub(super) fn run(self) -> Result<u8> {
        match self.action {
            Action::Issue { dir, name } => {
                let pki = Folder::at(&dir);
                pki.ensure()?;
                pki.issue(&name)?;
                let files = pki.files(&name);
                eprintln!(
                    "issued {} with {}",
                    files.certificate.display(),
                    files.key.display()
                );
            }
        }
        Ok(exit::DONE)
    }
}
