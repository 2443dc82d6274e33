//! Findings as messages to the host's syslog daemon.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indelible_detect::sigma::Level;

use super::Output;
use crate::detect::print::one_line;
use crate::payload::finding::Finding;

/// The socket of a syslog daemon.
pub(super) struct Syslog {
    path: PathBuf,
}

impl Syslog {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }
}

impl Output for Syslog {
    fn tell(&mut self, finding: &Finding, _: &[u8]) -> Result<()> {
        // Opened each time: the daemon may have started again.
        let socket = UnixDatagram::unbound().context("cannot make a socket")?;
        socket
            .send_to(line(finding).as_bytes(), &self.path)
            .with_context(|| format!("cannot write to {}", self.path.display()))?;
        Ok(())
    }
}

/// `<PRI>indelible: LEVEL ID: WHY`, as `/dev/log` takes it; the daemon adds time and host.
fn line(finding: &Finding) -> String {
    let priority = AUTHPRIV * 8 + severity(finding.level);
    let on = match finding.called() {
        Some(host) => format!(" on {host}"),
        None => String::new(),
    };
    let text = format!("{} {}{on}: {}", finding.level, finding.id, finding.why);
    // What an attacker wrote must not begin a message of its own.
    format!("<{priority}>indelible: {}", one_line(&text))
}

/// RFC 5424, table 2.
fn severity(level: Level) -> u8 {
    match level {
        Level::Informational => 6,
        Level::Low => 5,
        Level::Medium => 4,
        Level::High => 3,
        Level::Critical => 2,
    }
}

/// Facility `authpriv`: who may read it is limited.
const AUTHPRIV: u8 = 10;
