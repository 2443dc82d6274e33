//! auditd as Debian ships it, alone and with its syslog plugin and rsyslog behind it.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::bench::audit::{Audit, Daemon};

/// auditd with Debian's auditd.conf, only its files elsewhere.
pub(super) fn auditd(audit: &Audit, name: &str, with_syslog: bool) -> Result<Daemon> {
    let folder = audit.folder().join(name);
    let plugins = folder.join("plugins.d");
    fs::create_dir_all(&plugins)?;
    let shipped = fs::read_to_string("/etc/audit/auditd.conf").context("auditd's configuration")?;
    let log = format!("log_file = {}", folder.join("audit.log").display());
    let plugin_dir = format!("plugin_dir = {}", plugins.display());
    let lines = shipped.lines().map(|line| match line {
        line if line.starts_with("log_file") => log.as_str(),
        line if line.starts_with("plugin_dir") => plugin_dir.as_str(),
        line => line,
    });
    let lines: Vec<&str> = lines.collect();
    fs::write(folder.join("auditd.conf"), lines.join("\n") + "\n")?;
    if with_syslog {
        let shipped = fs::read_to_string("/etc/audit/plugins.d/syslog.conf")
            .context("the syslog plugin's configuration")?;
        let active = shipped.replace("active = no", "active = yes");
        fs::write(plugins.join("syslog.conf"), active)?;
    }
    let config = folder.to_string_lossy();
    Daemon::start(Path::new(AUDITD), &["-n", "-s", "enable", "-c", &config])
}

/// rsyslogd that takes what the plugin logs and forwards it over TCP to somebody who reads it.
pub(super) struct Rsyslog {
    pub(super) daemon: Daemon,
    pid_file: PathBuf,
}

impl Rsyslog {
    /// `None` where `/dev/log` is somebody's, or rsyslog is not installed.
    pub(super) fn start(audit: &Audit, name: &str) -> Result<Option<Self>> {
        if Path::new(LOG_SOCKET).exists() || !Path::new(RSYSLOGD).exists() {
            return Ok(None);
        }
        let folder = audit.folder().join(name);
        fs::create_dir_all(&folder)?;
        let receiver = TcpListener::bind("127.0.0.1:0")?;
        let address = receiver.local_addr()?;
        std::thread::spawn(move || {
            for connection in receiver.incoming().flatten() {
                let mut connection = connection;
                let mut bytes = vec![0; 64 << 10];
                while connection.read(&mut bytes).is_ok_and(|got| got > 0) {}
            }
        });
        let config = folder.join("rsyslog.conf");
        let text = format!(
            "global(workDirectory=\"{}\")\nmodule(load=\"imuxsock\")\n*.* @@{address}\n",
            folder.display()
        );
        fs::write(&config, text)?;
        let pid_file = folder.join("pid");
        let words = [
            "-n",
            "-f",
            &config.to_string_lossy(),
            "-i",
            &pid_file.to_string_lossy(),
        ];
        let daemon = Daemon::start(Path::new(RSYSLOGD), &words)?;
        for _ in 0..200 {
            if Path::new(LOG_SOCKET).exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Ok(Some(Self { daemon, pid_file }))
    }

    pub(super) fn stop(self) -> Result<()> {
        self.daemon.stop()?;
        let _ = fs::remove_file(self.pid_file);
        // It was not there before.
        let _ = fs::remove_file(LOG_SOCKET);
        Ok(())
    }
}

pub(super) const AUDITD: &str = "/sbin/auditd";
const RSYSLOGD: &str = "/usr/sbin/rsyslogd";
const LOG_SOCKET: &str = "/dev/log";
