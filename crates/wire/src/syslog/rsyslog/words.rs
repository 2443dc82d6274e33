//! Words, quoted values, parameters, addresses and sizes of rsyslog's configuration.

use std::fmt;

/// Parameters of an object: names in lower case, each with one value or a list.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, Vec<String>)>);

impl Parameters {
    pub(super) fn parse(body: &str) -> Self {
        let mut found = Vec::new();
        let mut rest = body;
        while let Some(equals) = rest.find('=') {
            let before = rest[..equals].trim_end();
            let from = before
                .rfind(|c: char| c.is_whitespace() || c == ')' || c == ']')
                .map_or(0, |at| at + 1);
            let name = before.get(from..).unwrap_or_default().to_ascii_lowercase();
            let after = rest[equals + 1..].trim_start();
            let (values, tail) = match after.strip_prefix('[') {
                Some(list) => {
                    let (mut values, mut tail) = (Vec::new(), list);
                    loop {
                        tail = tail.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
                        if tail.is_empty() || tail.starts_with(']') {
                            break;
                        }
                        let (value, after) = value_at(tail);
                        if after.len() == tail.len() {
                            break;
                        }
                        values.push(value);
                        tail = after;
                    }
                    (values, tail.strip_prefix(']').unwrap_or(tail))
                }
                None => {
                    let (value, tail) = value_at(after);
                    (vec![value], tail)
                }
            };
            found.push((name, values));
            rest = tail;
        }
        Self(found)
    }

    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.flat_map(|(_, values)| values).map(String::as_str)
    }

    pub(super) fn value<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    /// Sets what a parameter names, where it is given.
    pub(super) fn set(&self, to: &mut Option<String>, name: &str) {
        if let Some(value) = self.value(name) {
            *to = Some(value.to_owned());
        }
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, values) in &self.0 {
            for value in values {
                write!(f, "{separator}{name}={}", Quoted(value))?;
                separator = " ";
            }
        }
        Ok(())
    }
}

/// A value in quotes or up to a blank, and what follows it.
pub(super) fn value_at(text: &str) -> (String, &str) {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = text
            .find(|c: char| c.is_whitespace() || c == ',' || c == ']')
            .unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ if c == quote => return (value, &text[at + c.len_utf8()..]),
            _ => value.push(c),
        }
    }
    (value, "")
}

/// Tells what stands inside quotes.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    pub(super) open: Option<u8>,
    escaped: bool,
}

impl Quotes {
    /// Takes the next byte; true where it stands outside of quotes and is none.
    pub(super) fn is_outside(&mut self, byte: u8) -> bool {
        match self.open {
            Some(_) if self.escaped => self.escaped = false,
            Some(_) if byte == b'\\' => self.escaped = true,
            Some(quote) if byte == quote => self.open = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => self.open = Some(byte),
            None => return true,
        }
        false
    }
}

pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = self.0.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{escaped}\"")
    }
}

pub(super) fn word_at(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// Bytes of `:property, test, "value"` before the action.
pub(super) fn property_filter_bytes(line: &str) -> Option<usize> {
    let mut quotes = Quotes::default();
    let mut was_open = false;
    for (at, byte) in line.bytes().enumerate() {
        quotes.is_outside(byte);
        let is_open = quotes.open.is_some();
        if was_open && !is_open {
            return Some(at + 1);
        }
        was_open = is_open;
    }
    None
}

/// `host`, `host:port`, `[address]:port`.
pub(super) fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => port.trim().parse().ok().filter(|port| *port != 0)?,
        None => DEFAULT_PORT,
    };
    let plain = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"');
    plain.then_some((host, port))
}

/// `1g` is 10⁹ bytes, `1G` 2³⁰.
pub(super) fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" => 1,
        "k" => 1_000,
        "K" => 1 << 10,
        "m" => 1_000_000,
        "M" => 1 << 20,
        "g" => 1_000_000_000,
        "G" => 1 << 30,
        "t" => 1_000_000_000_000,
        "T" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

pub(super) const DEFAULT_PORT: u16 = 514;
