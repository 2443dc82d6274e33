//! One connection to a peer, plain or with TLS, for a thread that waits on it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::config::outputs::Address;

/// TLS towards a peer.
#[derive(Clone, Debug)]
pub(super) struct Secured {
    pub(super) config: Arc<ClientConfig>,
    /// The name that the certificate must carry; the host of the address unless given.
    pub(super) name: Option<String>,
}

/// A connection that stands.
#[derive(Debug)]
pub(super) enum Connection {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Connection {
    /// Connects, to each address of the name in turn, and shakes hands.
    pub(super) fn open(address: &Address, secured: Option<&Secured>) -> Result<Self> {
        let mut last = None;
        let found = (&*address.host, address.port)
            .to_socket_addrs()
            .with_context(|| format!("cannot resolve {}", address.host))?;
        for candidate in found.take(ADDRESSES_MAX) {
            match TcpStream::connect_timeout(&candidate, CONNECT_TIMEOUT) {
                Ok(socket) => return Self::over(socket, address, secured),
                Err(error) => last = Some(error),
            }
        }
        let error = last.unwrap_or_else(|| io::Error::other("the name has no address"));
        Err(error).with_context(|| format!("cannot connect to {address}"))
    }

    fn over(socket: TcpStream, address: &Address, secured: Option<&Secured>) -> Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(STALL_MAX))?;
        socket.set_write_timeout(Some(STALL_MAX))?;
        rustix::net::sockopt::set_socket_keepalive(&socket, true)?;
        let Some(Secured { config, name }) = secured else {
            return Ok(Self::Plain(socket));
        };
        let name = name.clone().unwrap_or_else(|| address.host.clone());
        let name = ServerName::try_from(name).context("the peer's name is no name of a host")?;
        let mut stream = StreamOwned::new(ClientConnection::new(config.clone(), name)?, socket);
        while stream.conn.is_handshaking() {
            stream
                .conn
                .complete_io(&mut stream.sock)
                .with_context(|| format!("no TLS with {address}"))?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    /// Writes all of it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        };
        written.context("the peer takes nothing more")
    }

    /// Waits so long for bytes of the peer and appends them to `out`; false where none came. The end
    /// of the connection is an error.
    pub(super) fn read(&mut self, timeout: Duration, out: &mut Vec<u8>) -> Result<bool> {
        if !self.is_readable(timeout)? {
            return Ok(false);
        }
        let before = out.len();
        let read = match self {
            Self::Plain(socket) => {
                let mut buffer = [0; READ_BYTES];
                let got = socket.read(&mut buffer);
                got.map(|got| {
                    out.extend_from_slice(&buffer[..got]);
                    got == 0
                })
            }
            Self::Tls(stream) => read_tls(stream, out),
        };
        match read {
            // What it said last comes before its end.
            Ok(true) if out.len() == before => bail!("the peer closed the connection"),
            Ok(_) => Ok(out.len() > before),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error).context("cannot read from the peer"),
        }
    }

    fn is_readable(&self, timeout: Duration) -> Result<bool> {
        let timeout = Timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let mut polled = [PollFd::from_borrowed_fd(self.descriptor(), PollFlags::IN)];
        match poll(&mut polled, Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(errno) => Err(errno).context("cannot wait for the peer"),
        }
    }

    /// What shows that the peer says something.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(socket) => socket.as_fd(),
            Self::Tls(stream) => stream.sock.as_fd(),
        }
    }
}

/// Takes what is in the socket and appends the peer's data in it; true at the end. What is no data
/// of the peer's is not waited for.
fn read_tls(
    stream: &mut StreamOwned<ClientConnection, TcpStream>,
    out: &mut Vec<u8>,
) -> io::Result<bool> {
    let is_cut = stream.conn.read_tls(&mut stream.sock)? == 0;
    stream
        .conn
        .process_new_packets()
        .map_err(io::Error::other)?;
    while stream.conn.wants_write() {
        stream.conn.write_tls(&mut stream.sock)?;
    }
    let mut buffer = [0; READ_BYTES];
    loop {
        match stream.conn.reader().read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(got) => out.extend_from_slice(&buffer[..got]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(is_cut),
            Err(error) => return Err(error),
        }
    }
}

impl Drop for Connection {
    /// Says goodbye, in TLS too, so that the peer can tell an end from a cut.
    fn drop(&mut self) {
        match self {
            Self::Plain(socket) => {
                let _ = socket.shutdown(Shutdown::Write);
            }
            Self::Tls(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.sock.set_write_timeout(Some(GOODBYE_MAX));
                let _ = stream.conn.write_tls(&mut stream.sock);
                let _ = stream.sock.shutdown(Shutdown::Write);
            }
        }
    }
}

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;
/// How long one of them may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a peer may take nothing before the connection counts as dead.
const STALL_MAX: Duration = Duration::from_secs(30);
/// How long the last word may take.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// Bytes per read.
const READ_BYTES: usize = 16 << 10;
