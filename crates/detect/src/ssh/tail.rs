//! Where the peer's address stands: typed tails behind text that a client chose.
//!
//! A client's text may hold anything that sshd writes, addresses and all. So a tail is taken from
//! the right end where only fixed text may follow it; where more of the client's text may follow,
//! every position is read, and different answers make the peer [`Peer::Ambiguous`].

use memchr::memmem;

use super::address;
use super::message::Peer;
use crate::limits::ssh::CANDIDATES_MAX;

/// A tail that was found: what stands before it, the peer, and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail<'a> {
    pub(crate) before: &'a [u8],
    pub(crate) peer: Peer,
    pub(crate) after: &'a [u8],
}

/// `IP port N` at the start of `text`, which stands at `offset` in the message.
pub(crate) fn leading(text: &[u8], offset: usize) -> Option<(Peer, &[u8])> {
    let length = word_length(text);
    let (word, rest) = text.split_at(length);
    let (port, rest) = number(rest.strip_prefix(b" port ")?)?;
    let port = u16::try_from(port).ok()?;
    Some((peer(word, Some(port), offset)?, rest))
}

/// `IP` alone at the start of `text`: up to a blank, a colon that ends the word, or the end.
pub(crate) fn leading_address(text: &[u8], offset: usize) -> Option<(Peer, &[u8])> {
    let word = &text[..word_length(text)];
    if let Some(peer) = peer(word, None, offset) {
        return Some((peer, &text[word.len()..]));
    }
    let [word @ .., b':' | b'.' | b','] = word else {
        return None;
    };
    Some((peer(word, None, offset)?, &text[word.len()..]))
}

/// `BEFORE<link>IP port N` where `text` ends with the port: nothing may follow.
pub(crate) fn at_end<'a>(text: &'a [u8], link: &[u8], offset: usize) -> Option<Tail<'a>> {
    let digits = text
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (head, port) = text.split_at(text.len() - digits);
    let (port, _) = number(port)?;
    let head = head.strip_suffix(b" port ")?;
    before_word(head, link, offset, Some(u16::try_from(port).ok()?), b"")
}

/// `BEFORE<link>IP` where `text` ends with the address.
pub(crate) fn address_at_end<'a>(text: &'a [u8], link: &[u8], offset: usize) -> Option<Tail<'a>> {
    before_word(text, link, offset, None, b"")
}

/// `BEFORE<link>WORD` where the word may be a host's name, which tells no address.
pub(crate) fn host_at_end<'a>(text: &'a [u8], link: &[u8], offset: usize) -> Option<Tail<'a>> {
    if let Some(tail) = address_at_end(text, link, offset) {
        return Some(tail);
    }
    let at = text.iter().rposition(|byte| *byte == b' ')?;
    let before = text[..=at].strip_suffix(link)?;
    Some(Tail {
        before,
        peer: Peer::Absent,
        after: b"",
    })
}

/// Every `BEFORE<link>IP port N<AFTER>` where `accepts(AFTER)`, made to one answer: with the last
/// reading's spans where all name the same peer, and [`Peer::Ambiguous`] where they do not.
pub(crate) fn any<'a>(
    text: &'a [u8],
    link: &[u8],
    offset: usize,
    accepts: impl Fn(&[u8]) -> bool,
) -> Option<(Tail<'a>, bool)> {
    let mut found: Option<Tail<'a>> = None;
    let mut readings = 0usize;
    for (tried, at) in memmem::find_iter(text, b" port ").enumerate() {
        if tried == CANDIDATES_MAX {
            // Nobody honest writes so many; what is left may be the true one.
            return found.map(|tail| (ambiguous(tail), false));
        }
        let Some((port, after)) = number(&text[at + b" port ".len()..]) else {
            continue;
        };
        let Ok(port) = u16::try_from(port) else {
            continue;
        };
        let Some(tail) = before_word(&text[..at], link, offset, Some(port), after) else {
            continue;
        };
        if !accepts(after) {
            continue;
        }
        readings += 1;
        match &found {
            Some(other) if !same(&other.peer, &tail.peer) => {
                return Some((ambiguous(tail), false));
            }
            _ => found = Some(tail),
        }
    }
    found.map(|tail| (tail, readings == 1))
}

fn same(one: &Peer, other: &Peer) -> bool {
    one.address() == other.address() && one.port() == other.port()
}

fn ambiguous(tail: Tail<'_>) -> Tail<'_> {
    Tail {
        peer: Peer::Ambiguous,
        ..tail
    }
}

fn before_word<'a>(
    head: &'a [u8],
    link: &[u8],
    offset: usize,
    port: Option<u16>,
    after: &'a [u8],
) -> Option<Tail<'a>> {
    let start = head
        .iter()
        .rposition(|byte| *byte == b' ')
        .map_or(0, |at| at + 1);
    let before = head[..start].strip_suffix(link)?;
    Some(Tail {
        before,
        peer: peer(&head[start..], port, offset + start)?,
        after,
    })
}

/// A peer from a word that must be an address, or `UNKNOWN` for a socket that was gone.
fn peer(word: &[u8], port: Option<u16>, start: usize) -> Option<Peer> {
    if word == b"UNKNOWN" {
        return Some(Peer::Absent);
    }
    Some(Peer::Known {
        address: address::parse(word)?,
        port,
        start,
        end: start + word.len(),
    })
}

/// Decimal digits at the start, and what follows them.
pub(crate) fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 || length > 10 {
        return None;
    }
    let value = std::str::from_utf8(&text[..length]).ok()?.parse().ok()?;
    Some((value, &text[length..]))
}

fn word_length(text: &[u8]) -> usize {
    memchr::memchr(b' ', text).unwrap_or(text.len())
}
