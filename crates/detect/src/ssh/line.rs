//! A line of a log: stamp, host, who wrote it, and the message.
//!
//! ```text
//! Nov 25 17:40:05 web1 sshd[5275]: Failed password for …
//! └─ stamp ─────┘ host └ ident ─┘  └─ message
//! ```
//!
//! Also with a priority in front (`<38>`), without a host (as programs write to /dev/log), with an
//! RFC 3339 stamp, and in RFC 5424's form.

use super::stamp::{self, Calendar};

/// A line that sshd wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// ms since 1970, UTC.
    pub time_ms: Option<u64>,
    /// Empty where the line has none.
    pub host: &'a [u8],
    /// The process.
    pub pid: Option<u32>,
    /// What it said.
    pub text: &'a [u8],
    /// Length of the whole line.
    pub line_bytes: usize,
}

/// The line, if sshd, sshd-session or sshd-auth wrote it. `None` is another program's, or no line
/// of a log.
pub fn parse<'a>(line: &'a [u8], calendar: &Calendar<'_>) -> Option<Line<'a>> {
    // Most lines of a log are other programs': one search spares them the rest.
    memchr::memmem::find(line, b"sshd")?;
    let start = priority(line).unwrap_or(line);
    if let Some(rest) = start.strip_prefix(b"1 ") {
        return rfc5424(rest, line.len(), calendar);
    }
    let (time_ms, rest) = stamp::take(start, calendar)?;
    let (host, (pid, text)) = match ident(rest) {
        Some(found) => (&rest[..0], found),
        None => {
            let blank = memchr::memchr(b' ', rest)?;
            (&rest[..blank], ident(&rest[blank + 1..])?)
        }
    };
    Some(Line {
        time_ms: Some(time_ms),
        host,
        pid,
        text: without_id(text),
        line_bytes: line.len(),
    })
}

/// A line that sshd wrote to a file of its own (`sshd -E`) or to its standard error: the message
/// alone, without time, host and process. sshd does not escape line feeds there, so a client can
/// forge whole lines of such a log.
pub fn bare(line: &[u8]) -> Line<'_> {
    Line {
        time_ms: None,
        host: &line[..0],
        pid: None,
        text: line.strip_suffix(b"\r").unwrap_or(line),
        line_bytes: line.len(),
    }
}

/// Whether a log that begins with this line is one of bare messages.
pub fn is_bare(first: &[u8], calendar: &Calendar<'_>) -> bool {
    let text = bare(first).text;
    parse(first, calendar).is_none()
        && (text.starts_with(b"Server listening on ")
            || super::grammar::parse(text, first.len()).is_some())
}

/// `<N>`
fn priority(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"<")?;
    let (_, rest) = super::tail::number(rest)?;
    rest.strip_prefix(b">")
}

/// `TIME HOST APP PROCID MSGID SD [MSG]`
fn rfc5424<'a>(rest: &'a [u8], line_bytes: usize, calendar: &Calendar<'_>) -> Option<Line<'a>> {
    let (time_ms, rest) = match rest.strip_prefix(b"- ") {
        Some(rest) => (None, rest),
        None => stamp::take(rest, calendar).map(|(ms, rest)| (Some(ms), rest))?,
    };
    let mut words = rest.splitn(5, |byte| *byte == b' ');
    let (host, app, process) = (words.next()?, words.next()?, words.next()?);
    words.next()?;
    let data = words.next()?;
    if !is_sshd(app) {
        return None;
    }
    let text = match data.strip_prefix(b"-") {
        Some(text) => text,
        None => after_structured_data(data)?,
    };
    let text = text.strip_prefix(b" ").unwrap_or(text);
    Some(Line {
        time_ms,
        host: if host == b"-" { b"" } else { host },
        pid: super::tail::number(process)
            .filter(|(_, rest)| rest.is_empty())
            .map(|(pid, _)| pid),
        text: text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text),
        line_bytes,
    })
}

/// `[id name="value" …]…`, where a value may hold escaped quotes and brackets.
fn after_structured_data(data: &[u8]) -> Option<&[u8]> {
    let mut rest = data;
    while rest.first() == Some(&b'[') {
        let mut quoted = false;
        let mut at = 1;
        loop {
            match (rest.get(at)?, quoted) {
                (b'\\', true) => at += 1,
                (b'"', _) => quoted = !quoted,
                (b']', false) => break,
                _ => {}
            }
            at += 1;
        }
        rest = &rest[at + 1..];
    }
    (rest.len() < data.len()).then_some(rest)
}

/// `[PATH/]sshd[-session|-auth][(…)][ ][[PID]]: `, then the message.
fn ident(rest: &[u8]) -> Option<(Option<u32>, &[u8])> {
    let mut length = 0;
    while rest.get(length).is_some_and(|byte| !b" :[(".contains(byte)) {
        length += 1;
    }
    if !is_sshd(&rest[..length]) {
        return None;
    }
    let mut rest = &rest[length..];
    if rest.first() == Some(&b'(') {
        rest = &rest[memchr::memchr(b')', rest.get(..64.min(rest.len()))?)? + 1..];
    }
    rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let mut pid = None;
    if let Some(inner) = rest.strip_prefix(b"[") {
        let (number, after) = super::tail::number(inner)?;
        pid = Some(number);
        rest = after.strip_prefix(b"]")?;
    }
    let text = rest.strip_prefix(b":")?;
    Some((pid, text.strip_prefix(b" ").unwrap_or(text)))
}

/// Whether a program of this name (or path) is one of sshd's.
pub fn is_sshd(name: &[u8]) -> bool {
    let start = memchr::memrchr(b'/', name).map_or(0, |at| at + 1);
    matches!(&name[start..], b"sshd" | b"sshd-session" | b"sshd-auth")
}

/// Solaris puts `[ID 800047 auth.info] ` in front.
fn without_id(text: &[u8]) -> &[u8] {
    let after = text.strip_prefix(b"[ID ").and_then(|rest| {
        let close = memchr::memmem::find(rest.get(..64.min(rest.len()))?, b"] ")?;
        Some(&rest[close + 2..])
    });
    after.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_all_forms() {
        let calendar = Calendar {
            newest_local_s: 1_795_608_000,
            to_utc: &|local| local,
        };
        let check = |line: &str, expect: Option<(&str, Option<u32>, &str)>| {
            let found = parse(line.as_bytes(), &calendar);
            let found = found.map(|line| {
                let text = |bytes| std::str::from_utf8(bytes).unwrap();
                (text(line.host), line.pid, text(line.text))
            });
            assert_eq!(found, expect, "{line}");
        };
        let message = Some(("h", Some(7), "m"));
        check("Nov 25 17:40:05 h sshd[7]: m", None.or(message));
        check("<38>Nov 25 17:40:05 sshd[7]: m", Some(("", Some(7), "m")));
        check("2026-11-25T17:40:05.1+01:00 h sshd-session[7]: m", message);
        check("2026-11-25T17:40:05Z h sshd-auth[7]: m", message);
        check("Nov 25 17:40:05 h /usr/sbin/sshd[7]: m", message);
        check("Nov 25 17:40:05 h sshd(pam_unix)[7]: m", message);
        check("Nov 25 17:40:05 h sshd [7]: m", message);
        check("Nov 25 17:40:05 h sshd: m", Some(("h", None, "m")));
        check(
            "Nov 25 17:40:05 h sshd[7]: [ID 800047 auth.info] m",
            message,
        );
        check("<38>1 2026-11-25T17:40:05Z h sshd 7 - - m", message);
        check(
            "<38>1 - - sshd - - [a b=\"]\\\"\"][c] m",
            Some(("", None, "m")),
        );
        check("Nov 25 17:40:05 h sudo: grep sshd[7]: m", None);
        check("Nov 25 17:40:05 h xsshd[7]: m", None);
        check("Nov 25 17:40:05 h sshd[x]: m", None);
        check("sshd[7]: m", None);
        check("", None);
    }

    #[test]
    fn logs_of_bare_messages() {
        let calendar = Calendar {
            newest_local_s: 1_795_608_000,
            to_utc: &|local| local,
        };
        let check = |line: &str, expect: bool| {
            assert_eq!(is_bare(line.as_bytes(), &calendar), expect, "{line}");
        };
        check("Server listening on 127.0.0.1 port 2222.\r", true);
        check(
            "Failed password for root from 127.0.0.2 port 5 ssh2\r",
            true,
        );
        check(
            "Nov 25 17:40:05 h sshd[7]: Failed password for root from 127.0.0.2 port 5 ssh2",
            false,
        );
        check("type=USER_AUTH msg=audit(1.002:3): pid=1", false);
        check("", false);
        assert_eq!(bare(b"m\r").text, b"m");
    }
}
