//! Shells on a connection: T1059.004.

use std::net::IpAddr;

use indelible_record::{SocketAddress, Stamp};

use super::about::{About, Findings, Key, Names, Tuning};
use super::act::Act;
use super::engine::Detection;
use super::lineage::Lineage;
use super::pipe::{Between, Pipes};
use super::program::runs_shell;
use super::table::{Key as ProcessKey, Table};
use crate::limits::builtin::{CONNECTED_MAX, CONNECTED_MS, CONNECTIONS_PER_PROCESS_MAX};
use crate::sigma::Level;

/// See [`super::all`].
pub(super) static ABOUT: About = About {
    id: "reverse-shell",
    title: "A shell was put on a connection to another host",
    level: Level::Critical,
    techniques: &["T1059.004"],
    logic: "A process connects to an address (to a port other than DNS), and then within 10 minutes \
        the same process becomes a shell; or the connection's descriptor is put onto two of \
        standard input, output and error, by the process or by a child of it. Or a process has a \
        named pipe made, one of its children connects, and another, whose standard input and output \
        were put elsewhere, becomes a shell. Programs that look users up over the network and then \
        start their shell (sudo, login) are left out. A program that connects, forks and copies bytes \
        between the connection and a terminal of its own is not seen, nor is one that listens.",
    candidates: "syscall in (execve, execveat, dup2, dup3, connect)",
    needs: "-a always,exit -F arch=b64 -S connect; -S execve,execveat; -S dup2,dup3 -F a1<=2; \
        -S mknod -F a1&4096; -S mknodat -F a2&4096",
    tuning: &[Key {
        name: "allow",
        what: "programs that may connect and become a shell",
        defaults: &[
            "/usr/bin/sudo",
            "/usr/bin/su",
            "/usr/bin/login",
            "/usr/sbin/runuser",
            "/usr/sbin/sshd",
            "/usr/lib/openssh/sshd-session",
            "/usr/libexec/openssh/sshd-session",
            "/usr/lib/systemd/*",
            "/usr/sbin/cron",
            "/usr/sbin/crond",
        ],
    }],
    memory: "4 connections of each of 16,384 processes, and 2,048 makers of named pipes",
};

/// The detection.
#[derive(Debug)]
pub(super) struct Shell {
    allow: Names,
    connected: Table<Connected>,
    pipes: Pipes,
}

/// The connections of a process.
#[derive(Debug, Default)]
struct Connected {
    connections: Vec<Connection>,
}

/// Of a process to another host.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    at_ms: u64,
    stamp: Option<Stamp>,
    descriptor: u32,
    address: IpAddr,
    port: u16,
    /// Bits of the standard descriptors that it was put onto, and by whom: of another process they are
    /// others.
    onto: u8,
    putter: Option<u32>,
    is_told: bool,
}

impl Connection {
    /// Takes note of `dup2(from, onto)`; true where it is this connection that is put there.
    fn is_put(&mut self, pid: Option<u32>, from: u32, onto: u32) -> bool {
        if self.putter != pid {
            (self.putter, self.onto) = (pid, 0);
        }
        let is_this = self.descriptor == from;
        match is_this {
            true => self.onto |= 1 << onto,
            // Something else is put there instead, or back.
            false => self.onto &= !(1 << onto),
        }
        is_this
    }
}

impl Shell {
    pub(super) fn new(tuning: &Tuning) -> Shell {
        Shell {
            allow: tuning.names(&ABOUT, "allow"),
            connected: Table::new(CONNECTED_MAX),
            pipes: Pipes::default(),
        }
    }

    fn connects(
        &mut self,
        act: &Act<'_>,
        key: ProcessKey,
        lineage: &mut Lineage,
        found: &mut Findings,
    ) {
        let is_under_way = act.exit == Some(EINPROGRESS);
        if act.success == Some(false) && !is_under_way || self.allow.has_some(act.exe()) {
            return;
        }
        let Some((address, port)) = destination(act) else {
            return;
        };
        if matches!(port, 0 | DNS) {
            return;
        }
        let connection = Connection {
            at_ms: act.now_ms,
            stamp: act.stamp(),
            descriptor: act.int(0),
            address,
            port,
            onto: 0,
            putter: None,
            is_told: false,
        };
        if let Some(between) = self.pipes.connects(act, lineage, &connection) {
            found.push(of_pipes(act, &between));
        }
        if self.connected.find(key).is_none() {
            self.connected.put(key, Connected::default());
        }
        if let Some(known) = self.connected.find(key) {
            let descriptor = connection.descriptor;
            known
                .connections
                .retain(|other| other.descriptor != descriptor);
            if known.connections.len() == CONNECTIONS_PER_PROCESS_MAX {
                known.connections.remove(0);
            }
            known.connections.push(connection);
        }
    }

    /// `dup2(from, 0)` by the process or by a child that has the descriptor from it.
    fn puts(&mut self, act: &Act<'_>, key: ProcessKey, found: &mut Findings) {
        let (from, onto) = (act.int(0), act.int(1));
        if !act.is_done() || onto > 2 || from == onto {
            return;
        }
        self.pipes.puts(act, onto);
        let recent = act.now_ms.saturating_sub(CONNECTED_MS);
        let parent = act.ppid.map(|ppid| act.key(ppid));
        for key in std::iter::once(key).chain(parent) {
            let Some(known) = self.connected.find(key) else {
                continue;
            };
            let connections = known.connections.iter_mut();
            let Some(connection) = connections
                .filter(|connection| connection.at_ms >= recent)
                .find_map(|connection| {
                    connection.is_put(act.pid, from, onto).then_some(connection)
                })
            else {
                continue;
            };
            if connection.onto.count_ones() >= 2 && !connection.is_told {
                connection.is_told = true;
                let why = format!(
                    "{} put its connection to {} port {} onto standard input and output",
                    act.who(),
                    connection.address,
                    connection.port
                );
                found.push(finding(act, connection, Level::High, why));
            }
            return;
        }
    }

    fn becomes(
        &mut self,
        act: &Act<'_>,
        key: ProcessKey,
        lineage: &mut Lineage,
        found: &mut Findings,
    ) {
        let is_shell = runs_shell(act);
        if is_shell && let Some(between) = self.pipes.becomes_shell(act, lineage) {
            found.push(of_pipes(act, &between));
        }
        let Some(mut known) = self.connected.remove(key) else {
            return;
        };
        let recent = act.now_ms.saturating_sub(CONNECTED_MS);
        let latest = known.connections.pop();
        let Some(connection) = latest.filter(|connection| connection.at_ms >= recent) else {
            return;
        };
        if is_shell && !connection.is_told {
            let why = format!(
                "the process that had connected to {} port {} became {}",
                connection.address,
                connection.port,
                act.who()
            );
            found.push(finding(act, &connection, Level::Critical, why));
        }
    }
}

impl Detection for Shell {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn event(&mut self, act: &Act<'_>, lineage: &mut Lineage, found: &mut Findings) {
        let Some(key) = act.pid.map(|pid| act.key(pid)) else {
            return;
        };
        match act.call {
            "connect" => self.connects(act, key, lineage, found),
            "mknod" | "mknodat" => self.pipes.made(act),
            "dup2" | "dup3" => self.puts(act, key, found),
            "execve" | "execveat" if act.is_done() => self.becomes(act, key, lineage, found),
            // The number belongs to no process now, or to another.
            "exit_group" => {
                self.connected.remove(key);
            }
            _ => {}
        }
    }

    fn evicted(&self) -> u64 {
        self.connected.evicted + self.pipes.evicted()
    }
}

/// A shell and a connection behind the same named pipe.
fn of_pipes(act: &Act<'_>, between: &Between) -> super::finding::Finding {
    let Between { shell, connection } = between;
    let why = format!(
        "{shell} was put between pipes, with a connection to {} port {} at their other ends",
        connection.address, connection.port
    );
    finding(act, connection, Level::High, why)
}

/// With the connection's event before the one that decided.
fn finding(
    act: &Act<'_>,
    connection: &Connection,
    level: Level,
    why: String,
) -> super::finding::Finding {
    let mut finding = act.finding(&ABOUT, level, "T1059.004", why);
    if let Some(stamp) = connection.stamp.filter(|stamp| Some(*stamp) != act.stamp()) {
        finding.stamps.insert(0, stamp);
    }
    finding
}

fn destination(act: &Act<'_>) -> Option<(IpAddr, u16)> {
    match SocketAddress::read(&act.event.sockaddr()?)? {
        SocketAddress::Inet { address, port } => Some((address.into(), port)),
        SocketAddress::Inet6 { address, port, .. } => Some((address.to_canonical(), port)),
        _ => None,
    }
}

const DNS: u16 = 53;
/// errno of a connection that is being opened.
const EINPROGRESS: i64 = -115;
