//! Our processes under measurement.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use crate::bench::audit::{Audit, Daemon};
use crate::shell;

/// Our program, its folders and its collector's address.
pub(super) struct Ours {
    program: PathBuf,
    folder: PathBuf,
    store: String,
    pki: String,
    address: String,
    config: String,
}

impl Ours {
    /// In a folder of its own; `context` says whether processes are described.
    pub(super) fn new(audit: &Audit, name: &str, context: bool) -> Result<Self> {
        let folder = audit.folder().join(name);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711))?;
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let config = path("agent.toml");
        fs::write(
            &config,
            format!("spool = {:?}\ncontext = {context}\n", path("agent")),
        )?;
        let ours = Self {
            program: shell::target().join("release/indelible"),
            store: path("collector"),
            pki: path("pki"),
            address: TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string(),
            config,
            folder,
        };
        let issued = shell::succeeds(
            &ours.program.to_string_lossy(),
            &["pki", "issue", "--dir", &ours.pki, "bench"],
        );
        ensure!(issued, "cannot make certificates");
        Ok(ours)
    }

    pub(super) fn spool(&self) -> PathBuf {
        self.folder.join("agent")
    }

    pub(super) fn role(&self, role: &str) -> Result<Daemon> {
        self.role_telling(role, "error", Stdio::inherit())
    }

    /// A role, with what it says of itself going somewhere.
    pub(super) fn role_telling(&self, role: &str, level: &str, to: Stdio) -> Result<Daemon> {
        let words = [
            "agent",
            "--config",
            &self.config,
            "--collector",
            &self.address,
            "--pki",
            &self.pki,
            "--name",
            "bench",
            "--supervised",
            "--role",
            role,
        ];
        Daemon::start_telling(&self.program, &words, level, to)
    }

    pub(super) fn collector(&self) -> Result<Daemon> {
        let words = [
            "collector",
            "--store",
            &self.store,
            "--native",
            &self.address,
            "--pki",
            &self.pki,
            "--supervised",
        ];
        let collector = Daemon::start(&self.program, &words)?;
        for _ in 0..500 {
            if Path::new(&self.pki).join("log.vkey").exists() {
                return Ok(collector);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the collector did not start")
    }

    /// The file in which the worker says how much of capture's stream has receipts.
    pub(super) fn released(&self) -> Result<PathBuf> {
        let streams = fs::read_dir(self.spool().join("capture/streams"))?;
        let mut ids = streams.filter_map(|item| Some(item.ok()?.file_name()));
        let id = ids.next();
        ensure!(ids.next().is_none(), "more than one stream");
        let Some(id) = id else { bail!("no stream") };
        Ok(self.spool().join("worker/released").join(id))
    }
}

/// What stands in that file; 0 where it is not there yet.
pub(super) fn position(released: &Path) -> u64 {
    let bytes = fs::read(released).unwrap_or_default();
    <[u8; 8]>::try_from(bytes).map_or(0, u64::from_be_bytes)
}
