//! A UDP socket that is read many datagrams at a time, and knows what the kernel dropped.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt;

use crate::{Error, Result, many};

/// A bound socket with room for [`DATAGRAMS_MAX`] datagrams, allocated once.
#[derive(Debug)]
pub struct DatagramSocket {
    socket: UdpSocket,
    buffer: Vec<u8>,
    received: Vec<(SocketAddr, usize)>,
}

impl DatagramSocket {
    /// Binds, with a receive buffer of [`BUFFER_BYTES`] where the kernel lets us.
    ///
    /// # Errors
    /// [`Error::System`]: the address is in use, or not ours.
    pub fn bind(address: SocketAddr) -> Result<Self> {
        let socket = UdpSocket::bind(address).map_err(system("binding a UDP socket"))?;
        // FORCE needs CAP_NET_ADMIN; without it the kernel's rmem_max is the limit.
        let _ = sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER_BYTES)
            .or_else(|_| sockopt::set_socket_recv_buffer_size(&socket, BUFFER_BYTES));
        Ok(Self {
            socket,
            buffer: vec![0; DATAGRAMS_MAX * DATAGRAM_BYTES_MAX],
            received: Vec::with_capacity(DATAGRAMS_MAX),
        })
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// [`Error::System`] from `getsockname`.
    pub fn local_address(&self) -> Result<SocketAddr> {
        let address = self.socket.local_addr();
        address.map_err(system("reading the address of a UDP socket"))
    }

    /// Waits at most `timeout` for datagrams and takes what is there; the number of them. They
    /// stay readable through [`DatagramSocket::datagrams`] until the next call.
    ///
    /// # Errors
    /// [`Error::System`] from `poll` or `recvmmsg`.
    pub fn receive(&mut self, timeout: Duration) -> Result<usize> {
        self.received.clear();
        let timeout = Timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => return Ok(0),
            Ok(_) => {}
            Err(errno) => return Err(Error::system("waiting for a UDP socket")(errno)),
        }
        let received = &mut self.received;
        let taken = many::receive::<DATAGRAMS_MAX>(
            self.socket.as_fd(),
            &mut self.buffer,
            DATAGRAM_BYTES_MAX,
            |taken| received.push((source_address(taken.source), taken.length)),
        );
        match taken {
            Ok(()) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(system("reading a UDP socket")(error)),
        }
        Ok(self.received.len())
    }

    /// The datagrams of the last [`DatagramSocket::receive`], in order, with their sources.
    pub fn datagrams(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        self.received
            .iter()
            .zip(self.buffer.chunks_exact(DATAGRAM_BYTES_MAX))
            .map(|((source, length), slot)| (*source, &slot[..*length]))
    }

    /// Datagrams that the kernel dropped at this socket since it was bound, modulo 2^32
    /// (`SK_MEMINFO_DROPS`; net/core/sock.c).
    ///
    /// # Errors
    /// [`Error::System`] from `getsockopt`.
    pub fn dropped(&self) -> Result<u32> {
        let mut values = [0u32; MEMINFO_VALUES];
        let mut length = libc::socklen_t::try_from(size_of_val(&values)).expect("a few bytes");
        // SAFETY: `values` has room for `length` bytes, and both outlive the call.
        let outcome = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_MEMINFO,
                values.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        if outcome == 0 {
            Ok(values[MEMINFO_DROPS])
        } else {
            Err(system("reading what a UDP socket dropped")(
                io::Error::last_os_error(),
            ))
        }
    }
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::System { what, source }
}

/// The address in a `sockaddr_storage`; an IPv4 address in its IPv6 form as IPv4.
fn source_address(storage: &libc::sockaddr_storage) -> SocketAddr {
    let pointer = &raw const *storage;
    if i32::from(storage.ss_family) == libc::AF_INET6 {
        // SAFETY: `sockaddr_storage` is as large and as aligned as any address, and the family
        // says that the kernel wrote this one.
        let address = unsafe { &*pointer.cast::<libc::sockaddr_in6>() };
        let ip = IpAddr::V6(Ipv6Addr::from(address.sin6_addr.s6_addr)).to_canonical();
        SocketAddr::new(ip, u16::from_be(address.sin6_port))
    } else {
        // SAFETY: as above.
        let address = unsafe { &*pointer.cast::<libc::sockaddr_in>() };
        let ip = Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr));
        SocketAddr::new(IpAddr::V4(ip), u16::from_be(address.sin_port))
    }
}

/// Datagrams per system call.
pub const DATAGRAMS_MAX: usize = 64;
/// Above the longest datagram, 65,507 bytes: none is ever cut.
pub const DATAGRAM_BYTES_MAX: usize = 64 << 10;
/// Receive buffer that is asked for.
pub const BUFFER_BYTES: usize = 16 << 20;
/// `SK_MEMINFO_VARS`, and the place of the drops (linux/sock_diag.h).
const MEMINFO_VALUES: usize = 9;
const MEMINFO_DROPS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_arrive_with_their_sources() {
        for (local, sender) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("[::]:0", "127.0.0.1:0"),
            ("[::]:0", "[::1]:0"),
        ] {
            let mut socket = DatagramSocket::bind(local.parse().unwrap()).unwrap();
            let Ok(sender) = UdpSocket::bind(sender) else {
                eprintln!("skipped: no {sender} here");
                continue;
            };
            let from = sender.local_addr().unwrap();
            let to = SocketAddr::new(from.ip(), socket.local_address().unwrap().port());
            let messages = [&b"one"[..], b"", &[b'x'; 65_507]];
            for message in messages {
                assert_eq!(sender.send_to(message, to).unwrap(), message.len());
            }
            let mut received = Vec::new();
            while received.len() < 3 {
                assert!(
                    socket.receive(Duration::from_secs(5)).unwrap() > 0,
                    "nothing came"
                );
                received.extend(
                    socket
                        .datagrams()
                        .map(|(from, bytes)| (from, bytes.to_vec())),
                );
            }
            assert_eq!(received, messages.map(|message| (from, message.to_vec())));
            assert_eq!(socket.receive(Duration::from_millis(1)).unwrap(), 0);
            assert_eq!(socket.dropped().unwrap(), 0);
        }
    }

    #[test]
    fn drops_are_counted() {
        let socket = DatagramSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        sockopt::set_socket_recv_buffer_size(&socket.socket, 4096).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = socket.local_address().unwrap();
        for _ in 0..100 {
            sender.send_to(&[b'x'; 1000], to).unwrap();
        }
        let dropped = socket.dropped().unwrap();
        assert!((50..100).contains(&dropped), "{dropped}");
    }
}
