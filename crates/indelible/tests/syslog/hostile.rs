//! Peers that are none.

use std::io::Write;
use std::net::TcpStream;

use super::collector::{Collector, wait_for};
use super::peer::{connect, is_closed, send};

/// While all of these hang about, a message of an honest peer is stored.
#[test]
fn slow_and_silent_peers_keep_nobody_waiting() {
    let mut collector = Collector::start();
    let hold = |receiver: &str, count: usize, bytes: &[u8]| -> Vec<TcpStream> {
        let open = |_| {
            let mut stream = connect(&collector, receiver);
            stream.write_all(bytes).unwrap();
            stream
        };
        (0..count).map(open).collect()
    };
    let half = [
        hold("syslog-tcp", 50, b"<13>half a line"),
        hold("syslog-tcp", 50, b"60000 <13>half a frame"),
        hold("relp", 50, b"1 open 4"),
        hold("syslog-tls", 50, b"\x16\x03\x01"),
    ];
    send(&collector, "syslog-tcp", b"<13>honest\n");
    collector.wait_for_messages(1);
    drop(half);
    // What was begun is kept, and says that it was not finished.
    collector.wait_for_messages(101);
    let contents = collector.verified(0);
    let texts = contents.texts("syslog-tcp", Some("127.0.0.1"));
    assert_eq!(texts[0], "<13>honest");
    assert_eq!(
        texts
            .iter()
            .filter(|text| *text == "<13>half a frame")
            .count(),
        50
    );
    assert_eq!(texts.len(), 101);
}

#[test]
fn gibberish_ends_its_connection_alone() {
    let mut collector = Collector::start();
    for (receiver, bytes) in [
        ("relp", &b"GET / HTTP/1.1\r\n\r\n"[..]),
        ("relp", b"1 syslog 1 a\n3 syslog 1 b\n"),
        ("relp", b"1 open 999999999 x"),
        ("syslog-tls", b"<13>not tls\n"),
        ("relp-tls", b"1 open 0\n"),
        ("syslog-tcp", b"5 <13>a5555555555555 <13>b"),
    ] {
        let mut stream = connect(&collector, receiver);
        stream.write_all(bytes).unwrap();
        assert!(
            is_closed(&mut stream),
            "{receiver}: {}",
            bytes.escape_ascii()
        );
    }
    send(&collector, "syslog-tcp", b"<13>honest\n");
    collector.wait_for_messages(2);
    let contents = collector.verified(1);
    assert_eq!(
        contents.texts("syslog-tcp", Some("127.0.0.1")),
        ["<13>a", "<13>honest"]
    );
    assert!(contents.texts("relp", Some("127.0.0.1")).is_empty());
}

/// One address cannot take all connections, and connections that end leave nothing behind.
#[test]
fn connections_are_limited_and_given_back() {
    let mut collector = Collector::start();
    // 256 have their turn, as many wait for it.
    let mut held: Vec<_> = (0..512)
        .map(|_| connect(&collector, "syslog-tcp"))
        .collect();
    let mut one_more = connect(&collector, "syslog-tcp");
    assert!(is_closed(&mut one_more));
    // Another receiver is not concerned.
    let mut relp = connect(&collector, "relp");
    relp.write_all(b"1 open 15 commands=syslog\n").unwrap();
    held.clear();
    let descriptors = || {
        let folder = format!("/proc/{}/fd", collector.pid());
        std::fs::read_dir(folder).unwrap().count()
    };
    wait_for("the end of connections", || descriptors() < 100);
    for nth in 0..1000 {
        send(
            &collector,
            "syslog-tcp",
            format!("<13>nr={nth}\n").as_bytes(),
        );
    }
    collector.wait_for_messages(1000);
    wait_for("the end of connections", || descriptors() < 100);
    let mut numbers = collector.verified(0).numbers();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..1000));
}
