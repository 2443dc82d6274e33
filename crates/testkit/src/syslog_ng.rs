//! Debian's syslog-ng as a process of a test. Its package cannot stand beside rsyslog's, so `xtask`
//! unpacks it below `target/peers` without installing it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running syslog-ng; dropping it kills it, and shows what it said if the test fails.
#[derive(Debug)]
pub struct SyslogNg {
    child: Child,
    folder: PathBuf,
}

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
        let folder = folder.join("syslog-ng");
        fs::create_dir_all(&folder).unwrap();
        let config = format!(
            "@version: {version}\noptions {{ keep-hostname(yes); use-dns(no); dns-cache(no); stats-freq(0); }};\n{}",
            configured(&folder)
        );
        fs::write(folder.join("conf"), config).unwrap();
        let libraries = [
            "usr/lib/x86_64-linux-gnu",
            "lib/x86_64-linux-gnu",
            "usr/lib/syslog-ng",
        ];
        let libraries: Vec<String> = libraries
            .iter()
            .map(|name| root.join(name).display().to_string())
            .collect();
        let child = Command::new(program)
            .args(["-F", "--no-caps"])
            .arg(format!("--module-path={}", modules.display()))
            .arg(format!("--cfgfile={}", folder.join("conf").display()))
            .arg(format!(
                "--persist-file={}",
                folder.join("persist").display()
            ))
            .arg(format!("--pidfile={}", folder.join("pid").display()))
            .arg(format!("--control={}", folder.join("control").display()))
            .env("LD_LIBRARY_PATH", libraries.join(":"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
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

impl Drop for SyslogNg {
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

/// Version and folder of its modules: `usr/lib/syslog-ng/3.38`.
fn modules(root: &Path) -> Option<(String, PathBuf)> {
    let items = fs::read_dir(root.join("usr/lib/syslog-ng")).ok()?;
    items.flatten().find_map(|item| {
        let name = item.file_name().into_string().ok()?;
        let is_version = name.starts_with(|first: char| first.is_ascii_digit());
        (is_version && item.path().is_dir()).then(|| (name, item.path()))
    })
}
