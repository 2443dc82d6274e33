//! Syslog over UDP.

use std::net::UdpSocket;
use std::process::Command;

use super::collector::{Collector, wait_for};

#[test]
fn datagrams_are_stored_with_their_sources() {
    let mut collector = Collector::start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = ("127.0.0.1", collector.port("syslog-udp"));
    let longest = vec![b'x'; 65_507];
    for message in [&b"<13>one"[..], b"two\nlines\0", b"", &longest] {
        socket.send_to(message, to).unwrap();
    }
    collector.wait_for_messages(4);
    let contents = collector.verified(0);
    let from = socket.local_addr().unwrap().to_string();
    assert!(
        contents
            .messages
            .iter()
            .all(|stored| stored.source.as_ref() == Some(&from))
    );
    let texts = contents.texts("syslog-udp", None);
    assert_eq!(texts[..3], ["<13>one", "two\nlines\0", ""]);
    // Cut by us, because an entry holds 65,000 bytes: what is left is the beginning.
    assert!(texts[3].len() > 64_000 && longest.starts_with(texts[3].as_bytes()));
}

/// What the kernel dropped while we did not read is counted: messages and gaps make the whole.
#[test]
fn what_the_kernel_dropped_is_a_gap() {
    let mut collector = Collector::start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = ("127.0.0.1", collector.port("syslog-udp"));
    signal(&collector, "-STOP");
    let sent = 40_000;
    for nr in 0..sent {
        socket
            .send_to(format!("<13>nr={nr} {}", "x".repeat(1000)).as_bytes(), to)
            .unwrap();
    }
    signal(&collector, "-CONT");
    wait_for("the gap", || !collector.contents().gaps.is_empty());
    let contents = collector.verified(1);
    let lost: u64 = contents
        .gaps
        .iter()
        .map(|gap| gap["count"].as_u64().unwrap())
        .sum();
    assert!(
        lost > 0
            && contents
                .gaps
                .iter()
                .all(|gap| gap["reason"] == "socket-overrun")
    );
    assert_eq!(contents.numbers().len() as u64 + lost, sent);
}

fn signal(collector: &Collector, signal: &str) {
    let pid = collector.pid().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &pid])
            .status()
            .unwrap()
            .success()
    );
}
