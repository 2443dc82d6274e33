//! The one connection to the collector that is sent to, and the look whether the first collector is back.

use std::time::{Duration, Instant};

use anyhow::Result;
use indelible_wire::native::{Backoff, Sender};
use tokio::task::JoinHandle;
use tokio::time::{Instant as TokioInstant, sleep_until};

use super::Event;
use crate::agent::worker::target::{Target, connect};
use crate::net::link::Link;

/// The state of the connection.
pub(super) enum Connection {
    /// Waiting until this time to connect.
    Down(Instant),
    /// The task that connects.
    Connecting(JoinHandle<Result<Link>>),
    /// A link, with the frame that waits for room in its queue.
    Up(Link, Option<Vec<u8>>),
}

impl Connection {
    /// Down until somebody says when to connect.
    pub(super) fn idle() -> Self {
        Self::Down(Instant::now() + Duration::from_secs(3600))
    }

    pub(super) fn start(target: Target) -> Self {
        Self::Connecting(tokio::spawn(connect(target)))
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self, Self::Up(..))
    }

    /// Waits for what comes next, and takes the sender's frames to the link.
    pub(super) async fn next(&mut self, sender: &mut Sender, elapsed: Duration) -> Event {
        match self {
            Self::Down(at) => {
                sleep_until(TokioInstant::from_std(*at)).await;
                Event::Time
            }
            Self::Connecting(task) => match task.await {
                Ok(connected) => Event::Connected(connected),
                Err(error) => Event::Connected(Err(error.into())),
            },
            Self::Up(link, waiting) => {
                if waiting.is_none() {
                    *waiting = sender.transmit(elapsed);
                }
                let frames = link.frames().cloned();
                tokio::select! {
                    Some(permit) = async { Some(frames?.reserve_owned().await) }, if waiting.is_some() => {
                        match (permit, waiting.take()) {
                            (Ok(permit), Some(frame)) => {
                                permit.send(frame);
                                Event::RoomToSend
                            }
                            _ => Event::Received(None),
                        }
                    }
                    bytes = link.received.recv(), if sender.wants_bytes() => Event::Received(bytes),
                    else => std::future::pending().await,
                }
            }
        }
    }
}

/// Looks whether the first collector is back, while another stands in.
pub(super) struct Probe {
    backoff: Backoff,
    at: Instant,
    task: Option<JoinHandle<Result<Link>>>,
}

impl Probe {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            backoff: Backoff::new(seed),
            at: Instant::now(),
            task: None,
        }
    }

    /// Looks again after a while.
    pub(super) fn wait(&mut self) {
        self.at = Instant::now() + self.backoff.next_wait();
    }

    pub(super) fn is_due(&self) -> bool {
        self.task.is_none() && Instant::now() >= self.at
    }

    pub(super) fn start(&mut self, target: Target) {
        self.task = Some(tokio::spawn(connect(target)));
    }

    /// Waits for what a look finds.
    pub(super) async fn next(&mut self) -> Event {
        let Some(task) = &mut self.task else {
            return std::future::pending().await;
        };
        let probed = task.await.map_err(Into::into).flatten();
        self.task = None;
        Event::Probed(probed)
    }
}
