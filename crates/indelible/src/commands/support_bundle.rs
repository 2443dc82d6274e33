//! `indelible support-bundle`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::config::{INSTALLED_AGENT, INSTALLED_COLLECTOR};
use crate::exit;
use crate::support::{Places, Redactor, gather};
use crate::terminal::Output;

/// Gather what somebody who helps needs to know, in one text to read before you send it
///
/// Versions, configuration, what `status` and `doctor` say, units and their messages, files by size.
/// No record and no key is in it; addresses and this host's name are replaced by words.
#[derive(Debug, Args)]
pub(super) struct SupportBundle {
    /// The agent's configuration [default: /etc/indelible/agent.toml, where it is there]
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// The collector's configuration [default: /etc/indelible/collector.toml, where it is there]
    #[arg(long, value_name = "FILE")]
    collector: Option<PathBuf>,
    /// Further names to replace: of hosts, of people; may be given several times
    #[arg(long, value_name = "NAME")]
    hide: Vec<String>,
    /// Write it to a new file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl SupportBundle {
    pub(super) fn run(self) -> Result<u8> {
        let or_installed = |given: Option<PathBuf>, path: &str| {
            given.or_else(|| Some(PathBuf::from(path)).filter(|path| Path::exists(path)))
        };
        let places = Places {
            agent: or_installed(self.agent, INSTALLED_AGENT),
            collector: or_installed(self.collector, INSTALLED_COLLECTOR),
        };
        let mut redactor = Redactor::default();
        for name in &self.hide {
            redactor.name(name, "name");
        }
        let text = gather(&places, &mut redactor);
        match &self.out {
            Some(path) => {
                let shown = || format!("cannot write {}", path.display());
                let mut options = fs::File::options();
                let options = options.write(true).create_new(true).mode(0o600);
                let mut file = options.open(path).with_context(shown)?;
                file.write_all(text.as_bytes()).with_context(shown)?;
                eprintln!("wrote {}; read it before you send it", path.display());
            }
            None => {
                let mut output = Output::stdout();
                output.write(text.as_bytes())?;
                output.flush()?;
            }
        }
        Ok(exit::DONE)
    }
}
