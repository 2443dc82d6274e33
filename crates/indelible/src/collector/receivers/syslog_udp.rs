//! Syslog over UDP: one stream per listener, the source's address in each payload.
//!
//! A thread of its own reads many datagrams per system call. Where the log's writer falls behind,
//! it stops reading and the kernel drops; what the kernel dropped becomes a gap entry.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_sys::udp::DatagramSocket;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Shared;
use super::intake::Intake;
use super::limits::{UDP_DRAIN_MAX, UDP_WAIT};
use super::streams::PeerStream;
use crate::payload::{Gap, GapReason};

/// A bound listener.
pub(super) struct Receiver {
    socket: DatagramSocket,
    stream: Arc<PeerStream>,
    shared: Shared,
}

/// Binds a listener.
pub(super) fn bind(address: SocketAddr, shared: &Shared) -> Result<Receiver> {
    let socket = DatagramSocket::bind(address)
        .with_context(|| format!("cannot listen on {address} for syslog-udp"))?;
    let local = socket.local_address()?;
    tracing::info!(receiver = "syslog-udp", address = %local, "listening");
    Ok(Receiver {
        socket,
        stream: shared.streams.of_listener(local),
        shared: shared.clone(),
    })
}

impl Receiver {
    /// Starts the thread; what it returns resolves when the thread has ended.
    pub(super) fn spawn(self) -> std::io::Result<oneshot::Receiver<()>> {
        let (ended, on_end) = oneshot::channel();
        let runtime = Handle::current();
        std::thread::Builder::new()
            .name("syslog-udp".into())
            .spawn(move || {
                if let Err(error) = self.run(&runtime) {
                    tracing::error!("the receiver of syslog over UDP has ended: {error:#}");
                }
                let _ = ended.send(());
            })?;
        Ok(on_end)
    }

    /// Until `stopping`, and what the socket then holds.
    fn run(mut self, runtime: &Handle) -> Result<()> {
        let mut intake = Intake::new(&self.shared, self.stream.clone(), None, None);
        let mut dropped = 0;
        let mut drain_until = None;
        loop {
            if drain_until.is_none() && *self.shared.stopping.borrow() {
                drain_until = Some(Instant::now() + UDP_DRAIN_MAX);
            }
            let wait = drain_until.map_or(UDP_WAIT, |_| Duration::ZERO);
            let count = self.socket.receive(wait)?;
            let dropped_before = std::mem::replace(&mut dropped, self.socket.dropped()?);
            let lost = dropped.wrapping_sub(dropped_before);
            if count == 0 && lost == 0 {
                match drain_until {
                    None => continue,
                    Some(_) => return Ok(()),
                }
            }
            let bytes = self.socket.datagrams().map(|(_, bytes)| bytes.len()).sum();
            let credit = runtime.block_on(intake.credit(bytes))?;
            intake.take(Some(credit), |gathering| {
                for (source, datagram) in self.socket.datagrams() {
                    gathering.datagram(source, datagram);
                }
                if lost > 0 {
                    let detail = "datagrams that the kernel dropped at the listener's socket";
                    let count = Some(lost.into());
                    gathering.gap(&Gap::new(GapReason::SocketOverrun, count, detail));
                }
            })?;
            if drain_until.is_some_and(|until| Instant::now() >= until) {
                return Ok(());
            }
        }
    }
}
