//! Debian's rsyslogd as the receiver.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use indelible_testkit::{Rsyslogd, free_port};

use super::collector::Collector;
use super::host::{Host, numbers, wait_for};

const COUNT: usize = 2_000;
/// An rsyslogd that writes what it receives to [`out`]. `port` is TCP's, to know when it listens.
fn start(folder: &Path, modules: &[&str], input: &str, port: Option<u16>) -> Option<Rsyslogd> {
    let rsyslogd = Rsyslogd::start(folder, modules, |folder| {
        let shown = folder.display();
        format!(
            "$WorkDirectory {shown}\ntemplate(name=\"raw\" type=\"string\" string=\"%hostname%|%app-name%|%msgid%|%msg%\\n\")\n\
             {input}\naction(type=\"omfile\" file=\"{shown}/out\" template=\"raw\")\n"
        )
    })?;
    wait_for("rsyslogd", || match port {
        Some(port) => TcpStream::connect(("127.0.0.1", port)).is_ok(),
        None => rsyslogd.folder().join("pid").exists(),
    });
    Some(rsyslogd)
}

fn out(rsyslogd: &Rsyslogd) -> PathBuf {
    rsyslogd.folder().join("out")
}

/// Sends numbered lines through an output; each arrives, with its header understood.
fn check(output: &str, port: Option<u16>, modules: &[&str], input: &str) {
    let mut host = Host::new(&format!("[[outputs]]\nname = \"peer\"\n{output}\n"));
    let Some(rsyslogd) = start(&host.path(""), modules, input, port) else {
        return;
    };
    host.log(0..COUNT);
    host.start_sources();
    host.start_worker();
    wait_for("all messages", || numbers(&out(&rsyslogd)).len() == COUNT);
    host.stop_sources();
    host.stop_worker();
    let text = fs::read_to_string(out(&rsyslogd)).unwrap();
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let first = text.lines().find(|line| line.contains("nr=0 ")).unwrap();
    let fields: Vec<&str> = first.split('|').collect();
    assert_eq!(fields[..2], [name.trim(), "app.log"], "{first}");
    assert_eq!(fields[3].trim(), "nr=0 and some words of a message");
    assert!(numbers(&out(&rsyslogd)).values().all(|times| *times == 1));
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
