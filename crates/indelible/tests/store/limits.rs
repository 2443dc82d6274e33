//! A peer that is faster than it may be waits, and nobody waits for it.

use std::io::Write;
use std::net::{SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use indelible_log::dir::RealDir;
use indelible_log::{EntryRef, LogReader};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

use crate::lab::{Lab, wait_for};

/// Stored messages of a flood, and of an honest peer.
fn stored(lab: &Lab) -> (usize, usize) {
    let Ok(reader) = RealDir::open(lab.store()).map(LogReader::open) else {
        return (0, 0);
    };
    let reader = reader.unwrap();
    let (mut next, mut flood, mut honest) = (0, 0, 0);
    while let Some(part) = reader.part_at(next).unwrap() {
        for (_, bytes) in reader.decode(&part).unwrap().iter_from(next) {
            match EntryRef::parse(bytes).unwrap().syslog() {
                Some((_, message)) if message.ends_with(b"honest") => honest += 1,
                Some(_) => flood += 1,
                None => {}
            }
        }
        next = part.end();
    }
    (flood, honest)
}

/// Connects from an address of its own.
fn from(source: [u8; 4], to: SocketAddrV4) -> TcpStream {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(source.into(), 0)).unwrap();
    connect(&socket, &to).unwrap();
    TcpStream::from(socket)
}

#[test]
fn a_flood_waits_and_loses_nothing() {
    const FLOOD: usize = 8_000;
    let lab = Lab::new();
    let address = SocketAddrV4::new([127, 0, 0, 1].into(), indelible_testkit::free_port());
    let collector = lab.collector(&format!(
        "peer-limits = {{ messages-per-second = 2000 }}\n[syslog-tcp]\naddress = '{address}'"
    ));
    let began = Instant::now();
    let mut flood = from([127, 0, 0, 1], address);
    let text: String = (0..FLOOD).map(|nth| format!("<13>flood {nth}\n")).collect();
    flood.write_all(text.as_bytes()).unwrap();
    let mut honest = from([127, 0, 0, 2], address);
    honest.write_all(b"<13>honest\n").unwrap();
    wait_for("the honest message", || stored(&lab).1 == 1);
    let (so_far, _) = stored(&lab);
    assert!(so_far < FLOOD, "the flood was not held back");
    assert!(began.elapsed() < Duration::from_secs(2));
    wait_for("the flood", || stored(&lab).0 == FLOOD);
    // A second's worth at once, then the rate; the last read is not waited for.
    assert!(began.elapsed() > Duration::from_millis(500));
    collector.stop();
    lab.verified();
}
