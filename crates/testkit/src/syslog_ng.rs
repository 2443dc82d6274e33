//! Debian's syslog-ng as a process of a test. Its package cannot stand beside rsyslog's, so `xtask`
//! unpacks it below `target/peers` without installing it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::daemon::Daemon;

/// A running syslog-ng; dropping it kills it, and shows what it said if the test fails.
#[derive(Debug)]
pub struct SyslogNg(Daemon);

impl SyslogNg {
    /// Starts it in a new folder below `folder`, with what `configured` says for that one behind the
    /// version; none, with a line on standard error, where it is not there. `target` is where cargo
    /// builds.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(
        target: &Path,
        folder: &Path,
        configured: impl FnOnce(&Path) -> String,
    ) -> Option<Self> {
        let root = target.join("peers/syslog-ng/root");
        let program = root.join("usr/sbin/syslog-ng");
        let modules = modules(&root);
        let (true, Some((version, modules))) = (program.exists(), modules) else {
            eprintln!("skipped: syslog-ng is not unpacked in {}", root.display());
            return None;
        };
        let config = |folder: &Path| {
            format!(
                "@version: {version}\noptions {{ keep-hostname(yes); use-dns(no); dns-cache(no); stats-freq(0); }};\n{}",
                configured(folder)
            )
        };
        let libraries = [
            "usr/lib/x86_64-linux-gnu",
            "lib/x86_64-linux-gnu",
            "usr/lib/syslog-ng",
        ];
        let libraries: Vec<String> = libraries
            .iter()
            .map(|name| root.join(name).display().to_string())
            .collect();
        let command = |folder: &Path| {
            let file =
                |option: &str, name: &str| format!("--{option}={}", folder.join(name).display());
            let mut command = Command::new(program);
            command
                .args(["-F", "--no-caps"])
                .arg(format!("--module-path={}", modules.display()))
                .arg(file("cfgfile", "conf"))
                .arg(file("persist-file", "persist"))
                .arg(file("pidfile", "pid"))
                .arg(file("control", "control"))
                .env("LD_LIBRARY_PATH", libraries.join(":"))
                .stdout(Stdio::null());
            command
        };
        Some(Self(Daemon::start(folder, "syslog-ng", config, command)))
    }

    /// The folder that its configuration was made for; `pid` is in it once it runs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.0.folder()
    }
}

/// Version and folder of its modules: `usr/lib/syslog-ng/3.38`.
fn modules(root: &Path) -> Option<(String, PathBuf)> {
    let items = fs::read_dir(root.join("usr/lib/syslog-ng")).ok()?;
    items.flatten().find_map(|item| {
        let name = item.file_name().into_string().ok()?;
        let is_version = name.starts_with(|first: char| first.is_ascii_digit());
        (is_version && item.path().is_dir()).then(|| (name, item.path()))
    })
}
