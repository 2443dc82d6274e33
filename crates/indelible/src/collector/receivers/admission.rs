//! How many connections a receiver has, in all and of each address.
//!
//! A connection beyond what its address may have waits for its turn, so that a burst of short ones
//! loses nothing; as many again may wait, for a while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::limits::ADMISSION_MAX;

/// Counts connections by address.
#[derive(Debug)]
pub(super) struct Admission {
    connections_max: usize,
    by_address: Mutex<HashMap<IpAddr, Peer>>,
}

#[derive(Debug)]
struct Peer {
    /// Those that wait included.
    connections: usize,
    turns: Arc<Semaphore>,
    /// The refusal was logged; once is enough until there is room again.
    is_logged: bool,
}

/// A connection that is counted, and waits or has its turn.
#[derive(Debug)]
pub(super) struct Counted {
    admission: Arc<Admission>,
    address: IpAddr,
    turns: Arc<Semaphore>,
}

impl Admission {
    /// With so many connections of one address at a time.
    pub(super) fn new(connections_max: usize) -> Self {
        Self {
            connections_max,
            by_address: Mutex::default(),
        }
    }

    /// Counts a connection; `None` where its address has too many, those that wait included.
    pub(super) fn count(self: &Arc<Self>, address: IpAddr) -> Option<Counted> {
        let max = self.connections_max;
        let peers = self.by_address.lock();
        let mut peers = peers.unwrap_or_else(PoisonError::into_inner);
        let peer = peers.entry(address).or_insert_with(|| Peer {
            connections: 0,
            turns: Arc::new(Semaphore::new(max)),
            is_logged: false,
        });
        if peer.connections >= 2 * max {
            if !peer.is_logged {
                tracing::warn!(%address, max, "refused connections: the peer has too many");
            }
            peer.is_logged = true;
            return None;
        }
        peer.connections += 1;
        Some(Counted {
            admission: self.clone(),
            address,
            turns: peer.turns.clone(),
        })
    }
}

impl Counted {
    /// Waits for the connection's turn, which lasts as long as what is returned.
    ///
    /// # Errors
    /// It did not come in time.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let turn = self.turns.clone().acquire_owned();
        let turn = timeout(ADMISSION_MAX, turn).await;
        Ok(turn.context("the peer has too many connections")??)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let peers = self.admission.by_address.lock();
        let mut peers = peers.unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = peers.get_mut(&self.address) {
            peer.connections -= 1;
            peer.is_logged = false;
            if peer.connections == 0 {
                peers.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_address_has_its_share() {
        let admission = Arc::new(Admission::new(2));
        let (a, b) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let mut counted: Vec<_> = (0..4).map(|_| admission.count(a).unwrap()).collect();
        assert!(admission.count(a).is_none());
        assert!(admission.count(b).is_some());
        let turn = counted[0].turn().await.unwrap();
        let _other = counted[1].turn().await.unwrap();
        let waiting = async {
            let _third = counted[2].turn().await.unwrap();
        };
        let ending = async { drop(turn) };
        tokio::join!(waiting, ending);
        counted.clear();
        assert!(admission.by_address.lock().unwrap().is_empty());
    }
}
