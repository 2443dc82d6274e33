//! Socket addresses, as the kernel copied them from the program: `saddr=` of a SOCKADDR record.
//!
//! ```text
//! 0  u16  family, in the byte order of the architecture (little-endian where we know no better)
//! 2       by family; the program chose the length, so anything may be cut
//! ```

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::interpret::flags;
use crate::tables::constants::SOCKET_FAMILIES;

/// A socket address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketAddress {
    /// `sockaddr_in`, linux/in.h.
    Inet {
        /// Address.
        address: Ipv4Addr,
        /// Port.
        port: u16,
    },
    /// `sockaddr_in6`, linux/in6.h.
    Inet6 {
        /// Address.
        address: Ipv6Addr,
        /// Port.
        port: u16,
        /// Index of the interface of a link-local address; 0 if none.
        scope: u32,
    },
    /// `sockaddr_un`, linux/un.h.
    Unix(UnixName),
    /// `sockaddr_nl`, linux/netlink.h.
    Netlink {
        /// Port id; 0 is the kernel.
        pid: u32,
        /// Multicast groups, a bit each.
        groups: u32,
    },
    /// `sockaddr_vm`, linux/vm_sockets.h.
    Vsock {
        /// Context id: 1 is this host, 2 the hypervisor.
        cid: u32,
        /// Port.
        port: u32,
    },
    /// `sockaddr_ll`, linux/if_packet.h.
    Packet {
        /// Ethernet protocol.
        protocol: u16,
        /// Index of the interface.
        interface: u32,
        /// Hardware address.
        address: Vec<u8>,
    },
    /// A family that is not taken apart here, or too few bytes for one that is.
    Other {
        /// `AF_*`, linux/socket.h.
        family: u16,
        /// Whether the family is known and bytes are missing.
        short: bool,
    },
}

/// The name of a unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnixName {
    /// None: only the family was given.
    Unnamed,
    /// A path.
    Path(Vec<u8>),
    /// A name in the abstract namespace, without its leading zero byte.
    Abstract(Vec<u8>),
}

impl SocketAddress {
    /// Reads the bytes of a `struct sockaddr`; none where there is not even a family.
    pub fn read(bytes: &[u8]) -> Option<SocketAddress> {
        let low = u16::from(*bytes.first()?);
        let high = bytes.get(1).map_or(0, |byte| u16::from(*byte));
        // Families are below 256, so a big-endian host shows in which byte is zero.
        let family = if low == 0 { high } else { low | high << 8 };
        let read = match family {
            AF_UNIX => Some(SocketAddress::Unix(unix_name(
                bytes.get(2..).unwrap_or_default(),
            ))),
            AF_INET => inet(bytes),
            AF_INET6 => inet6(bytes),
            AF_NETLINK => netlink(bytes),
            AF_PACKET => packet(bytes),
            AF_VSOCK => vsock(bytes),
            _ => {
                return Some(SocketAddress::Other {
                    family,
                    short: false,
                });
            }
        };
        Some(read.unwrap_or(SocketAddress::Other {
            family,
            short: true,
        }))
    }

    /// The name of the family, as audit's tools write it: `inet`, `local`.
    pub fn family_name(&self) -> Option<&'static str> {
        flags::name(SOCKET_FAMILIES, u64::from(self.family())).filter(|name| *name != "unspec")
    }

    /// `AF_*`.
    pub fn family(&self) -> u16 {
        match self {
            SocketAddress::Unix(_) => AF_UNIX,
            SocketAddress::Inet { .. } => AF_INET,
            SocketAddress::Inet6 { .. } => AF_INET6,
            SocketAddress::Netlink { .. } => AF_NETLINK,
            SocketAddress::Packet { .. } => AF_PACKET,
            SocketAddress::Vsock { .. } => AF_VSOCK,
            SocketAddress::Other { family, .. } => *family,
        }
    }

    /// Appends `{ saddr_fam=inet laddr=127.0.0.53 lport=53 }`.
    pub fn push_text(&self, out: &mut Vec<u8>) {
        use std::io::Write;
        let Some(family) = self.family_name() else {
            // Writing to a Vec cannot fail, here and below.
            let _ = write!(out, "unknown-family({})", self.family());
            return;
        };
        let _ = write!(out, "{{ saddr_fam={family} ");
        let _ = match self {
            SocketAddress::Inet { address, port } => write!(out, "laddr={address} lport={port}"),
            SocketAddress::Inet6 {
                address,
                port,
                scope: 0,
            } => {
                write!(out, "laddr={address} lport={port}")
            }
            SocketAddress::Inet6 {
                address,
                port,
                scope,
            } => {
                write!(out, "laddr={address}%{scope} lport={port}")
            }
            SocketAddress::Unix(UnixName::Unnamed) => write!(out, "path="),
            SocketAddress::Unix(UnixName::Path(path)) => {
                out.extend_from_slice(b"path=");
                out.write_all(path)
            }
            SocketAddress::Unix(UnixName::Abstract(name)) => {
                out.extend_from_slice(b"path=@");
                out.write_all(name)
            }
            SocketAddress::Netlink { pid, .. } => write!(out, "nlnk-fam=16 nlnk-pid={pid}"),
            SocketAddress::Vsock { cid, port } => write!(out, "cid={cid} port={port}"),
            SocketAddress::Packet {
                protocol,
                interface,
                address,
            } => {
                let _ = write!(out, "protocol={protocol:#06x} ifindex={interface} laddr=");
                for (index, byte) in address.iter().enumerate() {
                    let _ = write!(out, "{}{byte:02x}", if index > 0 { ":" } else { "" });
                }
                Ok(())
            }
            SocketAddress::Other {
                family: AF_INET6,
                short: true,
            } => write!(out, "sockaddr6 len too short"),
            SocketAddress::Other { short: true, .. } => write!(out, "sockaddr len too short"),
            SocketAddress::Other { short: false, .. } => write!(out, "(unsupported)"),
        };
        out.extend_from_slice(b" }");
    }
}

fn inet(bytes: &[u8]) -> Option<SocketAddress> {
    // The structure is 16 bytes; a shorter one is refused by the kernel.
    bytes.get(..16)?;
    Some(SocketAddress::Inet {
        address: Ipv4Addr::from(array::<4>(bytes, 4)?),
        port: u16::from_be_bytes(array(bytes, 2)?),
    })
}

fn inet6(bytes: &[u8]) -> Option<SocketAddress> {
    // Before RFC 2133's scope the structure had 24 bytes.
    Some(SocketAddress::Inet6 {
        address: Ipv6Addr::from(array::<16>(bytes, 8)?),
        port: u16::from_be_bytes(array(bytes, 2)?),
        scope: array(bytes, 24).map_or(0, u32::from_le_bytes),
    })
}

fn netlink(bytes: &[u8]) -> Option<SocketAddress> {
    Some(SocketAddress::Netlink {
        pid: u32::from_le_bytes(array(bytes, 4)?),
        groups: u32::from_le_bytes(array(bytes, 8)?),
    })
}

fn vsock(bytes: &[u8]) -> Option<SocketAddress> {
    Some(SocketAddress::Vsock {
        cid: u32::from_le_bytes(array(bytes, 8)?),
        port: u32::from_le_bytes(array(bytes, 4)?),
    })
}

fn packet(bytes: &[u8]) -> Option<SocketAddress> {
    let length = usize::from(*bytes.get(11)?).min(8);
    Some(SocketAddress::Packet {
        protocol: u16::from_be_bytes(array(bytes, 2)?),
        interface: u32::from_le_bytes(array(bytes, 4)?),
        address: bytes.get(12..12 + length)?.to_vec(),
    })
}

fn unix_name(path: &[u8]) -> UnixName {
    match path {
        [] => UnixName::Unnamed,
        [0, rest @ ..] => {
            let end = rest
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |at| at + 1);
            match end {
                0 => UnixName::Unnamed,
                _ => UnixName::Abstract(rest[..end].to_vec()),
            }
        }
        _ => {
            let end = memchr::memchr(0, path).unwrap_or(path.len());
            UnixName::Path(path[..end].to_vec())
        }
    }
}

/// `N` bytes from `at`.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

// linux/socket.h (AF_* of the kernel, the same on all architectures).
const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;
const AF_PACKET: u16 = 17;
const AF_VSOCK: u16 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hex: &str, expect: &str) {
        let mut bytes = Vec::new();
        assert!(crate::number::decode_hex(hex.as_bytes(), &mut bytes));
        let mut out = Vec::new();
        SocketAddress::read(&bytes)
            .expect("a family")
            .push_text(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), expect, "{hex}");
    }

    #[test]
    fn addresses() {
        check(
            "020000357F0000350000000000000000",
            "{ saddr_fam=inet laddr=127.0.0.53 lport=53 }",
        );
        check(
            "0A001F9000000000000000000000000000000000000000010000000000",
            "{ saddr_fam=inet6 laddr=::1 lport=8080 }",
        );
        check(
            "01002F72756E2F782E736F636B00",
            "{ saddr_fam=local path=/run/x.sock }",
        );
        check("0100002F746D702F5800", "{ saddr_fam=local path=@/tmp/X }");
        check(
            "100000001700000001000000",
            "{ saddr_fam=netlink nlnk-fam=16 nlnk-pid=23 }",
        );
        check(
            "28000000D2040000030000000000",
            "{ saddr_fam=vsock cid=3 port=1234 }",
        );
        check(
            "1100080006000000010006060001020304050000",
            "{ saddr_fam=packet protocol=0x0800 ifindex=6 laddr=00:01:02:03:04:05 }",
        );
        check(
            "0002003501020304FFFFFFFFFFFFFFFF",
            "{ saddr_fam=inet laddr=1.2.3.4 lport=53 }",
        );
    }

    #[test]
    fn cut_and_unknown() {
        check("02", "{ saddr_fam=inet sockaddr len too short }");
        check("0A001F90", "{ saddr_fam=inet6 sockaddr6 len too short }");
        check("0100", "{ saddr_fam=local path= }");
        check("1F0000", "{ saddr_fam=bluetooth (unsupported) }");
        check("FF00", "unknown-family(255)");
        check("00000000", "unknown-family(0)");
        assert_eq!(SocketAddress::read(&[]), None);
    }
}
