//! Syslog in datagrams (RFC 5426): one message each, cut where it is too long for one.

use std::io;
use std::net::{ToSocketAddrs, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result};

use super::Exit;
use crate::agent::outputs::batch::Batch;
use crate::config::outputs::Address;

/// A socket that knows its peer.
#[derive(Debug)]
pub(super) struct Datagrams {
    socket: UdpSocket,
    sent: u64,
}

impl Datagrams {
    pub(super) fn open(address: &Address) -> Result<Self> {
        let shown = || format!("cannot reach {address} over UDP");
        let peer = (&*address.host, address.port)
            .to_socket_addrs()
            .with_context(shown)?
            .next()
            .with_context(shown)?;
        let any = if peer.is_ipv6() {
            "[::]:0"
        } else {
            "0.0.0.0:0"
        };
        let socket = UdpSocket::bind(any).with_context(shown)?;
        socket.connect(peer).with_context(shown)?;
        Ok(Self { socket, sent: 0 })
    }
}

impl Exit for Datagrams {
    fn send(&mut self, batch: &Batch) -> Result<()> {
        for message in batch.messages() {
            let message = &message[..message.len().min(DATAGRAM_BYTES_MAX)];
            loop {
                match self.socket.send(message) {
                    Ok(_) => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // Nobody listens there: said of the datagram before.
                    Err(error) => return Err(error).context("cannot send a datagram"),
                }
            }
            self.sent += 1;
        }
        Ok(())
    }

    fn settle(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }

    fn taken(&self) -> u64 {
        self.sent
    }
}

/// What fits into a datagram of IPv4.
const DATAGRAM_BYTES_MAX: usize = 65_507;
