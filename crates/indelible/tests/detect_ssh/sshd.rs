//! A real sshd on loopback, with users, configuration and a log of its own.
//!
//! It runs in a mount namespace where overlays stand over /etc and /dev: nothing of the host is
//! changed, and everything is gone with the process. Its syslog messages come to a socket of ours,
//! and are written as rsyslog would write them.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running sshd.
pub(crate) struct Sshd {
    scratch: TempDir,
    pub(crate) port: u16,
    child: Child,
    ending: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
}

impl Sshd {
    /// `None`, with a line to the reader, where it cannot run.
    pub(crate) fn start() -> Option<Self> {
        for program in [
            "/usr/sbin/sshd",
            "/usr/bin/ssh",
            "/usr/bin/ssh-keygen",
            "/usr/bin/unshare",
        ] {
            if !Path::new(program).exists() {
                eprintln!("skipped: no {program}");
                return None;
            }
        }
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: a lab with sshd needs root");
            return None;
        }
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let port = indelible_testkit::free_port();
        prepare(scratch.path(), port);
        let socket = UnixDatagram::bind(scratch.path().join("log.socket")).expect("a socket");
        open(&scratch.path().join("log.socket"), 0o666);
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("a timeout");
        let ending = Arc::new(AtomicBool::new(false));
        let log = File::create(scratch.path().join("auth.log")).expect("a log");
        let is_ending = Arc::clone(&ending);
        let writer = std::thread::spawn(move || write_log(&socket, log, &is_ending));
        let messages = File::create(scratch.path().join("sshd.err")).expect("a file");
        let child = Command::new("/usr/bin/unshare")
            .args(["--mount", "--propagation", "private", "/bin/sh"])
            .arg(scratch.path().join("up.sh"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(messages)
            .spawn()
            .expect("unshare starts");
        let mut sshd = Self {
            scratch,
            port,
            child,
            ending,
            writer: Some(writer),
        };
        sshd.listens().then_some(sshd)
    }

    fn listens(&mut self) -> bool {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            if log.contains("Server listening on") {
                return true;
            }
            if self.child.try_wait().expect("a status").is_some() {
                let messages = fs::read_to_string(self.path("sshd.err")).unwrap_or_default();
                eprintln!(
                    "skipped: sshd does not run here: {}",
                    messages.replace('\n', " ")
                );
                return false;
            }
            sleep(Duration::from_millis(20));
        }
        panic!("sshd does not listen");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// What rsyslog would have written.
    pub(crate) fn log(&self) -> PathBuf {
        self.path("auth.log")
    }

    /// Waits until nothing has been logged for a while.
    pub(crate) fn settle(&self) {
        let mut length = 0;
        loop {
            sleep(Duration::from_millis(400));
            let now = fs::metadata(self.log()).expect("a log").len();
            if now == length {
                return;
            }
            length = now;
        }
    }

    /// A connection from an address of 127/8, for clients that speak for themselves.
    pub(crate) fn connect(&self, from: &str) -> TcpStream {
        use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
        let address =
            |ip: &str, port| std::net::SocketAddrV4::new(ip.parse().expect("an address"), port);
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&socket, &address(from, 0)).expect("an address of loopback");
        connect(&socket, &address("127.0.0.1", self.port)).expect("sshd answers");
        let stream = TcpStream::from(socket);
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("a timeout");
        stream
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // Its mounts go with the last process of its namespace.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.ending.store(true, Ordering::Relaxed);
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Everything that sshd needs, in the scratch folder.
fn prepare(root: &Path, port: u16) {
    open(root, 0o755);
    for folder in [
        "dev",
        "dev.work",
        "etc",
        "etc/pam.d",
        "etc.work",
        "home",
        "home/.ssh",
    ] {
        fs::create_dir(root.join(folder)).expect("a folder");
    }
    symlink(root.join("log.socket"), root.join("dev/log")).expect("a link");
    for key in ["host", "good", "bad"] {
        let status = Command::new("/usr/bin/ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(root.join(key))
            .status();
        assert!(status.expect("ssh-keygen starts").success());
    }
    fs::copy(
        root.join("good.pub"),
        root.join("home/.ssh/authorized_keys"),
    )
    .expect("a key");
    let home = root.join("home");
    let accounts = format!(
        "lab:x:{UID}:{UID}::{0}:/bin/sh\ndenied:x:4322:4322::{0}:/bin/sh\n",
        home.display()
    );
    let secrets = format!(
        "lab:{PASSWORD_HASH}:19000:0:99999:7:::\ndenied:{PASSWORD_HASH}:19000:0:99999:7:::\n"
    );
    append("/etc/passwd", &root.join("etc/passwd"), &accounts);
    append("/etc/shadow", &root.join("etc/shadow"), &secrets);
    open(&root.join("etc/shadow"), 0o600);
    fs::write(root.join("etc/pam.d/sshd"), PAM).expect("a file");
    for path in ["home", "home/.ssh", "home/.ssh/authorized_keys"] {
        chown(root.join(path), Some(UID), Some(UID)).expect("root may");
    }
    let shown = root.display();
    fs::write(
        root.join("sshd_config"),
        format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {shown}/host\nPidFile none\nUsePAM yes\n\
             KbdInteractiveAuthentication yes\nPasswordAuthentication yes\nStrictModes no\n\
             MaxAuthTries {MAX_TRIES}\nMaxStartups 100\nDenyUsers denied\nUseDNS no\n"
        ),
    )
    .expect("a file");
    fs::write(
        root.join("up.sh"),
        format!(
            "set -e\n\
             mount -t overlay overlay -o lowerdir=/dev,upperdir={shown}/dev,workdir={shown}/dev.work /dev\n\
             mount -t overlay overlay -o lowerdir=/etc,upperdir={shown}/etc,workdir={shown}/etc.work /etc\n\
             mount -t tmpfs tmpfs /var/log\nmount -t tmpfs tmpfs /run\nmkdir /run/sshd\n\
             exec /usr/sbin/sshd -D -f {shown}/sshd_config\n"
        ),
    )
    .expect("a file");
}

fn append(from: &str, to: &Path, text: &str) {
    let before = fs::read_to_string(from).expect("an account file");
    fs::write(to, before + text).expect("a file");
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

/// `<38>Nov 25 17:40:05 sshd[7]: …` → `Nov 25 17:40:05 lab sshd[7]: …`
fn write_log(socket: &UnixDatagram, mut log: File, ending: &AtomicBool) {
    let mut message = [0; 8_192];
    while !ending.load(Ordering::Relaxed) {
        let Ok(length) = socket.recv(&mut message) else {
            continue;
        };
        let text = String::from_utf8_lossy(&message[..length]);
        let text = text.split_once('>').map_or(&*text, |(_, text)| text);
        let (stamp, rest) = text.split_at(STAMP_BYTES);
        writeln!(log, "{stamp}lab {rest}").expect("a log");
    }
}

const UID: u32 = 4_321;
/// Refused tries until sshd ends a connection.
pub(crate) const MAX_TRIES: u32 = 4;
/// `Nov 25 17:40:05 `
const STAMP_BYTES: usize = 16;
/// Of the word "right".
const PASSWORD_HASH: &str = "$6$indelible$MiXqXKB92YnMEpDaY6Z6Kg69vKeSoklX0KrE8pJEcDmf6xXP5QLb5p7FsP5Q0Y58eL4njfWKqNXFmy9eYM.hA.";
/// Without the delay after a failure that pam_unix asks for.
const PAM: &str = "auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_unix.so\n";
