//! The sections of the text, each from what has it already. What fails says so in its section.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Redactor;
use crate::account::Account;
use crate::config::layers::{self, Credentials};
use crate::config::{self, AgentConfig, CollectorConfig};
use crate::doctor;

/// What is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) agent: Option<PathBuf>,
    pub(crate) collector: Option<PathBuf>,
}

/// The whole text, redacted.
pub(crate) fn gather(places: &Places, redactor: &mut Redactor) -> String {
    let host = rustix::system::uname();
    redactor.name(&host.nodename().to_string_lossy(), "host");
    let mut text = String::new();
    let mut section = |title: &str, body: String| {
        let _ = writeln!(text, "== {title}\n{}\n", redactor.text(&body).trim_end());
    };
    section(
        "program",
        format!("indelible {}", env!("CARGO_PKG_VERSION")),
    );
    section("system", system());
    let agent: Option<AgentConfig> = places.agent.as_deref().and_then(|path| {
        section(
            &format!("configuration {}", path.display()),
            written(path, "agent"),
        );
        config::read(path).ok()
    });
    let collector: Option<CollectorConfig> = places.collector.as_deref().and_then(|path| {
        section(
            &format!("configuration {}", path.display()),
            written(path, "collector"),
        );
        config::read(path).ok()
    });
    section("doctor", checks(agent.as_ref()));
    if let Some(agent) = &agent {
        section(
            "status of the spool",
            account(Account::of_spool(&agent.spool)),
        );
        section("files of the spool", files(&agent.spool));
    }
    if let Some(collector) = &collector {
        section(
            "status of the store",
            account(Account::of_store(&collector.store)),
        );
        section("files of the store", files(&collector.store));
    }
    section(
        "units",
        command(
            "systemctl",
            &[
                "--no-pager",
                "show",
                "--property",
                UNIT_PROPERTIES,
                "indelible-*",
            ],
        ),
    );
    section(
        "messages of the units",
        command(
            "journalctl",
            &[
                "--no-pager",
                "--lines",
                MESSAGES_MAX,
                "--output",
                "short-iso",
                "--no-hostname",
                "--unit",
                "indelible-*",
            ],
        ),
    );
    text
}

fn system() -> String {
    let host = rustix::system::uname();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .unwrap_or("unknown system");
    let command_line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let audit: Vec<&str> = command_line
        .split_ascii_whitespace()
        .filter(|word| word.starts_with("audit"))
        .collect();
    format!(
        "{name}\nkernel {} {}\nkernel command line, as far as it is about audit: {audit:?}",
        host.release().to_string_lossy(),
        host.machine().to_string_lossy(),
    )
}

fn written(path: &Path, daemon: &str) -> String {
    let environment: Vec<_> = std::env::vars_os().collect();
    match layers::read(path, daemon, &environment, Credentials::Named) {
        Err(error) => format!("{error:#}"),
        Ok(node) => {
            let mut text = String::new();
            for (keys, leaf) in node.leaves() {
                let _ = writeln!(
                    text,
                    "{} = {}  # {}",
                    keys.join("."),
                    leaf.value,
                    leaf.origin
                );
            }
            text
        }
    }
}

fn checks(agent: Option<&AgentConfig>) -> String {
    let mut text = String::new();
    for checked in doctor::run(agent) {
        let _ = writeln!(
            text,
            "{:8} {}: {}",
            checked.outcome.as_str(),
            checked.check,
            checked.detail
        );
    }
    text
}

/// Streams, hosts and losses as JSON: it holds counts and names, no record.
fn account(account: anyhow::Result<Account>) -> String {
    match account.and_then(|account| Ok(serde_json::to_string_pretty(&account)?)) {
        Ok(text) => text,
        Err(error) => format!("{error:#}"),
    }
}

/// Names and sizes.
fn files(folder: &Path) -> String {
    let mut text = String::new();
    let mut waiting = vec![folder.to_owned()];
    let mut count = 0_usize;
    while let Some(folder) = waiting.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                let _ = writeln!(text, "{}: {error}", folder.display());
                continue;
            }
        };
        for entry in entries.flatten() {
            count += 1;
            if count > FILES_MAX {
                let _ = writeln!(text, "and more");
                return text;
            }
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => waiting.push(entry.path()),
                Ok(metadata) => {
                    let _ = writeln!(text, "{:>12} {}", metadata.len(), entry.path().display());
                }
                Err(error) => {
                    let _ = writeln!(text, "{}: {error}", entry.path().display());
                }
            }
        }
    }
    text
}

fn command(program: &str, words: &[&str]) -> String {
    let output = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => format!("{program}: {error}"),
    }
}

const UNIT_PROPERTIES: &str =
    "Id,LoadState,ActiveState,SubState,NRestarts,Result,ExecMainStatus,MemoryCurrent,CPUUsageNSec";
/// Most lines of the units' messages.
const MESSAGES_MAX: &str = "500";
/// Most files that are listed of a folder.
const FILES_MAX: usize = 2000;
