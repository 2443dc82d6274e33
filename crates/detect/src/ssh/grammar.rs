//! The grammar of sshd's messages, OpenSSH 6 to 10: fixed prefix → bounded client text → typed tail.
//!
//! ```text
//! Failed password for invalid user x from 8.8.8.8 port 22 ssh2 from 203.0.113.9 port 5 ssh2
//! └─ prefix ─────────────────────┘ └─ the client's text ──────┘ └─ tail, from the right ───┘
//! Received disconnect from 203.0.113.9 port 5:11: Failed password from 8.8.8.8 port 22
//! └─ prefix ─────────────┘ └─ tail ──────────┘ └─ the client's text ───────────────────┘
//! ```
//!
//! Any bytes give an answer: `None` is a message that is not known. The formats are those of
//! `auth.c`, `packet.c`, `kex.c`, `auth-pam.c`, `srclimit.c` and `sshd.c`.

use memchr::memmem;

use super::message::{Kind, Message, Method, Peer};
use super::tail::{self, number};
use super::topics;
use crate::limits::ssh::{REPEATS_MAX, WHOLE_LINE_BYTES};

/// Reads the message of a line that had `line_bytes` bytes in all.
pub fn parse(text: &[u8], line_bytes: usize) -> Option<Message<'_>> {
    let text = trim_end(text);
    if let Some(rest) = text.strip_prefix(b"message repeated ") {
        let (count, rest) = number(rest)?;
        let inner = rest.strip_prefix(b" times: [ ")?;
        let inner = inner.strip_suffix(b"]").unwrap_or(inner);
        let mut message = Reader::new(inner, text.len() - rest.len() + 10, line_bytes).read()?;
        message.count = count.clamp(1, REPEATS_MAX);
        return Some(message);
    }
    Reader::new(text, 0, line_bytes).read()
}

/// A message without its level in front and its process at the end.
struct Reader<'a> {
    text: &'a [u8],
    /// Where `text` stands in the whole message.
    offset: usize,
    preauth: bool,
    whole: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8], offset: usize, line_bytes: usize) -> Self {
        let text = trim_end(text);
        let mut at = 0;
        for level in [&b"error: "[..], b"fatal: "] {
            if text[at..].starts_with(level) {
                at += level.len();
            }
        }
        let mut rest = &text[at..];
        let mut preauth = false;
        for (mark, is_preauth) in MARKS {
            if let Some(shorter) = rest.strip_suffix(*mark) {
                rest = shorter;
                preauth = *is_preauth;
                break;
            }
        }
        Self {
            text: rest,
            offset: offset + at,
            preauth,
            whole: line_bytes <= WHOLE_LINE_BYTES,
        }
    }

    fn read(&self) -> Option<Message<'a>> {
        let mut message = self.dispatch()?;
        message.preauth |= self.preauth;
        Some(message)
    }

    fn dispatch(&self) -> Option<Message<'a>> {
        let first = *self.text.first()?;
        // Most messages begin with one of a few words; one byte leaves few to try.
        let found = match first {
            b'F' => self.decided(b"Failed ", Kind::Failed),
            b'A' => self.decided(b"Accepted ", Kind::Accepted),
            b'P' => self
                .decided(b"Partial ", Kind::Partial)
                .or_else(|| self.decided(b"Postponed ", Kind::Postponed))
                .or_else(|| self.pam())
                .or_else(|| self.limits())
                .or_else(|| {
                    self.leading(b"Protocol major versions differ for ", Kind::Identification)
                }),
            b'I' => self.invalid_user(),
            b'C' => self.connection(),
            b'D' => self
                .who(b"Disconnected from ", Kind::Closed)
                .or_else(|| self.disconnecting())
                .or_else(|| {
                    self.leading(
                        b"Did not receive identification string from ",
                        Kind::Identification,
                    )
                }),
            b'R' => self
                .leading(b"Received disconnect from ", Kind::ReceivedDisconnect)
                .or_else(|| self.leading(b"ROOT LOGIN REFUSED FROM ", Kind::RootRefused))
                .or_else(|| self.read_error()),
            b'U' => self.not_allowed().or_else(|| self.negotiate()),
            b'm' => self.too_many(),
            b'd' => self.dropped(),
            b'B' => self.bad_version(),
            b'T' => self
                .grace_timeout()
                .or_else(|| self.who(b"Timeout, client not responding from ", Kind::Session)),
            b's' | b'i' | b'M' | b'e' | b'b' => self.limits(),
            b'a' => self.prohibited(),
            b'p' => self.pam_module(),
            _ => None,
        };
        found
            .or_else(|| self.broken())
            .or_else(|| topics::find(self.text).map(Message::of))
    }

    /// The peer behind a client's text, which a cut line does not tell.
    fn trusted(&self, peer: Peer) -> Peer {
        match peer {
            Peer::Known { .. } if !self.whole => Peer::Ambiguous,
            peer => peer,
        }
    }

    fn rest(&self, prefix: &[u8]) -> Option<(&'a [u8], usize)> {
        let rest = self.text.strip_prefix(prefix)?;
        Some((rest, self.offset + prefix.len()))
    }

    /// `PREFIX IP[ port N]…`: the address comes before everything that a client chose.
    fn leading(&self, prefix: &[u8], kind: Kind) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(prefix)?;
        let (peer, after) =
            tail::leading(rest, offset).or_else(|| tail::leading_address(rest, offset))?;
        let mut message = Message::with(kind, peer);
        message.detail = Some(trim_start(after)).filter(|text| !text.is_empty());
        Some(message)
    }

    /// `{Failed|Accepted|…} METHOD[/SUB] for [invalid user ]U from IP port N ssh2[: EXTRA]`
    fn decided(&self, prefix: &[u8], kind: Kind) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(prefix)?;
        let blank = memchr::memchr(b' ', rest)?;
        let method = Method::parse(&rest[..blank])?;
        let named = rest[blank..].strip_prefix(b" for ")?;
        let (named, valid) = validity(named);
        let offset = offset + rest.len() - named.len();
        let (tail, extra, certain) = self.ssh2(method, named, offset)?;
        let mut message = Message::with(kind, self.trusted(tail.peer));
        message.method = Some(method);
        message.detail = extra;
        Some(if certain {
            message.user(tail.before, Some(valid))
        } else {
            message
        })
    }

    /// The tail ` from IP port N ssh2[: EXTRA]`, EXTRA, and whether the name's end is certain.
    fn ssh2(
        &self,
        method: Method,
        named: &'a [u8],
        offset: usize,
    ) -> Option<(tail::Tail<'a>, Option<&'a [u8]>, bool)> {
        if method.has_plain_tail() {
            let end = named
                .strip_suffix(b" ssh2")
                .or(named.strip_suffix(b" ssh1"))?;
            let tail = tail::at_end(end, b" from ", offset)?;
            return Some((tail, None, self.whole));
        }
        // Certificates and hostbased tries bring text of the client's behind the tail, too.
        let accepts = |after: &[u8]| {
            let after = after
                .strip_prefix(b" ssh2")
                .or(after.strip_prefix(b" ssh1"));
            after.is_some_and(|after| after.is_empty() || after.starts_with(b": "))
        };
        let (tail, certain) = tail::any(named, b" from ", offset, accepts)?;
        let extra = tail.after.get(b" ssh2: ".len()..).filter(|_| certain);
        Some((tail, extra, certain && self.whole))
    }

    /// `Invalid user U from IP[ port N]`
    fn invalid_user(&self) -> Option<Message<'a>> {
        let (rest, offset) = self
            .rest(b"Invalid user ")
            .or_else(|| self.rest(b"Illegal user "))?;
        let tail = tail::at_end(rest, b" from ", offset)
            .or_else(|| tail::address_at_end(rest, b" from ", offset))?;
        Some(
            Message::with(Kind::InvalidUser, self.trusted(tail.peer))
                .user(tail.before, Some(false)),
        )
    }

    /// `PAM: MSG for [illegal user ]U from HOST`
    fn pam(&self) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(b"PAM: ")?;
        let Some(at) = memmem::find(rest, b" for ").filter(|at| is_pam_text(&rest[..*at])) else {
            return Some(Message::of(Kind::Server));
        };
        let named = &rest[at + b" for ".len()..];
        // "Have exhausted maximum number of retries for service" has the word in it.
        let named = match &rest[..at] {
            b"Have exhausted maximum number of retries" => {
                named.strip_prefix(b"service for ").unwrap_or(named)
            }
            _ => named,
        };
        let (named, valid) = match named.strip_prefix(b"illegal user ") {
            Some(named) => (named, false),
            None => (named, true),
        };
        let offset = offset + rest.len() - named.len();
        let Some(tail) = tail::host_at_end(named, b" from ", offset) else {
            return Some(Message::of(Kind::Server));
        };
        let mut message =
            Message::with(Kind::Pam, self.trusted(tail.peer)).user(tail.before, Some(valid));
        message.method = Some(Method::KeyboardInteractive);
        message.detail = Some(&rest[..at]);
        Some(message)
    }

    /// `maximum authentication attempts exceeded for [invalid user ]U from IP port N ssh2`
    fn too_many(&self) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(b"maximum authentication attempts exceeded for ")?;
        let (named, valid) = validity(rest);
        let offset = offset + rest.len() - named.len();
        let end = named
            .strip_suffix(b" ssh2")
            .or(named.strip_suffix(b" ssh1"))?;
        let tail = tail::at_end(end, b" from ", offset)?;
        let message = Message::with(Kind::TooManyTries, self.trusted(tail.peer));
        Some(message.user(tail.before, Some(valid)))
    }

    fn connection(&self) -> Option<Message<'a>> {
        self.who(b"Connection closed by ", Kind::Closed)
            .or_else(|| self.who(b"Connection reset by ", Kind::Closed))
            .or_else(|| self.who_before(b"Connection ", b" timed out"))
            .or_else(|| self.connection_from())
            .or_else(|| self.who(b"Close session: ", Kind::Session))
    }

    /// `Connection from IP port N on IP port N[ rdomain "x"]`
    fn connection_from(&self) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(b"Connection from ")?;
        let (peer, after) = tail::leading(rest, offset)?;
        if after.is_empty() || after.starts_with(b" on ") || after.starts_with(b" with IP opts") {
            return Some(Message::with(Kind::ConnectionFrom, peer));
        }
        None
    }

    /// `PREFIX [{authenticating|invalid} user U ]IP[ port N]`
    fn who(&self, prefix: &[u8], kind: Kind) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(prefix)?;
        self.whom(rest, offset, kind)
    }

    fn who_before(&self, prefix: &[u8], suffix: &[u8]) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(prefix)?;
        let rest = rest.strip_suffix(suffix)?;
        let shorter = rest.strip_prefix(b"from ").unwrap_or(rest);
        self.whom(shorter, offset + rest.len() - shorter.len(), Kind::Closed)
    }

    fn whom(&self, rest: &'a [u8], offset: usize, kind: Kind) -> Option<Message<'a>> {
        let Some((named, valid, preauth)) = preamble(rest) else {
            let (peer, after) =
                tail::leading(rest, offset).or_else(|| tail::leading_address(rest, offset))?;
            return after.is_empty().then(|| Message::with(kind, peer));
        };
        let offset = offset + rest.len() - named.len();
        let tail = tail::at_end(named, b" ", offset)?;
        let kind = if preauth { kind } else { Kind::Session };
        let mut message = Message::with(kind, self.trusted(tail.peer)).user(tail.before, valid);
        message.preauth = preauth;
        Some(message)
    }

    /// `Disconnecting [… user U ]IP port N: TEXT`; TEXT may hold names, too.
    fn disconnecting(&self) -> Option<Message<'a>> {
        if self.text.starts_with(b"Disconnecting: ") {
            return Some(Message::of(Kind::Disconnecting));
        }
        let (rest, offset) = self.rest(b"Disconnecting ")?;
        self.reasoned(rest, offset, Kind::Disconnecting, |_| true)
    }

    /// `Unable to negotiate with [… user U ]IP[ port N]: no matching … found. Their offer: …`
    fn negotiate(&self) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(b"Unable to negotiate with ")?;
        self.reasoned(rest, offset, Kind::NoCommonAlgorithm, |text| {
            text.starts_with(b"no ") || text.starts_with(b"invalid ")
        })
    }

    /// A peer with or without a name in front, and text of which a client may choose parts.
    fn reasoned(
        &self,
        rest: &'a [u8],
        offset: usize,
        kind: Kind,
        accepts: impl Fn(&[u8]) -> bool,
    ) -> Option<Message<'a>> {
        let Some((named, valid, preauth)) = preamble(rest) else {
            let (peer, after) =
                tail::leading(rest, offset).or_else(|| tail::leading_address(rest, offset))?;
            let mut message = Message::with(kind, peer);
            message.detail = Some(after.strip_prefix(b": ")?);
            return Some(message);
        };
        let offset = offset + rest.len() - named.len();
        let is_reason = |after: &[u8]| after.strip_prefix(b": ").is_some_and(&accepts);
        let (tail, certain) = tail::any(named, b" ", offset, is_reason)?;
        let mut message = Message::with(kind, self.trusted(tail.peer));
        message.preauth = preauth;
        if certain && self.whole {
            message.detail = tail.after.strip_prefix(b": ");
            message = message.user(tail.before, valid);
        }
        Some(message)
    }

    /// `[NAME: ]Connection from [… user U ]IP port N: reason`; the reason is sshd's own.
    fn broken(&self) -> Option<Message<'a>> {
        let (tag, at) = match memmem::find(self.text, b": Connection ") {
            Some(at) if is_tag(&self.text[..at]) => (&self.text[..at], at + 2),
            _ if self.text.starts_with(b"Connection from ") => (&self.text[..0], 0),
            _ => return None,
        };
        let rest = self.text[at..].strip_prefix(b"Connection ")?;
        let rest = rest.strip_prefix(b"from ").unwrap_or(rest);
        let offset = self.offset + self.text.len() - rest.len();
        let kind = if tag == b"banner exchange" {
            Kind::Identification
        } else {
            Kind::Broken
        };
        let Some((named, valid, preauth)) = preamble(rest) else {
            let (peer, after) = tail::leading(rest, offset)?;
            let mut message = Message::with(kind, peer);
            message.detail = Some(after.strip_prefix(b": ")?);
            return Some(message);
        };
        let reason = last_reason(named)?;
        let offset = offset + rest.len() - named.len();
        let tail = tail::at_end(&named[..reason], b" ", offset)?;
        let kind = if preauth { kind } else { Kind::Session };
        let mut message = Message::with(kind, self.trusted(tail.peer)).user(tail.before, valid);
        message.preauth = preauth;
        message.detail = named.get(reason + 2..);
        Some(message)
    }

    /// `User U[ from HOST] not allowed because …`
    fn not_allowed(&self) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(b"User ")?;
        let at = memmem::rfind(rest, b" not allowed because ")?;
        let reason = &rest[at + b" not allowed because ".len()..];
        let named = &rest[..at];
        if REASONS_WITH_HOST.contains(&reason) {
            let tail = tail::host_at_end(named, b" from ", offset)?;
            let mut message = Message::with(Kind::NotAllowed, self.trusted(tail.peer))
                .user(tail.before, Some(false));
            message.detail = Some(reason);
            return Some(message);
        }
        let known = reason == b"account is locked"
            || reason.starts_with(b"shell ")
            || reason.ends_with(b" exists");
        let mut message = Message::of(Kind::NotAllowed).user(named, Some(false));
        message.detail = Some(reason);
        known.then_some(message)
    }

    /// `Read error from remote host [… user U ]IP[ port N]: …`
    fn read_error(&self) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(b"Read error from remote host ")?;
        self.reasoned(rest, offset, Kind::Session, |_| true)
    }

    /// `drop connection #N from [IP]:PORT on [IP]:PORT REASON`
    fn dropped(&self) -> Option<Message<'a>> {
        let (rest, _) = self.rest(b"drop connection #")?;
        let (_, rest) = number(rest)?;
        let rest = rest.strip_prefix(b" from [")?;
        let close = memchr::memchr(b']', rest)?;
        let start = self.offset + self.text.len() - rest.len();
        let (port, after) = number(rest[close..].strip_prefix(b"]:")?)?;
        let peer = Peer::Known {
            address: super::address::parse(&rest[..close])?,
            port: u16::try_from(port).ok(),
            start,
            end: start + close,
        };
        let mut message = Message::with(Kind::Dropped, peer);
        let on = after.strip_prefix(b" on [").and_then(|on| {
            let close = memchr::memchr(b']', on)?;
            Some(number(on[close..].strip_prefix(b"]:")?)?.1)
        });
        message.detail = Some(trim_start(on.unwrap_or(after)));
        Some(message)
    }

    /// Counts of connections that were dropped without a line, and penalties.
    fn limits(&self) -> Option<Message<'a>> {
        if let Some(at) = memmem::find(self.text, MORE) {
            let (count, after) = number(&self.text[at + MORE.len()..])?;
            let mut message = Message::of(Kind::DroppedMore);
            message.count = count;
            return after
                .starts_with(b" connections dropped")
                .then_some(message);
        }
        if self.text.starts_with(b"in MaxStartups throttling for ")
            || self
                .text
                .starts_with(b"exited MaxStartups throttling after ")
        {
            // Totals of what single lines or the next line say again: not added up.
            return Some(Message::of(Kind::Server));
        }
        let rest = self.text.strip_prefix(b"srclimit_penalise: ")?;
        let offset = self.offset + self.text.len() - rest.len();
        let mut message = Message::of(Kind::Penalty);
        message.detail = Some(rest);
        // `ipv4: new 203.0.113.9/32 active penalty …`: a network, which may be one address.
        for word in rest.split(|byte| *byte == b' ') {
            let start = offset + (word.as_ptr() as usize - rest.as_ptr() as usize);
            let word = word.strip_suffix(b":").unwrap_or(word);
            let Some(slash) = memchr::memchr(b'/', word) else {
                continue;
            };
            let full = matches!(&word[slash..], b"/32" | b"/128");
            if let Some(address) = super::address::parse(&word[..slash]).filter(|_| full) {
                message.peer = Peer::Known {
                    address,
                    port: None,
                    start,
                    end: start + slash,
                };
            }
            break;
        }
        Some(message)
    }

    /// `Bad protocol version identification 'TEXT' from IP[ port N]`
    fn bad_version(&self) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(b"Bad protocol version identification '")?;
        let tail = tail::at_end(rest, b"' from ", offset)
            .or_else(|| tail::address_at_end(rest, b"' from ", offset))?;
        Some(Message::with(Kind::Identification, self.trusted(tail.peer)))
    }

    /// `Timeout before authentication for IP port N`, since 9.8 `… for connection from IP to IP,
    /// pid = N`
    fn grace_timeout(&self) -> Option<Message<'a>> {
        const NEW: &[u8] = b"Timeout before authentication for connection from ";
        let Some((rest, offset)) = self.rest(NEW) else {
            return self.leading(b"Timeout before authentication for ", Kind::GraceTimeout);
        };
        let (peer, after) = tail::leading_address(rest, offset)?;
        let mut message = Message::with(Kind::GraceTimeout, peer);
        let at = memmem::find(after, b", pid = ");
        message.pid = at.and_then(|at| Some(number(&after[at + 8..])?.0));
        Some(message)
    }

    /// `administratively prohibited connection for [… user ]U from IP port N`
    fn prohibited(&self) -> Option<Message<'a>> {
        let (rest, offset) = self.rest(b"administratively prohibited connection for ")?;
        let (named, valid) = match preamble(rest) {
            Some((named, valid, _)) => (named, valid),
            None => (rest, None),
        };
        let offset = offset + rest.len() - named.len();
        let end = named.strip_suffix(b" ssh2").unwrap_or(named);
        let tail = tail::at_end(end, b" from ", offset)?;
        Some(Message::with(Kind::Prohibited, self.trusted(tail.peer)).user(tail.before, valid))
    }

    /// `pam_NAME(SERVICE:TYPE): …`
    fn pam_module(&self) -> Option<Message<'a>> {
        let open = memchr::memchr(b'(', self.text)?;
        let name = &self.text[..open];
        let is_name = name.starts_with(b"pam_") && is_tag(name);
        (is_name && memmem::find(self.text, b"):").is_some()).then(|| Message::of(Kind::PamModule))
    }
}

/// The name after `authenticating user `, `invalid user ` or `user `; whether it is valid; whether
/// the connection is not authenticated yet.
fn preamble(text: &[u8]) -> Option<(&[u8], Option<bool>, bool)> {
    if let Some(named) = text.strip_prefix(b"authenticating user ") {
        Some((named, Some(true), true))
    } else if let Some(named) = text.strip_prefix(b"invalid user ") {
        Some((named, Some(false), true))
    } else {
        text.strip_prefix(b"user ")
            .map(|named| (named, None, false))
    }
}

fn validity(text: &[u8]) -> (&[u8], bool) {
    let invalid = text
        .strip_prefix(b"invalid user ")
        .or(text.strip_prefix(b"illegal user "));
    match invalid {
        Some(named) => (named, false),
        None => (text, true),
    }
}

/// Where the last `: ` after a port stands: what follows is sshd's own reason.
fn last_reason(text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    for _ in 0..crate::limits::ssh::CANDIDATES_MAX {
        let at = memmem::rfind(&text[..end], b": ")?;
        if tail::at_end(&text[..at], b" ", 0).is_some() {
            return Some(at);
        }
        end = at;
    }
    None
}

/// The name of one of sshd's functions or stages: a word, so that no message with a client's text
/// in it passes for one.
fn is_tag(text: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text == b"banner exchange" || (text.len() <= 64 && text.iter().all(is_word))
}

/// What PAM says of a failure: a few words without digits.
fn is_pam_text(text: &[u8]) -> bool {
    !text.is_empty()
        && text.len() <= 120
        && !text.starts_with(b"pam_")
        && text.iter().all(|byte| !byte.is_ascii_digit())
}

fn trim_start(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| b": ".contains(byte)).count();
    &text[blanks..]
}

fn trim_end(text: &[u8]) -> &[u8] {
    let mut text = text;
    while let [rest @ .., b'\n' | b'\r'] = text {
        text = rest;
    }
    text
}

/// What marks the process that spoke, and whether it serves a client that is not authenticated.
const MARKS: &[(&[u8], bool)] = &[
    (b" [preauth]", true),
    (b" [postauth]", false),
    (b" [pam]", false),
    (b" [net]", true),
];

const MORE: &[u8] = b" logging rate-limited: additional ";

const REASONS_WITH_HOST: &[&[u8]] = &[
    b"not listed in AllowUsers",
    b"listed in DenyUsers",
    b"not in any group",
    b"a group is listed in DenyGroups",
    b"none of user's groups are listed in AllowGroups",
];
