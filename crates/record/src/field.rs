//! Fields: the `name=value` pairs of a record, and the words between them.
//!
//! The tokeniser copies nothing, understands nothing about meanings, and never fails: what is not
//! a field comes out as [`Token::Text`] with its place. Every byte of a record's body is either in
//! a token or a separator.
//!
//! What the field's writers do, and what is made of it:
//!
//! ```text
//! comm="cat"                          Quote::Double, the kernel's plain string
//! name=2F746D702F6120                 Quote::None; hexadecimal if the name says it is a string
//! msg='op=login acct="root" res=1'    fields with Part::Message, the quotes are not a value
//! hostname=?, addr=?                  a comma before a blank separates
//! (hostname=?, terminal=cron)         so do parentheses around such a list (RHEL 4 and 5)
//! old auid=1 new auid=2               names with a blank in them
//! avc:  denied  { read } for  pid=1   fields seresult=denied and seperms=read
//! saddr=…<0x1D>SADDR={ fam=inet }     Part::Enriched after the separator of log_format=ENRICHED
//! ```

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3_iter, memrchr};

use crate::interpret::Kind;
use crate::names::same;
use crate::record_type::RecordType;
use crate::scan;

/// How a value is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// Up to the next blank.
    None,
    /// `"…"`.
    Double,
    /// `'…'`.
    Single,
    /// `{ … }`, the braces belong to the value.
    Braces,
    /// A quote or brace that nothing closes: up to the end of the record.
    Open,
}

/// Where in a record a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The kernel's own text.
    Body,
    /// Inside `msg='…'`: a program's text, which only that program vouches for.
    Message,
    /// After 0x1D: names that auditd resolved when it wrote the record.
    Enriched,
}

/// One `name=value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as written, upper case included; `old auid` keeps its blank.
    pub name: &'a [u8],
    /// The value without its quotes, still encoded.
    pub value: &'a [u8],
    /// How the value is delimited.
    pub quote: Quote,
    /// Where the field stands.
    pub part: Part,
    /// Offset of the name in the record's bytes.
    pub start: usize,
    /// Offset of the value there, with its opening quote.
    pub value_start: usize,
    /// Offset after the value, with its closing quote.
    pub end: usize,
}

impl<'a> Field<'a> {
    /// Whether the field has this name.
    pub fn is(&self, name: &str) -> bool {
        same(self.name, name.as_bytes())
    }

    /// Whether the writer had no value: `?`, `(null)`, `(none)` or nothing, unquoted.
    pub fn is_null(&self) -> bool {
        self.quote == Quote::None && matches!(self.value, b"" | b"?" | b"(null)" | b"(none)")
    }

    /// The value as bytes: hexadecimal strings decoded where a field of this name in this type of
    /// record is one, everything else as it stands. Digits in mixed case are nobody's encoding and
    /// stand as they are: what a value may look like in a log is known from the value, and a search
    /// finds it by its bytes.
    pub fn decoded(&self, record_type: RecordType) -> Cow<'a, [u8]> {
        self.decoded_as(Kind::of(record_type, self))
    }

    /// [`Field::decoded`] for one who knows the kind already.
    pub(crate) fn decoded_as(&self, kind: Kind) -> Cow<'a, [u8]> {
        let mut bytes = Vec::new();
        match self.decode(kind, &mut bytes) {
            true => Cow::Owned(bytes),
            false => Cow::Borrowed(self.value),
        }
    }

    /// Appends [`Field::decoded_as`].
    pub(crate) fn push_decoded(&self, kind: Kind, out: &mut Vec<u8>) {
        if !self.decode(kind, out) {
            out.extend_from_slice(self.value);
        }
    }

    fn decode(&self, kind: Kind, out: &mut Vec<u8>) -> bool {
        self.quote == Quote::None
            && kind.is_encoded()
            && !is_mixed(self.value)
            && crate::number::decode_hex(self.value, out)
    }
}

/// Whether letters of both cases are in it.
fn is_mixed(digits: &[u8]) -> bool {
    digits.iter().any(u8::is_ascii_uppercase) && digits.iter().any(u8::is_ascii_lowercase)
}

/// What the tokeniser finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A field.
    Field(Field<'a>),
    /// Words that are no field: free text of a program, or what damage left.
    Text {
        /// Offset of the first byte in the record's bytes.
        start: usize,
        /// Offset after the last byte.
        end: usize,
    },
}

/// The tokens of one record, in order.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    raw: &'a [u8],
    at: usize,
    /// End of the part being read.
    end: usize,
    part: Part,
    /// End of the kernel's text; the message part ends before it.
    body_end: usize,
    /// Begin of the enriched part.
    tail: usize,
}

impl<'a> Tokens<'a> {
    /// The tokens of `raw[body..body_end]`, then of `raw[tail..]`.
    pub(crate) fn new(raw: &'a [u8], body: usize, body_end: usize, tail: usize) -> Tokens<'a> {
        Tokens {
            raw,
            at: body,
            end: body_end,
            part: Part::Body,
            body_end,
            tail,
        }
    }

    /// The tokens of what auditd appended, from an offset on.
    pub(crate) fn enriched(tail: &'a [u8], at: usize) -> Tokens<'a> {
        Tokens {
            raw: tail,
            at,
            end: tail.len(),
            part: Part::Enriched,
            body_end: tail.len(),
            tail: tail.len(),
        }
    }

    /// Goes on at an offset of the kernel's text.
    pub(crate) fn seek(&mut self, at: usize) {
        self.part = Part::Body;
        self.at = at.min(self.body_end);
        self.end = self.body_end;
    }

    /// Moves on to the next part; false after the last.
    fn next_part(&mut self) -> bool {
        match self.part {
            Part::Message => {
                self.part = Part::Body;
                // Over the closing quote, if there is one.
                self.at = (self.end + 1).min(self.body_end);
                self.end = self.body_end;
            }
            Part::Body => {
                self.part = Part::Enriched;
                self.at = self.tail;
                self.end = self.raw.len();
            }
            Part::Enriched => return false,
        }
        true
    }

    /// A word without `=`: a name of two words, the access vector notation, or text.
    fn word(&mut self, end: usize) -> Option<Token<'a>> {
        let start = self.at;
        let word = &self.raw[start..end];
        if matches!(word, b"old" | b"new")
            && let Some(found) = memchr2(b'=', b' ', &self.raw[(end + 1).min(self.end)..self.end])
            && found > 0
            && self.raw[end + 1 + found] == b'='
        {
            return Some(Token::Field(self.field(start, end + 1 + found)));
        }
        if word == b"avc:" {
            self.at = end;
            return None;
        }
        if matches!(word, b"denied" | b"granted") && ends_with_avc(&self.raw[..start]) {
            self.at = end;
            return Some(self.made(b"seresult", start, end));
        }
        if word[0] == b'{'
            && let Some(length) = memchr(b'}', &self.raw[start..self.end])
        {
            let inner = self.raw[start + 1..start + length].trim_ascii();
            let inner_start = inner.as_ptr().addr() - self.raw.as_ptr().addr();
            self.at = start + length + 1;
            return Some(self.made(b"seperms", inner_start, inner_start + inner.len()));
        }
        self.at = end;
        // Words that the kernel or its libraries put between fields and that say nothing.
        if matches!(
            word,
            b"for" | b":" | b"tty" | b"user" | b"login" | b"netlabel:"
        ) {
            return None;
        }
        Some(Token::Text { start, end })
    }

    /// A field that has no name in the text.
    fn made(&self, name: &'static [u8], start: usize, end: usize) -> Token<'a> {
        Token::Field(Field {
            name,
            value: &self.raw[start..end],
            quote: Quote::None,
            part: self.part,
            start,
            value_start: start,
            end,
        })
    }

    /// The field of the kernel's text whose name is known to be `raw[start..equals]`.
    pub(crate) fn field_at(&mut self, start: usize, equals: usize) -> Field<'a> {
        self.seek(start);
        self.field(start, equals)
    }

    /// The field whose name is `raw[start..equals]`.
    #[inline]
    fn field(&mut self, start: usize, equals: usize) -> Field<'a> {
        let raw = self.raw;
        let name = &raw[start..equals];
        let value_start = equals + 1;
        let rest = &raw[value_start..self.end];
        let (quote, value, length) = match rest.first() {
            Some(b'"') => delimited(rest, b'"', Quote::Double),
            Some(b'\'') => delimited(rest, b'\'', Quote::Single),
            Some(b'{') => match memchr(b'}', rest) {
                Some(close) => (Quote::Braces, &rest[..=close], close + 1),
                None => (Quote::Open, rest, rest.len()),
            },
            _ => {
                let value = self.bare(name, rest);
                (Quote::None, value, value.len())
            }
        };
        self.at = value_start + length;
        Field {
            name,
            value,
            quote,
            part: self.part,
            start,
            value_start,
            end: self.at,
        }
    }

    /// An unquoted value: up to a blank, without the punctuation of a list.
    #[inline]
    fn bare(&self, name: &[u8], rest: &'a [u8]) -> &'a [u8] {
        let mut length = scan::find(rest, b' ').unwrap_or(rest.len());
        if self.part == Part::Message && name == b"op" {
            length = operation(rest, length);
        }
        let value = &rest[..length];
        match value.last() {
            // All that is to be stripped is below the digits.
            Some(last) if *last < b'0' => stripped(value),
            _ => value,
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    #[inline]
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            while self.at < self.end && is_separator(self.raw[self.at]) {
                self.at += 1;
            }
            if self.at >= self.end {
                if !self.next_part() {
                    return None;
                }
                continue;
            }
            let rest = &self.raw[self.at..self.end];
            let found = scan::find_either(rest, b'=', b' ').unwrap_or(rest.len());
            if found == 0 || rest.get(found) != Some(&b'=') {
                // A lone "=" is a word as well.
                let end = self.at + word_length(rest, found);
                match self.word(end) {
                    Some(token) => return Some(token),
                    None => continue,
                }
            }
            let (start, equals) = (self.at, self.at + found);
            if self.part == Part::Body
                && rest[..found] == *b"msg"
                && let Some(end) = message_end(&self.raw[equals + 1..self.end])
            {
                self.part = Part::Message;
                self.at = equals + 2;
                self.end = equals + 1 + end;
                continue;
            }
            return Some(Token::Field(self.field(start, equals)));
        }
    }
}

/// Whether a token begins for certain behind `before`, the begin of a body: behind a blank that is no
/// part of one. Quotes that hold no blanks, as in `comm="cat" `, change nothing about where tokens are;
/// whatever else could is answered with no.
pub(crate) fn is_between(before: &[u8]) -> bool {
    let is_behind_blank = match before {
        [] => true,
        // `old auid` is a name.
        [.., b' '] => !before.ends_with(b"old ") && !before.ends_with(b"new "),
        _ => false,
    };
    if !is_behind_blank {
        return false;
    }
    let mut open: Option<usize> = None;
    for at in memchr3_iter(b'"', b'\'', b'{', before) {
        open = match open {
            _ if before[at] != b'"' => return false,
            None if at > 0 && before[at - 1] == b'=' => Some(at),
            Some(start) if before[at + 1] == b' ' && !before[start..at].contains(&b' ') => None,
            _ => return false,
        };
    }
    open.is_none()
}

/// A bare value without the punctuation of the list that it stands in.
#[cold]
fn stripped(value: &[u8]) -> &[u8] {
    match value {
        [inner @ .., b','] => inner,
        // "(null)" keeps its parenthesis, "terminal=cron)" does not.
        [inner @ .., b')'] if memchr(b'(', inner).is_none() => inner,
        [inner @ .., b'\r' | b'\n' | 0] => inner,
        _ => value,
    }
}

/// The length of the word at the start of `rest`, where `=` or a blank was found at `found`.
fn word_length(rest: &[u8], found: usize) -> usize {
    if found > 0 {
        return found;
    }
    memchr(b' ', rest).unwrap_or(rest.len())
}

/// The value of `rest`, which begins with `quote`, and its length with the quotes.
#[inline]
fn delimited(rest: &[u8], quote: u8, kind: Quote) -> (Quote, &[u8], usize) {
    match scan::find(&rest[1..], quote) {
        Some(close) => (kind, &rest[1..=close], close + 2),
        None => (Quote::Open, &rest[1..], rest.len()),
    }
}

/// Where the fields of `'…'` end, counted from the opening quote: at the last quote, because the
/// kernel copies the program's text between its own two without looking at it. None where there
/// are no fields inside, so that `msg='hello'` is one field.
fn message_end(rest: &[u8]) -> Option<usize> {
    let inner = rest.strip_prefix(b"'")?;
    let end = memrchr(b'\'', inner).unwrap_or(inner.len());
    memchr(b'=', &inner[..end]).map(|_| end + 1)
}

/// How far the value of `op` goes: programs write `op=changing password acct=…`, so the words up
/// to the next field are part of it.
fn operation(rest: &[u8], mut length: usize) -> usize {
    while length < rest.len() {
        let next = &rest[length + 1..];
        match memchr2(b'=', b' ', next) {
            Some(0) => break,
            Some(found) if next[found] == b'=' => break,
            Some(found) if next[0].is_ascii_alphabetic() => length += 1 + found,
            None if next.first().is_some_and(u8::is_ascii_alphabetic) => return rest.len(),
            _ => break,
        }
    }
    length
}

fn ends_with_avc(before: &[u8]) -> bool {
    before.trim_ascii_end().ends_with(b"avc:")
}

#[inline]
fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b'(' | b')' | b'\t' | b'\r' | b'\n' | 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(body: &str) -> String {
        let raw = body.as_bytes();
        let tail = memchr(0x1d, raw);
        let tokens = Tokens::new(
            raw,
            0,
            tail.unwrap_or(raw.len()),
            tail.map_or(raw.len(), |at| at + 1),
        );
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let shown: Vec<String> = tokens
            .map(|token| match token {
                Token::Text { start, end } => format!("[{}]", text(&raw[start..end])),
                Token::Field(field) => {
                    let part = match field.part {
                        Part::Body => "",
                        Part::Message => "m.",
                        Part::Enriched => "e.",
                    };
                    let quote = match field.quote {
                        Quote::None => "",
                        Quote::Double => "\"",
                        Quote::Single => "'",
                        Quote::Braces => "{}",
                        Quote::Open => "…",
                    };
                    format!("{part}{}:{quote}{}", text(field.name), text(field.value))
                }
            })
            .collect();
        shown.join("|")
    }

    fn check(body: &str, expect: &str) {
        assert_eq!(show(body), expect, "{body}");
    }

    #[test]
    fn kernel_fields() {
        check(
            "a0=1 comm=\"cat\" key=(null) x=",
            "a0:1|comm:\"cat|key:(null)|x:",
        );
        check("a0=1  a0=2 A0=3", "a0:1|a0:2|A0:3");
        check("banners=none,none b=c", "banners:none,none|b:c");
        check("a1[0]=2F a1_len=3", "a1[0]:2F|a1_len:3");
        check("tty pid=1 data=6C", "pid:1|data:6C");
        check(
            "login pid=1 old auid=4 new auid=0 old ses=1",
            "pid:1|old auid:4|new auid:0|old ses:1",
        );
    }

    #[test]
    fn messages() {
        check(
            "pid=1 msg='op=login acct=\"root\" res=failed'",
            "pid:1|m.op:login|m.acct:\"root|m.res:failed",
        );
        check("msg='hello there'", "msg:'hello there");
        check("msg='it''s' x=1", "msg:'it|['s']|x:1");
        check(
            "user pid=1 msg='PAM: auth acct=root : exe=\"/x\" (hostname=?, addr=?, terminal=cron res=Success)'",
            "pid:1|[PAM:]|[auth]|m.acct:root|m.exe:\"/x|m.hostname:?|m.addr:?|m.terminal:cron|m.res:Success",
        );
        check(
            "msg='op=changing password id=1'",
            "m.op:changing password|m.id:1",
        );
        check("msg='op=open", "m.op:open");
        check("msg='a=1' b=2", "m.a:1|b:2");
    }

    #[test]
    fn access_vectors() {
        check(
            "avc:  denied  { read write } for  pid=1 comm=\"x\"",
            "seresult:denied|seperms:read write|pid:1|comm:\"x",
        );
        check(
            "msg='avc:  granted  { x } for a=1'",
            "m.seresult:granted|m.seperms:x|m.a:1",
        );
        check("denied { x", "[denied]|[{]|[x]");
    }

    #[test]
    fn enriched_tails() {
        check(
            "saddr=02 uid=0\u{1d}SADDR={ saddr_fam=inet lport=53 } UID=\"root\"",
            "saddr:02|uid:0|e.SADDR:{}{ saddr_fam=inet lport=53 }|e.UID:\"root",
        );
        check("a=1\u{1d}", "a:1");
    }

    #[test]
    fn damage() {
        check("comm=\"ca", "comm:…ca");
        check("=x a=b", "[=x]|a:b");
        check("xe=\"/a\"b\" c=d", "xe:\"/a|[b\"]|c:d");
        check("x={ y", "x:…{ y");
        check("old new", "[old]|[new]");
        check("old", "[old]");
        check("", "");
        check("= = =", "[=]|[=]|[=]");
    }

    #[test]
    fn what_is_between_tokens_for_certain() {
        for text in [
            "a=1 comm=\"cat\" exe=\"/usr/bin/x\" key=\"k\" tail",
            "old auid=4 new auid=0 x=\"a b\" key=1",
            "a=\"b key=c\" key=d",
            "x\"y=\"z key=foo",
            "x\"y=\"z w\"v\" key=1 b",
            "a=b\"c d=\"e key=1 f",
            "msg='op=a key=b' key=1",
            "x={ key=a } key=b",
            "a=1,  key=2  (b=3) key=4",
            "= =\"a\" key=\"\" \"\" key=1",
            "a=\"b\"c key=1 old key=2 cold key=3",
        ] {
            let raw = text.as_bytes();
            let tokens = || Tokens::new(raw, 0, raw.len(), raw.len());
            for at in 0..raw.len() {
                if !is_between(&raw[..at]) {
                    continue;
                }
                let mut from = tokens();
                from.seek(at);
                let start = |token: &Token<'_>| match token {
                    Token::Field(field) => field.start,
                    Token::Text { start, .. } => *start,
                };
                let rest = tokens().filter(|token| start(token) >= at);
                assert!(from.eq(rest), "{text:?} from {at}");
            }
        }
        assert!(is_between(b"") && is_between(b"a=\"b\" c=1 "));
    }
}
