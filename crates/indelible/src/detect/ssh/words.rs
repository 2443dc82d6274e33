//! Words for times, names, places: the same in every form of output.

use indelible_detect::ssh::message::Method;
use indelible_detect::ssh::{Key, LineId, Methods, Seen, rate_per_minute_milli};
use jiff::Timestamp;

/// RFC 3339 in UTC; the number where no calendar has it.
pub(super) fn time(ms: u64) -> String {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| ms.to_string(), |time| time.to_string())
}

/// A name or a command as text: bytes that are no UTF-8 in octal, as sshd writes them.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("\\{byte:03o}"));
        }
    }
    out
}

/// The same on one line of a table: control characters in octal too, and nothing for a blank.
pub(super) fn cell(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "(empty)".to_owned();
    }
    let mut out = String::new();
    for character in text(bytes).chars() {
        if character.is_control() || character == '\u{2028}' || character == '\u{2029}' {
            let mut utf8 = [0; 4];
            for byte in character.encode_utf8(&mut utf8).bytes() {
                out.push_str(&format!("\\{byte:03o}"));
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// What a group or campaign is named by.
pub(super) fn key(key: &Key) -> String {
    match key {
        Key::Source(address) => address.to_string(),
        Key::Network(network) => network.to_string(),
        Key::User(name) => text(name),
    }
}

/// `FILE:LINE`
pub(super) fn place(files: &[String], line: LineId) -> String {
    let file = usize::try_from(line.file)
        .ok()
        .and_then(|file| files.get(file));
    format!("{}:{}", file.map_or("?", String::as_str), line.line)
}

/// Attempts per minute; `None` for a single moment.
pub(super) fn rate(attempts: u64, seen: &Seen) -> Option<f64> {
    let milli = rate_per_minute_milli(attempts, seen)?;
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    Some(milli as f64 / 1_000.0)
}

/// Methods that were used: name, refused, let in.
pub(super) fn methods(methods: &Methods) -> Vec<(&'static str, u32, u32)> {
    let tallies = methods.refused.iter().zip(&methods.accepted);
    let named = Method::ALL.iter().zip(tallies);
    let mut all: Vec<_> = named
        .map(|(method, (refused, accepted))| (method.name(), *refused, *accepted))
        .filter(|(_, refused, accepted)| refused + accepted > 0)
        .collect();
    if methods.refused_audit > 0 {
        all.push(("pam", methods.refused_audit, 0));
    }
    all
}
