//! Debian's syslog-ng as the receiver of our outputs, and as a sender to our collector.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use indelible_testkit::{SyslogNg, free_port};

use super::collector::Collector;
use super::host::{Host, numbers, wait_for};

const COUNT: usize = 2_000;

fn start(folder: &Path, configured: impl FnOnce(&Path) -> String) -> Option<SyslogNg> {
    let program = Path::new(env!("CARGO_BIN_EXE_indelible"));
    let target = program.parent().and_then(Path::parent)?;
    SyslogNg::start(target, folder, configured)
}

/// Where it writes what `source` receives.
fn receiving(source: &str, folder: &Path) -> String {
    format!(
        "source s {{ {source} }};\n\
         destination d {{ file(\"{}/out\" template(\"${{HOST}}|${{PROGRAM}}|${{MSG}}\\n\")); }};\n\
         log {{ source(s); destination(d); }};\n",
        folder.display()
    )
}

/// Sends numbered lines through an output; each arrives once, with its header understood.
fn check(output: &str, port: Option<u16>, source: &str) {
    let mut host = Host::new(&format!("[[outputs]]\nname = \"peer\"\n{output}\n"));
    let Some(peer) = start(&host.path(""), |folder| receiving(source, folder)) else {
        return;
    };
    wait_for("syslog-ng", || match port {
        Some(port) => TcpStream::connect(("127.0.0.1", port)).is_ok(),
        None => peer.folder().join("pid").exists() && peer.folder().join("control").exists(),
    });
    let out: PathBuf = peer.folder().join("out");
    host.log(0..COUNT);
    host.start_sources();
    host.start_worker();
    wait_for("all messages", || numbers(&out).len() == COUNT);
    host.stop_sources();
    host.stop_worker();
    let text = fs::read_to_string(&out).unwrap();
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let first = text.lines().find(|line| line.contains("nr=0 ")).unwrap();
    let fields: Vec<&str> = first.split('|').collect();
    assert_eq!(fields[..2], [name.trim(), "app.log"], "{first}");
    assert_eq!(fields[2].trim(), "nr=0 and some words of a message");
    assert!(numbers(&out).values().all(|times| *times == 1));
}

#[test]
fn tcp_with_both_framings_and_forms() {
    let port = free_port();
    check(
        &format!("to = [\"tcp:127.0.0.1:{port}\"]\nframing = \"octets\"\nformat = \"rfc5424\""),
        Some(port),
        &format!("syslog(ip(\"127.0.0.1\") port({port}) transport(\"tcp\"));"),
    );
    let port = free_port();
    check(
        &format!("to = [\"tcp:127.0.0.1:{port}\"]\nframing = \"lines\"\nformat = \"rfc3164\""),
        Some(port),
        &format!("network(ip(\"127.0.0.1\") port({port}) transport(\"tcp\"));"),
    );
}

#[test]
fn udp() {
    let port = free_port();
    check(
        &format!("to = [\"udp:127.0.0.1:{port}\"]"),
        None,
        &format!("syslog(ip(\"127.0.0.1\") port({port}) transport(\"udp\") so-rcvbuf(8388608));"),
    );
}

#[test]
fn tls() {
    let collector = Collector::start();
    let (certificate, key) = collector.issue("siem.example");
    let port = free_port();
    check(
        &format!(
            "to = [\"tls:127.0.0.1:{port}\"]\ntls = {{ ca = \"{}\", name = \"siem.example\" }}",
            collector.pki().join("ca.pem").display()
        ),
        Some(port),
        &format!(
            "syslog(ip(\"127.0.0.1\") port({port}) transport(\"tls\")\n\
             tls(key-file(\"{}\") cert-file(\"{}\") peer-verify(optional-untrusted)));",
            key.display(),
            certificate.display()
        ),
    );
}

/// Over TCP with both framings and over TLS, to our collector.
#[test]
fn what_it_sends_our_collector_stores() {
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("app.log");
    fs::write(&source, "").unwrap();
    let destination = |name: &str, driver: &str, port: u16, more: &str| {
        format!(
            "destination {name} {{ {driver}(\"127.0.0.1\" port({port}) persist-name(\"{name}\") {more} template(\"{name} ${{MSG}}\\n\")); }};\n\
             log {{ source(s); destination({name}); }};\n"
        )
    };
    let (plain, tls) = (collector.port("syslog-tcp"), collector.port("syslog-tls"));
    let destinations = [
        destination("octets", "syslog", plain, "transport(\"tcp\")"),
        destination(
            "lines",
            "network",
            plain,
            "transport(\"tcp\") flags(syslog-protocol)",
        ),
        destination(
            "secured",
            "syslog",
            tls,
            &format!(
                "transport(\"tls\") tls(peer-verify(optional-untrusted) key-file(\"{1}\") cert-file(\"{0}\"))",
                collector.issue("sender.example").0.display(),
                collector.pki().join("sender.example-key.pem").display()
            ),
        ),
    ];
    let Some(_peer) = start(folder.path(), |_| {
        format!(
            "source s {{ file(\"{}\" follow-freq(0.2) flags(no-parse)); }};\n{}",
            source.display(),
            destinations.concat()
        )
    }) else {
        return;
    };
    let mut file = fs::File::options().append(true).open(&source).unwrap();
    let lines: String = (0..COUNT).map(|nr| format!("nr={nr} and more\n")).collect();
    file.write_all(lines.as_bytes()).unwrap();
    collector.wait_for_messages(3 * COUNT);
    let contents = collector.verified(0);
    let mut numbers = contents.numbers();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq((0..3 * COUNT).map(|at| at / 3)));
    let header = |stored: &&super::collector::Stored| stored.message.starts_with(b"<");
    assert!(contents.messages.iter().all(|stored| header(&stored)));
}
