//! Addresses of peers, and the networks they belong to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as sshd writes it: IPv4, or IPv6 with or without a zone, which is dropped.
pub fn parse(text: &[u8]) -> Option<IpAddr> {
    // The longest form is an IPv6 address with an embedded IPv4 one and the name of an interface.
    if text.is_empty() || text.len() > ADDRESS_BYTES_MAX {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(address));
    }
    let bare = match text.split_once('%') {
        Some((address, zone)) if is_zone(zone) => address,
        Some(_) => return None,
        None => text,
    };
    let address: Ipv6Addr = bare.parse().ok()?;
    // sshd prints mapped addresses as IPv4 ones; other programs may not.
    Some(match address.to_ipv4_mapped() {
        Some(mapped) => IpAddr::V4(mapped),
        None => IpAddr::V6(address),
    })
}

/// The /24 of an IPv4 address, the /64 of an IPv6 address: its first address and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    first: IpAddr,
}

impl Network {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        let first = match address {
            IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from(u32::from(address) & !0xff)),
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)))
            }
        };
        Self { first }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bits = if self.first.is_ipv4() { 24 } else { 64 };
        write!(f, "{}/{bits}", self.first)
    }
}

fn is_zone(zone: &str) -> bool {
    !zone.is_empty()
        && zone
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_@:".contains(&byte))
}

const ADDRESS_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_sshd_writes_them() {
        let check = |text: &str, expect: Option<&str>| {
            let found = parse(text.as_bytes()).map(|address| address.to_string());
            assert_eq!(found.as_deref(), expect, "{text}");
        };
        check("127.0.0.1", Some("127.0.0.1"));
        check("::1", Some("::1"));
        check("::ffff:10.0.0.1", Some("10.0.0.1"));
        check("fe80::1%eth0", Some("fe80::1"));
        check("fe80::1%", None);
        check("1.2.3", None);
        check("1.2.3.4.5", None);
        check("host.example", None);
        check("UNKNOWN", None);
        check("", None);
    }

    #[test]
    fn networks_have_their_length() {
        let network = |text: &str| Network::of(text.parse().unwrap()).to_string();
        assert_eq!(network("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(network("2001:db8:1:2:3::9"), "2001:db8:1:2::/64");
    }
}
