//! Sessions for people, as aulast prints them, as JSON and as CSV.

use indelible_record::write::{Locale, push_json_string, push_rfc3339};
use indelible_record::{Stamp, UNSET};

use super::mark::Tried;
use super::sessions::{End, Session, User};
use crate::report::Form;
use crate::report::write::{Escape, push_csv_text, push_escaped, push_number};

/// A report about login sessions, or about logins that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logins {
    /// How it is written.
    pub form: Form,
    /// How bytes that an attacker chose are made harmless.
    pub escape: Escape,
    rows: u64,
}

/// A value of a row of JSON or CSV.
enum Value<'a> {
    Missing,
    Number(u32),
    Text(&'a [u8]),
    Time(Stamp),
}

impl Logins {
    /// A report without rows.
    pub fn new(form: Form, escape: Escape) -> Self {
        Self {
            form,
            escape,
            rows: 0,
        }
    }

    /// Appends what stands above the first row: nothing in text, as with aulast.
    pub fn begin(&self, out: &mut Vec<u8>) {
        match self.form {
            Form::Text => {}
            Form::Json => out.extend_from_slice(b"{\"report\":\"logins\",\"rows\":["),
            Form::Csv => {
                out.extend_from_slice(COLUMNS.join(",").as_bytes());
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Appends a row.
    pub fn row(&mut self, session: &Session, locale: &Locale<'_>, out: &mut Vec<u8>) {
        self.rows += 1;
        match self.form {
            Form::Text => self.line(session, locale, out),
            Form::Json => {
                out.extend_from_slice(if self.rows == 1 { b"\n" } else { b",\n" });
                let user = session.user.shown(locale);
                for (index, (name, value)) in COLUMNS.iter().zip(session.values(&user)).enumerate()
                {
                    out.push(if index == 0 { b'{' } else { b',' });
                    out.extend_from_slice(format!("\"{name}\":").as_bytes());
                    match value {
                        Value::Missing => out.extend_from_slice(b"null"),
                        Value::Number(number) => push_number(i64::from(number), out),
                        Value::Text(text) => push_json_string(text, out),
                        Value::Time(stamp) => {
                            out.push(b'"');
                            push_rfc3339(stamp, out);
                            out.push(b'"');
                        }
                    }
                }
                out.push(b'}');
            }
            Form::Csv => {
                let user = session.user.shown(locale);
                for (index, value) in session.values(&user).into_iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    match value {
                        Value::Missing => {}
                        Value::Number(number) => push_number(i64::from(number), out),
                        Value::Text(text) => push_csv_text(text, out),
                        Value::Time(stamp) => push_rfc3339(stamp, out),
                    }
                }
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Appends what stands below the last row; returns whether there was one. `cut` as
    /// [`super::Sessions::cut`] has it.
    pub fn end(&self, cut: u64, out: &mut Vec<u8>) -> bool {
        if self.form == Form::Json {
            out.extend_from_slice(format!("],\"cut\":{cut}}}\n").as_bytes());
        }
        self.rows > 0
    }

    fn line(&self, session: &Session, locale: &Locale<'_>, out: &mut Vec<u8>) {
        let user = session.user.shown(locale);
        // aulast cuts names, and lets numbers be.
        let is_number = matches!(session.user, User::Tried(Tried::Id(_)));
        self.push_cell(&user, 8, !is_number, out);
        let from = session.from.as_ref();
        self.push_cell(from.map_or(b"?", |from| &*from.terminal), 12, true, out);
        let host = from.and_then(|from| from.host.as_deref());
        self.push_cell(host.unwrap_or(b"?"), 16, true, out);
        locale.push_day(session.begun, out);
        out.push(b' ');
        locale.push_minute(session.begun, out);
        out.push(b' ');
        match session.end {
            None if session.user == User::Reboot => {}
            None => out.extend_from_slice(b"  still logged in"),
            Some((End::Crash, _)) => out.extend_from_slice(b"- crash"),
            Some((End::Gone, _)) => out.extend_from_slice(b"  gone - no logout"),
            Some((End::Logout | End::Shutdown | End::Failed, at)) => {
                out.extend_from_slice(b"- ");
                locale.push_minute(at, out);
                let minutes = at.sec.saturating_sub(session.begun.sec) / 60;
                let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
                let length = match days {
                    0 => format!("  ({hours:02}:{minutes:02})"),
                    days => format!("  ({days}+{hours:02}:{minutes:02})"),
                };
                out.extend_from_slice(length.as_bytes());
            }
        }
        out.push(b'\n');
    }

    /// Appends a cell and the blank after it: at least `width` bytes, and no more where it is cut.
    fn push_cell(&self, text: &[u8], width: usize, is_cut: bool, out: &mut Vec<u8>) {
        let start = out.len();
        push_escaped(text, self.escape, out);
        if is_cut {
            out.truncate(start + width);
        }
        out.resize(out.len().max(start + width) + 1, b' ');
    }
}

impl User {
    /// As people know it.
    fn shown(&self, locale: &Locale<'_>) -> Vec<u8> {
        match self {
            User::Reboot => b"reboot".to_vec(),
            User::Tried(Tried::Account(name)) => name.to_vec(),
            User::Tried(Tried::Id(id)) => id.to_string().into_bytes(),
            User::LoggedIn(auid, known) => match (locale.names.user(*auid), known) {
                (Some(name), _) => name.into_owned().into_bytes(),
                (None, Some(name)) => name.to_vec(),
                (None, None) => format!("unknown({auid})").into_bytes(),
            },
        }
    }
}

impl Session {
    /// The values of [`COLUMNS`].
    fn values<'a>(&'a self, user: &'a [u8]) -> [Value<'a>; COLUMNS.len()] {
        let text = |text: Option<&'a [u8]>| text.map_or(Value::Missing, Value::Text);
        let number = |number: Option<u32>| match number {
            Some(number) if number != UNSET => Value::Number(number),
            _ => Value::Missing,
        };
        let from = self.from.as_ref();
        let end = match self.end {
            None => None,
            Some((End::Logout, _)) => Some("logout"),
            Some((End::Shutdown, _)) => Some("shutdown"),
            Some((End::Crash, _)) => Some("crash"),
            Some((End::Gone, _)) => Some("gone"),
            Some((End::Failed, _)) => Some("failed"),
        };
        let user = match self.user {
            User::Tried(Tried::Id(UNSET)) => Value::Missing,
            _ => Value::Text(user),
        };
        [
            Value::Time(self.begun),
            user,
            number(self.who.map(|who| who.auid)),
            text(from.map(|from| &*from.terminal)),
            text(from.and_then(|from| from.host.as_deref())),
            number(self.who.map(|who| who.session)),
            number(self.who.map(|who| who.pid)),
            text(end.map(str::as_bytes)),
            self.end.map_or(Value::Missing, |(_, at)| Value::Time(at)),
            text(self.node.as_deref()),
            Value::Number(self.begun.serial),
            number(self.login_event),
            number(self.end.map(|(_, at)| at.serial)),
        ]
    }
}

/// The columns of JSON and CSV.
const COLUMNS: [&str; 13] = [
    "time",
    "user",
    "auid",
    "terminal",
    "host",
    "session",
    "pid",
    "end",
    "until",
    "node",
    "event",
    "login_event",
    "end_event",
];
