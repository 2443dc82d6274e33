//! Debian's rsyslogd as a process of a test, with a configuration of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running rsyslogd; dropping it kills it, and shows what it said if the test fails.
#[derive(Debug)]
pub struct Rsyslogd {
    child: Child,
    folder: PathBuf,
}

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
        let folder = folder.join("rsyslog");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("conf"), configured(&folder)).unwrap();
        let child = Command::new(RSYSLOGD)
            .arg("-n")
            .args(["-f".as_ref(), folder.join("conf").as_os_str()])
            .args(["-i".as_ref(), folder.join("pid").as_os_str()])
            .stdin(Stdio::null())
            .stderr(fs::File::create(folder.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        Some(Self { child, folder })
    }

    /// The folder that its configuration was made for; `pid` is in it once it runs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Rsyslogd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!(
                "{}",
                fs::read_to_string(self.folder.join("stderr")).unwrap_or_default()
            );
        }
    }
}

const RSYSLOGD: &str = "/usr/sbin/rsyslogd";
