//! Connections: what several lines of one sshd process, and of one socket, have in common.

use std::collections::HashMap;
use std::net::IpAddr;

/// Where lines come from: a number per group of rotated files, per journal, per kind of entry in a
/// store. A connection is counted from the first place that tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel(pub u32);

/// A connection to sshd.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    pub(crate) host: u32,
    pub(crate) pid: Option<u32>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: Option<u16>,
    /// The place that tells of it; none where only audit records do.
    pub(crate) channel: Option<Channel>,
    /// An end of it was seen.
    pub(crate) closed: bool,
    /// It is counted under its source.
    pub(crate) counted: bool,
    /// Attempts that are counted: refused credentials, at least one where somebody was named.
    pub(crate) attempts: u64,
    /// Refused credentials in sshd's messages.
    pub(crate) tries: u64,
    /// Tries that PAM has spoken of and `Failed keyboard-interactive/pam` has not yet.
    pub(crate) pam_unpaired: u64,
    /// Of these, in messages since the last one with a port: if the next one has another port, they
    /// were of its connection, the process id being used again.
    pub(crate) pam_portless: u64,
    /// Refused credentials in audit records.
    pub(crate) audit_tries: u64,
    /// Of these, counted because sshd's messages had not told of them.
    pub(crate) audit_surplus: u64,
    /// Refused passwords and keyboard-interactive answers in messages without a certain peer.
    pub(crate) pending: [u64; 2],
    /// Somebody got in.
    pub(crate) accepted: bool,
}

/// The newest connections, found by process and by socket.
#[derive(Debug)]
pub(crate) struct Connections {
    ring: Vec<Connection>,
    max: usize,
    /// Connections made so far; the slot of the next one.
    made: usize,
    by_pid: HashMap<(u32, u32), usize>,
    by_peer: HashMap<(u32, IpAddr, u16), usize>,
}

impl Connections {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            ring: Vec::new(),
            max,
            made: 0,
            by_pid: HashMap::new(),
            by_peer: HashMap::new(),
        }
    }

    pub(crate) fn of_pid(&self, host: u32, pid: u32) -> Option<usize> {
        self.by_pid.get(&(host, pid)).copied()
    }

    pub(crate) fn of_peer(&self, host: u32, address: IpAddr, port: u16) -> Option<usize> {
        self.by_peer.get(&(host, address, port)).copied()
    }

    pub(crate) fn at(&mut self, slot: usize) -> &mut Connection {
        &mut self.ring[slot]
    }

    /// A new connection, and the one that it pushes out.
    pub(crate) fn open(&mut self, connection: Connection) -> (usize, Option<Connection>) {
        let slot = self.made % self.max;
        self.made += 1;
        let mut old = None;
        if slot < self.ring.len() {
            let gone = std::mem::take(&mut self.ring[slot]);
            self.forget(slot, &gone);
            old = Some(gone);
            self.ring[slot] = connection;
        } else {
            self.ring.push(connection);
        }
        self.index(slot);
        (slot, old)
    }

    /// Makes a connection findable under what is known of it by now.
    pub(crate) fn index(&mut self, slot: usize) {
        let connection = &self.ring[slot];
        if let Some(pid) = connection.pid {
            self.by_pid.insert((connection.host, pid), slot);
        }
        if let (Some(address), Some(port)) = (connection.address, connection.port) {
            self.by_peer.insert((connection.host, address, port), slot);
        }
    }

    fn forget(&mut self, slot: usize, connection: &Connection) {
        if let Some(pid) = connection.pid {
            let key = (connection.host, pid);
            if self.by_pid.get(&key) == Some(&slot) {
                self.by_pid.remove(&key);
            }
        }
        if let (Some(address), Some(port)) = (connection.address, connection.port) {
            let key = (connection.host, address, port);
            if self.by_peer.get(&key) == Some(&slot) {
                self.by_peer.remove(&key);
            }
        }
    }

    /// All that are still remembered.
    pub(crate) fn drain(&mut self) -> Vec<Connection> {
        self.by_pid.clear();
        self.by_peer.clear();
        std::mem::take(&mut self.ring)
    }
}
