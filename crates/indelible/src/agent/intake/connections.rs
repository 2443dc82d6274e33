//! Syslog messages over TCP on loopback, counted or one per line (RFC 6587).

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result};
use indelible_wire::syslog::{Framer, Piece};

use super::{Sink, Source, Taken};
use crate::agent::lines::Lines;

/// A listener with its connections, all in one stream.
pub(crate) struct Connections {
    listener: TcpListener,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
}

struct Connection {
    socket: TcpStream,
    framer: Framer,
    /// A message that comes in parts, because it is long.
    long: Lines,
}

impl Connections {
    pub(crate) fn bind(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .with_context(|| format!("cannot listen on tcp {address}"))?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            connections: Vec::new(),
            buffer: vec![0; READ_BYTES],
        })
    }

    fn accept(&mut self) -> bool {
        let mut accepted = false;
        while self.connections.len() < CONNECTIONS_MAX
            && let Ok((socket, _)) = self.listener.accept()
        {
            if socket.set_nonblocking(true).is_ok() {
                self.connections.push(Connection {
                    socket,
                    framer: Framer::new(None),
                    long: Lines::new(b""),
                });
                accepted = true;
            }
        }
        accepted
    }
}

impl Source for Connections {
    fn take(&mut self, sink: &mut Sink<'_>) -> Result<Taken> {
        let mut busy = self.accept();
        let buffer = &mut self.buffer;
        self.connections
            .retain_mut(|connection| match connection.socket.read(buffer) {
                Ok(0) => {
                    connection.end(true, sink);
                    false
                }
                Ok(got) => {
                    busy = true;
                    connection.took(&buffer[..got], sink)
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
                {
                    true
                }
                Err(_) => {
                    connection.end(false, sink);
                    false
                }
            });
        Ok(if busy {
            Taken::Something
        } else {
            Taken::Nothing
        })
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let connections = self.connections.iter().map(|one| one.socket.as_fd());
        connections.chain([self.listener.as_fd()]).collect()
    }
}

impl Connection {
    /// Passes on the messages that end in `bytes`; false where the connection must end.
    fn took(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> bool {
        let mut rest = bytes;
        loop {
            match self.framer.next(&mut rest) {
                Ok(Some(piece)) => pass(&mut self.long, piece, sink),
                Ok(None) => return true,
                Err(error) => {
                    tracing::warn!(%error, "a syslog connection is closed");
                    return false;
                }
            }
        }
    }

    fn end(&mut self, orderly: bool, sink: &mut Sink<'_>) {
        while let Some(piece) = self.framer.finish(orderly) {
            pass(&mut self.long, piece, sink);
        }
    }
}

fn pass(long: &mut Lines, piece: Piece<'_>, sink: &mut Sink<'_>) {
    match piece {
        // Also half a message is what was received.
        Piece::Message { bytes, .. } => sink.message(bytes),
        Piece::Part(bytes) => long.hold(bytes),
        Piece::PartsEnd { .. } => sink.last_line(long),
    }
}

/// Connections at a time.
const CONNECTIONS_MAX: usize = 1000;
/// Bytes per read of one connection.
const READ_BYTES: usize = 64 << 10;
