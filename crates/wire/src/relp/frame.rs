//! Frames of RELP.
//!
//! ```text
//! TXNR SP COMMAND SP DATALEN [SP DATA] LF
//!      TXNR, DATALEN   1 to 9 digits        COMMAND   1 to 32 letters
//!      DATALEN 0       neither space nor data
//! ```
//!
//! The data of `syslog` may be long: beyond [`SYSLOG_MESSAGE_BYTES_MAX`] it is passed on in parts.
//! That of other commands is bounded by [`RELP_CONTROL_BYTES_MAX`].

use std::io::Write as _;

use crate::limits::{
    FRAMER_BYTES_KEPT, RELP_COMMAND_BYTES_MAX, RELP_CONTROL_BYTES_MAX, RELP_DIGITS_MAX,
    SYSLOG_MESSAGE_BYTES_MAX,
};

/// The head of a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Transaction number; 0 for hints.
    pub transaction: u32,
    command: [u8; RELP_COMMAND_BYTES_MAX],
    command_bytes: u8,
    /// Bytes of data.
    pub data_bytes: u32,
}

/// What a decoder found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A frame with all of its data.
    Frame(Header, &'a [u8]),
    /// Some bytes of a long message, in order.
    Part(Header, &'a [u8]),
    /// The end of the message of the parts before.
    PartsEnd(Header),
}

/// Why bytes are not RELP, or are out of place in it; ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelpError {
    /// A frame's head that is none.
    #[error("a frame of RELP begins with a number, a command and a length")]
    Head,
    /// Data without the line feed after it.
    #[error("a frame of RELP ends with a line feed")]
    End,
    /// Data that its command cannot have.
    #[error("{0} bytes of data are too many for this command")]
    Length(u32),
    /// A transaction number out of order.
    #[error("transaction {found} stands where {due} is due")]
    Transaction {
        /// The number in the frame.
        found: u32,
        /// The number that is next.
        due: u32,
    },
}

/// Cuts the bytes of one connection into frames.
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
    buffer: Vec<u8>,
    /// `buffer` was passed on and is cleared by the next call.
    spent: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    /// `left` bytes of data are due.
    Data {
        header: Header,
        left: u32,
        long: bool,
    },
    /// Only the line feed is due; the data was passed on in parts.
    LongEnd(Header),
    Failed(RelpError),
}

impl Header {
    /// The command's letters.
    #[must_use]
    pub fn command(&self) -> &[u8] {
        &self.command[..usize::from(self.command_bytes)]
    }

    /// Whether it carries a message.
    #[must_use]
    pub fn is_syslog(&self) -> bool {
        self.command() == b"syslog"
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let command = String::from_utf8_lossy(self.command());
        write!(f, "{} {command} {}", self.transaction, self.data_bytes)
    }
}

impl Decoder {
    /// The next event, taken from the front of `input`; `None` once all of it is used up.
    ///
    /// # Errors
    /// What ends the connection; every further call gives the same.
    pub fn next<'a, 'b: 'a>(
        &'a mut self,
        input: &mut &'b [u8],
    ) -> Result<Option<Event<'a>>, RelpError> {
        if self.spent {
            self.spent = false;
            self.buffer.clear();
            self.buffer.shrink_to(FRAMER_BYTES_KEPT);
        }
        if self.state == State::Head && !self.head(input)? {
            return Ok(None);
        }
        match self.state {
            State::Head => Ok(None),
            State::Failed(error) => Err(error),
            State::Data { header, left, long } => self.data(input, header, left, long),
            State::LongEnd(header) => match input.split_first() {
                None => Ok(None),
                Some((b'\n', rest)) => {
                    *input = rest;
                    self.state = State::Head;
                    Ok(Some(Event::PartsEnd(header)))
                }
                Some(_) => self.fail(RelpError::End),
            },
        }
    }

    /// Bytes of an incomplete frame that are held.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        if self.spent { 0 } else { self.buffer.len() }
    }

    /// A frame has begun and not ended.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        match self.state {
            State::Head => self.pending_bytes() > 0,
            State::Data { .. } | State::LongEnd(_) => true,
            State::Failed(_) => false,
        }
    }

    /// Reads a head, gathered in `buffer` where it came in several reads.
    fn head(&mut self, input: &mut &[u8]) -> Result<bool, RelpError> {
        let window = input.len().min(HEAD_BYTES_MAX);
        let before = self.buffer.len();
        let parsed = if before == 0 {
            parse_head(&input[..window])
        } else {
            self.buffer.extend_from_slice(&input[..window]);
            parse_head(&self.buffer)
        };
        let (header, used) = match parsed {
            Ok(Some((header, bytes))) => (header, bytes - before),
            Ok(None) => {
                if before == 0 {
                    self.buffer.extend_from_slice(input);
                }
                *input = &[];
                return Ok(false);
            }
            Err(error) => return self.fail(error),
        };
        self.buffer.clear();
        *input = &input[used..];
        if !header.is_syslog() && header.data_bytes as usize > RELP_CONTROL_BYTES_MAX {
            return self.fail(RelpError::Length(header.data_bytes));
        }
        self.state = State::Data {
            header,
            left: header.data_bytes,
            long: header.data_bytes as usize > SYSLOG_MESSAGE_BYTES_MAX,
        };
        Ok(true)
    }

    fn data<'a, 'b: 'a>(
        &'a mut self,
        input: &mut &'b [u8],
        header: Header,
        left: u32,
        long: bool,
    ) -> Result<Option<Event<'a>>, RelpError> {
        let due = left as usize;
        if !long && self.buffer.is_empty() && input.len() > due {
            let (data, rest) = input.split_at(due);
            return match rest.split_first() {
                Some((b'\n', rest)) => {
                    *input = rest;
                    self.state = State::Head;
                    Ok(Some(Event::Frame(header, data)))
                }
                _ => self.fail(RelpError::End),
            };
        }
        let (part, rest) = input.split_at(due.min(input.len()));
        *input = rest;
        let left = left - part.len() as u32;
        self.state = State::Data { header, left, long };
        if long {
            if left == 0 {
                self.state = State::LongEnd(header);
            }
            return Ok((!part.is_empty()).then_some(Event::Part(header, part)));
        }
        self.buffer.extend_from_slice(part);
        let Some((end, rest)) = input.split_first() else {
            return Ok(None);
        };
        if *end != b'\n' {
            return self.fail(RelpError::End);
        }
        *input = rest;
        self.state = State::Head;
        self.spent = true;
        Ok(Some(Event::Frame(header, &self.buffer)))
    }

    fn fail<T>(&mut self, error: RelpError) -> Result<T, RelpError> {
        self.state = State::Failed(error);
        Err(error)
    }
}

/// Appends a frame. The command has 1 to 32 letters, the data less than 1,000,000,000 bytes.
pub fn push(out: &mut Vec<u8>, transaction: u32, command: &str, data: &[u8]) {
    // Writing into a vector cannot fail.
    let _ = write!(out, "{transaction} {command} {}", data.len());
    if !data.is_empty() {
        out.push(b' ');
        out.extend_from_slice(data);
    }
    out.push(b'\n');
}

/// The head and its length, which includes the space before the data; `None` where it goes on.
fn parse_head(bytes: &[u8]) -> Result<Option<(Header, usize)>, RelpError> {
    let Some((transaction, at)) = parse_number(bytes, 0)? else {
        return Ok(None);
    };
    if at == bytes.len() {
        return Ok(None);
    }
    let rest = bytes[at..].strip_prefix(b" ").ok_or(RelpError::Head)?;
    let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic());
    let letters = letters.count();
    if letters > RELP_COMMAND_BYTES_MAX {
        return Err(RelpError::Head);
    }
    let Some(after) = rest.get(letters) else {
        return Ok(None);
    };
    if letters == 0 || *after != b' ' {
        return Err(RelpError::Head);
    }
    let Some((data_bytes, at)) = parse_number(bytes, at + letters + 2)? else {
        return Ok(None);
    };
    // The space before data is part of the head; without data the line feed may follow it.
    let at = match (bytes.get(at), data_bytes) {
        (None, _) => return Ok(None),
        (Some(b' '), _) => at + 1,
        (Some(b'\n'), 0) => at,
        _ => return Err(RelpError::Head),
    };
    let mut header = Header {
        transaction,
        command: [0; RELP_COMMAND_BYTES_MAX],
        command_bytes: letters as u8,
        data_bytes,
    };
    header.command[..letters].copy_from_slice(&rest[..letters]);
    Ok(Some((header, at)))
}

/// The number at `at`, and where it ends; `None` where more digits may follow.
fn parse_number(bytes: &[u8], at: usize) -> Result<Option<(u32, usize)>, RelpError> {
    let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    if digits > RELP_DIGITS_MAX {
        return Err(RelpError::Head);
    }
    if at + digits == bytes.len() {
        return Ok(None);
    }
    if digits == 0 {
        return Err(RelpError::Head);
    }
    let value = bytes[at..at + digits]
        .iter()
        .fold(0, |value, byte| value * 10 + u32::from(byte - b'0'));
    Ok(Some((value, at + digits)))
}

/// Longest head, with the space before the data.
const HEAD_BYTES_MAX: usize = 2 * RELP_DIGITS_MAX + RELP_COMMAND_BYTES_MAX + 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(bytes: &[u8], chunk_bytes: usize) -> (Vec<String>, Option<RelpError>) {
        let mut decoder = Decoder::default();
        let mut out: Vec<String> = Vec::new();
        let mut long = 0;
        for mut chunk in bytes.chunks(chunk_bytes) {
            loop {
                match decoder.next(&mut chunk) {
                    Ok(Some(Event::Frame(header, data))) => {
                        out.push(format!("{header:?} {}", String::from_utf8_lossy(data)));
                    }
                    Ok(Some(Event::Part(_, data))) => long += data.len(),
                    Ok(Some(Event::PartsEnd(header))) => {
                        out.push(format!("{header:?} in parts {}", std::mem::take(&mut long)));
                    }
                    Ok(None) => break,
                    Err(error) => return (out, Some(error)),
                }
            }
        }
        (out, None)
    }

    fn check(bytes: &[u8], expect: &[&str], error: Option<RelpError>) {
        for chunk_bytes in [1, 2, 5, 64 << 10] {
            let (found, failed) = frames(bytes, chunk_bytes);
            assert_eq!(found, expect, "in chunks of {chunk_bytes}");
            assert_eq!(failed, error, "in chunks of {chunk_bytes}");
        }
    }

    #[test]
    fn frames_of_all_kinds() {
        check(
            b"1 open 5 a=b\nc\n2 syslog 7 <13>a\nb\n3 close 0\n0 serverclose 0 \n",
            &[
                "1 open 5 a=b\nc",
                "2 syslog 7 <13>a\nb",
                "3 close 0 ",
                "0 serverclose 0 ",
            ],
            None,
        );
    }

    #[test]
    fn what_is_not_relp_is_refused() {
        for bad in [
            &b"GET / HTTP/1.1\r\n"[..],
            b" open 0\n",
            b"1 2 0\n",
            b"1  0\n",
            b"1234567890 open 0\n",
            b"1 open 1234567890\n",
            b"1 open x\n",
            b"1 open 2\n",
            b"1 abcdefghijklmnopqrstuvwxyzabcdefg 0\n",
        ] {
            check(bad, &[], Some(RelpError::Head));
        }
        check(b"1 open 2 abc\n", &[], Some(RelpError::End));
        check(b"1 open 40000 ", &[], Some(RelpError::Length(40_000)));
    }

    #[test]
    fn a_long_message_comes_in_parts_and_stays_one() {
        let mut bytes = Vec::new();
        push(&mut bytes, 7, "syslog", &vec![b'\n'; 70_000]);
        push(&mut bytes, 8, "syslog", b"x");
        check(
            &bytes,
            &["7 syslog 70000 in parts 70000", "8 syslog 1 x"],
            None,
        );
    }
}
