//! Messages of a `text/event-stream` (WHATWG HTML, "Server-sent events") whose lines may be any bytes.
//!
//! ```text
//! event: lacks end
//! data: node=web1 type=SYSCALL msg=audit(1700000000.123:45): …
//! data: node=web1 type=CWD msg=audit(1700000000.123:45): cwd="/"
//!
//! : still here
//! ```
//!
//! A data line is one line of what is told. In it a backslash, line ends and what is no UTF-8 are
//! escaped (`\\`, `\n`, `\r`, `\xFF`), so that any reader of event streams can take it and ours gets the exact
//! bytes back. Comments and other fields are passed over.

use memchr::{memchr, memchr3};

use crate::WireError;
use crate::limits::{SSE_DATA_BYTES_MAX, SSE_LINE_BYTES_MAX, SSE_LINES_MAX};

/// The media type.
pub const MEDIA_TYPE: &str = "text/event-stream";

/// A message as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// What stands behind `event:`; empty where there is no such line.
    pub event: String,
    /// The data lines, unescaped.
    pub lines: Vec<Vec<u8>>,
}

/// Appends a message. An empty `event` is left out; one with line ends is cut at the first.
pub fn push<'a>(event: &str, lines: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    let event = event.split(['\n', '\r']).next().unwrap_or_default();
    if !event.is_empty() {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(event.as_bytes());
        out.push(b'\n');
    }
    for line in lines {
        out.extend_from_slice(b"data: ");
        escape(line, out);
        out.push(b'\n');
    }
    out.push(b'\n');
}

/// Appends a comment, which keeps a quiet connection alive.
pub fn push_comment(out: &mut Vec<u8>) {
    out.extend_from_slice(b":\n\n");
}

fn escape(line: &[u8], out: &mut Vec<u8>) {
    for chunk in line.utf8_chunks() {
        let mut rest = chunk.valid().as_bytes();
        while let Some(at) = memchr3(b'\\', b'\n', b'\r', rest) {
            out.extend_from_slice(&rest[..at]);
            out.extend_from_slice(match rest[at] {
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                _ => b"\\r",
            });
            rest = &rest[at + 1..];
        }
        out.extend_from_slice(rest);
        for byte in chunk.invalid() {
            out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

fn digit(value: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(value)]
}

fn unescape(line: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let (byte, length) = match &rest[at + 1..] {
            [b'\\', ..] => (b'\\', 2),
            [b'n', ..] => (b'\n', 2),
            [b'r', ..] => (b'\r', 2),
            [b'x', high, low, ..] => {
                let value = |digit: u8| (digit as char).to_digit(16);
                match (value(*high), value(*low)) {
                    (Some(high), Some(low)) => ((high << 4 | low) as u8, 4),
                    _ => return Err(WireError::Escape),
                }
            }
            _ => return Err(WireError::Escape),
        };
        out.push(byte);
        rest = &rest[at + length..];
    }
    out.extend_from_slice(rest);
    Ok(out)
}

/// Takes an event stream apart, however its bytes are cut.
#[derive(Debug, Default)]
pub struct Decoder {
    /// A line that is not ended yet.
    begun: Vec<u8>,
    message: Message,
    data_bytes: usize,
}

impl Decoder {
    /// Takes bytes from the front of `input` up to the end of the next message; none, when all of
    /// them were taken and it is not there yet.
    ///
    /// # Errors
    /// A line or a message above its limit, or an escape that is none. The stream is of no use then.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Message>, WireError> {
        while let Some(end) = memchr(b'\n', input) {
            let (line, rest) = (&input[..end], &input[end + 1..]);
            let done = if self.begun.is_empty() {
                self.line(line)?
            } else {
                let mut whole = std::mem::take(&mut self.begun);
                bounded(whole.len() + line.len())?;
                whole.extend_from_slice(line);
                self.line(&whole)?
            };
            *input = rest;
            if done {
                self.data_bytes = 0;
                return Ok(Some(std::mem::take(&mut self.message)));
            }
        }
        bounded(self.begun.len() + input.len())?;
        self.begun.extend_from_slice(input);
        *input = &[];
        Ok(None)
    }

    /// Takes a line; whether it ends a message.
    fn line(&mut self, line: &[u8]) -> Result<bool, WireError> {
        bounded(line.len())?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            // A comment ends with an empty line, too.
            let is_message = !self.message.lines.is_empty() || !self.message.event.is_empty();
            return Ok(is_message);
        }
        let (name, value) = match memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => self.message.event = String::from_utf8_lossy(value).into_owned(),
            b"data" => {
                let data = unescape(value)?;
                self.data_bytes += data.len();
                let lines = self.message.lines.len() + 1;
                if self.data_bytes > SSE_DATA_BYTES_MAX || lines > SSE_LINES_MAX {
                    return Err(WireError::MessageLength(SSE_DATA_BYTES_MAX));
                }
                self.message.lines.push(data);
            }
            _ => {}
        }
        Ok(false)
    }
}

fn bounded(line_bytes: usize) -> Result<(), WireError> {
    match line_bytes > SSE_LINE_BYTES_MAX {
        true => Err(WireError::LineLength(SSE_LINE_BYTES_MAX)),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], cut: usize) -> Result<Vec<Message>, WireError> {
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for mut chunk in bytes.chunks(cut) {
            while let Some(message) = decoder.next(&mut chunk)? {
                found.push(message);
            }
        }
        Ok(found)
    }

    #[test]
    fn what_is_written() {
        let mut out = Vec::new();
        push("lacks end", [&b"a\\b\r\nc\xff"[..], b""], &mut out);
        push_comment(&mut out);
        push("", [&b" x"[..]], &mut out);
        let expect = "event: lacks end\ndata: a\\\\b\\r\\nc\\xFF\ndata: \n\n:\n\ndata:  x\n\n";
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn others_spelling_is_read() {
        let text = b"id: 7\r\nevent:done\r\ndata:x\r\n\r\n\r\n:hello\n\ndata\n\n";
        let message = |event: &str, line: &[u8]| Message {
            event: event.to_owned(),
            lines: vec![line.to_vec()],
        };
        let expect = vec![message("done", b"x"), message("", b"")];
        assert_eq!(read(text, 3), Ok(expect));
    }

    #[test]
    fn refused() {
        for bad in ["\\", "\\q", "\\x1", "\\xg0"] {
            let text = format!("data: {bad}\n\n");
            assert_eq!(read(text.as_bytes(), 4), Err(WireError::Escape), "{bad}");
        }
        let endless = vec![b'x'; SSE_LINE_BYTES_MAX + 1];
        let error = Err(WireError::LineLength(SSE_LINE_BYTES_MAX));
        assert_eq!(read(&endless, 1 << 16), error);
        let many = "data:\n".repeat(SSE_LINES_MAX + 1);
        let error = Err(WireError::MessageLength(SSE_DATA_BYTES_MAX));
        assert_eq!(read(many.as_bytes(), 1 << 16), error);
    }

    proptest! {
        #[test]
        fn messages_come_back(
            messages in prop::collection::vec(
                ("[a-z ]{0,9}[a-z]", prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..5)),
                0..5,
            ),
            cut in 1usize..60,
        ) {
            let mut out = Vec::new();
            let messages: Vec<Message> = messages
                .into_iter()
                .map(|(event, lines)| Message { event: event.trim().to_owned(), lines })
                .collect();
            for message in &messages {
                push(&message.event, message.lines.iter().map(Vec::as_slice), &mut out);
                push_comment(&mut out);
            }
            prop_assert!(std::str::from_utf8(&out).is_ok());
            prop_assert_eq!(read(&out, cut), Ok(messages));
        }

        #[test]
        fn any_bytes_are_read_the_same_however_they_are_cut(
            bytes in prop::collection::vec(prop::sample::select(b"data: event\\xn\r\n\n\xff0A".to_vec()), 0..200),
            cut in 1usize..20,
        ) {
            prop_assert_eq!(read(&bytes, cut), read(&bytes, bytes.len().max(1)));
        }
    }
}
