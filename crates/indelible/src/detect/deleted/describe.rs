//! The process that a finding is about: who, since when, from whom, talking to what.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use indelible_sys::proc::Process;

use super::candidate::Candidate;
use super::{Clock, limits};

/// What is told of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Described {
    pub(crate) pid: u32,
    /// Name of the task, chosen by the process.
    pub(crate) comm: Vec<u8>,
    pub(crate) uid: Option<u32>,
    /// Seconds since 1970.
    pub(crate) started_s: u64,
    pub(crate) arguments: Vec<Vec<u8>>,
    /// Its parents, the nearest first.
    pub(crate) ancestors: Vec<Ancestor>,
    pub(crate) sockets: Vec<Socket>,
    /// Id of the container, from the control group.
    pub(crate) container: Option<String>,
}

/// A parent, or a parent's parent.
#[derive(Clone, Debug)]
pub(crate) struct Ancestor {
    pub(crate) pid: u32,
    /// Text of its link; empty where it may not be read.
    pub(crate) exe: Vec<u8>,
}

/// A socket of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Socket {
    pub(crate) protocol: &'static str,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    /// Whether it waits for connections.
    pub(crate) listens: bool,
}

impl Described {
    /// Reads what is still there; what is gone meanwhile stays empty.
    pub(super) fn of(candidate: &Candidate, clock: Clock) -> Self {
        let process = candidate.process;
        Self {
            pid: process.pid,
            comm: process.stat().map(|stat| stat.comm).unwrap_or_default(),
            uid: process.uid().ok(),
            started_s: clock.time_s(candidate.start_ticks),
            arguments: process
                .arguments(limits::ARGUMENTS_BYTES_MAX)
                .unwrap_or_default(),
            ancestors: ancestors(process),
            sockets: sockets(process).unwrap_or_default(),
            container: process
                .read("cgroup", 4096)
                .ok()
                .and_then(|text| container(&text)),
        }
    }
}

fn ancestors(process: Process) -> Vec<Ancestor> {
    let mut found = Vec::new();
    let mut at = process;
    while found.len() < limits::ANCESTORS_MAX {
        let Ok(stat) = at.stat() else { break };
        if stat.ppid == 0 {
            break;
        }
        at = Process { pid: stat.ppid };
        found.push(Ancestor {
            pid: at.pid,
            exe: at.link("exe").unwrap_or_default(),
        });
    }
    found
}

/// The TCP and UDP sockets among its open files.
fn sockets(process: Process) -> std::io::Result<Vec<Socket>> {
    let mut inodes = HashSet::new();
    for number in process.open_files(limits::FILES_MAX)? {
        let Ok(link) = process.link(&format!("fd/{number}")) else {
            continue;
        };
        let inode = link
            .strip_prefix(b"socket:[")
            .and_then(|rest| rest.strip_suffix(b"]"))
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok());
        inodes.extend(inode);
    }
    let mut found = Vec::new();
    if inodes.is_empty() {
        return Ok(found);
    }
    for protocol in ["tcp", "tcp6", "udp", "udp6"] {
        let Ok(table) = process.read(&format!("net/{protocol}"), limits::SOCKETS_BYTES_MAX) else {
            continue;
        };
        let rows = String::from_utf8_lossy(&table);
        for (inode, socket) in rows.lines().filter_map(|row| row_of(protocol, row)) {
            if inodes.contains(&inode) && found.len() < limits::SOCKETS_MAX {
                found.push(socket);
            }
        }
    }
    Ok(found)
}

/// A row of /proc/net/tcp and its like: number, local, remote, state, …, inode (proc_pid_net(5)).
fn row_of(protocol: &'static str, row: &str) -> Option<(u64, Socket)> {
    let words: Vec<&str> = row.split_ascii_whitespace().collect();
    let state = words.get(3)?;
    Some((
        words.get(9)?.parse().ok()?,
        Socket {
            protocol: protocol.trim_end_matches('6'),
            local: address(words.get(1)?)?,
            remote: address(words.get(2)?)?,
            listens: *state == "0A",
        },
    ))
}

/// `0100007F:0016`: words of the address in the machine's byte order, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (digits, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for word in digits.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    let address = match bytes.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

/// The 64 hexadecimal digits that container runtimes name control groups after.
fn container(cgroup: &[u8]) -> Option<String> {
    cgroup
        .split(|byte| !byte.is_ascii_hexdigit())
        .find(|word| word.len() == 64)
        .map(|word| String::from_utf8_lossy(word).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_socket_tables() {
        let row = "  0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0";
        let (inode, socket) = row_of("tcp", row).unwrap();
        assert_eq!(inode, 12345);
        assert_eq!(socket.local, "127.0.0.1:22".parse().unwrap());
        assert!(socket.listens);
        assert_eq!(row_of("tcp", "  sl  local_address rem_address   st"), None);
        let mapped = address("0000000000000000FFFF00000100007F:0050").unwrap();
        assert_eq!(mapped, "127.0.0.1:80".parse().unwrap());
    }

    #[test]
    fn containers() {
        let id = "0123456789abcdef".repeat(4);
        let text = format!("0::/system.slice/docker-{id}.scope\n");
        assert_eq!(container(text.as_bytes()), Some(id));
        assert_eq!(container(b"0::/user.slice\n"), None);
    }
}
