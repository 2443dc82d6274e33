//! Loopback: ports for those who listen, and one HTTP request.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// A port that nobody has, for TCP and UDP: below those that the kernel gives to clients, and given
/// once, so that nobody else takes it before it is listened at.
///
/// # Panics
/// Never ends where all of its ports are taken.
#[must_use]
pub fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Test programs that run at the same time begin at different places.
    let first = (std::process::id() % 200) as u16 * 100;
    loop {
        let next = first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let address = ("127.0.0.1", 12_000 + next);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return address.1;
        }
    }
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// As in RFC 9110.
    pub status: u16,
    /// Status line and fields.
    pub head: String,
    /// What follows them.
    pub body: Vec<u8>,
}

/// `GET path` of a server at `address`, in plain HTTP, with a token where one is given.
///
/// # Panics
/// If there is no server, or its answer has no head.
#[must_use]
pub fn get(address: &str, path: &str, token: Option<&str>) -> Answer {
    let token = token.map_or_else(String::new, |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let mut socket = TcpStream::connect(address).unwrap();
    write!(
        socket,
        "GET {path} HTTP/1.1\r\nHost: test\r\n{token}Connection: close\r\n\r\n"
    )
    .unwrap();
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).unwrap();
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head,
        body: bytes[end + 4..].to_vec(),
    }
}
