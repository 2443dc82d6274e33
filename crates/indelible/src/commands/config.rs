//! `indelible config`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};

use super::config_import::Import;
use crate::config::layers::{self, Credentials, Mistake};
use crate::config::node::{Node, Value};
use crate::config::{
    self, AgentConfig, CollectorConfig, INSTALLED_AGENT, INSTALLED_COLLECTOR, defaults,
};
use crate::exit;
use crate::terminal::Output;

/// Check and show configuration files
#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check configuration files with their drop-ins; each mistake is told with line and column
    ///
    /// A file is taken for the agent's or the collector's by its name, or by its keys. Exit codes:
    /// 0 all can be used, 1 one has a mistake, 2 one cannot be read.
    Check {
        /// The files; of those that are there of /etc/indelible/agent.toml and collector.toml if
        /// none is given
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Whose files they are
        #[arg(long, value_enum, value_name = "DAEMON")]
        daemon: Option<Daemon>,
    },
    /// Show what a configuration comes to: its file, drop-ins, environment and defaults together
    Show {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Whose file it is
        #[arg(long, value_enum, value_name = "DAEMON")]
        daemon: Option<Daemon>,
        /// Say of each key where it was set
        #[arg(long)]
        origin: bool,
    },
    Import(Import),
    /// Print the JSON Schema of a configuration, for editors
    Schema {
        /// Whose configuration
        #[arg(value_enum, value_name = "DAEMON")]
        daemon: Daemon,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Daemon {
    /// Configuration of `indelible agent`
    Agent,
    /// Configuration of `indelible collector`
    Collector,
}

impl Config {
    pub(super) fn run(self) -> Result<u8> {
        match self.action {
            Action::Check { files, daemon } => check(&files, daemon),
            Action::Show {
                file,
                daemon,
                origin,
            } => show(&file, daemon, origin),
            Action::Import(import) => import.run(),
            Action::Schema { daemon } => {
                print(defaults::schema_text(daemon.name()))?;
                Ok(exit::DONE)
            }
        }
    }
}

impl Daemon {
    fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Collector => "collector",
        }
    }

    /// By the file's name, else by the key that each of them needs.
    fn of(path: &Path) -> Result<Self> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        for daemon in [Self::Agent, Self::Collector] {
            if name.contains(daemon.name()) {
                return Ok(daemon);
            }
        }
        let node = layers::read(path, "", &[], Credentials::Named)?;
        let Value::Table(table) = &node.value else {
            anyhow::bail!("{} holds no table", path.display());
        };
        match (table.contains_key("spool"), table.contains_key("store")) {
            (true, false) => Ok(Self::Agent),
            (false, true) => Ok(Self::Collector),
            _ => anyhow::bail!(
                "{} has neither spool nor store: say --daemon agent or --daemon collector",
                path.display()
            ),
        }
    }

    /// What it would refuse to start with, and files that it names and that are not there.
    fn judge(self, node: &Node) -> Result<Vec<String>, Mistake> {
        Ok(match self {
            Self::Agent => config::typed::<AgentConfig>(node)?.missing_files(),
            Self::Collector => config::typed::<CollectorConfig>(node)?.missing_files(),
        })
    }
}

fn check(files: &[PathBuf], daemon: Option<Daemon>) -> Result<u8> {
    let shipped = [INSTALLED_AGENT, INSTALLED_COLLECTOR].map(PathBuf::from);
    let shipped: Vec<PathBuf> = shipped.into_iter().filter(|path| path.exists()).collect();
    let files = if files.is_empty() { &shipped } else { files };
    anyhow::ensure!(
        !files.is_empty(),
        "no file is given, and there is none in /etc/indelible"
    );
    let environment = environment();
    let mut text = String::new();
    let mut whole = true;
    for path in files {
        let shown = path.display();
        let judged = read(path, daemon, &environment)
            .and_then(|(daemon, node)| Ok((daemon, daemon.judge(&node)?)));
        match judged {
            Ok((daemon, missing)) => {
                for file in missing {
                    let _ = writeln!(text, "{shown}: warning: {file} is not there");
                }
                let _ = writeln!(text, "{shown}: fine, for the {}", daemon.name());
            }
            Err(error) => {
                let mistake: Mistake = error.downcast()?;
                whole = false;
                let _ = writeln!(text, "{}: error: {}", mistake.origin, mistake.message);
            }
        }
    }
    print(&text)?;
    Ok(if whole { exit::DONE } else { exit::NOTHING })
}

fn show(path: &Path, daemon: Option<Daemon>, with_origin: bool) -> Result<u8> {
    let (daemon, node) = read(path, daemon, &environment())?;
    daemon.judge(&node)?;
    let mut lines: Vec<(String, String, String)> = node
        .leaves()
        .into_iter()
        .map(|(keys, node)| {
            (
                keys.join("."),
                node.value.to_string(),
                node.origin.to_string(),
            )
        })
        .collect();
    for (key, value) in defaults::of(daemon.name(), &node)? {
        lines.push((key, value, "default".into()));
    }
    lines.sort();
    let mut text = String::new();
    for (key, value, origin) in lines {
        let _ = write!(text, "{key} = {value}");
        let _ = if with_origin {
            writeln!(text, "  # {origin}")
        } else {
            writeln!(text)
        };
    }
    print(&text)?;
    Ok(exit::DONE)
}

fn read(
    path: &Path,
    daemon: Option<Daemon>,
    environment: &[(OsString, OsString)],
) -> Result<(Daemon, Node)> {
    let daemon = match daemon {
        Some(daemon) => daemon,
        None => Daemon::of(path)?,
    };
    let node = layers::read(path, daemon.name(), environment, Credentials::Named)?;
    Ok((daemon, node))
}

fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

fn print(text: &str) -> Result<()> {
    let mut output = Output::stdout();
    output
        .write(text.as_bytes())
        .context("cannot write the answer")?;
    output.flush().context("cannot write the answer")
}
