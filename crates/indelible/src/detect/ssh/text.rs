//! Bytes of logs, cut into lines and journal entries of bounded length.

use std::io::{self, BufRead, Read};

/// Appends a line without its line feed; no at the end. What a line has beyond the limit is lost.
pub(super) fn read_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let start = line.len();
    if reader.take(LINE_BYTES_MAX).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if (line.len() - start) as u64 == LINE_BYTES_MAX {
        reader.skip_until(b'\n')?;
    }
    Ok(true)
}

/// Appends an entry of the journal's export format; no at the end.
pub(super) fn read_entry(reader: &mut dyn BufRead, entry: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let start = entry.len();
        if !read_line(reader, entry)? {
            return Ok(start > 0);
        }
        if entry.len() == start {
            if start > 0 {
                return Ok(true);
            }
            continue;
        }
        let is_binary = !entry[start..].contains(&b'=');
        entry.push(b'\n');
        if is_binary {
            let mut length = [0; 8];
            if reader.read_exact(&mut length).is_err() {
                return Ok(true);
            }
            entry.extend_from_slice(&length);
            // The value and the line feed behind it; what is too long spoils only this entry.
            let length = u64::from_le_bytes(length).saturating_add(1);
            reader.take(length.min(LINE_BYTES_MAX)).read_to_end(entry)?;
            let rest = length.saturating_sub(LINE_BYTES_MAX);
            io::copy(&mut reader.take(rest), &mut io::sink())?;
        }
        if entry.len() as u64 > 16 * LINE_BYTES_MAX {
            return Ok(true);
        }
    }
}

/// Longest line that is kept.
const LINE_BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_entries_are_cut_where_they_end() {
        let mut reader = io::Cursor::new(&b"a\n\nb"[..]);
        let mut lines = Vec::new();
        let mut line = Vec::new();
        while read_line(&mut reader, &mut line).unwrap() {
            lines.push(String::from_utf8(std::mem::take(&mut line)).unwrap());
        }
        assert_eq!(lines, ["a", "", "b"]);
        let mut reader = io::Cursor::new(&b"A=1\nM\n\x02\0\0\0\0\0\0\0\n\n\nB=2\n\n\nA=3\n"[..]);
        let mut entries = Vec::new();
        let mut entry = Vec::new();
        while read_entry(&mut reader, &mut entry).unwrap() {
            entries.push(std::mem::take(&mut entry));
        }
        assert_eq!(
            entries,
            [&b"A=1\nM\n\x02\0\0\0\0\0\0\0\n\n\nB=2\n"[..], b"A=3\n"]
        );
    }
}
