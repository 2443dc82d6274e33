//! Audit records of sshd: what PAM and sshd tell the kernel of each try.
//!
//! ```text
//! type=USER_AUTH msg=audit(…): pid=7 … msg='op=PAM:authentication … acct="root" exe="/usr/sbin/sshd"
//!     hostname=203.0.113.9 addr=203.0.113.9 terminal=ssh res=failed'
//! ```
//!
//! They cannot be forged by what a client sends: odd names are hexadecimal. They name no port and no
//! method, and sshd writes several USER_LOGIN for one connection, so tries are counted by USER_AUTH.

use std::borrow::Cow;
use std::net::IpAddr;

use indelible_record::{Event, Record, RecordType};

use super::{address, line};

/// What a record of sshd says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord<'a> {
    /// ms since 1970.
    pub time_ms: u64,
    /// The host; empty where the record names none.
    pub node: &'a [u8],
    /// Who wrote it: the sshd that serves the connection, or its child that asks PAM.
    pub pid: u32,
    /// What it is about.
    pub about: About,
    /// The peer.
    pub address: Option<IpAddr>,
    /// The account, where the record shows it.
    pub account: Option<Cow<'a, [u8]>>,
    /// Let in, or opened.
    pub success: bool,
    /// Login session and login user, where there is one by now.
    pub session: Option<(u32, u32)>,
}

/// What an audit record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// USER_AUTH of PAM: a password or an answer was checked.
    Credential,
    /// USER_LOGIN, sshd's own word on a connection, and USER_START, PAM's on a session.
    Login,
    /// USER_ERR: no such account, a wrong name.
    Error,
    /// LOGIN, CRED_ACQ: a session begins.
    Session,
}

/// Reads a record; `None` where it is not about sshd.
pub fn read<'a>(record: &Record<'a>) -> Option<AuditRecord<'a>> {
    let about = match record.record_type() {
        USER_AUTH => About::Credential,
        USER_LOGIN | USER_START => About::Login,
        USER_ERR => About::Error,
        CRED_ACQ | RecordType::LOGIN => About::Session,
        _ => return None,
    };
    let mut found = AuditRecord {
        time_ms: record.stamp()?.ms(),
        node: record.node().unwrap_or_default(),
        pid: 0,
        about,
        address: None,
        account: None,
        success: false,
        session: None,
    };
    let (mut ses, mut auid) = (None, None);
    // The kernel names no program in LOGIN: who opened the session is known by its process.
    let mut is_sshd = record.record_type() == RecordType::LOGIN;
    let mut is_credential = about != About::Credential;
    for field in record.fields() {
        match field.name {
            b"pid" => found.pid = number(field.value).unwrap_or(found.pid),
            b"ses" => ses = number(field.value),
            b"auid" => auid = number(field.value),
            b"exe" => is_sshd = line::is_sshd(&field.decoded(record.record_type())),
            b"op" => is_credential |= field.value == b"PAM:authentication",
            b"addr" => found.address = address::parse(field.value),
            b"acct" => {
                let name = field.decoded(record.record_type());
                let masked = matches!(
                    &*name,
                    b"(invalid user)" | b"(unknown)" | b"(unknown user)" | b"?"
                );
                found.account = (!masked).then_some(name);
            }
            b"res" => found.success = matches!(field.value, b"success" | b"1" | b"yes"),
            _ => {}
        }
    }
    found.session = ses.zip(auid).filter(|(ses, _)| *ses != UNSET);
    (is_sshd && is_credential && found.pid != 0).then_some(found)
}

/// Whether a record of this type can belong to an event that [`command`] reads.
pub fn is_of_command(record_type: RecordType) -> bool {
    matches!(
        record_type,
        RecordType::SYSCALL | RecordType::EXECVE | RecordType::PROCTITLE | RecordType::EOE
    )
}

/// Session and command line of an event in which a program was started.
pub fn command(event: &Event) -> Option<(u32, Vec<u8>)> {
    event.record(RecordType::EXECVE)?;
    let session = event.session().filter(|session| *session != UNSET)?;
    let mut line = event.command_line()?;
    line.truncate(crate::limits::ssh::COMMAND_BYTES);
    Some((session, line))
}

fn number(text: &[u8]) -> Option<u32> {
    let (value, rest) = super::tail::number(text)?;
    rest.is_empty().then_some(value)
}

const UNSET: u32 = u32::MAX;
const USER_AUTH: RecordType = RecordType(1100);
const CRED_ACQ: RecordType = RecordType(1103);
const USER_START: RecordType = RecordType(1105);
const USER_ERR: RecordType = RecordType(1109);
const USER_LOGIN: RecordType = RecordType(1112);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_as_the_kernel_has_them() {
        let check = |line: &str, expect: Option<(About, u32, &str, Option<&str>, bool)>| {
            let record = Record::parse(line.as_bytes());
            let found = read(&record);
            let found = found.as_ref().map(|found| {
                let account = found
                    .account
                    .as_deref()
                    .map(|name| std::str::from_utf8(name).unwrap());
                let address = found.address.map(|address| address.to_string());
                (
                    found.about,
                    found.pid,
                    address.unwrap_or_default(),
                    account,
                    found.success,
                )
            });
            let expect = expect.map(|(a, b, c, d, e)| (a, b, c.to_owned(), d, e));
            assert_eq!(found, expect, "{line}");
        };
        check(
            "type=USER_AUTH msg=audit(1700000000.123:9): pid=7 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=? acct=\"nosuch\" exe=\"/usr/sbin/sshd\" hostname=127.0.0.1 addr=127.0.0.1 terminal=ssh res=failed'",
            Some((About::Credential, 7, "127.0.0.1", Some("nosuch"), false)),
        );
        check(
            "type=USER_LOGIN msg=audit(1700000000.123:9): pid=7 uid=0 auid=4294967295 ses=4294967295 msg='op=login acct=28696E76616C6964207573657229 exe=\"/usr/sbin/sshd\" hostname=? addr=127.0.0.1 terminal=sshd res=failed'",
            Some((About::Login, 7, "127.0.0.1", None, false)),
        );
        check(
            "type=USER_AUTH msg=audit(1700000000.123:9): pid=7 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication acct=\"root\" exe=\"/usr/bin/su\" hostname=? addr=? terminal=pts/0 res=failed'",
            None,
        );
        let line = b"type=LOGIN msg=audit(1700000000.123:9): pid=7 uid=0 old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=3 res=1";
        assert_eq!(
            read(&Record::parse(line)).and_then(|found| found.session),
            Some((3, 1_000))
        );
    }
}
