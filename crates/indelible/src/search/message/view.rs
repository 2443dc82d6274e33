//! What a message says of itself. Its sender wrote all of it: none of it is proof of anything.

use std::borrow::Cow;

use indelible_detect::sigma::Level;
use indelible_detect::ssh::journal::Entry;
use indelible_wire::syslog;

use super::Class;
use crate::payload::Finding;

/// The parts of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View<'m> {
    /// When it was made, as its header has it.
    pub(super) time: Option<syslog::Stamp>,
    pub(super) host: Option<Cow<'m, [u8]>>,
    pub(super) app: Option<Cow<'m, [u8]>>,
    /// Mostly a number.
    pub(super) pid: Option<Cow<'m, [u8]>>,
    /// 0 kern to 23 local7.
    pub(super) facility: Option<u8>,
    /// 0 emergency to 7 debug.
    pub(super) severity: Option<u8>,
    pub(super) text: Cow<'m, [u8]>,
}

impl<'m> View<'m> {
    /// Reads the bytes as their class has them: a line of a file as a syslog daemon writes it. Bytes
    /// in which nothing is recognised are text.
    pub(super) fn of(class: Class, raw: &'m [u8]) -> Self {
        match class {
            Class::Syslog | Class::File => Self::of_syslog(raw),
            Class::Journal => Self::of_journal(raw),
            Class::Finding => Self::of_finding(raw),
        }
    }

    fn of_syslog(raw: &'m [u8]) -> Self {
        let message = syslog::Message::parse(raw);
        Self {
            time: message.stamp,
            host: message.host.map(Cow::from),
            app: message.app.map(Cow::from),
            pid: message.pid.map(Cow::from),
            facility: message.priority.map(syslog::Priority::facility),
            severity: message.priority.map(syslog::Priority::severity),
            text: message.text.into(),
        }
    }

    fn of_journal(raw: &'m [u8]) -> Self {
        let entry = match raw {
            [b'{', ..] => Entry::from_json(raw),
            _ => Some(Entry::from_export(raw)),
        };
        let Some(entry) = entry.filter(|entry| !entry.message().is_empty()) else {
            return Self {
                text: raw.into(),
                ..Self::default()
            };
        };
        let some = |bytes: &[u8]| (!bytes.is_empty()).then(|| Cow::Owned(bytes.to_vec()));
        Self {
            time: None,
            host: some(&entry.host),
            app: some(entry.program()),
            pid: entry
                .process()
                .map(|pid| Cow::Owned(pid.to_string().into_bytes())),
            facility: entry.facility,
            severity: entry.severity,
            text: Cow::Owned(entry.message().to_vec()),
        }
    }

    fn of_finding(raw: &'m [u8]) -> Self {
        let Ok(finding) = serde_json::from_slice::<Finding>(raw) else {
            return Self {
                text: raw.into(),
                ..Self::default()
            };
        };
        let owned = |text: String| Cow::Owned(text.into_bytes());
        Self {
            host: finding.host.map(owned),
            app: Some(owned(finding.id)),
            pid: finding.pid.map(|pid| owned(pid.to_string())),
            // As their levels are told to syslog.
            severity: Some(match finding.level {
                Level::Informational => 6,
                Level::Low => 5,
                Level::Medium => 4,
                Level::High => 3,
                Level::Critical => 2,
            }),
            text: owned(format!("{}: {}", finding.title, finding.why)),
            ..Self::default()
        }
    }

    /// The process id, where it is a number.
    pub(super) fn pid(&self) -> Option<u32> {
        std::str::from_utf8(self.pid.as_deref()?).ok()?.parse().ok()
    }

    /// `auth` for 4.
    pub(super) fn facility_name(&self) -> Option<&'static str> {
        FACILITIES.get(usize::from(self.facility?)).copied()
    }

    /// `crit` for 2.
    pub(super) fn severity_name(&self) -> Option<&'static str> {
        SEVERITIES.get(usize::from(self.severity?)).copied()
    }
}

/// RFC 5424, table 1, by the names of syslog.h.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "security", "console", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];
/// RFC 5424, table 2.
const SEVERITIES: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(class: Class, raw: &[u8], expect: &str) {
        let view = View::of(class, raw);
        let part = |part: &Option<Cow<'_, [u8]>>| {
            let part = part.as_deref().unwrap_or(b"-");
            String::from_utf8_lossy(part).into_owned()
        };
        let shown = [
            view.time.map_or("-".into(), |time| time.to_string()),
            part(&view.host),
            part(&view.app),
            part(&view.pid),
            view.facility_name().unwrap_or("-").into(),
            view.severity_name().unwrap_or("-").into(),
            String::from_utf8_lossy(&view.text).into_owned(),
        ];
        assert_eq!(shown.join("|"), expect);
    }

    #[test]
    fn what_messages_say() {
        check(
            Class::Syslog,
            b"<34>Oct 11 22:14:15 web1 su[230]: failed",
            "Oct 11 22:14:15|web1|su|230|auth|crit|failed",
        );
        check(
            Class::File,
            b"Oct 11 22:14:15 web1 sshd[7]: x",
            "Oct 11 22:14:15|web1|sshd|7|-|-|x",
        );
        check(Class::File, b"any text", "-|-|-|-|-|-|any text");
        check(
            Class::Journal,
            br#"{"_HOSTNAME":"h","SYSLOG_IDENTIFIER":"su","_PID":"7","PRIORITY":"5","SYSLOG_FACILITY":"10","MESSAGE":"m\u0041"}"#,
            "-|h|su|7|authpriv|notice|mA",
        );
        check(
            Class::Journal,
            b"_COMM=cron\nMESSAGE=run\n_PID=9\n",
            "-|-|cron|9|-|-|run",
        );
        check(Class::Journal, b"{", "-|-|-|-|-|-|{");
        check(
            Class::Finding,
            br#"{"v":1,"id":"time-change","by":"builtin","level":"high","title":"t","why":"w","host":"h","pid":7}"#,
            "-|h|time-change|7|-|err|t: w",
        );
        check(Class::Finding, b"{}", "-|-|-|-|-|-|{}");
    }
}
