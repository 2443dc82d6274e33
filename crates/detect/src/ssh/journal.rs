//! Entries of the journal: `journalctl -o json`, an object per line, and `-o export`.
//!
//! A process may claim any identifier. Where the entry says which program wrote it (`_COMM`, which
//! journald takes from the kernel), that program must be sshd's too.

use std::borrow::Cow;

use serde_json::Value;

use super::line::{self, Line};

/// The fields of an entry that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// ms since 1970.
    pub time_ms: Option<u64>,
    /// `_HOSTNAME`
    pub host: Vec<u8>,
    identifier: Vec<u8>,
    comm: Vec<u8>,
    pid: Option<u32>,
    said_pid: Option<u32>,
    message: Vec<u8>,
    /// `SYSLOG_FACILITY`: 0 kern to 23 local7.
    pub facility: Option<u8>,
    /// `PRIORITY`: 0 emergency to 7 debug.
    pub severity: Option<u8>,
}

impl Entry {
    /// `MESSAGE`; empty where there is none.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// `SYSLOG_IDENTIFIER`, else `_COMM`; empty where there is neither.
    pub fn program(&self) -> &[u8] {
        match &self.identifier[..] {
            b"" => &self.comm,
            identifier => identifier,
        }
    }

    /// `SYSLOG_PID`, else `_PID`.
    pub fn process(&self) -> Option<u32> {
        self.said_pid.or(self.pid)
    }

    /// An entry from its JSON object; `None` where it is none.
    pub fn from_json(text: &[u8]) -> Option<Self> {
        let Value::Object(fields) = serde_json::from_slice(text).ok()? else {
            return None;
        };
        let mut entry = Self::default();
        for (name, value) in &fields {
            entry.field(name.as_bytes(), &bytes(value));
        }
        Some(entry)
    }

    /// An entry from the export format: `NAME=value` lines, or `NAME`, a length of 8 bytes and so many
    /// bytes. What is cut or broken ends it.
    pub fn from_export(text: &[u8]) -> Self {
        let mut entry = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let (head, after) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
            if let Some(equals) = memchr::memchr(b'=', head) {
                entry.field(&head[..equals], &head[equals + 1..]);
                rest = after;
                continue;
            }
            let Some((length, data)) = after.split_first_chunk::<8>() else {
                break;
            };
            let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let Some(value) = data.get(..length) else {
                break;
            };
            entry.field(head, value);
            rest = data[length..]
                .strip_prefix(b"\n")
                .unwrap_or(&data[length..]);
        }
        entry
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        let number = |value: &[u8]| std::str::from_utf8(value).ok()?.trim().parse::<u64>().ok();
        let pid = |value: &[u8]| number(value).and_then(|pid| u32::try_from(pid).ok());
        let small = |value: &[u8]| number(value).and_then(|number| u8::try_from(number).ok());
        match name {
            b"__REALTIME_TIMESTAMP" => self.time_ms = number(value).map(|us| us / 1_000),
            b"_HOSTNAME" => self.host = value.to_vec(),
            b"SYSLOG_IDENTIFIER" => self.identifier = value.to_vec(),
            b"_COMM" => self.comm = value.to_vec(),
            b"_PID" => self.pid = pid(value),
            b"SYSLOG_PID" => self.said_pid = pid(value),
            b"SYSLOG_FACILITY" => self.facility = small(value),
            b"PRIORITY" => self.severity = small(value),
            b"MESSAGE" => self.message = value.to_vec(),
            _ => {}
        }
    }

    /// The entry as a line, if sshd wrote it.
    pub fn line(&self) -> Option<Line<'_>> {
        let claims = line::is_sshd(&self.identifier)
            || (self.identifier.is_empty() && line::is_sshd(&self.comm));
        let is_known = self.comm.is_empty() || line::is_sshd(&self.comm);
        (claims && is_known).then_some(Line {
            time_ms: self.time_ms,
            host: &self.host,
            pid: self.process(),
            text: &self.message,
            line_bytes: self.message.len(),
        })
    }
}

/// A field's bytes: text, an array of bytes where it is no text, the first of several values.
fn bytes(value: &Value) -> Cow<'_, [u8]> {
    match value {
        Value::String(text) => Cow::Borrowed(text.as_bytes()),
        Value::Array(items) => match items.first() {
            Some(Value::Number(_)) => {
                let byte = |item: &Value| item.as_u64().and_then(|byte| u8::try_from(byte).ok());
                Cow::Owned(items.iter().map_while(byte).collect())
            }
            Some(Value::String(text)) => Cow::Borrowed(text.as_bytes()),
            _ => Cow::Borrowed(b""),
        },
        Value::Number(number) => Cow::Owned(number.to_string().into_bytes()),
        _ => Cow::Borrowed(b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_both_forms() {
        let check = |entry: Option<Entry>, expect: Option<(&str, Option<u32>, Option<u64>)>| {
            let found = entry.as_ref().and_then(Entry::line).map(|line| {
                (
                    std::str::from_utf8(line.text).unwrap(),
                    line.pid,
                    line.time_ms,
                )
            });
            assert_eq!(found, expect);
        };
        let json = |text: &str| Entry::from_json(text.as_bytes());
        let export = |text: &[u8]| Some(Entry::from_export(text));
        let expect = Some(("m", Some(7), Some(1_795_600_800_123)));
        check(
            json(
                r#"{"__REALTIME_TIMESTAMP":"1795600800123456","SYSLOG_IDENTIFIER":"sshd","_COMM":"sshd","SYSLOG_PID":"7","_PID":"9","MESSAGE":"m"}"#,
            ),
            expect,
        );
        check(
            json(
                r#"{"__REALTIME_TIMESTAMP":"1795600800123456","SYSLOG_IDENTIFIER":"sshd-session","_PID":"7","MESSAGE":[109]}"#,
            ),
            expect,
        );
        check(
            export(b"__REALTIME_TIMESTAMP=1795600800123456\nSYSLOG_IDENTIFIER=sshd\nMESSAGE\n\x01\0\0\0\0\0\0\0m\n_PID=7\n"),
            expect,
        );
        // Somebody who only says that he is sshd.
        check(
            json(r#"{"SYSLOG_IDENTIFIER":"sshd","_COMM":"logger","_PID":"7","MESSAGE":"m"}"#),
            None,
        );
        check(
            json(r#"{"SYSLOG_IDENTIFIER":"sudo","_PID":"7","MESSAGE":"m"}"#),
            None,
        );
        check(json("[1]"), None);
        check(json("{"), None);
        check(export(b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffm"), None);
        check(export(b""), None);
    }
}
