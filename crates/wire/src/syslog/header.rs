//! A message's header, RFC 5424 and RFC 3164, as a view on its bytes.
//!
//! ```text
//! RFC 5424   <PRI>1 TIMESTAMP HOST APP PROCID MSGID STRUCTURED-DATA [MSG]      "-" for none
//! RFC 3164   <PRI>TIMESTAMP HOST TAG[PID]: MSG                      by custom, none of it is sure
//! ```
//!
//! Reading never fails and never loses a byte: what is not understood is text. Where a header breaks
//! off, everything from there on is text. Limits on the length of fields are not enforced,
//! because a name that is too long is still the name.
//!
//! ```
//! use indelible_wire::syslog::Message;
//!
//! let message = Message::parse(b"<34>Oct 11 22:14:15 web1 su[230]: failed");
//! assert_eq!((message.host, message.app), (Some(&b"web1"[..]), Some(&b"su"[..])));
//! assert_eq!((message.pid, message.text), (Some(&b"230"[..]), &b"failed"[..]));
//! assert_eq!(message.priority.unwrap().severity(), 2);
//! ```

use std::net::Ipv6Addr;

use super::structured::push_value;
use super::{Stamp, Structured};

/// `facility · 8 + severity`, 0 to 191.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority(u8);

impl Priority {
    /// user.notice, which RFC 3164 gives to messages without one.
    pub const DEFAULT: Self = Self(13);

    /// `None` above 191.
    #[must_use]
    pub fn new(value: u8) -> Option<Self> {
        (value <= 191).then_some(Self(value))
    }

    /// The number between the angle brackets.
    #[must_use]
    pub fn value(self) -> u8 {
        self.0
    }

    /// 0 kern to 23 local7.
    #[must_use]
    pub fn facility(self) -> u8 {
        self.0 / 8
    }

    /// 0 emergency to 7 debug.
    #[must_use]
    pub fn severity(self) -> u8 {
        self.0 % 8
    }
}

/// Which header was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `<PRI>1 …`.
    Rfc5424,
    /// Something that begins with a PRI or a time.
    Rfc3164,
    /// Neither: all of it is text.
    Bare,
}

/// What a message says of itself. Its sender wrote all of it: none of it is proof of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The header that was found.
    pub form: Form,
    /// `None` where there is none; [`Priority::DEFAULT`] is what RFC 3164 assumes then.
    pub priority: Option<Priority>,
    /// When the message was made.
    pub stamp: Option<Stamp>,
    /// Host that made it.
    pub host: Option<&'a [u8]>,
    /// Program that made it.
    pub app: Option<&'a [u8]>,
    /// Its process id, mostly.
    pub pid: Option<&'a [u8]>,
    /// Kind of message; RFC 5424 only.
    pub message_id: Option<&'a [u8]>,
    /// RFC 5424 only.
    pub structured: Option<Structured<'a>>,
    /// The rest, without a byte order mark before it and without line ends and zero bytes after.
    pub text: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message as it was received, without its frame.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        let bytes = trimmed(bytes);
        let mut message = Self {
            form: Form::Bare,
            priority: None,
            stamp: None,
            host: None,
            app: None,
            pid: None,
            message_id: None,
            structured: None,
            text: bytes,
        };
        let rest = match priority(bytes) {
            Some((priority, rest)) => {
                message.form = Form::Rfc3164;
                message.priority = Some(priority);
                rest
            }
            None => bytes,
        };
        message.text = rest;
        match rest.strip_prefix(b"1 ") {
            Some(rest) if message.priority.is_some() => message.read_rfc5424(rest),
            _ => message.read_rfc3164(rest),
        }
        message
    }

    fn read_rfc5424(&mut self, mut rest: &'a [u8]) {
        self.form = Form::Rfc5424;
        self.text = rest;
        // A time that is none (second 60, a day too many) leaves the rest of the header readable.
        let Some((stamp, tail)) = field(rest) else {
            return;
        };
        self.stamp = stamp.and_then(Stamp::rfc5424);
        rest = tail;
        for part in [
            &mut self.host,
            &mut self.app,
            &mut self.pid,
            &mut self.message_id,
        ] {
            self.text = rest;
            let Some((value, tail)) = field(rest) else {
                return;
            };
            (*part, rest) = (value, tail);
        }
        self.text = if rest == b"-" {
            b""
        } else if let Some(text) = rest.strip_prefix(b"- ") {
            text
        } else if let Some((structured, tail)) = Structured::split(rest) {
            self.structured = Some(structured);
            tail.strip_prefix(b" ").unwrap_or(tail)
        } else {
            rest
        };
        self.text = self.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(self.text);
    }

    fn read_rfc3164(&mut self, rest: &'a [u8]) {
        let mut rest = rest;
        if let Some((stamp, tail)) = stamp_of_any_form(rest) {
            self.form = Form::Rfc3164;
            self.stamp = Some(stamp);
            rest = tail.strip_prefix(b" ").unwrap_or(tail);
            if let Some((host, tail)) = host(rest) {
                (self.host, rest) = (Some(host), tail);
            }
        } else if self.priority.is_none() {
            // Neither a PRI nor a time: a tag here would be a guess about anybody's text.
            return;
        }
        self.text = rest;
        if let Some((app, pid, text)) = tag(rest) {
            (self.app, self.pid, self.text) = (Some(app), pid, text);
        }
    }

    /// Appends the message as RFC 5424 has it. Fields with bytes that a header cannot hold have
    /// them replaced by `?`; a stamp without year or zone is left out.
    pub fn push_rfc5424(&self, out: &mut Vec<u8>) {
        let priority = self.priority.unwrap_or(Priority::DEFAULT).value();
        out.extend_from_slice(format!("<{priority}>1 ").as_bytes());
        match self.stamp {
            Some(stamp) if stamp.year.is_some() && stamp.offset_minutes.is_some() => {
                out.extend_from_slice(stamp.to_string().as_bytes());
            }
            _ => out.push(b'-'),
        }
        for part in [self.host, self.app, self.pid, self.message_id] {
            out.push(b' ');
            push_field(out, part);
        }
        out.push(b' ');
        match self.structured {
            Some(structured) => out.extend_from_slice(structured.raw()),
            None => out.push(b'-'),
        }
        if !self.text.is_empty() {
            out.push(b' ');
            out.extend_from_slice(self.text);
        }
    }

    /// Appends the message as RFC 3164 has it.
    pub fn push_rfc3164(&self, out: &mut Vec<u8>) {
        let priority = self.priority.unwrap_or(Priority::DEFAULT).value();
        out.extend_from_slice(format!("<{priority}>").as_bytes());
        if let Some(stamp) = self.stamp {
            let local = Stamp {
                year: None,
                ..stamp
            };
            out.extend_from_slice(local.to_string().as_bytes());
            out.push(b' ');
        }
        if let Some(host) = self.host {
            push_field(out, Some(host));
            out.push(b' ');
        }
        if let Some(app) = self.app {
            push_field(out, Some(app));
            if let Some(pid) = self.pid {
                out.push(b'[');
                push_field(out, Some(pid));
                out.push(b']');
            }
            out.extend_from_slice(b": ");
        }
        out.extend_from_slice(self.text);
    }
}

/// Appends structured data of one element; names are the caller's and must be SD-NAMEs.
pub fn push_element(out: &mut Vec<u8>, id: &str, parameters: &[(&str, &[u8])]) {
    out.push(b'[');
    out.extend_from_slice(id.as_bytes());
    for (name, value) in parameters {
        out.push(b' ');
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
        push_value(out, value);
    }
    out.push(b']');
}

fn push_field(out: &mut Vec<u8>, part: Option<&[u8]>) {
    match part {
        None | Some(b"") => out.push(b'-'),
        Some(bytes) => out.extend(
            bytes
                .iter()
                .map(|byte| if byte.is_ascii_graphic() { *byte } else { b'?' }),
        ),
    }
}

/// `<0>` to `<191>`, without leading zeros.
fn priority(bytes: &[u8]) -> Option<(Priority, &[u8])> {
    let rest = bytes.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
    let digits = &rest[..end];
    let canonical = !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && (digits.len() == 1 || digits[0] != b'0');
    let value = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let priority = Priority::new(value).filter(|_| canonical)?;
    Some((priority, &rest[end + 1..]))
}

/// A field of RFC 5424 up to its space, `None` for `-`.
fn field(text: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_graphic())?;
    let rest = text[end..].strip_prefix(b" ")?;
    let value = &text[..end];
    (end > 0).then_some(((value != b"-").then_some(value), rest))
}

/// The time of RFC 3164, or that of RFC 3339 in its place, as rsyslog's forward format has it.
fn stamp_of_any_form(text: &[u8]) -> Option<(Stamp, &[u8])> {
    Stamp::rfc3164(text).or_else(|| {
        let end = text.iter().position(|byte| *byte == b' ')?;
        Some((Stamp::rfc5424(&text[..end])?, &text[end..]))
    })
}

/// The host, where the next word is not a tag: `su:` and `su[1]:` are tags, `fe80::1` is a host.
fn host(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b' ')?;
    let word = &text[..end];
    let printable = !word.is_empty() && word.iter().all(|byte| byte.is_ascii_graphic());
    let named = !word
        .iter()
        .any(|byte| matches!(byte, b'[' | b':' | b'{' | b'"'));
    let address = || {
        let text = std::str::from_utf8(word).ok()?;
        let address = text.split_once('%').map_or(text, |(address, _)| address);
        address.parse::<Ipv6Addr>().ok()
    };
    (printable && (named || address().is_some())).then(|| (word, &text[end + 1..]))
}

type Tag<'a> = (&'a [u8], Option<&'a [u8]>, &'a [u8]);

/// `app: text`, `app[pid]: text`: application, process and text.
fn tag(text: &[u8]) -> Option<Tag<'_>> {
    let in_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_./-@%+()#*".contains(byte);
    let end = text.iter().take(TAG_BYTES_MAX).take_while(in_name).count();
    let (app, rest) = text.split_at(end);
    if app.is_empty() {
        return None;
    }
    let (pid, rest) = match rest.strip_prefix(b"[") {
        None => (None, rest),
        Some(rest) => {
            let end = rest
                .iter()
                .take(TAG_BYTES_MAX)
                .position(|byte| *byte == b']')?;
            let pid = &rest[..end];
            pid.iter().all(u8::is_ascii_graphic).then_some(())?;
            (Some(pid), &rest[end + 1..])
        }
    };
    let rest = match rest.strip_prefix(b":") {
        Some(rest) => rest,
        None if pid.is_some() => rest,
        None => return None,
    };
    (rest.is_empty() || rest[0] == b' ')
        .then(|| (app, pid, rest.strip_prefix(b" ").unwrap_or(rest)))
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0));
    &bytes[..end.map_or(0, |at| at + 1)]
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Longest name of a program, and longest process id, in a tag.
const TAG_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    /// `form pri|stamp|host|app|pid|id|structured|text`, `-` for none.
    fn check(bytes: &[u8], expect: &str) {
        let message = Message::parse(bytes);
        let lossy = |part: Option<&[u8]>| {
            part.map_or("-".into(), String::from_utf8_lossy)
                .into_owned()
        };
        let shown = [
            format!("{:?}", message.form),
            message
                .priority
                .map_or("-".into(), |pri| pri.value().to_string()),
            message.stamp.map_or("-".into(), |stamp| stamp.to_string()),
            lossy(message.host),
            lossy(message.app),
            lossy(message.pid),
            lossy(message.message_id),
            lossy(message.structured.map(|data| data.raw())),
            lossy(Some(message.text)),
        ];
        assert_eq!(
            shown.join("|"),
            expect,
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }

    #[test]
    fn rfc5424() {
        check(
            b"<34>1 2003-10-11T22:14:15.003Z web1 su - ID47 - \xef\xbb\xbfsu failed",
            "Rfc5424|34|2003-10-11T22:14:15.003000Z|web1|su|-|ID47|-|su failed",
        );
        check(
            b"<165>1 2003-10-11T22:14:15Z h a 1 m [x y=\"1\"] text\n",
            "Rfc5424|165|2003-10-11T22:14:15Z|h|a|1|m|[x y=\"1\"]|text",
        );
        check(b"<13>1 - - - - - -", "Rfc5424|13|-|-|-|-|-|-|");
        check(b"<13>1 - h a - - [x]", "Rfc5424|13|-|h|a|-|-|[x]|");
    }

    /// The corners that rsyslog 8.2302 was seen to get wrong, or otherwise.
    #[test]
    fn rfc5424_corners() {
        check(
            b"<13>1 - h a - - [b y=\"\"]nosp",
            "Rfc5424|13|-|h|a|-|-|[b y=\"\"]|nosp",
        );
        check(
            b"<13>1 - h a - - [b y=\"x text",
            "Rfc5424|13|-|h|a|-|-|-|[b y=\"x text",
        );
        check(
            b"<034>1 - h a - - - x",
            "Bare|-|-|-|-|-|-|-|<034>1 - h a - - - x",
        );
        check(
            b"<192>1 - h a - - - x",
            "Bare|-|-|-|-|-|-|-|<192>1 - h a - - - x",
        );
        check(b"<999>x", "Bare|-|-|-|-|-|-|-|<999>x");
        check(
            b"<13>1 2003-10-11T22:14:60Z h a - - - x",
            "Rfc5424|13|-|h|a|-|-|-|x",
        );
        check(
            b"<13>1 2003-10-11T22:14:15.123456789Z h a - - - x",
            "Rfc5424|13|2003-10-11T22:14:15.123456Z|h|a|-|-|-|x",
        );
        check(b"<34>2 h a", "Rfc3164|34|-|-|-|-|-|-|2 h a");
        check(b"<13>1 - h", "Rfc5424|13|-|-|-|-|-|-|h");
        check(
            b"<13>1 - h\x01 a - - - x",
            "Rfc5424|13|-|-|-|-|-|-|h\x01 a - - - x",
        );
    }

    #[test]
    fn rfc3164() {
        check(
            b"<34>Oct 11 22:14:15 web1 su: 'su root' failed",
            "Rfc3164|34|Oct 11 22:14:15|web1|su|-|-|-|'su root' failed",
        );
        check(
            b"<38>Oct  1 22:14:15 web1 postfix/smtpd[31]: connect",
            "Rfc3164|38|Oct  1 22:14:15|web1|postfix/smtpd|31|-|-|connect",
        );
        check(
            b"<13>2026-11-25T17:34:31.5+01:00 web1 app[7]: x",
            "Rfc3164|13|2026-11-25T17:34:31.500000+01:00|web1|app|7|-|-|x",
        );
    }

    #[test]
    fn rfc3164_corners() {
        check(
            b"<13>Oct 11 22:14:15 su: x",
            "Rfc3164|13|Oct 11 22:14:15|-|su|-|-|-|x",
        );
        check(
            b"<13>Oct 11 22:14:15 fe80::1 su: x",
            "Rfc3164|13|Oct 11 22:14:15|fe80::1|su|-|-|-|x",
        );
        check(b"<13>{\"a\": 1}", "Rfc3164|13|-|-|-|-|-|-|{\"a\": 1}");
        check(b"<13>[a]: x", "Rfc3164|13|-|-|-|-|-|-|[a]: x");
        check(b"<34>su: failed", "Rfc3164|34|-|-|su|-|-|-|failed");
        check(b"su: failed", "Bare|-|-|-|-|-|-|-|su: failed");
        check(
            b"Oct 11 22:14:15 h su: x",
            "Rfc3164|-|Oct 11 22:14:15|h|su|-|-|-|x",
        );
        check(
            b"<13>Oct 11 22:14:15 h words here",
            "Rfc3164|13|Oct 11 22:14:15|h|-|-|-|-|words here",
        );
        check(
            b"<13>Oct 11 22:14:15 h kernel: [1.2] a\0b\tc\r\n",
            "Rfc3164|13|Oct 11 22:14:15|h|kernel|-|-|-|[1.2] a\0b\tc",
        );
        check(b"", "Bare|-|-|-|-|-|-|-|");
        check(b"<13>", "Rfc3164|13|-|-|-|-|-|-|");
    }

    #[test]
    fn written_messages_come_back() {
        let text = b"<165>1 2003-10-11T22:14:15.003000Z h a 1 m [x y=\"1\"] text";
        let mut out = Vec::new();
        Message::parse(text).push_rfc5424(&mut out);
        assert_eq!(out, text);
        let text = b"<34>Oct 11 22:14:15 web1 su[3]: failed";
        out.clear();
        Message::parse(text).push_rfc3164(&mut out);
        assert_eq!(out, text);
        out.clear();
        push_element(&mut out, "x@1", &[("k", b"a\"b")]);
        assert_eq!(out, br#"[x@1 k="a\"b"]"#);
    }
}
