//! Addresses, names and secrets, replaced by words that stay the same through one text.

use std::collections::HashMap;
use std::net::IpAddr;

/// What was replaced so far.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    addresses: HashMap<IpAddr, usize>,
    /// Names that are replaced wherever they stand as a word, with their replacement.
    names: Vec<(String, String)>,
}

impl Redactor {
    /// Replaces a name from now on. Names of one or two letters would replace too much.
    pub(crate) fn name(&mut self, name: &str, word: &str) {
        let known = self.names.iter().any(|(known, _)| known == name);
        if name.len() > 2 && !known && name != "localhost" {
            let number = self.names.len() + 1;
            self.names
                .push((name.to_owned(), format!("<{word}-{number}>")));
            // A longer name may hold a shorter one.
            self.names
                .sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        }
    }

    /// The text without addresses, names and secrets.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut in_key = false;
        for line in text.lines() {
            if line.contains("-----BEGIN") && line.contains("PRIVATE KEY") {
                in_key = true;
                out.push_str("<private key>\n");
            }
            if !in_key {
                out.push_str(&self.line(line));
                out.push('\n');
            }
            if in_key && line.contains("-----END") {
                in_key = false;
            }
        }
        out
    }

    fn line(&mut self, line: &str) -> String {
        let line = secret(line);
        let line = self.addresses(&line);
        let mut out = line;
        for (name, word) in &self.names {
            out = replace_word(&out, name, word);
        }
        out
    }

    fn addresses(&mut self, line: &str) -> String {
        let belongs = |character: char| character.is_ascii_hexdigit() || ".:".contains(character);
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(start) = rest.find(belongs) {
            let end = rest[start..]
                .find(|character| !belongs(character))
                .map_or(rest.len(), |length| start + length);
            out.push_str(&rest[..start]);
            self.push_address(&rest[start..end], &mut out);
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }

    /// `word` may be an address, or one with a port or a full stop.
    fn push_address(&mut self, word: &str, out: &mut String) {
        let cuts = word
            .char_indices()
            .rev()
            .filter(|(_, found)| ".:".contains(*found));
        let ends = std::iter::once(word.len()).chain(cuts.map(|(at, _)| at));
        for end in ends.take(3) {
            let Ok(address) = word[..end].parse::<IpAddr>() else {
                continue;
            };
            if address.is_loopback() || address.is_unspecified() {
                break;
            }
            let next = self.addresses.len() + 1;
            let number = *self.addresses.entry(address).or_insert(next);
            out.push_str(&format!("<address-{number}>"));
            out.push_str(&word[end..]);
            return;
        }
        out.push_str(word);
    }
}

/// The value of what is named like a secret, unless it is a path or a number.
fn secret(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    for word in SECRETS {
        let Some(at) = lower.find(word) else {
            continue;
        };
        let after = at + word.len();
        let Some(sign) = line[after..].find(['=', ':']) else {
            continue;
        };
        // The sign belongs to the name only if nothing but blanks and quotes stands between.
        if !line[after..after + sign]
            .chars()
            .all(|c| " \"'".contains(c))
        {
            continue;
        }
        let value = line[after + sign + 1..].trim_matches([' ', '"', '\'', ',']);
        if value.is_empty() || value.starts_with(['/', '<']) || value.parse::<u64>().is_ok() {
            continue;
        }
        return format!("{} <secret>", &line[..after + sign + 1]);
    }
    line.to_owned()
}

/// Replaces `name` where no letter, digit or hyphen stands beside it.
fn replace_word(text: &str, name: &str, word: &str) -> String {
    let is_part = |character: char| character.is_alphanumeric() || "-_".contains(character);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let after = &rest[at + name.len()..];
        let stands_alone = !rest[..at].chars().next_back().is_some_and(is_part)
            && !after.chars().next().is_some_and(is_part);
        out.push_str(&rest[..at]);
        out.push_str(if stands_alone { word } else { name });
        rest = after;
    }
    out.push_str(rest);
    out
}

const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "token",
    "private-key",
    "api-key",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_who_and_where_is_replaced() {
        let mut redactor = Redactor::default();
        redactor.name("web-1.example", "host");
        redactor.name("web-1", "host");
        let mut check = |text: &str, expect: &str| {
            assert_eq!(redactor.text(text), format!("{expect}\n"), "{text}");
        };
        check(
            "from 192.0.2.7:6514, 192.0.2.8.",
            "from <address-1>:6514, <address-2>.",
        );
        check("again 192.0.2.7", "again <address-1>");
        check("at [2001:db8::1]:514", "at [<address-3>]:514");
        check(
            "on 127.0.0.1 and [::]:514 at 12:30:45",
            "on 127.0.0.1 and [::]:514 at 12:30:45",
        );
        check(
            "web-1.example is web-1, not web-10",
            "<host-1> is <host-2>, not web-10",
        );
        check("secret = \"abc\"", "secret = <secret>");
        check("tokens = \"/etc/tokens\"", "tokens = \"/etc/tokens\"");
        check("token: abc", "token: <secret>");
        check(
            "x\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\ny",
            "x\n<private key>\ny",
        );
    }

    #[test]
    fn no_text_makes_it_fail() {
        let mut redactor = Redactor::default();
        redactor.name("ü€host", "host");
        for text in [
            "",
            ":",
            "::::",
            "..",
            "1.2.3",
            "token",
            "token=",
            "ü€host",
            "\u{0}ab:cd",
        ] {
            let once = redactor.text(text);
            assert_eq!(redactor.text(&once), once, "{text:?}");
        }
    }
}
