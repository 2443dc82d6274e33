//! A machine of its own for a trial: a clean debootstrap root as its disk, in which systemd is the first
//! process and the kernel's audit is the machine's own.
//!
//! The trial is a script that prints to `/dev/console`: lines that begin with `STEP`, `DONE` or `NOTE` are
//! shown, `FAILED …` fails it and `ALL DONE` makes it a success. The script ends the machine itself.
//! The kernel is the distribution's, in QEMU: where KVM runs on hardware the processor is the host's;
//! elsewhere QEMU emulates one, which takes ten times as long. Or it is the distribution's user-mode
//! Linux, a process as others are: for what takes long and needs one processor. Needs root, and
//! Debian's mirror once: the machine itself has no network.

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
    kernel: Kernel,
}

/// Whose kernel it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernel {
    /// Its own, in QEMU, with two processors.
    Own,
    /// User-mode Linux, which leaves the host to others.
    UserMode,
}

impl Machine {
    /// Makes the root in `target/NAME`, in which `steps` are done by a shell, or takes the one that an
    /// earlier run made there.
    pub(crate) fn in_qemu(name: &str, steps: &[&str]) -> Result<Self> {
        Self::with(Kernel::Own, name, steps)
    }

    /// The same for user-mode Linux.
    pub(crate) fn user_mode(name: &str, steps: &[&str]) -> Result<Self> {
        Self::with(Kernel::UserMode, name, steps)
    }

    fn with(kernel: Kernel, name: &str, steps: &[&str]) -> Result<Self> {
        ensure!(indelible_sys::process::is_root(), "debootstrap needs root");
        let tools = match kernel {
            Kernel::Own => QEMU,
            Kernel::UserMode => USER_MODE,
        };
        for tools in [TOOLS, tools] {
            if let Some(note) = peers::install_these(tools)?.first() {
                bail!("{note}");
            }
        }
        let machine = Self {
            folder: shell::target().join(name),
            kernel,
        };
        fs::create_dir_all(&machine.folder)?;
        if !machine.root().join(COMPLETE).exists() {
            machine.bootstrap(steps)?;
        }
        Ok(machine)
    }

    /// The file system of the machine, before it starts.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// Starts the machine with a script of the repository as its trial; gives how long it took.
    pub(crate) fn run(&self, script: &str, patience: Duration) -> Result<Duration> {
        self.run_and_take(script, patience, None)
    }

    /// The same, and copies a folder out of its disk, for which there must be room.
    pub(crate) fn run_and_take(
        &self,
        script: &str,
        patience: Duration,
        taken: Option<(&str, &Path)>,
    ) -> Result<Duration> {
        self.place(&shell::root().join(script))?;
        let image = self.image()?;
        let started = Instant::now();
        let outcome = self
            .follow(self.start(&image)?, started + patience)
            .and_then(|()| taken.map_or(Ok(()), |(inside, to)| take(&image, inside, to)));
        // The disk is as large as everything else together, and of no use afterwards.
        fs::remove_file(&image)?;
        outcome?;
        Ok(started.elapsed())
    }

    fn bootstrap(&self, steps: &[&str]) -> Result<()> {
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
        let kernel = match self.kernel {
            Kernel::Own => format!("{INSTALL} linux-image-cloud-amd64 initramfs-tools zstd"),
            // Its modules, where its programs look for them.
            Kernel::UserMode => format!("{INSTALL} kmod; mkdir -p /usr/lib/modules"),
        };
        let before = [NO_SERVICES, "apt-get update -qq", &kernel, MASKED];
        for step in before.iter().chain(steps).chain(&[SERVICES]) {
            let mut command = shell::command("chroot", &[]);
            command
                .arg(&root)
                .args(["/bin/sh", "-ec", step])
                .env("DEBIAN_FRONTEND", "noninteractive")
                .stdout(Stdio::null());
            shell::run(command)?;
        }
        if self.kernel == Kernel::UserMode {
            let mut copy = shell::command("cp", &["-r", "/usr/lib/uml/modules/."]);
            copy.arg(root.join("usr/lib/modules"));
            shell::run(copy)?;
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
        let mut command = match self.kernel {
            Kernel::Own => self.emulated(image)?,
            Kernel::UserMode => as_process(image),
        };
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the machine")
    }

    fn emulated(&self, image: &Path) -> Result<Command> {
        let boot = self.root().join("boot");
        let mut command = Command::new("qemu-system-x86_64");
        command
            .args(["-accel", accelerator(), "-cpu", "max"])
            .args(["-m", "1536", "-smp", "2"])
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
            .args(["-no-reboot", "-nic", "none", "-append"])
            // A busy host makes an emulated timer late, which must not be taken for a broken one.
            .arg(format!(
                "root=/dev/vda console=ttyS0 no_timer_check {COMMAND_LINE}"
            ))
            .arg("-kernel")
            .arg(newest(&boot, "vmlinuz-")?)
            .arg("-initrd")
            .arg(newest(&boot, "initrd.img-")?)
            .arg("-drive")
            .arg(format!("file={},if=virtio,format=raw", image.display()));
        Ok(command)
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

/// User-mode Linux over a disk.
fn as_process(image: &Path) -> Command {
    let mut command = Command::new("nice");
    command
        // Its processes take turns: on one processor none waits for another to wake up.
        .args(["-n", "19", "taskset", "-c", "0", "linux.uml", "mem=1024M"])
        .arg(format!("ubd0={}", image.display()))
        .args(["root=/dev/ubda", "con=null", "con0=null,fd:1"])
        .args(COMMAND_LINE.split(' '))
        .stderr(Stdio::null());
    command
}

/// Copies a folder out of the disk of a machine that has ended.
fn take(image: &Path, inside: &str, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut command = shell::command("debugfs", &["-R"]);
    command
        .arg(format!("rdump {inside} {}", to.display()))
        .arg(image)
        .stderr(Stdio::null());
    shell::run(command)
}

/// The lines of a machine's console, as they come.
fn console(machine: &mut Child) -> Result<Receiver<String>> {
    let output = machine
        .stdout
        .take()
        .context("the machine has no console")?;
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
];
const QEMU: &[(&str, &str)] = &[
    ("qemu-system-x86", "/usr/bin/qemu-system-x86_64"),
    ("seabios", "/usr/share/seabios"),
];
const USER_MODE: &[(&str, &str)] = &[("user-mode-linux", "/usr/bin/linux.uml")];
const INSTALL: &str = "apt-get install -y -qq --no-install-recommends";
/// A service that a package starts would run on the host.
const NO_SERVICES: &str =
    "printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d";
const SERVICES: &str = "rm /usr/sbin/policy-rc.d";
/// Nobody asks, and nobody logs in at the console.
const MASKED: &str = "systemctl mask systemd-firstboot.service getty@tty1.service \
    serial-getty@ttyS0.service; systemd-machine-id-setup";
const INCLUDED: &str = "systemd,systemd-sysv,dbus,procps,man-db,apparmor";
/// A file that says that a root is whole.
const COMPLETE: &str = "complete";
/// Lines of the console that are shown as they come.
const TOLD: [&str; 5] = ["STEP ", "DONE ", "NOTE ", "FAILED ", "ALL DONE"];
const COMMAND_LINE: &str = "rw quiet audit=1 panic=-1 systemd.show_status=0";
/// A disk holds no more than what was written to it.
const IMAGE_BYTES: u64 = 16 << 30;
const TRIAL_UNIT: &str = "\
[Unit]
Description=What is tried on this machine
After=multi-user.target

[Service]
Type=simple
ExecStart=/root/trial.sh
";
