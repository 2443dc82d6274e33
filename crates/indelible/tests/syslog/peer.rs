//! Plain peers of the tests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::collector::Collector;

/// Connects to a receiver.
pub(crate) fn connect(collector: &Collector, receiver: &str) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", collector.port(receiver))).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

/// Sends bytes over a connection of their own and closes it.
pub(crate) fn send(collector: &Collector, receiver: &str, bytes: &[u8]) {
    connect(collector, receiver).write_all(bytes).unwrap();
}

/// Whether the other side has closed the connection.
pub(crate) fn is_closed(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}
