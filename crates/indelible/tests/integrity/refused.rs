//! Stores that a collector must refuse, and ones that it must not.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use crate::collector::{Collector, run, wait_for};

#[test]
fn a_second_collector_on_one_store_is_refused() {
    let first = Collector::start(&[]);
    let said = Collector::new(&[]).refuses_with(&first.store());
    assert!(
        said.contains("another process is writing to this store"),
        "{said}"
    );
    first.grow(3);
}

#[test]
fn a_store_may_be_moved_between_starts() {
    let mut collector = Collector::start(&[]);
    collector.grow(10);
    collector.stop();
    let moved = collector.folder().join("moved");
    fs::rename(collector.store(), &moved).unwrap();
    fs::rename(&moved, collector.store()).unwrap();
    collector.run();
    collector.grow(10);
    collector.kill();
    collector.run();
    collector.stop();
    let store = collector.store();
    assert_eq!(run(&["verify", "--store", store.to_str().unwrap()]).0, 0);
}

#[test]
fn many_connections_one_after_another_and_some_that_say_nothing() {
    let collector = Collector::start(&[]);
    let mute: Vec<TcpStream> = (0..50)
        .flat_map(|_| [collector.native(), collector.syslog()])
        .map(|address| TcpStream::connect(address).unwrap())
        .collect();
    let count = std::env::var("INDELIBLE_CONNECTIONS").ok();
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(2_000);
    for round in 0..count {
        let address = match round % 2 {
            0 => collector.native(),
            _ => collector.syslog(),
        };
        let mut socket = TcpStream::connect(address).unwrap();
        // Half a frame, or what is no TLS.
        let _ = socket.write_all(b"<13>half a fr");
    }
    // Slowly, byte by byte, beside them.
    let mut slow = TcpStream::connect(collector.syslog()).unwrap();
    for byte in b"<13>Oct 11 22:14:15 web1 app: slow\n" {
        slow.write_all(&[*byte]).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    collector.grow(50);
    let open = || {
        let metrics = String::from_utf8(collector.get("/metrics", None).1).unwrap();
        let line = metrics
            .lines()
            .find(|line| line.starts_with("indelible_collector_connections "));
        line.unwrap()
            .rsplit(' ')
            .next()
            .unwrap()
            .parse::<f64>()
            .unwrap()
    };
    wait_for("the ends of the connections", || open() <= 60.0);
    drop(mute);
    wait_for("the ends of the mute ones", || open() == 0.0);
}
