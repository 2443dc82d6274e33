//! What sshd does to text before it logs it, undone.
//!
//! sshd writes control characters, bytes above 126 and backslashes of a message as `\n`, `\t`,
//! `\ooo`, `\\` (`strnvis` with `VIS_CSTYLE | VIS_OCTAL`). Messages of the unprivileged process
//! pass through the privileged one, which does it again: those end in ` [preauth]`.

use std::borrow::Cow;

/// Text as the client sent it, from text that was escaped `times` times. What is no escape stays.
pub fn unescape(text: &[u8], times: u32) -> Cow<'_, [u8]> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..times {
        if !text.contains(&b'\\') {
            break;
        }
        text = Cow::Owned(once(&text));
    }
    text
}

fn once(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let (value, taken) = match byte {
            b'\\' => escape(after).unwrap_or((b'\\', 0)),
            _ => (byte, 0),
        };
        out.push(value);
        rest = &after[taken..];
    }
    out
}

/// The byte that follows a backslash, and how many bytes stand for it.
fn escape(after: &[u8]) -> Option<(u8, usize)> {
    if let [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] = after {
        return Some((((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'), 3));
    }
    let value = match after.first()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        b'v' => 11,
        b'f' => 12,
        b's' => b' ',
        b'0' => 0,
        b'\\' => b'\\',
        _ => return None,
    };
    Some((value, 1))
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_are_undone_as_often_as_they_were_done() {
        let check = |text: &str, times, expect: &[u8]| {
            assert_eq!(&*unescape(text.as_bytes(), times), expect, "{text}");
        };
        check("plain", 2, b"plain");
        check(r"a\nb", 1, b"a\nb");
        check(r"a\\nb", 2, b"a\nb");
        check(r"\303\251", 1, "é".as_bytes());
        check(r"\\303\\251", 2, "é".as_bytes());
        check(r"c\\d", 1, br"c\d");
        check(r"\q \", 1, br"\q \");
    }
}
