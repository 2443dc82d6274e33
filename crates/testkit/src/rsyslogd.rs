//! Debian's rsyslogd as a process of a test, with a configuration of its own.

use std::path::Path;
use std::process::Command;

use super::daemon::Daemon;

/// A running rsyslogd; dropping it kills it, and shows what it said if the test fails.
#[derive(Debug)]
pub struct Rsyslogd(Daemon);

impl Rsyslogd {
    /// Starts it in a new folder below `folder`, with what `configured` says for that one; none, with
    /// a line on standard error, where it or one of the modules is not installed.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(
        folder: &Path,
        modules: &[&str],
        configured: impl FnOnce(&Path) -> String,
    ) -> Option<Self> {
        for needed in modules {
            let file = format!("/usr/lib/x86_64-linux-gnu/rsyslog/{needed}.so");
            if !Path::new(RSYSLOGD).exists() || !Path::new(&file).exists() {
                eprintln!("skipped: rsyslogd with {needed} is not installed");
                return None;
            }
        }
        let command = |folder: &Path| {
            let mut command = Command::new(RSYSLOGD);
            command
                .arg("-n")
                .args(["-f".as_ref(), folder.join("conf").as_os_str()])
                .args(["-i".as_ref(), folder.join("pid").as_os_str()]);
            command
        };
        Some(Self(Daemon::start(folder, "rsyslog", configured, command)))
    }

    /// The folder that its configuration was made for; `pid` is in it once it runs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.0.folder()
    }
}

const RSYSLOGD: &str = "/usr/sbin/rsyslogd";
