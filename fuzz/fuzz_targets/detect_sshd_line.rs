//! Any bytes as a line and as a message: what is said to stand in the message stands there, and an
//! address that something is counted under is one of those that the grammar read.
#![no_main]

use indelible_detect::ssh::message::Peer;
use indelible_detect::ssh::{Calendar, Channel, Engine, LineId, Settings, address, grammar, line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let known = message(bytes);
    let calendar = Calendar {
        newest_local_s: 1_795_651_200,
        to_utc: &|local_s| local_s,
    };
    let _any = line::parse(bytes, &calendar);
    // The same bytes as sshd's.
    let text = [b"Nov 25 17:40:05 h sshd[7]: ", bytes].concat();
    let Some(line) = line::parse(&text, &calendar) else {
        panic!("the head is whole");
    };
    let mut engine = Engine::new(Settings::default());
    engine.line(LineId { file: 0, line: 1 }, Channel(0), &line);
    for source in engine.finish().sources {
        assert!(Some(source.address) == known || line.text.len() != bytes.len());
    }
});

/// The address that a message is about.
fn message(bytes: &[u8]) -> Option<std::net::IpAddr> {
    let message = grammar::parse(bytes, bytes.len())?;
    if let Some(user) = message.user {
        assert!(bytes.windows(user.name.len().max(1)).any(|part| part == user.name) || user.name.is_empty());
    }
    assert!(message.count > 0);
    let Peer::Known { address, start, end, .. } = message.peer else {
        return None;
    };
    assert_eq!(address::parse(&bytes[start..end]), Some(address));
    Some(address)
}
