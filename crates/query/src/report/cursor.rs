//! A record's text, searched from left to right.
//!
//! aureport looks for `name=` after what it found last, wherever that stands, so a field may be the
//! end of a longer name (`pid=` of `ppid=`) and a field out of order is not found. Reports that are
//! to be equal to its byte by byte have to read the same way; everything else reads fields with
//! [`indelible_record::Record::fields`].

use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memchr2};

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Name {
    A0,
    A1,
    Acct,
    Addr,
    Arch,
    Auid,
    AuidWord,
    Avc,
    Comm,
    Cwd,
    Data,
    Exe,
    Hostname,
    Key,
    File,
    Path,
    Pid,
    PidWord,
    Res,
    Result,
    Saddr,
    Scontext,
    Ses,
    Subj,
    Success,
    Syscall,
    Tclass,
    Tcontext,
    Terminal,
    Tty,
    Uid,
    UidWord,
}

/// The text of each [`Name`], in its order.
const TEXTS: [&str; 32] = [
    "a0=",
    "a1=",
    "acct=",
    "addr=",
    "arch=",
    "auid=",
    " auid=",
    "avc: ",
    "comm=",
    "cwd=",
    "data=",
    "exe=",
    "hostname=",
    "key=",
    "name=",
    "path=",
    "pid=",
    " pid=",
    "res=",
    "result=",
    "saddr=",
    "scontext=",
    "ses=",
    "subj=",
    "success=",
    "syscall=",
    "tclass=",
    "tcontext=",
    "terminal=",
    "tty=",
    "uid=",
    " uid=",
];

static FINDERS: LazyLock<[Finder<'static>; TEXTS.len()]> = LazyLock::new(|| TEXTS.map(Finder::new));

/// A place in a record's text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// All that follows.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    /// Goes behind the next `name`, if there is one; stays where it is if not.
    pub(super) fn find(&mut self, name: Name) -> bool {
        match FINDERS[name as usize].find(self.rest()) {
            Some(at) => {
                self.at += at + TEXTS[name as usize].len();
                true
            }
            None => false,
        }
    }

    /// Goes over the bytes up to the next blank, and gives them; none where no blank follows, and
    /// then stays where it is.
    pub(super) fn word(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let end = memchr(b' ', rest)?;
        self.at += end;
        Some(&rest[..end])
    }

    /// [`Cursor::word`], where the end of the text ends a word as well.
    pub(super) fn last_word(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let end = memchr(b' ', rest).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// The bytes up to the next of two, over which it goes; none where neither follows.
    pub(super) fn up_to(&mut self, one: u8, other: u8) -> Option<&'a [u8]> {
        let rest = self.rest();
        let end = memchr2(one, other, rest)?;
        self.at += end;
        Some(&rest[..end])
    }

    /// Goes over `count` bytes.
    pub(super) fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.text.len());
    }

    /// A string as the kernel writes it: `"…"`, or hexadecimal digits, or `(…)`.
    pub(super) fn string(&mut self) -> Encoded<'a> {
        let rest = self.rest();
        let Some(inner) = rest.strip_prefix(b"\"") else {
            return encoded(rest);
        };
        match memchr(b'"', inner) {
            Some(end) => {
                self.at += end + 2;
                Encoded::Plain(&inner[..end])
            }
            None => Encoded::Open,
        }
    }
}

/// A string in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoded<'a> {
    /// Its bytes as they stand.
    Plain(&'a [u8]),
    /// Hexadecimal digits of its bytes.
    Hexadecimal(&'a [u8]),
    /// Neither of these.
    Nothing,
    /// A quote without an end.
    Open,
}

/// What an unquoted value says: the hexadecimal digits at its start, or a word in parentheses.
pub(super) fn encoded(text: &[u8]) -> Encoded<'_> {
    if text.first() == Some(&b'(') {
        return match memchr(b')', text) {
            Some(end) => Encoded::Plain(&text[..=end]),
            None => Encoded::Nothing,
        };
    }
    let digits = text
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    match digits {
        0 | 1 => Encoded::Nothing,
        _ => Encoded::Hexadecimal(&text[..digits]),
    }
}

/// Appends the bytes of hexadecimal digits up to the first zero byte, where C's strings end. An odd
/// last digit is the upper half of a byte.
pub(super) fn decode(digits: &[u8], out: &mut Vec<u8>) {
    let value = |digit: Option<&u8>| match digit {
        Some(digit @ b'0'..=b'9') => digit - b'0',
        Some(digit) => (digit | 0x20) - b'a' + 10,
        None => 0,
    };
    let bytes = digits
        .chunks(2)
        .map(|pair| value(pair.first()) << 4 | value(pair.get(1)))
        .take_while(|byte| *byte != 0);
    out.extend(bytes);
}

/// A number as C's `strtoul` reads it: blanks, a sign, digits as far as they go, 0 without any;
/// none where it exceeds 64 bits.
pub(super) fn number(text: &[u8], radix: u8) -> Option<u64> {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let mut value = 0u64;
    for byte in digits {
        let Some(digit) = char::from(*byte).to_digit(u32::from(radix)) else {
            break;
        };
        value = value
            .checked_mul(u64::from(radix))?
            .checked_add(u64::from(digit))?;
    }
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_order_only() {
        let mut cursor = Cursor::new(b"ppid=1 pid=22 auid=3 exe=\"/a b\" key=6162 x");
        assert!(cursor.find(Name::PidWord));
        assert_eq!(cursor.word(), Some(&b"22"[..]));
        assert!(!cursor.find(Name::PidWord));
        assert!(cursor.find(Name::Exe));
        assert_eq!(cursor.string(), Encoded::Plain(b"/a b"));
        assert!(!cursor.find(Name::Auid));
        assert!(cursor.find(Name::Key));
        assert_eq!(cursor.string(), Encoded::Hexadecimal(b"6162"));
    }

    #[test]
    fn strings() {
        let check = |text: &str, expect| assert_eq!(encoded(text.as_bytes()), expect, "{text}");
        check("(null) x", Encoded::Plain(b"(null)"));
        check("(nul", Encoded::Nothing);
        check("zz", Encoded::Nothing);
        check("ab~cd", Encoded::Hexadecimal(b"ab"));
        let decoded = |digits: &str| {
            let mut out = Vec::new();
            decode(digits.as_bytes(), &mut out);
            out
        };
        assert_eq!(decoded("2F6"), b"/\x60");
        assert_eq!(decoded("61000062"), b"a");
    }

    #[test]
    fn numbers() {
        let check = |text: &str, expect| assert_eq!(number(text.as_bytes(), 10), expect, "{text}");
        check("12x", Some(12));
        check("x", Some(0));
        check("-1", Some(u64::MAX));
        check("18446744073709551616", None);
        assert_eq!(number(b"c000003e", 16), Some(0xc000_003e));
    }
}
