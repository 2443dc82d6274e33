//! Debian's rsyslogd and logger as clients, with configurations of their own.

use std::fs;
use std::path::Path;
use std::process::Command;

use indelible_testkit::Rsyslogd;
use indelible_wire::syslog::Message;

use super::collector::{Collector, wait_for};

/// An rsyslogd with a socket to log to and an action.
fn start(folder: &Path, modules: &[&str], action: &str) -> Option<Rsyslogd> {
    let modules: Vec<_> = modules.iter().chain(&["imuxsock"]).copied().collect();
    let rsyslogd = Rsyslogd::start(folder, &modules, |folder| {
        let shown = folder.display();
        format!(
            "module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
             input(type=\"imuxsock\" Socket=\"{shown}/log\")\n\
             $WorkDirectory {shown}\n{action}\n"
        )
    })?;
    wait_for("rsyslogd's socket", || {
        rsyslogd.folder().join("log").exists()
    });
    Some(rsyslogd)
}

/// Logs numbered messages.
fn log(rsyslogd: &Rsyslogd, numbers: std::ops::Range<usize>) {
    let lines: String = numbers
        .map(|nr| format!("nr={nr} and some words of a message\n"))
        .collect();
    let file = rsyslogd.folder().join("messages");
    fs::write(&file, lines).unwrap();
    let logger = Command::new(LOGGER)
        .args(["-t", "tester", "-u"])
        .arg(rsyslogd.folder().join("log"))
        .arg("-f")
        .arg(&file)
        .status()
        .unwrap();
    assert!(logger.success());
}

/// Sends numbered messages through rsyslogd; each is in the store once.
fn check(
    modules: &[&str],
    receiver: &str,
    peer: Option<&str>,
    action: impl FnOnce(&Collector) -> String,
) {
    let mut collector = Collector::start();
    let action = action(&collector);
    let Some(rsyslogd) = start(collector.folder(), modules, &action) else {
        return;
    };
    log(&rsyslogd, 0..COUNT);
    wait_for("the messages", || {
        collector.contents().numbers().len() >= COUNT
    });
    drop(rsyslogd);
    let contents = collector.verified(0);
    let mut numbers = contents.numbers();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..COUNT));
    let stored = contents.of(receiver, peer);
    assert!(stored.len() >= COUNT, "of {:?}", contents.openings);
    let message = stored.iter().map(|stored| Message::parse(&stored.message));
    let message = message
        .into_iter()
        .find(|message| message.text.trim_ascii_start().starts_with(b"nr=0 "))
        .unwrap();
    assert_eq!(
        (message.app, message.priority.unwrap().value()),
        (Some(&b"tester"[..]), 13)
    );
    assert!(message.stamp.is_some() && message.host.is_some());
}

/// The one line that is in every tutorial.
#[test]
fn the_one_line_for_tcp() {
    check(&[], "syslog-tcp", Some("127.0.0.1"), |collector| {
        format!("*.* @@127.0.0.1:{}", collector.port("syslog-tcp"))
    });
}

#[test]
fn the_one_line_for_udp() {
    check(&[], "syslog-udp", None, |collector| {
        format!("*.* @127.0.0.1:{}", collector.port("syslog-udp"))
    });
}

#[test]
fn octet_counted_rfc5424() {
    check(&[], "syslog-tcp", Some("127.0.0.1"), |collector| {
        let port = collector.port("syslog-tcp");
        format!("*.* @@(o)127.0.0.1:{port};RSYSLOG_SyslogProtocol23Format")
    });
}

#[test]
fn tls_with_both_drivers() {
    for driver in ["gtls", "ossl"] {
        let module = format!("lmnsd_{driver}");
        check(
            &[&module],
            "syslog-tls",
            Some("web1.example"),
            |collector| {
                let (certificate, key) = collector.issue("web1.example");
                format!(
                    "global(DefaultNetstreamDriver=\"{driver}\" DefaultNetstreamDriverCAFile=\"{}\"\n\
                 DefaultNetstreamDriverCertFile=\"{}\" DefaultNetstreamDriverKeyFile=\"{}\")\n\
                 action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\" StreamDriver=\"{driver}\"\n\
                 StreamDriverMode=\"1\" StreamDriverAuthMode=\"x509/certvalid\" TCP_Framing=\"octet-counted\")",
                    collector.pki().join("ca.pem").display(),
                    certificate.display(),
                    key.display(),
                    collector.port("syslog-tls"),
                )
            },
        );
    }
}

#[test]
fn relp() {
    check(&["omrelp"], "relp", Some("127.0.0.1"), |collector| {
        format!(
            "module(load=\"omrelp\")\naction(type=\"omrelp\" target=\"127.0.0.1\" port=\"{}\")",
            collector.port("relp")
        )
    });
}

#[test]
fn relp_over_tls_with_both_libraries() {
    for library in ["gnutls", "openssl"] {
        check(&["omrelp"], "relp-tls", Some("web1.example"), |collector| {
            let (certificate, key) = collector.issue("web1.example");
            format!(
                "module(load=\"omrelp\" tls.tlslib=\"{library}\")\n\
                 action(type=\"omrelp\" target=\"127.0.0.1\" port=\"{}\" tls=\"on\" tls.cacert=\"{}\"\n\
                 tls.mycert=\"{}\" tls.myprivkey=\"{}\" tls.authmode=\"certvalid\")",
                collector.port("relp-tls"),
                collector.pki().join("ca.pem").display(),
                certificate.display(),
                key.display(),
            )
        });
    }
}

/// The receiver is killed again and again while messages come: what it answered is there, and in
/// the end everything is.
#[test]
fn a_killed_receiver_loses_nothing_under_relp() {
    let mut collector = Collector::start();
    let action = format!(
        "module(load=\"omrelp\")\naction(type=\"omrelp\" target=\"127.0.0.1\" port=\"{}\"\n\
         queue.type=\"LinkedList\" action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\")",
        collector.port("relp")
    );
    let Some(rsyslogd) = start(collector.folder(), &["omrelp"], &action) else {
        return;
    };
    for round in 0..4 {
        log(&rsyslogd, round * COUNT..(round + 1) * COUNT);
        let some = round * COUNT + COUNT / 10;
        wait_for("some messages", || {
            collector.contents().numbers().len() >= some
        });
        collector.kill();
        collector.run();
    }
    let distinct = |collector: &Collector| {
        let mut numbers = collector.contents().numbers();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len()
    };
    wait_for("all messages", || distinct(&collector) == 4 * COUNT);
    drop(rsyslogd);
    let contents = collector.verified(0);
    let repeated = contents.numbers().len() - 4 * COUNT;
    println!(
        "{} messages, 4 kills, 0 lost, {repeated} came twice",
        4 * COUNT
    );
}

/// `logger` alone, over the network.
#[test]
fn logger_over_udp_and_tcp() {
    let mut collector = Collector::start();
    for (option, receiver) in [("-d", "syslog-udp"), ("-T", "syslog-tcp")] {
        let port = collector.port(receiver).to_string();
        let logger = Command::new(LOGGER)
            .args([
                "-n",
                "127.0.0.1",
                "-P",
                &port,
                option,
                "-t",
                "tester",
                "-p",
                "auth.err",
                "nr=7",
            ])
            .status()
            .unwrap();
        assert!(logger.success());
    }
    collector.wait_for_messages(2);
    let contents = collector.verified(0);
    for stored in &contents.messages {
        let message = Message::parse(&stored.message);
        assert_eq!(
            (message.app, message.text),
            (Some(&b"tester"[..]), &b"nr=7"[..])
        );
        assert_eq!(message.priority.unwrap().value(), 35);
        assert!(
            message
                .structured
                .is_some_and(|data| data.raw().starts_with(b"[timeQuality"))
        );
    }
}

const LOGGER: &str = "/usr/bin/logger";
const COUNT: usize = 2000;
