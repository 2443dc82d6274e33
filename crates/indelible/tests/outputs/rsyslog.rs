//! Debian's rsyslogd as the receiver.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::collector::{Collector, free_port};
use super::host::{Host, numbers, wait_for};

const COUNT: usize = 2_000;
const RSYSLOGD: &str = "/usr/sbin/rsyslogd";

/// An rsyslogd that writes what it receives to `out`.
struct Rsyslogd {
    child: Child,
    folder: PathBuf,
}

impl Rsyslogd {
    /// Starts it with modules and inputs; `None` where it is not installed. `port` is TCP's, to know
    /// when it listens.
    fn start(folder: &Path, modules: &[&str], input: &str, port: Option<u16>) -> Option<Self> {
        for needed in modules {
            let file = format!("/usr/lib/x86_64-linux-gnu/rsyslog/{needed}.so");
            if !Path::new(RSYSLOGD).exists() || !Path::new(&file).exists() {
                eprintln!("skipped: rsyslogd with {needed} is not installed");
                return None;
            }
        }
        let folder = folder.join("rsyslog");
        fs::create_dir_all(&folder).unwrap();
        let shown = folder.display();
        let config = format!(
            "$WorkDirectory {shown}\ntemplate(name=\"raw\" type=\"string\" string=\"%hostname%|%app-name%|%msgid%|%msg%\\n\")\n\
             {input}\naction(type=\"omfile\" file=\"{shown}/out\" template=\"raw\")\n"
        );
        fs::write(folder.join("conf"), config).unwrap();
        let child = Command::new(RSYSLOGD)
            .arg("-n")
            .args(["-f".as_ref(), folder.join("conf").as_os_str()])
            .args(["-i".as_ref(), folder.join("pid").as_os_str()])
            .stdin(Stdio::null())
            .stderr(fs::File::create(folder.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        match port {
            Some(port) => wait_for("rsyslogd", || {
                TcpStream::connect(("127.0.0.1", port)).is_ok()
            }),
            None => wait_for("rsyslogd", || folder.join("pid").exists()),
        }
        Some(Self { child, folder })
    }

    fn out(&self) -> PathBuf {
        self.folder.join("out")
    }
}

impl Drop for Rsyslogd {
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

/// Sends numbered lines through an output; each arrives, with its header understood.
fn check(output: &str, port: Option<u16>, modules: &[&str], input: &str) {
    let mut host = Host::new(&format!("[[outputs]]\nname = \"peer\"\n{output}\n"));
    let Some(rsyslogd) = Rsyslogd::start(&host.path(""), modules, input, port) else {
        return;
    };
    host.log(0..COUNT);
    host.start_sources();
    host.start_worker();
    wait_for("all messages", || numbers(&rsyslogd.out()).len() == COUNT);
    host.stop_sources();
    host.stop_worker();
    let text = fs::read_to_string(rsyslogd.out()).unwrap();
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let first = text.lines().find(|line| line.contains("nr=0 ")).unwrap();
    let fields: Vec<&str> = first.split('|').collect();
    assert_eq!(fields[..2], [name.trim(), "app.log"], "{first}");
    assert_eq!(fields[3].trim(), "nr=0 and some words of a message");
    assert!(numbers(&rsyslogd.out()).values().all(|times| *times == 1));
}

#[test]
fn tcp_with_both_framings_and_forms() {
    for (framing, format) in [("octets", "rfc5424"), ("lines", "rfc3164")] {
        let port = free_port();
        check(
            &format!(
                "to = [\"tcp:127.0.0.1:{port}\"]\nframing = \"{framing}\"\nformat = \"{format}\""
            ),
            Some(port),
            &["imtcp"],
            &format!(
                "module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")"
            ),
        );
    }
}

#[test]
fn udp() {
    let port = free_port();
    check(
        &format!("to = [\"udp:127.0.0.1:{port}\"]"),
        None,
        &["imudp"],
        &format!(
            "module(load=\"imudp\")\ninput(type=\"imudp\" port=\"{port}\" address=\"127.0.0.1\" rcvbufSize=\"8m\")"
        ),
    );
}

#[test]
fn relp() {
    let port = free_port();
    check(
        &format!("to = [\"relp:127.0.0.1:{port}\"]"),
        Some(port),
        &["imrelp"],
        &format!("module(load=\"imrelp\")\ninput(type=\"imrelp\" port=\"{port}\")"),
    );
}

/// The certificates of a collector's authority.
fn certificates() -> (Collector, String) {
    let collector = Collector::start();
    let (certificate, key) = collector.issue("siem.example");
    let ours = collector.issue("web1.example");
    let tls = format!(
        "tls = {{ ca = \"{}\", certificate = \"{}\", key = \"{}\", name = \"siem.example\" }}",
        collector.pki().join("ca.pem").display(),
        ours.0.display(),
        ours.1.display(),
    );
    let _ = (certificate, key);
    (collector, tls)
}

#[test]
fn tls_with_both_drivers() {
    let (collector, tls) = certificates();
    let (certificate, key) = collector.issue("siem.example");
    for driver in ["gtls", "ossl"] {
        let port = free_port();
        check(
            &format!("to = [\"tls:127.0.0.1:{port}\"]\n{tls}"),
            Some(port),
            &["imtcp", &format!("lmnsd_{driver}")],
            &format!(
                "global(DefaultNetstreamDriver=\"{driver}\" DefaultNetstreamDriverCAFile=\"{}\"\n\
                 DefaultNetstreamDriverCertFile=\"{}\" DefaultNetstreamDriverKeyFile=\"{}\")\n\
                 module(load=\"imtcp\" StreamDriver.Name=\"{driver}\" StreamDriver.Mode=\"1\"\n\
                 StreamDriver.AuthMode=\"x509/certvalid\")\n\
                 input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")",
                collector.pki().join("ca.pem").display(),
                certificate.display(),
                key.display(),
            ),
        );
    }
}

#[test]
fn relp_over_tls() {
    let (collector, tls) = certificates();
    let (certificate, key) = collector.issue("siem.example");
    let port = free_port();
    check(
        &format!("to = [\"relp-tls:127.0.0.1:{port}\"]\n{tls}"),
        Some(port),
        &["imrelp"],
        &format!(
            "module(load=\"imrelp\" tls.tlslib=\"openssl\")\n\
             input(type=\"imrelp\" port=\"{port}\" tls=\"on\" tls.cacert=\"{}\" tls.mycert=\"{}\"\n\
             tls.myprivkey=\"{}\" tls.authmode=\"certvalid\")",
            collector.pki().join("ca.pem").display(),
            certificate.display(),
            key.display(),
        ),
    );
}
