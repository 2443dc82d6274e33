//! The socket that records arrive on: unicast as the registered audit daemon, or multicast
//! beside one.
//!
//! Messages are read in batches with `recvmmsg` into buffers that are allocated once. The socket
//! never blocks: [`CaptureSocket::wait`] waits, [`CaptureSocket::receive`] takes what is there.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, netlink, recv, sendto, sockopt};

use super::control::{Control, open_socket};
use super::message::{HEADER_BYTES, Header, TYPE_ERROR, error_code, request as frame};
use super::status::StatusChange;
use super::{ANSWER_TIMEOUT_S, MESSAGE_BYTES_MAX, RECEIVE_BATCH_MAX, SOCKET_BUFFER_BYTES, request};
use crate::{Error, Result, many};

/// How the records are obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As the kernel's audit daemon: the kernel requeues what does not fit (congestion).
    Unicast,
    /// From the READLOG multicast group, beside a daemon: what does not fit is lost.
    Multicast,
}

/// One message of the kernel: a record's type and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Record type, e.g. 1300 for SYSCALL.
    pub kind: u16,
    /// `audit(SECONDS.MILLIS:SERIAL): …`, as the kernel wrote it.
    pub text: &'a [u8],
    /// The message was longer than [`MESSAGE_BYTES_MAX`] and was cut by the receive call.
    pub truncated: bool,
}

/// What one call of [`CaptureSocket::receive`] saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Messages that [`CaptureSocket::messages`] now yields; requests and answers are not counted.
    pub messages: usize,
    /// The socket overran since the last call (`ENOBUFS`): congestion in [`Mode::Unicast`], a loss
    /// in [`Mode::Multicast`].
    pub overrun: bool,
}

/// A socket that receives audit records.
#[derive(Debug)]
pub struct CaptureSocket {
    socket: OwnedFd,
    mode: Mode,
    buffer: Vec<u8>,
    lengths: Vec<(usize, bool)>,
    early: Vec<Vec<u8>>,
    /// The socket that was registered before this one, until it is empty.
    former: Option<OwnedFd>,
}

impl CaptureSocket {
    /// Registers this process as the kernel's audit daemon and enables nothing: whether auditing
    /// is on stays as it was.
    ///
    /// # Errors
    /// [`Error::DaemonRegistered`] if a healthy daemon is registered, [`Error::NotPermitted`]
    /// without CAP_AUDIT_CONTROL.
    pub fn register() -> Result<Self> {
        let mut capture = Self::new(open_socket(0)?, Mode::Unicast);
        capture.claim()?;
        Ok(capture)
    }

    /// Joins the READLOG multicast group.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] without CAP_AUDIT_READ.
    pub fn observe() -> Result<Self> {
        Ok(Self::new(open_socket(GROUP_READLOG)?, Mode::Multicast))
    }

    /// Goes on with a socket that an earlier process, or an earlier program of this one, opened: what
    /// the kernel queued in it is read as it is. Registers nothing.
    ///
    /// # Errors
    /// [`Error::Protocol`] where it is no audit socket.
    pub fn adopt(socket: OwnedFd, mode: Mode) -> Result<Self> {
        let domain = sockopt::socket_domain(&socket);
        let protocol = sockopt::socket_protocol(&socket);
        if domain != Ok(AddressFamily::NETLINK) || protocol != Ok(Some(netlink::AUDIT)) {
            return Err(Error::Protocol {
                what: "a descriptor that was handed over",
                detail: format!("no audit socket ({domain:?}, {protocol:?})"),
            });
        }
        // Its buffer stays as it is: what the kernel queued may be more than we may ask for now.
        Ok(Self::around(socket, mode))
    }

    /// Registers a new socket in the place of this one, which the kernel still sends to in the name
    /// of a process that has ended. What waits in this one is received first.
    ///
    /// The kernel takes a registration for healthy as long as its socket takes messages, and lets
    /// nobody replace a healthy one. So this socket is made to refuse them, by connecting it to
    /// another peer than the kernel. Between that and the registration, a few microseconds, a record
    /// that the kernel sends is lost on hosts that were not booted with `audit=1`.
    ///
    /// # Errors
    /// As [`CaptureSocket::register`]; this socket goes on as before then. [`Error::NotPermitted`]
    /// without CAP_NET_ADMIN, which connecting needs.
    pub fn succeed(&mut self) -> Result<()> {
        let mut successor = Self::new(open_socket(0)?, Mode::Unicast);
        let anybody = SocketAddrNetlink::new(u32::MAX, 0);
        rustix::net::connect(&self.socket, &anybody).map_err(|errno| match errno {
            Errno::PERM => Error::NotPermitted {
                what: "replacing the registration of a process that has ended",
                capability: "CAP_NET_ADMIN",
            },
            errno => Error::system("disconnecting the former audit socket")(errno),
        })?;
        if let Err(error) = successor.claim() {
            // It takes messages again.
            let _ = rustix::net::connect_unspec(&self.socket);
            return Err(error);
        }
        let former = std::mem::replace(self, successor);
        self.former = Some(former.socket);
        Ok(())
    }

    /// How this socket receives.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Registers this process again, e.g. after another took or cleared the registration.
    ///
    /// # Errors
    /// As [`CaptureSocket::register`].
    pub fn claim(&mut self) -> Result<()> {
        let what = "registering as the audit daemon";
        let pid = std::process::id();
        let datagram = frame(request::SET, SEQUENCE, &StatusChange::Pid(pid).to_bytes());
        sendto(
            &self.socket,
            &datagram,
            SendFlags::empty(),
            &SocketAddrNetlink::new(0, 0),
        )
        .map_err(|errno| match errno {
            Errno::CONNREFUSED => Error::NoAudit,
            Errno::PERM => Error::NotPermitted {
                what,
                capability: "CAP_AUDIT_CONTROL",
            },
            errno => Error::system(what)(errno),
        })?;
        match -self.registration_answer(what)? {
            0 => Ok(()),
            libc::EEXIST => Err(Error::DaemonRegistered {
                pid: Control::open()?.status().map_or(0, |status| status.pid),
            }),
            libc::EPERM => Err(Error::NotPermitted {
                what,
                capability: "CAP_AUDIT_CONTROL",
            }),
            errno => Err(Error::System {
                what,
                source: std::io::Error::from_raw_os_error(errno),
            }),
        }
    }

    /// Waits until messages or an overrun can be read, or `timeout` has passed (`false`).
    ///
    /// # Errors
    /// [`Error::System`] from `poll`.
    pub fn wait(&self, timeout: Duration) -> Result<bool> {
        if self.has_early() {
            return Ok(true);
        }
        let timeout = Timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(errno) => Err(Error::system("waiting for the audit socket")(errno)),
        }
    }

    /// Whether there are messages that [`CaptureSocket::receive`] gives without asking the kernel.
    #[must_use]
    pub fn has_early(&self) -> bool {
        self.former.is_some() || !self.early.is_empty()
    }

    /// Takes up to [`RECEIVE_BATCH_MAX`] messages without waiting; they stay readable through
    /// [`CaptureSocket::messages`] until the next call.
    ///
    /// # Errors
    /// [`Error::System`] from `recvmmsg`, other than an overrun.
    pub fn receive(&mut self) -> Result<Received> {
        self.lengths.clear();
        if let Some(former) = &self.former {
            match receive_many(former.as_fd(), &mut self.buffer, &mut self.lengths) {
                Ok(()) => {
                    return Ok(Received {
                        messages: self.messages().count(),
                        overrun: false,
                    });
                }
                Err(Errno::INTR | Errno::NOBUFS) => return Ok(Received::default()),
                Err(_) => self.former = None,
            }
        }
        if !self.early.is_empty() {
            self.take_early();
            return Ok(Received {
                messages: self.messages().count(),
                overrun: false,
            });
        }
        let overrun = match receive_many(self.socket.as_fd(), &mut self.buffer, &mut self.lengths) {
            Ok(()) | Err(Errno::AGAIN | Errno::INTR) => false,
            Err(Errno::NOBUFS) => true,
            Err(errno) => return Err(Error::system("reading the audit socket")(errno)),
        };
        Ok(Received {
            messages: self.messages().count(),
            overrun,
        })
    }

    /// The messages of the last [`CaptureSocket::receive`], in the kernel's order.
    pub fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        self.lengths
            .iter()
            .zip(self.buffer.chunks_exact(SLOT_BYTES))
            .filter_map(|(&(length, truncated), slot)| {
                let (header, text) = Header::split(&slot[..length])?;
                is_record(header.kind).then_some(Message {
                    kind: header.kind,
                    text,
                    truncated,
                })
            })
    }

    fn new(socket: OwnedFd, mode: Mode) -> Self {
        // FORCE needs CAP_NET_ADMIN; without it the kernel's rmem_max is the limit.
        let _ = sockopt::set_socket_recv_buffer_size_force(&socket, SOCKET_BUFFER_BYTES)
            .or_else(|_| sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES));
        Self::around(socket, mode)
    }

    fn around(socket: OwnedFd, mode: Mode) -> Self {
        Self {
            socket,
            mode,
            buffer: vec![0; RECEIVE_BATCH_MAX * SLOT_BYTES],
            lengths: Vec::with_capacity(RECEIVE_BATCH_MAX),
            early: Vec::new(),
            former: None,
        }
    }

    /// Size of the socket's receive buffer in bytes, as the kernel accounts it.
    ///
    /// # Errors
    /// [`Error::System`] from `getsockopt`.
    pub fn buffer_bytes(&self) -> Result<usize> {
        sockopt::socket_recv_buffer_size(&self.socket).map_err(Error::system(
            "reading the size of the audit socket's buffer",
        ))
    }

    /// Reads until the acknowledgement; records that overtake it are kept for the first receive.
    fn registration_answer(&mut self, what: &'static str) -> Result<i32> {
        let deadline = Instant::now() + Duration::from_secs(ANSWER_TIMEOUT_S);
        let mut datagram = vec![0; SLOT_BYTES];
        while Instant::now() < deadline {
            let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
            let tick = Timespec {
                tv_sec: 0,
                tv_nsec: 100_000_000,
            };
            if matches!(poll(&mut fds, Some(&tick)), Ok(0) | Err(Errno::INTR)) {
                continue;
            }
            let length = match recv(&self.socket, datagram.as_mut_slice(), RecvFlags::empty()) {
                Ok((length, _)) => length,
                Err(Errno::AGAIN | Errno::INTR | Errno::NOBUFS) => continue,
                Err(errno) => return Err(Error::system("reading the audit socket")(errno)),
            };
            match Header::split(&datagram[..length]) {
                Some((header, payload)) if header.kind == TYPE_ERROR => {
                    return error_code(payload).ok_or_else(|| Error::Protocol {
                        what,
                        detail: format!("{length} bytes are too few"),
                    });
                }
                Some((header, _)) if is_record(header.kind) && self.early.len() < EARLY_MAX => {
                    self.early.push(datagram[..length].to_vec());
                }
                _ => {}
            }
        }
        Err(Error::Timeout {
            what,
            seconds: ANSWER_TIMEOUT_S,
        })
    }

    fn take_early(&mut self) {
        let count = self.early.len().min(RECEIVE_BATCH_MAX);
        for (datagram, slot) in self
            .early
            .drain(..count)
            .zip(self.buffer.chunks_exact_mut(SLOT_BYTES))
        {
            slot[..datagram.len()].copy_from_slice(&datagram);
            self.lengths.push((datagram.len(), false));
        }
    }
}

impl AsFd for CaptureSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Requests, answers and netlink's own types are below 1100, but for the kernel's question
/// whether the daemon is alive.
fn is_record(kind: u16) -> bool {
    kind >= FIRST_RECORD_TYPE && kind != request::REPLACE
}

/// Fills one slot of `buffer` per message and notes each one's length and whether it was cut.
fn receive_many(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    lengths: &mut Vec<(usize, bool)>,
) -> Result<(), Errno> {
    many::receive::<RECEIVE_BATCH_MAX>(socket, buffer, SLOT_BYTES, |taken| {
        lengths.push((taken.length, taken.is_cut));
    })
    .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

/// Multicast group 1 (`AUDIT_NLGRP_READLOG`), as a bit.
const GROUP_READLOG: u32 = 1;
/// Bytes per receive slot: the longest message, rounded up.
const SLOT_BYTES: usize = (HEADER_BYTES + MESSAGE_BYTES_MAX).next_multiple_of(64);
/// Lowest type that carries a record: AUDIT_FIRST_USER_MSG.
const FIRST_RECORD_TYPE: u16 = 1100;
/// Records that may overtake the answer to a registration.
const EARLY_MAX: usize = 4096;
/// Sequence number of the registration request, the only request on this socket.
const SEQUENCE: u32 = 1;
