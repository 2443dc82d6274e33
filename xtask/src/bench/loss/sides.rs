//! Senders and receivers: processes that can be killed, and what the receivers hold.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{MESSAGES, MESSAGES_RELP};
use crate::shell;

/// Who sends what to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Native,
    Relp,
    RsyslogTcp,
    RsyslogRelp,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [
        Self::Native,
        Self::Relp,
        Self::RsyslogTcp,
        Self::RsyslogRelp,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "ours, native",
            Self::Relp => "ours, RELP to our collector",
            Self::RsyslogTcp => "rsyslog, TCP",
            Self::RsyslogRelp => "rsyslog, RELP",
        }
    }

    pub(super) fn messages(self) -> usize {
        match self {
            Self::RsyslogRelp => MESSAGES_RELP,
            _ => MESSAGES,
        }
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::Native | Self::Relp)
    }

    pub(super) fn is_installed(self) -> bool {
        let needed: &[&str] = match self {
            Self::Native | Self::Relp => return true,
            Self::RsyslogTcp => &["imfile", "imtcp"],
            Self::RsyslogRelp => &["imfile", "imrelp", "omrelp"],
        };
        let module = |name: &&str| Path::new(MODULES).join(format!("{name}.so")).exists();
        Path::new(RSYSLOGD).exists() && needed.iter().all(module)
    }
}

/// A receiver; dropping it kills it.
pub(super) struct Receiver {
    kind: Kind,
    folder: PathBuf,
    address: String,
    /// The collector's native address, also where RELP is measured.
    native: String,
    child: Option<Child>,
}

impl Receiver {
    pub(super) fn new(kind: Kind, folder: &Path) -> Result<Self> {
        let folder = folder.join("receiver");
        fs::create_dir(&folder)?;
        let native = free_address()?;
        let address = if kind == Kind::Native {
            native.clone()
        } else {
            free_address()?
        };
        Ok(Self {
            kind,
            folder,
            address,
            native,
            child: None,
        })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn start(&mut self) -> Result<()> {
        let mut command;
        if self.kind.is_ours() {
            command = Command::new(program());
            command
                .args([
                    "collector",
                    "--supervised",
                    "--native",
                    &self.native,
                    "--store",
                ])
                .arg(self.folder.join("store"))
                .arg("--pki")
                .arg(self.folder.join("pki"));
            if self.kind == Kind::Relp {
                command.args(["--relp", &self.address]);
            }
        } else {
            let (host, port) = self.address.split_once(':').context("an address")?;
            let module = match self.kind {
                Kind::RsyslogRelp => "imrelp",
                _ => "imtcp",
            };
            let shown = self.folder.display();
            let config = format!(
                "module(load=\"{module}\")\ninput(type=\"{module}\" address=\"{host}\" port=\"{port}\")\n\
                 $WorkDirectory {shown}\naction(type=\"omfile\" file=\"{shown}/out\")\n"
            );
            fs::write(self.folder.join("conf"), config)?;
            command = rsyslogd(&self.folder);
        }
        self.child = Some(spawn(&mut command)?);
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&self.address).is_err() {
            ensure!(
                Instant::now() < deadline,
                "nobody listens on {}",
                self.address
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub(super) fn kill(&mut self) -> Result<()> {
        kill(&mut self.child)
    }

    pub(super) fn signal(&self, name: &str) -> Result<()> {
        let child = self.child.as_ref().context("a receiver")?;
        signal(child, name)
    }

    /// Ends it in good order.
    pub(super) fn stop(&mut self) -> Result<()> {
        let mut child = self.child.take().context("a receiver")?;
        drop(child.stdin.take());
        signal(&child, "TERM")?;
        child.wait()?;
        Ok(())
    }

    /// About how many messages arrived.
    pub(super) fn progress(&self) -> Result<usize> {
        if self.kind.is_ours() {
            let checkpoint = fs::read_to_string(self.folder.join("store/checkpoint"));
            let size = checkpoint
                .ok()
                .and_then(|text| text.lines().nth(1)?.parse().ok());
            return Ok(size.unwrap_or(0));
        }
        let bytes = fs::metadata(self.folder.join("out")).map_or(0, |out| out.len());
        Ok(bytes as usize / OUT_BYTES)
    }

    /// The numbers of all messages that are there, in their order.
    pub(super) fn numbers(&self) -> Result<Vec<u32>> {
        let mut found = Vec::new();
        if !self.kind.is_ours() {
            let text = fs::read(self.folder.join("out")).unwrap_or_default();
            found.extend(text.split(|byte| *byte == b'\n').filter_map(number));
            return Ok(found);
        }
        // Exit code 1: nothing was found.
        let shown = Command::new(program())
            .args(["search", "--text", "nr=", "--format", "raw", "--store"])
            .arg(self.folder.join("store"))
            .stderr(Stdio::null())
            .output()?;
        found.extend(shown.stdout.split(|byte| *byte == b'\n').filter_map(number));
        Ok(found)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = kill(&mut self.child);
    }
}

/// A sender; dropping it kills it.
pub(super) struct Sender {
    kind: Kind,
    folder: PathBuf,
    children: Vec<Child>,
    has_disk: bool,
}

impl Sender {
    /// Writes the file of messages and the configuration. What is queued stands on a small disk of
    /// its own where this process may mount one.
    pub(super) fn new(kind: Kind, folder: &Path, to: &str, messages: usize) -> Result<Self> {
        let folder = folder.join("sender");
        fs::create_dir(&folder)?;
        let mut file = std::io::BufWriter::new(fs::File::create(folder.join("app.log"))?);
        for number in 0..messages {
            writeln!(
                file,
                "nr={number:08} and some words of a message that a program might log"
            )?;
        }
        file.flush()?;
        let disk = folder.join("disk");
        fs::create_dir(&disk)?;
        let size = format!("size={DISK_BYTES}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&disk)
            .status();
        let has_disk = mounted.is_ok_and(|status| status.success());
        let (host, port) = to.split_once(':').context("an address")?;
        let shown = folder.display();
        let config = match kind {
            Kind::Native => format!(
                "spool = \"{shown}/disk/spool\"\nworker-user = \"root\"\nsources = [\"file:{shown}/app.log\"]\n\
                 [limits]\nmin-free = 1000000\n[collector]\naddress = \"{to}\"\nlog-key = \"{pki}/log.vkey\"\n\
                 tls = {{ ca = \"{pki}/ca.pem\", certificate = \"{pki}/sender.pem\", key = \"{pki}/sender-key.pem\" }}\n",
                pki = folder.with_file_name("receiver").join("pki").display()
            ),
            Kind::Relp => format!(
                "spool = \"{shown}/disk/spool\"\nworker-user = \"root\"\nsources = [\"file:{shown}/app.log\"]\n\
                 [limits]\nmin-free = 1000000\n[[outputs]]\nname = \"relp\"\nto = [\"relp:{to}\"]\n"
            ),
            Kind::RsyslogTcp | Kind::RsyslogRelp => {
                let (module, action) = match kind {
                    Kind::RsyslogRelp => ("module(load=\"omrelp\")\n", "type=\"omrelp\""),
                    _ => ("", "type=\"omfwd\" protocol=\"tcp\""),
                };
                format!(
                    "{module}module(load=\"imfile\" mode=\"inotify\")\n$WorkDirectory {shown}/disk\n\
                     input(type=\"imfile\" file=\"{shown}/app.log\" tag=\"app\" persistStateInterval=\"1000\")\n\
                     action({action} target=\"{host}\" port=\"{port}\" queue.type=\"LinkedList\" queue.filename=\"q\"\n\
                     queue.saveOnShutdown=\"on\" queue.checkpointInterval=\"100\" queue.timeoutEnqueue=\"60000\"\n\
                     action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\")\n"
                )
            }
        };
        let name = if kind.is_ours() { "agent.toml" } else { "conf" };
        fs::write(folder.join(name), config)?;
        if kind == Kind::Native {
            let pki = folder.with_file_name("receiver").join("pki");
            let issued = Command::new(program())
                .args(["pki", "issue", "--dir"])
                .arg(pki)
                .arg("sender")
                .stdout(Stdio::null())
                .status()?;
            ensure!(issued.success(), "no certificate was issued");
        }
        Ok(Self {
            kind,
            folder,
            children: Vec::new(),
            has_disk,
        })
    }

    pub(super) fn start(&mut self) -> Result<()> {
        if !self.kind.is_ours() {
            self.children.push(spawn(&mut rsyslogd(&self.folder))?);
            return Ok(());
        }
        for role in ["sources", "worker"] {
            let mut command = Command::new(program());
            command
                .args(["agent", "--supervised", "--role", role, "--config"])
                .arg(self.folder.join("agent.toml"));
            self.children.push(spawn(&mut command)?);
        }
        Ok(())
    }

    /// kill -9 of all that it is.
    pub(super) fn kill(&mut self) -> Result<()> {
        for child in std::mem::take(&mut self.children) {
            kill(&mut Some(child))?;
        }
        Ok(())
    }

    /// Fills the disk of the queue; gives the file that does.
    pub(super) fn fill_disk(&self) -> Result<PathBuf> {
        if !self.has_disk {
            bail!("a disk of its own could not be mounted");
        }
        let path = self.folder.join("disk/ballast");
        let mut file = fs::File::create(&path)?;
        let block = vec![0; 64 << 10];
        while file.write_all(&block).is_ok() {}
        Ok(path)
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.kill();
        if self.has_disk {
            let _ = Command::new("umount")
                .arg("-l")
                .arg(self.folder.join("disk"))
                .status();
        }
    }
}

pub(super) fn distinct(numbers: &[u32]) -> usize {
    numbers.iter().collect::<HashSet<_>>().len()
}

fn number(line: &[u8]) -> Option<u32> {
    let at = line.windows(3).position(|part| part == b"nr=")?;
    let digits = line.get(at + 3..at + 11)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn program() -> PathBuf {
    shell::target().join("release/indelible")
}

fn rsyslogd(folder: &Path) -> Command {
    // A pid file of a killed one keeps the next from starting.
    let _ = fs::remove_file(folder.join("pid"));
    let mut command = Command::new(RSYSLOGD);
    command
        .args(["-n", "-f"])
        .arg(folder.join("conf"))
        .arg("-i")
        .arg(folder.join("pid"));
    command
}

fn spawn(command: &mut Command) -> Result<Child> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .env("INDELIBLE_LOG", "error")
        .spawn()
        .context("cannot start a daemon")
}

fn kill(child: &mut Option<Child>) -> Result<()> {
    if let Some(mut child) = child.take() {
        child.kill()?;
        child.wait()?;
    }
    Ok(())
}

fn signal(child: &Child, name: &str) -> Result<()> {
    let pid = child.id().to_string();
    let status = Command::new("kill")
        .args([&format!("-{name}"), &pid])
        .status()?;
    ensure!(status.success(), "kill -{name} {pid} failed");
    Ok(())
}

fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

const RSYSLOGD: &str = "/usr/sbin/rsyslogd";
const MODULES: &str = "/usr/lib/x86_64-linux-gnu/rsyslog";
/// Size of the disk that a sender queues on: room for all messages, and not much more.
const DISK_BYTES: u64 = 512 << 20;
/// About the bytes of a line in rsyslog's file.
const OUT_BYTES: usize = 100;
