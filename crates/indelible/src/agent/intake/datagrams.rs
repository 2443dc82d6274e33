//! Syslog messages from a datagram socket: `/dev/log`, or UDP on loopback. One datagram is one
//! message, kept as it came.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::{SLICE_BYTES, Sink, Source, Taken};

/// A bound socket.
pub(crate) struct Datagrams {
    socket: Socket,
    buffer: Vec<u8>,
}

enum Socket {
    Unix(UnixDatagram),
    Udp(UdpSocket),
}

impl Datagrams {
    /// Binds a path that everybody may send to. A socket that nobody listens on is replaced.
    pub(crate) fn bind_unix(path: &Path) -> Result<Self> {
        let shown = || format!("cannot listen on {}", path.display());
        if let Ok(found) = fs::symlink_metadata(path) {
            ensure!(
                found.file_type().is_socket(),
                "{} is there and is no socket",
                path.display()
            );
            ensure!(
                UnixDatagram::unbound()?.connect(path).is_err(),
                "another process listens on {}; stop it, or read the journal instead",
                path.display()
            );
            fs::remove_file(path).with_context(shown)?;
        }
        let socket = UnixDatagram::bind(path).with_context(shown)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).with_context(shown)?;
        socket.set_nonblocking(true)?;
        Ok(Self::new(Socket::Unix(socket)))
    }

    /// Binds an address of loopback.
    pub(crate) fn bind_udp(address: SocketAddr) -> Result<Self> {
        let socket =
            UdpSocket::bind(address).with_context(|| format!("cannot listen on udp {address}"))?;
        socket.set_nonblocking(true)?;
        // Best effort: what finds no room is dropped by the kernel, as UDP allows.
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES);
        Ok(Self::new(Socket::Udp(socket)))
    }

    fn new(socket: Socket) -> Self {
        Self {
            socket,
            buffer: vec![0; DATAGRAM_BYTES_MAX],
        }
    }
}

impl Source for Datagrams {
    fn take(&mut self, sink: &mut Sink<'_>) -> Result<Taken> {
        let mut taken = 0;
        while taken < SLICE_BYTES {
            let received = match &self.socket {
                Socket::Unix(socket) => socket.recv(&mut self.buffer),
                Socket::Udp(socket) => socket.recv(&mut self.buffer),
            };
            match received {
                Ok(got) => {
                    sink.message(&self.buffer[..got]);
                    taken += got.max(1);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(if taken == 0 {
                        Taken::Nothing
                    } else {
                        Taken::Something
                    });
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("cannot read a syslog socket"),
            }
        }
        Ok(Taken::Something)
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        vec![match &self.socket {
            Socket::Unix(socket) => socket.as_fd(),
            Socket::Udp(socket) => socket.as_fd(),
        }]
    }
}

/// Longest datagram that is taken whole; both kinds of sockets have smaller limits by default.
const DATAGRAM_BYTES_MAX: usize = 256 << 10;
/// What the kernel may queue for a UDP socket, in bytes.
const SOCKET_BUFFER_BYTES: usize = 4 << 20;
