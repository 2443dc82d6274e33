//! `cargo xtask package-test`: the packages on a machine of their own.
//!
//! A clean debootstrap root with the distribution's kernel becomes the disk of a QEMU machine, in which
//! systemd is the first process and the kernel's audit is the machine's own: `packaging/test/guest.sh`
//! installs, enrols, starts, upgrades under load, removes, and migrates from auditd and rsyslog and
//! back. Root and image are kept in `target/package-test`; delete it to begin anew.
//!
//! ```text
//! cargo xtask package-test [--binary FILE]
//! ```
//! Needs root, Debian's mirror once, and a few minutes: QEMU emulates the processor, so that no
//! hardware virtualisation is needed.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::{dist, peers, shell};

/// Builds the packages twice and tries them.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let binary = match words {
        [] => None,
        ["--binary", file] => Some(PathBuf::from(file)),
        _ => bail!("usage: cargo xtask package-test [--binary FILE]"),
    };
    ensure!(indelible_sys::process::is_root(), "debootstrap needs root");
    if let Some(note) = peers::install_these(TOOLS)?.first() {
        bail!("{note}");
    }
    let folder = shell::target().join("package-test");
    fs::create_dir_all(&folder)?;
    let binary = match binary {
        Some(binary) => binary,
        None => dist::release()?,
    };
    let root = base(&folder)?;
    let mut packages = Vec::new();
    for revision in ["1", "2"] {
        let out = root.join("root/packages").join(revision);
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        packages.extend(dist::packages(&binary, revision, &out)?);
    }
    lintian(&packages)?;
    place_script(&root)?;
    let image = image(&folder, &root)?;
    boot(&folder, &root, &image)
}

/// A clean system with what the machine itself needs: kernel, systemd, and the packages that the
/// trial installs, downloaded, since the machine has no network.
fn base(folder: &Path) -> Result<PathBuf> {
    let root = folder.join("root");
    if root.join("complete").exists() {
        return Ok(root);
    }
    if root.exists() {
        fs::remove_dir_all(&root).context("cannot remove an unfinished root")?;
    }
    let mut command = shell::command("debootstrap", &["--variant=minbase"]);
    command
        .arg(format!("--include={INCLUDED}"))
        .arg("bookworm")
        .arg(&root)
        .stdout(Stdio::null());
    shell::run(command)?;
    for line in [
        "apt-get update -qq",
        "apt-get install -y -qq --no-install-recommends linux-image-cloud-amd64 initramfs-tools zstd",
        "apt-get install -y -qq --no-install-recommends --download-only auditd rsyslog",
        "echo root:*:1:0:99999:7::: > /dev/null; systemctl mask systemd-firstboot.service",
        "systemd-machine-id-setup; systemctl mask getty@tty1.service serial-getty@ttyS0.service",
    ] {
        let mut command = shell::command("chroot", &[]);
        command
            .arg(&root)
            .args(["/bin/sh", "-c", line])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null());
        shell::run(command)?;
    }
    fs::write(root.join("complete"), "")?;
    Ok(root)
}

fn place_script(root: &Path) -> Result<()> {
    let script = root.join("root/guest.sh");
    fs::copy(shell::root().join("packaging/test/guest.sh"), &script)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    let units = root.join("etc/systemd/system");
    fs::write(units.join("trial.service"), TRIAL_UNIT)?;
    let wants = units.join("multi-user.target.wants");
    fs::create_dir_all(&wants)?;
    let link = wants.join("trial.service");
    if !link.is_symlink() {
        std::os::unix::fs::symlink("../trial.service", link)?;
    }
    Ok(())
}

/// Errors of lintian fail; its warnings are shown.
fn lintian(packages: &[PathBuf]) -> Result<()> {
    let mut command = shell::command("lintian", &["--allow-root", "--fail-on", "error"]);
    command.arg("--suppress-tags").arg(SUPPRESSED.join(","));
    command.args(
        packages
            .iter()
            .filter(|path| path.parent().is_some_and(|p| p.ends_with("1"))),
    );
    shell::run(command)
}

fn image(folder: &Path, root: &Path) -> Result<PathBuf> {
    let image = folder.join("disk.img");
    let _ = fs::remove_file(&image);
    fs::File::create(&image)?.set_len(IMAGE_BYTES)?;
    let mut command = shell::command("mke2fs", &["-q", "-t", "ext4", "-d"]);
    command.arg(root).arg(&image);
    shell::run(command)?;
    Ok(image)
}

/// Boots the machine and follows its console.
fn boot(folder: &Path, root: &Path, image: &Path) -> Result<()> {
    let kernel = newest(&root.join("boot"), "vmlinuz-")?;
    let initrd = newest(&root.join("boot"), "initrd.img-")?;
    let mut command = Command::new("qemu-system-x86_64");
    command
        .args(["-accel", "tcg", "-cpu", "max", "-m", "1536", "-smp", "2"])
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
        .args(["-no-reboot", "-nic", "none", "-append", KERNEL_COMMAND_LINE])
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(initrd)
        .arg("-drive")
        .arg(format!("file={},if=virtio,format=raw", image.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut machine = command.spawn().context("cannot start QEMU")?;
    let output = machine.stdout.take().context("QEMU has no console")?;
    let (send, received) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if send.send(line).is_err() {
                break;
            }
        }
    });
    let mut log = fs::File::create(folder.join("console.log"))?;
    let started = Instant::now();
    let mut outcome = None;
    loop {
        let left = TIME_MAX.saturating_sub(started.elapsed());
        match received.recv_timeout(left) {
            Ok(line) => {
                writeln!(log, "{line}")?;
                let is_told = ["STEP ", "DONE ", "NOTE ", "FAILED ", "ALL DONE"]
                    .iter()
                    .any(|word| line.starts_with(word));
                if is_told {
                    println!("{line}");
                }
                if line.starts_with("FAILED ") {
                    outcome = Some(Err(line));
                } else if line == "ALL DONE" && outcome.is_none() {
                    outcome = Some(Ok(()));
                }
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                machine.kill()?;
                outcome = Some(Err(format!("not done after {} s", TIME_MAX.as_secs())));
                break;
            }
        }
    }
    machine.wait()?;
    let console = folder.join("console.log");
    match outcome {
        Some(Ok(())) => {
            println!(
                "packages: everything held, in {} s; systemd was the first process of a QEMU machine",
                started.elapsed().as_secs()
            );
            Ok(())
        }
        Some(Err(line)) => bail!("{line}; see {}", console.display()),
        None => bail!("the machine ended by itself; see {}", console.display()),
    }
}

fn newest(folder: &Path, prefix: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(prefix) {
            found.push(path);
        }
    }
    found.sort();
    found
        .pop()
        .with_context(|| format!("no {prefix} in {}", folder.display()))
}

/// Packages of the tools, and the programs that show that they are there.
const TOOLS: &[(&str, &str)] = &[
    ("debootstrap", "/usr/sbin/debootstrap"),
    ("e2fsprogs", "/usr/sbin/mke2fs"),
    ("lintian", "/usr/bin/lintian"),
    ("qemu-system-x86", "/usr/bin/qemu-system-x86_64"),
    ("seabios", "/usr/share/seabios"),
];
const INCLUDED: &str = "systemd,systemd-sysv,dbus,procps,man-db,apparmor";
/// A package outside an archive closes no bug of it, and has no long history.
const SUPPRESSED: &[&str] = &["initial-upload-closes-no-bugs"];
/// A busy host makes an emulated timer late, which the kernel must not take for a broken one.
const KERNEL_COMMAND_LINE: &str = "root=/dev/vda rw console=ttyS0 quiet audit=1 no_timer_check \
    panic=-1 systemd.show_status=0";
const IMAGE_BYTES: u64 = 3 << 30;
const TIME_MAX: Duration = Duration::from_secs(1500);
const TRIAL_UNIT: &str = "\
[Unit]
Description=Trial of the packages
After=multi-user.target

[Service]
Type=simple
ExecStart=/root/guest.sh
";
