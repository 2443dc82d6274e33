//! Bytes of one connection, and the entries that they become.

use indelible_log::entry::{CUT_BY_SOURCE, CUT_BY_US};
use indelible_log::hash::sha256;

use super::collector::Collector;
use super::peer::send;

#[test]
fn messages_are_stored_as_they_were_sent() {
    let mut collector = Collector::start();
    send(
        &collector,
        "syslog-tcp",
        b"<13>line one\n<13>nul \0 tab \t\r\n\n<13>not ended",
    );
    collector.wait_for_messages(3);
    send(
        &collector,
        "syslog-tcp",
        b"16 <13>octets\nlines11 <13>counted\n12 <13>cut off",
    );
    collector.wait_for_messages(6);
    send(&collector, "syslog-tcp", b"2026-11-25 digits\n7 apples\n");
    collector.wait_for_messages(8);
    let contents = collector.verified(0);
    let stored = contents.of("syslog-tcp", Some("127.0.0.1"));
    let texts: Vec<_> = stored
        .iter()
        .map(|stored| {
            (
                stored.message.escape_ascii().to_string(),
                stored.header.flags,
            )
        })
        .collect();
    let expect = [
        (r"<13>line one", 0),
        (r"<13>nul \x00 tab \t\r", 0),
        ("<13>not ended", 0),
        (r"<13>octets\nlines", 0),
        ("<13>counted", 0),
        ("<13>cut off", CUT_BY_SOURCE),
        ("2026-11-25 digits", 0),
        ("7 apples", 0),
    ];
    assert_eq!(texts, expect.map(|(text, flags)| (text.to_owned(), flags)));
    // One peer, one stream, whatever the connection.
    assert_eq!(
        contents.openings.len(),
        2,
        "the collector's own and this one"
    );
    assert!(stored.iter().map(|stored| stored.header.sequence).eq(1..=8));
}

/// rsyslog takes the rest of a message that is too long for a message of its own, with a priority,
/// host and tag of the attacker's choice.
#[test]
fn an_oversize_message_is_cut_and_never_two() {
    let mut collector = Collector::start();
    let long = format!(
        "<13>{}<0>Oct 11 22:14:15 forged su: root",
        "x".repeat(90_000)
    );
    send(
        &collector,
        "syslog-tcp",
        format!("{long}\n<13>after\n").as_bytes(),
    );
    send(
        &collector,
        "syslog-tcp",
        format!("{} {long}9 <13>after", long.len()).as_bytes(),
    );
    collector.wait_for_messages(4);
    let contents = collector.verified(0);
    let (long, cut): (Vec<_>, Vec<_>) = (
        long.as_bytes().into(),
        contents.of("syslog-tcp", Some("127.0.0.1")),
    );
    assert_eq!(cut.len(), 4);
    for pair in cut.chunks(2) {
        assert_eq!((pair[0].header.flags, pair[1].header.flags), (CUT_BY_US, 0));
        assert_eq!(pair[0].message, long[..64_964]);
        assert_eq!(pair[1].message, b"<13>after");
    }
    assert_eq!(
        collector.trailers(),
        [(long.len() as u32, sha256(&long)); 2]
    );
}

#[test]
fn a_sender_that_counts_wrongly_cannot_forge() {
    let mut collector = Collector::start();
    // Characters were counted, not bytes: the rest is an attacker's text.
    send(&collector, "syslog-tcp", "6 <13>éé9 <0>forged".as_bytes());
    collector.wait_for_messages(1);
    let contents = collector.verified(1);
    assert_eq!(contents.texts("syslog-tcp", Some("127.0.0.1")), ["<13>é"]);
    let reasons: Vec<_> = contents
        .gaps
        .iter()
        .map(|gap| gap["reason"].clone())
        .collect();
    assert_eq!(reasons, ["framing-lost"]);
}
