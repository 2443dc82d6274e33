//! A machine of its own for a trial: a clean debootstrap root with the distribution's kernel as the
//! disk of a QEMU machine, in which systemd is the first process and the kernel's audit is the
//! machine's own.
//!
//! The trial is a script that prints to `/dev/console`: lines that begin with `STEP`, `DONE` or `NOTE` are
//! shown, `FAILED …` fails it and `ALL DONE` makes it a success. The script ends the machine itself.
//! Where KVM runs on hardware the processor is the host's; elsewhere QEMU emulates one, which takes ten
//! times as long. Needs root, and Debian's mirror once: the machine itself has no network.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::{peers, shell};

/// A root folder that becomes a disk, and where its trial's console is kept.
pub(crate) struct Machine {
    folder: PathBuf,
}

impl Machine {
    /// Makes the root in `target/NAME`, or takes the one that an earlier run made there. Of the
    /// packages in `downloads` only the archives are there: the trial installs them.
    pub(crate) fn prepare(name: &str, downloads: &[&str]) -> Result<Self> {
        ensure!(indelible_sys::process::is_root(), "debootstrap needs root");
        if let Some(note) = peers::install_these(TOOLS)?.first() {
            bail!("{note}");
        }
        let machine = Self {
            folder: shell::target().join(name),
        };
        fs::create_dir_all(&machine.folder)?;
        if !machine.root().join(COMPLETE).exists() {
            machine.bootstrap(downloads)?;
        }
        Ok(machine)
    }

    /// The file system of the machine, before it starts.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// Starts the machine with a script of the repository as its trial; gives how long it took.
    pub(crate) fn run(&self, script: &str, patience: Duration) -> Result<Duration> {
        self.place(&shell::root().join(script))?;
        let image = self.image()?;
        let started = Instant::now();
        let outcome = self.follow(self.start(&image)?, started + patience);
        // The disk is as large as everything else together, and of no use afterwards.
        fs::remove_file(&image)?;
        outcome?;
        Ok(started.elapsed())
    }

    fn bootstrap(&self, downloads: &[&str]) -> Result<()> {
        let root = self.root();
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
        let install = "apt-get install -y -qq --no-install-recommends";
        let mut lines = vec![
            "apt-get update -qq".to_owned(),
            format!("{install} linux-image-cloud-amd64 initramfs-tools zstd"),
            "systemctl mask systemd-firstboot.service".to_owned(),
            "systemd-machine-id-setup; systemctl mask getty@tty1.service serial-getty@ttyS0.service"
                .to_owned(),
        ];
        if !downloads.is_empty() {
            lines.push(format!("{install} --download-only {}", downloads.join(" ")));
        }
        for line in lines {
            let mut command = shell::command("chroot", &[]);
            command
                .arg(&root)
                .args(["/bin/sh", "-c", &line])
                .env("DEBIAN_FRONTEND", "noninteractive")
                .stdout(Stdio::null());
            shell::run(command)?;
        }
        fs::write(root.join(COMPLETE), "")?;
        Ok(())
    }

    fn place(&self, script: &Path) -> Result<()> {
        let root = self.root();
        let to = root.join("root/trial.sh");
        fs::copy(script, &to).with_context(|| format!("cannot copy {}", script.display()))?;
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
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

    fn image(&self) -> Result<PathBuf> {
        let image = self.folder.join("disk.img");
        let _ = fs::remove_file(&image);
        fs::File::create(&image)?.set_len(IMAGE_BYTES)?;
        let mut command = shell::command("mke2fs", &["-q", "-t", "ext4", "-d"]);
        command.arg(self.root()).arg(&image);
        shell::run(command)?;
        Ok(image)
    }

    fn start(&self, image: &Path) -> Result<Child> {
        let boot = self.root().join("boot");
        Command::new("qemu-system-x86_64")
            .args(["-accel", accelerator(), "-cpu", "max"])
            .args(["-m", "1536", "-smp", "2"])
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
            .args(["-no-reboot", "-nic", "none", "-append", KERNEL_COMMAND_LINE])
            .arg("-kernel")
            .arg(newest(&boot, "vmlinuz-")?)
            .arg("-initrd")
            .arg(newest(&boot, "initrd.img-")?)
            .arg("-drive")
            .arg(format!("file={},if=virtio,format=raw", image.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start QEMU")
    }

    /// Reads the console until the machine ends, or its time does.
    fn follow(&self, mut machine: Child, deadline: Instant) -> Result<()> {
        let path = self.folder.join("console.log");
        let mut log = fs::File::create(&path)?;
        let lines = console(&mut machine)?;
        let mut outcome = None;
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    writeln!(log, "{line}")?;
                    if TOLD.iter().any(|word| line.starts_with(word)) {
                        println!("{line}");
                    }
                    if line.starts_with("FAILED ") {
                        outcome = Some(Err(line));
                    } else if line == "ALL DONE" && outcome.is_none() {
                        outcome = Some(Ok(()));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    machine.kill()?;
                    outcome = Some(Err("not done in time".to_owned()));
                    break;
                }
            }
        }
        machine.wait()?;
        match outcome {
            Some(Ok(())) => Ok(()),
            Some(Err(line)) => bail!("{line}; see {}", path.display()),
            None => bail!("the machine ended by itself; see {}", path.display()),
        }
    }
}

/// The lines of a machine's console, as they come.
fn console(machine: &mut Child) -> Result<Receiver<String>> {
    let output = machine.stdout.take().context("QEMU has no console")?;
    let (send, received) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if send.send(line).is_err() {
                break;
            }
        }
    });
    Ok(received)
}

/// What runs the machine's instructions. A `/dev/kvm` alone says too little: where KVM has no hardware
/// below it (`kvm_pvm`), it takes only kernels that know it, and the distribution's never starts.
fn accelerator() -> &'static str {
    let is_hardware = ["/sys/module/kvm_amd", "/sys/module/kvm_intel"]
        .iter()
        .any(|module| Path::new(module).exists());
    if is_hardware && Path::new("/dev/kvm").exists() {
        "kvm"
    } else {
        "tcg"
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
    ("qemu-system-x86", "/usr/bin/qemu-system-x86_64"),
    ("seabios", "/usr/share/seabios"),
];
const INCLUDED: &str = "systemd,systemd-sysv,dbus,procps,man-db,apparmor";
/// A file that says that a root is whole.
const COMPLETE: &str = "complete";
/// Lines of the console that are shown as they come.
const TOLD: [&str; 5] = ["STEP ", "DONE ", "NOTE ", "FAILED ", "ALL DONE"];
/// A busy host makes an emulated timer late, which the kernel must not take for a broken one.
const KERNEL_COMMAND_LINE: &str = "root=/dev/vda rw console=ttyS0 quiet audit=1 no_timer_check \
    panic=-1 systemd.show_status=0";
const IMAGE_BYTES: u64 = 3 << 30;
const TRIAL_UNIT: &str = "\
[Unit]
Description=What is tried on this machine
After=multi-user.target

[Service]
Type=simple
ExecStart=/root/trial.sh
";
