//! Socket addresses: any bytes read without panic, and what is a whole address reads as it was
//! made.
#![no_main]

use std::net::{Ipv4Addr, Ipv6Addr};

use indelible_record::SocketAddress;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut text = Vec::new();
    if let Some(address) = SocketAddress::read(bytes) {
        address.push_text(&mut text);
        assert!(!text.is_empty());
    }
    let Some(raw) = bytes.first_chunk::<22>() else {
        return;
    };
    let port = u16::from_be_bytes([raw[0], raw[1]]);
    let mut inet = [0; 16];
    inet[0] = 2;
    inet[2..4].copy_from_slice(&raw[..2]);
    inet[4..8].copy_from_slice(&raw[2..6]);
    let address = Ipv4Addr::new(raw[2], raw[3], raw[4], raw[5]);
    assert_eq!(SocketAddress::read(&inet), Some(SocketAddress::Inet { address, port }));

    let mut inet6 = [0; 28];
    inet6[0] = 10;
    inet6[2..4].copy_from_slice(&raw[..2]);
    inet6[8..24].copy_from_slice(&raw[2..18]);
    inet6[24..].copy_from_slice(&raw[18..]);
    let mut octets = [0; 16];
    octets.copy_from_slice(&raw[2..18]);
    let expect = SocketAddress::Inet6 {
        address: Ipv6Addr::from(octets),
        port,
        scope: u32::from_le_bytes([raw[18], raw[19], raw[20], raw[21]]),
    };
    assert_eq!(SocketAddress::read(&inet6), Some(expect));
});
