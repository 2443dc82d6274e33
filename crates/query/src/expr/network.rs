//! Networks: an address and the number of its leading bits that count.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// The first address: the other bits are zero.
    first: IpAddr,
    bits: u8,
}

impl Network {
    /// The network that an address of this many bits stands for; none where there are not so many.
    pub fn new(address: IpAddr, bits: u8) -> Option<Network> {
        let first = match address {
            IpAddr::V4(v4) if bits <= 32 => IpAddr::V4(masked(v4, bits)),
            IpAddr::V6(v6) if bits <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
            _ => return None,
        };
        Some(Network { first, bits })
    }

    /// One address.
    pub fn single(address: IpAddr) -> Network {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Network {
            first: address,
            bits,
        }
    }

    /// Whether the address is in it. An IPv4 address that was written into an IPv6 one
    /// (`::ffff:10.0.0.1`) is in the networks of both.
    pub fn contains(&self, address: IpAddr) -> bool {
        let is_in = |address| Network::new(address, self.bits) == Some(*self);
        match (self.first, address) {
            (IpAddr::V4(_), IpAddr::V6(v6)) => {
                v6.to_ipv4_mapped().is_some_and(|v4| is_in(v4.into()))
            }
            _ => is_in(address),
        }
    }

    /// Its first address.
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// How many bits its addresses share.
    pub fn bits(&self) -> u8 {
        self.bits
    }
}

fn masked(address: Ipv4Addr, bits: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

impl FromStr for Network {
    type Err = ();

    /// `10.0.0.0/8`, `fe80::/10`, or one address.
    fn from_str(text: &str) -> Result<Network, ()> {
        match text.split_once('/') {
            Some((address, bits))
                if bits.len() <= 3 && bits.bytes().all(|b| b.is_ascii_digit()) =>
            {
                let address = address.parse().map_err(drop)?;
                Network::new(address, bits.parse().map_err(drop)?).ok_or(())
            }
            Some(_) => Err(()),
            None => Ok(Network::single(text.parse().map_err(drop)?)),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(network: &str, address: &str, expect: bool) {
        let parsed: Network = network.parse().expect("a network");
        let address: IpAddr = address.parse().expect("an address");
        assert_eq!(parsed.contains(address), expect, "{network} {address}");
        assert_eq!(parsed.to_string().parse(), Ok(parsed));
    }

    #[test]
    fn membership() {
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.1.2.3/8", "10.0.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("0.0.0.0/0", "1.2.3.4", true);
        check("0.0.0.0/0", "::1", false);
        check("192.0.2.1", "192.0.2.1", true);
        check("fe80::/10", "fe80::1", true);
        check("::/0", "::1", true);
        check("::/0", "10.0.0.1", false);
        check("::1", "::1", true);
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "a/8",
        ] {
            assert_eq!(text.parse::<Network>(), Err(()), "{text}");
        }
    }
}
