//! What may reach a terminal: nothing that an attacker could steer it with.

use std::io::{self, IsTerminal, Write};

/// Standard output, buffered; control bytes are shown as `\ooo` where it is a terminal.
pub(crate) struct Output {
    inner: io::BufWriter<io::StdoutLock<'static>>,
    is_terminal: bool,
    escaped: Vec<u8>,
}

impl Output {
    pub(crate) fn stdout() -> Self {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        // Who reads from a pipe need not be waited for so often. Where it may not grow it stays as it is.
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, PIPE_BYTES);
        let inner = io::BufWriter::with_capacity(BUFFER_BYTES, stdout.lock());
        Self {
            inner,
            is_terminal,
            escaped: Vec::new(),
        }
    }

    /// Writes whole lines.
    pub(crate) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if !self.is_terminal {
            return self.inner.write_all(text);
        }
        self.escaped.clear();
        escape(text, &mut self.escaped);
        self.inner.write_all(&self.escaped)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Appends `text` with its control bytes, but for line feeds and tabs, in octal. Bytes of valid
/// UTF-8 stay, but for C1 controls; others are shown in octal too.
pub(crate) fn escape(text: &[u8], out: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() && !matches!(character, '\n' | '\t') {
                let mut bytes = [0; 4];
                character
                    .encode_utf8(&mut bytes)
                    .bytes()
                    .for_each(|byte| push_octal(byte, out));
            } else {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        chunk
            .invalid()
            .iter()
            .for_each(|byte| push_octal(*byte, out));
    }
}

fn push_octal(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[
        b'\\',
        b'0' + (byte >> 6),
        b'0' + (byte >> 3 & 7),
        b'0' + (byte & 7),
    ]);
}

/// Bytes that a pipe holds: what anybody may ask for.
const PIPE_BYTES: usize = 1 << 20;
/// Output is written in pieces of this size.
const BUFFER_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn control_bytes_never_reach_a_terminal() {
        let check = |text: &[u8], expect: &str| {
            let mut out = Vec::new();
            escape(text, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expect);
        };
        check(b"plain\ttext\n", "plain\ttext\n");
        check(b"\x1b]0;title\x07", "\\033]0;title\\007");
        check("ü\u{9b}31m".as_bytes(), "ü\\302\\23331m");
        check(b"\xff\xfe", "\\377\\376");
        check(b"a\rb\x7f", "a\\015b\\177");
    }
}
