//! RELP, the Reliable Event Logging Protocol of rsyslog: [`Server`] receives, [`Client`] sends.
//!
//! Both are sans-IO. The server answers a message when its caller says that it is durable, and not
//! before; the client forgets a message when it was answered. The protocol has no identity of
//! messages: after a broken connection the client sends again what was not answered, so a message
//! can arrive twice and never zero times.

mod client;
mod frame;
mod server;

pub use client::{Client, ClientAction};
pub use frame::{Decoder, Event, Header, RelpError, push};
pub use server::{Received, Server};

/// What we say of ourselves in `open`. Version 0 is what librelp speaks, whatever its document says.
const OFFERS: &str = concat!(
    "relp_version=0\nrelp_software=indelible,",
    env!("CARGO_PKG_VERSION"),
    "\ncommands=syslog"
);

/// Whether offers name the command `syslog`; `None` where they name no commands at all.
fn offers_syslog(offers: &[u8]) -> Option<bool> {
    let mut lines = offers.split(|byte| *byte == b'\n');
    let commands = lines.find_map(|line| line.strip_prefix(b"commands="))?;
    Some(
        commands
            .split(|byte| *byte == b',')
            .any(|name| name == b"syslog"),
    )
}

/// The transaction number after another.
fn next_transaction(number: u32) -> u32 {
    if number >= crate::limits::RELP_TXNR_MAX {
        1
    } else {
        number + 1
    }
}
