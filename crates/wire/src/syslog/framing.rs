//! Framing of syslog over streams: octet counting and line feeds (RFC 6587, RFC 5425).
//!
//! ```text
//! octet counting   MSG-LEN SP MSG …          MSG-LEN without leading zero
//! line feeds       MSG LF …
//! ```
//!
//! The framing is found once per connection, from how it begins: `digits SP <digits>` is an octet
//! count before a message with its PRI. Nothing else needs to be guessed, because a sender does
//! not change its framing. (rsyslog decides anew at each message, so that a line that happens to
//! begin with a digit is taken for a count.) A beginning with `digits SP` and no PRI is rare and
//! ambiguous: it is a count if so many bytes follow without a line feed, and then the next count
//! or the end.
//!
//! A message longer than [`SYSLOG_MESSAGE_BYTES_MAX`] is passed on in parts and stays one message:
//! its rest is never read as another one. Bytes in place of a count are an error for the same
//! reason: a sender that counts wrongly would let whoever writes the text forge messages.
//!
//! ```
//! use indelible_wire::syslog::{Framer, Framing, Piece};
//!
//! let mut framer = Framer::new(None);
//! let mut input = &b"14 <13>su: failed7 <13>foo"[..];
//! let first = framer.next(&mut input);
//! assert_eq!(first, Ok(Some(Piece::Message { bytes: b"<13>su: failed", finished: true })));
//! assert_eq!(framer.next(&mut input), Ok(Some(Piece::Message { bytes: b"<13>foo", finished: true })));
//! assert_eq!(framer.framing(), Some(Framing::Octets));
//! ```

use memchr::memchr;

use crate::limits::{
    FRAMER_BYTES_KEPT, SYSLOG_COUNT_DIGITS_MAX, SYSLOG_FRAME_BYTES_MAX, SYSLOG_MESSAGE_BYTES_MAX,
};

/// How messages are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A decimal length before each message.
    Octets,
    /// A line feed after each message.
    Lines,
}

/// What a framer found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A message, at most [`SYSLOG_MESSAGE_BYTES_MAX`] bytes.
    Message {
        /// Without its frame.
        bytes: &'a [u8],
        /// False where the connection ended before the message did.
        finished: bool,
    },
    /// Some bytes of a message that is longer than that, in order.
    Part(&'a [u8]),
    /// The end of the message of the parts before.
    PartsEnd {
        /// False where the connection ended before the message did.
        finished: bool,
    },
}

/// Why a stream cannot be cut any further; ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No octet count where one is due.
    #[error("no octet count where one is due: the sender counted wrongly, or changed its framing")]
    Count,
    /// A message without end.
    #[error("a message of more than {SYSLOG_FRAME_BYTES_MAX} bytes")]
    Endless,
}

/// Cuts the bytes of one connection into messages.
#[derive(Debug)]
pub struct Framer {
    state: State,
    /// The beginning of a message, or of an undecided connection; at most
    /// [`SYSLOG_MESSAGE_BYTES_MAX`] and a little.
    buffer: Vec<u8>,
    /// `buffer` was passed on and is cleared by the next call.
    spent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Undecided,
    /// In a line of which `long` bytes were passed on in parts.
    Line {
        long: u64,
    },
    /// In an octet count.
    Count {
        value: u64,
        digits: usize,
    },
    /// In a counted message of which `left` bytes are due; `long`: some were passed on in parts.
    Counted {
        left: u64,
        long: bool,
    },
    Failed(FrameError),
}

impl Framer {
    /// For a new connection; `None`: the framing is to be found.
    #[must_use]
    pub fn new(framing: Option<Framing>) -> Self {
        let state = match framing {
            None => State::Undecided,
            Some(Framing::Octets) => COUNT,
            Some(Framing::Lines) => LINE,
        };
        Self {
            state,
            buffer: Vec::new(),
            spent: false,
        }
    }

    /// The framing, once it is known.
    #[must_use]
    pub fn framing(&self) -> Option<Framing> {
        match self.state {
            State::Undecided | State::Failed(_) => None,
            State::Line { .. } => Some(Framing::Lines),
            State::Count { .. } | State::Counted { .. } => Some(Framing::Octets),
        }
    }

    /// Bytes of an incomplete message that are held.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        if self.spent { 0 } else { self.buffer.len() }
    }

    /// A message has begun and not ended.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        match self.state {
            State::Undecided | State::Line { long: 0 } => self.pending_bytes() > 0,
            State::Line { .. } | State::Counted { .. } => true,
            State::Count { digits, .. } => digits > 0,
            State::Failed(_) => false,
        }
    }

    /// The next piece, taken from the front of `input`; `None` once all of it is used up.
    ///
    /// # Errors
    /// What ends the connection; every further call gives the same.
    pub fn next<'a, 'b: 'a>(
        &'a mut self,
        input: &mut &'b [u8],
    ) -> Result<Option<Piece<'a>>, FrameError> {
        self.drop_spent();
        if self.state == State::Undecided && !self.decide(input) {
            return Ok(None);
        }
        loop {
            match self.state {
                State::Undecided => return Ok(None),
                State::Failed(error) => return Err(error),
                State::Line { long } => return self.line(input, long),
                State::Counted { left, long } => return self.counted(input, left, long),
                State::Count { value, digits } => {
                    let Some((&byte, rest)) = input.split_first() else {
                        return Ok(None);
                    };
                    *input = rest;
                    self.state = count(value, digits, byte);
                }
            }
        }
    }

    /// What is left when the connection has ended: ask until `None`. A line without its line feed
    /// counts as finished where the connection ended in good order (`orderly`).
    pub fn finish(&mut self, orderly: bool) -> Option<Piece<'_>> {
        self.drop_spent();
        if self.state == State::Undecided {
            self.state = LINE;
            if let Some((due, body)) = counted_beginning(&self.buffer)
                && due == body.len() as u64
            {
                let count_bytes = self.buffer.len() - body.len();
                self.buffer.drain(..count_bytes);
                self.state = State::Counted {
                    left: 0,
                    long: false,
                };
            }
        }
        let (long, finished) = match self.state {
            State::Line { long } => (long > 0, orderly),
            State::Counted { left, long } => (long, left == 0),
            _ => return None,
        };
        self.state = LINE;
        if long {
            return Some(Piece::PartsEnd { finished });
        }
        self.spent = true;
        let bytes = &self.buffer;
        (!bytes.is_empty()).then_some(Piece::Message { bytes, finished })
    }

    /// Finds the framing where the bytes so far say so. The byte that decides stays in `input`;
    /// those before it are the beginning of a message.
    fn decide(&mut self, input: &mut &[u8]) -> bool {
        while let Some((&byte, rest)) = input.split_first() {
            if byte == b'\n' && self.buffer.is_empty() {
                *input = rest;
                continue;
            }
            self.buffer.push(byte);
            if let Some(framing) = decide(&self.buffer) {
                self.buffer.pop();
                self.begin(framing);
                return true;
            }
            *input = rest;
        }
        false
    }

    fn begin(&mut self, framing: Framing) {
        self.state = LINE;
        if framing == Framing::Octets
            && let Some((due, body)) = counted_beginning(&self.buffer)
        {
            let (left, count_bytes) = (due - body.len() as u64, self.buffer.len() - body.len());
            self.buffer.drain(..count_bytes);
            self.state = State::Counted { left, long: false };
        }
    }

    fn line<'a, 'b: 'a>(
        &'a mut self,
        input: &mut &'b [u8],
        long: u64,
    ) -> Result<Option<Piece<'a>>, FrameError> {
        if long == 0 && self.buffer.is_empty() {
            *input = skip_blank_lines(input);
        }
        let end = memchr(b'\n', input);
        let here = end.unwrap_or(input.len());
        if long > 0 {
            return if end == Some(0) {
                *input = &input[1..];
                self.state = LINE;
                Ok(Some(Piece::PartsEnd { finished: true }))
            } else {
                self.line_part(take(input, here), long)
            };
        }
        if self.buffer.len() + here > SYSLOG_MESSAGE_BYTES_MAX {
            if self.buffer.is_empty() {
                return self.line_part(take(input, here), 0);
            }
            let long = self.buffer.len() as u64;
            self.state = State::Line { long };
            self.spent = true;
            return Ok(Some(Piece::Part(&self.buffer)));
        }
        let head = take(input, here);
        if end.is_none() {
            self.buffer.extend_from_slice(head);
            return Ok(None);
        }
        *input = &input[1..];
        if head.is_empty() && self.buffer == b"\r" {
            self.buffer.clear();
            return self.line(input, 0);
        }
        Ok(Some(self.whole(head)))
    }

    fn line_part<'b>(
        &mut self,
        part: &'b [u8],
        long: u64,
    ) -> Result<Option<Piece<'b>>, FrameError> {
        let long = long + part.len() as u64;
        if long > SYSLOG_FRAME_BYTES_MAX {
            self.state = State::Failed(FrameError::Endless);
            // What was passed on so far is a message all the same.
            return Ok(Some(Piece::PartsEnd { finished: false }));
        }
        self.state = State::Line { long };
        Ok((!part.is_empty()).then_some(Piece::Part(part)))
    }

    fn counted<'a, 'b: 'a>(
        &'a mut self,
        input: &mut &'b [u8],
        left: u64,
        long: bool,
    ) -> Result<Option<Piece<'a>>, FrameError> {
        if left == 0 && long {
            self.state = COUNT;
            return Ok(Some(Piece::PartsEnd { finished: true }));
        }
        if self.buffer.len() as u64 + left > SYSLOG_MESSAGE_BYTES_MAX as u64 && !long {
            self.state = State::Counted { left, long: true };
            if !self.buffer.is_empty() {
                self.spent = true;
                return Ok(Some(Piece::Part(&self.buffer)));
            }
        }
        let here = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let part = take(input, here);
        let left = left - here as u64;
        if let State::Counted { long: true, .. } = self.state {
            self.state = State::Counted { left, long: true };
            return Ok((!part.is_empty()).then_some(Piece::Part(part)));
        }
        if left > 0 {
            self.buffer.extend_from_slice(part);
            self.state = State::Counted { left, long };
            return Ok(None);
        }
        self.state = COUNT;
        Ok(Some(self.whole(part)))
    }

    /// The message that ends in `tail`.
    fn whole<'a, 'b: 'a>(&'a mut self, tail: &'b [u8]) -> Piece<'a> {
        let bytes = if self.buffer.is_empty() {
            tail
        } else {
            self.buffer.extend_from_slice(tail);
            self.spent = true;
            &self.buffer
        };
        Piece::Message {
            bytes,
            finished: true,
        }
    }

    fn drop_spent(&mut self) {
        if self.spent {
            self.spent = false;
            self.buffer.clear();
            self.buffer.shrink_to(FRAMER_BYTES_KEPT);
        }
    }
}

/// Appends a message in its frame. Line feeds inside a line become `#012`, as rsyslog writes them.
pub fn push(out: &mut Vec<u8>, framing: Framing, message: &[u8]) {
    match framing {
        Framing::Octets => {
            out.extend_from_slice(message.len().to_string().as_bytes());
            out.push(b' ');
            out.extend_from_slice(message);
        }
        Framing::Lines => {
            for (nth, line) in message.split(|byte| *byte == b'\n').enumerate() {
                if nth > 0 {
                    out.extend_from_slice(b"#012");
                }
                out.extend_from_slice(line);
            }
            out.push(b'\n');
        }
    }
}

const LINE: State = State::Line { long: 0 };
const COUNT: State = State::Count {
    value: 0,
    digits: 0,
};

/// What the beginning of a connection says, where its last byte is the first that says anything.
fn decide(beginning: &[u8]) -> Option<Framing> {
    if !matches!(beginning.first()?, b'1'..=b'9') {
        return Some(Framing::Lines);
    }
    let digits = beginning.iter().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    if digits == beginning.len() && digits <= SYSLOG_COUNT_DIGITS_MAX {
        return None;
    }
    let Some((due, body)) = counted_beginning(beginning) else {
        return Some(Framing::Lines);
    };
    let last = *body.last()?;
    let here = body.len() as u64;
    match priority_prefix(body) {
        // A count that ends inside a PRI is none.
        Prefix::Whole | Prefix::Part if here > due => return Some(Framing::Lines),
        Prefix::Whole => return Some(Framing::Octets),
        Prefix::Part => return None,
        Prefix::Other => {}
    }
    if last == b'\n' || due > SYSLOG_MESSAGE_BYTES_MAX as u64 || here > due + 1 {
        Some(Framing::Lines)
    } else if here <= due {
        None
    } else if matches!(last, b'1'..=b'9') {
        Some(Framing::Octets)
    } else {
        Some(Framing::Lines)
    }
}

/// The count at the beginning, and what follows its space.
fn counted_beginning(beginning: &[u8]) -> Option<(u64, &[u8])> {
    let window = beginning.len().min(SYSLOG_COUNT_DIGITS_MAX + 1);
    let space = memchr(b' ', &beginning[..window])?;
    let digits = std::str::from_utf8(&beginning[..space]).ok()?;
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let due = digits.parse().ok().filter(|_| canonical)?;
    (due <= SYSLOG_FRAME_BYTES_MAX).then_some((due, &beginning[space + 1..]))
}

enum Prefix {
    Whole,
    Part,
    Other,
}

/// Whether a message begins with `<digits>`.
fn priority_prefix(body: &[u8]) -> Prefix {
    let Some(rest) = body.strip_prefix(b"<") else {
        return Prefix::Other;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match rest.get(digits) {
        Some(b'>') if (1..=3).contains(&digits) => Prefix::Whole,
        None if digits <= 3 => Prefix::Part,
        _ => Prefix::Other,
    }
}

/// The state after one more byte of a count. A line feed between messages is passed over: some
/// senders end counted messages with one that they do not count.
fn count(value: u64, digits: usize, byte: u8) -> State {
    match byte {
        b'\n' if digits == 0 => COUNT,
        b'0' if digits == 0 => State::Failed(FrameError::Count),
        b'0'..=b'9' if digits < SYSLOG_COUNT_DIGITS_MAX => State::Count {
            value: value * 10 + u64::from(byte - b'0'),
            digits: digits + 1,
        },
        b' ' if digits > 0 && value <= SYSLOG_FRAME_BYTES_MAX => State::Counted {
            left: value,
            long: false,
        },
        b' ' if digits > 0 => State::Failed(FrameError::Endless),
        _ => State::Failed(FrameError::Count),
    }
}

/// Empty lines, and those with a carriage return alone, say nothing.
fn skip_blank_lines(mut input: &[u8]) -> &[u8] {
    while let Some(rest) = input
        .strip_prefix(b"\n")
        .or_else(|| input.strip_prefix(b"\r\n"))
    {
        input = rest;
    }
    input
}

fn take<'b>(input: &mut &'b [u8], bytes: usize) -> &'b [u8] {
    let (head, rest) = input.split_at(bytes);
    *input = rest;
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages, whether they were finished, and how the connection failed.
    type Cut = (Vec<(Vec<u8>, bool)>, Option<FrameError>);

    fn cut(bytes: &[u8], chunk_bytes: usize, orderly: bool) -> Cut {
        let mut framer = Framer::new(None);
        let (mut messages, mut parts) = (Vec::new(), Vec::new());
        let mut keep = |piece: Piece<'_>| match piece {
            Piece::Message { bytes, finished } => messages.push((bytes.to_vec(), finished)),
            Piece::Part(bytes) => parts.extend_from_slice(bytes),
            Piece::PartsEnd { finished } => messages.push((std::mem::take(&mut parts), finished)),
        };
        for mut chunk in bytes.chunks(chunk_bytes) {
            loop {
                match framer.next(&mut chunk) {
                    Ok(Some(piece)) => keep(piece),
                    Ok(None) => break,
                    Err(error) => return (messages, Some(error)),
                }
            }
            assert!(framer.pending_bytes() <= SYSLOG_MESSAGE_BYTES_MAX + 16);
        }
        while let Some(piece) = framer.finish(orderly) {
            keep(piece);
        }
        (messages, None)
    }

    fn check(bytes: &[u8], expect: &[&str]) {
        for chunk_bytes in [1, 2, 3, 7, 64 << 10] {
            let (messages, error) = cut(bytes, chunk_bytes, true);
            let texts: Vec<_> = messages
                .iter()
                .map(|(message, finished)| {
                    let mark = if *finished { "" } else { "…" };
                    format!("{}{mark}", String::from_utf8_lossy(message))
                })
                .chain(error.map(|error| format!("!{error:?}")))
                .collect();
            assert_eq!(texts, expect, "in chunks of {chunk_bytes}");
        }
    }

    #[test]
    fn lines() {
        check(b"<13>a\n<13>b\n", &["<13>a", "<13>b"]);
        check(b"\n\r\n<13>a\r\n\n<13>b", &["<13>a\r", "<13>b"]);
        check(b"<13>a\n12 <13>b\n", &["<13>a", "12 <13>b"]);
        check(b"a\0b\n", &["a\0b"]);
        assert_eq!(cut(b"<13>a", 9, false).0, [(b"<13>a".to_vec(), false)]);
    }

    #[test]
    fn octets() {
        check(b"5 <13>a6 <13>\nb", &["<13>a", "<13>\nb"]);
        check(b"5 <13>a\n5 <13>b\n", &["<13>a", "<13>b"]);
        check(b"4 <13>4 <14>", &["<13>", "<14>"]);
        check(b"9 <13>abc", &["<13>abc…"]);
        check(b"5 <13>aforged\n", &["<13>a", "!Count"]);
        check(b"5 <13>a05 <13>b", &["<13>a", "!Count"]);
        check(b"5 <13>a9999999999 <13>b", &["<13>a", "!Endless"]);
        check(b"5 <13>a99999999999", &["<13>a", "!Count"]);
    }

    /// What rsyslog takes for a count, or cannot take for one.
    #[test]
    fn digits_at_the_beginning() {
        check(b"2026-11-25 a\n", &["2026-11-25 a"]);
        check(b"12 apples\n13 pears\n", &["12 apples", "13 pears"]);
        check(b"5 hello\n7 goodbye\n", &["5 hello", "7 goodbye"]);
        check(b"5 hello7 goodbye", &["hello", "goodbye"]);
        check(b"5 hello", &["hello"]);
        check(b"5 hell", &["5 hell"]);
        check(b"123", &["123"]);
        check(b"0 <13>a\n", &["0 <13>a"]);
        check(b"2 <13>a\n", &["2 <13>a"]);
        check(b"7 <b>x</b>\n", &["7 <b>x</b>"]);
        check(b"12345678901 <13>a\n", &["12345678901 <13>a"]);
    }

    #[test]
    fn an_oversize_message_stays_one() {
        let long = "x".repeat(SYSLOG_MESSAGE_BYTES_MAX + 1);
        let whole = "y".repeat(SYSLOG_MESSAGE_BYTES_MAX);
        let lines = format!("{long}\n{whole}\n<13>b\n");
        check(lines.as_bytes(), &[&long, &whole, "<13>b"]);
        let forged = format!("<13>{}<0>forged", "x".repeat(70_000));
        let counted = format!("{} {forged}5 <13>b", forged.len());
        check(counted.as_bytes(), &[&forged, "<13>b"]);
        let cut_off = &counted.as_bytes()[..69_000];
        assert!(!cut(cut_off, 4096, true).0[0].1);
    }

    #[test]
    fn an_endless_line_ends_the_connection() {
        let mut framer = Framer::new(Some(Framing::Lines));
        let chunk = vec![b'x'; 1 << 20];
        let mut ended = false;
        for _ in 0..1100 {
            let mut input = &chunk[..];
            match framer.next(&mut input) {
                Ok(Some(Piece::PartsEnd { finished })) => ended = !finished,
                Ok(_) => {}
                Err(error) => {
                    assert_eq!((error, ended), (FrameError::Endless, true));
                    return;
                }
            }
        }
        panic!("never ended");
    }

    #[test]
    fn frames_come_back() {
        let mut out = Vec::new();
        push(&mut out, Framing::Octets, b"<13>a\nb");
        push(&mut out, Framing::Octets, b"<13>c");
        check(&out, &["<13>a\nb", "<13>c"]);
        out.clear();
        push(&mut out, Framing::Lines, b"<13>a\nb");
        check(&out, &["<13>a#012b"]);
    }
}
