//! A root that looks like this host's and is not: overlays over the folders that procedures write
//! to, in a mount namespace of its own. What happens there is gone with its last process.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Runs this program again in a mount namespace of its own.
pub(super) fn enter(words: &[&str]) -> Result<()> {
    let program = std::env::current_exe().context("cannot find the program itself")?;
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(program)
        .args(words)
        .env(INSIDE, "1")
        .status()
        .context("cannot start unshare")?;
    ensure!(status.success(), "recording failed: {status}");
    Ok(())
}

/// Whether [`enter`] started this process.
pub(super) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Lays the overlays. The host's folder for temporary files stays in sight below [`ROOM`], for the
/// lock between all that use the kernel's audit.
pub(super) fn lay() -> Result<()> {
    shell(
        "mount -t tmpfs -o size=4g tmpfs /mnt && mkdir -p /mnt/tmp /mnt/spool && mount --bind /tmp /mnt/tmp",
    )?;
    for folder in ["etc", "var", "root", "home", "usr", "opt", "srv"] {
        shell(&format!(
            "mkdir -p /{folder} /mnt/over/{folder}/up /mnt/over/{folder}/work && \
             mount -t overlay overlay \
             -o lowerdir=/{folder},upperdir=/mnt/over/{folder}/up,workdir=/mnt/over/{folder}/work /{folder}"
        ))?;
    }
    shell(
        "mount -t tmpfs tmpfs /tmp && chmod 1777 /tmp && mount -t tmpfs tmpfs /run && mkdir -p /run/lock && mount -t tmpfs tmpfs /dev/shm",
    )?;
    shell("chmod 755 /root /opt; export DEBIAN_FRONTEND=noninteractive; \
           printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; \
           apt-get install -y --no-install-recommends sudo logrotate cron at busybox netcat-traditional libpopt0 openssl vim ed gdb strace libcap2-bin adduser >/mnt/apt.log 2>&1 && \
           mkdir -p /mnt/debs && cd /mnt/debs && apt-get download sudo logrotate cron at libpopt0 openssh-server >>/mnt/apt.log 2>&1")
        .context("the packages that procedures need; see /mnt/apt.log")
}

/// Where the scratch root keeps what is ours.
pub(super) const ROOM: &str = "/mnt";

/// The lock of all that use the kernel's audit, as it is seen from inside.
pub(super) fn lock() -> PathBuf {
    Path::new(ROOM).join("tmp/indelible-kernel-audit.lock")
}

/// Runs a script as it is and fails with it.
pub(super) fn shell(script: &str) -> Result<()> {
    run(script, None)
}

/// Runs a script after a login of `auid`, whatever it ends with.
pub(super) fn logged_in(script: &str, auid: u32) -> Result<()> {
    run(script, Some(auid))
}

fn run(script: &str, auid: Option<u32>) -> Result<()> {
    let path = Path::new(ROOM).join("script.sh");
    std::fs::write(&path, script)?;
    let login = auid.map_or_else(String::new, |auid| {
        format!("echo {auid} > /proc/self/loginuid && ")
    });
    let mut child = Command::new("/bin/sh")
        .args(["-c", &format!("{login}exec /bin/sh {}", path.display())])
        .env_clear()
        .envs([
            (
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ),
            ("HOME", "/root"),
            ("LC_ALL", "C"),
            ("DEBIAN_FRONTEND", "noninteractive"),
        ])
        .current_dir("/root")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start a shell")?;
    let until = Instant::now() + SCRIPT_TIMEOUT;
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(
                auid.is_some() || status.success(),
                "{script:?} failed: {status}"
            );
            return Ok(());
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            bail!("{script:?} took longer than {} s", SCRIPT_TIMEOUT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Says that the namespace is there.
const INSIDE: &str = "INDELIBLE_SCRATCH_ROOT";
/// How long a script may take: those that install packages take the longest.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(300);
