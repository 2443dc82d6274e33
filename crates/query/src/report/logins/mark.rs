//! What an event says about login sessions.

use indelible_record::{Event, Field, Part, Record, RecordType, Stamp, UNSET};

/// What one event says, copied out of it: marks are gathered on any core and looked at in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub(super) stamp: Stamp,
    pub(super) node: Option<Box<[u8]>>,
    pub(super) says: Says,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// LOGIN: a process set its login uid; with the name that auditd knew.
    Begins(Who, Option<Box<[u8]>>),
    /// USER_LOGIN that succeeded.
    ComesFrom(Who, From),
    /// USER_LOGIN that failed.
    Fails(Tried, From),
    /// USER_END.
    Ends(Who),
    /// SYSTEM_BOOT.
    Boots,
    /// SYSTEM_SHUTDOWN.
    ShutsDown,
    /// DAEMON_START, with the version of the kernel.
    Kernel(Box<[u8]>),
}

/// The process that is a session's first, and the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) auid: u32,
    pub(super) pid: u32,
    pub(super) session: u32,
}

/// Where somebody sits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct From {
    pub(super) terminal: Box<[u8]>,
    /// None where the record says `?`.
    pub(super) host: Option<Box<[u8]>>,
}

/// Whom somebody tried to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    Account(Box<[u8]>),
    /// [`UNSET`] where the record says neither.
    Id(u32),
}

impl Mark {
    /// What the event says; none where it says nothing, or less than it must.
    pub fn read(event: &Event) -> Option<Mark> {
        let says = event.records().find_map(|record| says(&record))?;
        Some(Mark {
            stamp: event.stamp()?,
            node: event.node().map(Box::from),
            says,
        })
    }
}

fn says(record: &Record<'_>) -> Option<Says> {
    match record.record_type() {
        RecordType::LOGIN => {
            // Kernels before 3.x wrote `old auid=… new auid=…`.
            let who = Who {
                auid: number(record, "auid").or_else(|| number(record, "new auid"))?,
                pid: number(record, "pid")?,
                session: number(record, "ses").or_else(|| number(record, "new ses"))?,
            };
            let name = record.get_enriched(b"auid").map(Box::from);
            who.is_set().then_some(Says::Begins(who, name))
        }
        USER_LOGIN => user_login(record),
        USER_END => who(record).map(Says::Ends),
        SYSTEM_BOOT => Some(Says::Boots),
        SYSTEM_SHUTDOWN => Some(Says::ShutsDown),
        DAEMON_START => {
            let kernel = record.get("kernel")?;
            Some(Says::Kernel(kernel.value.into()))
        }
        _ => None,
    }
}

fn user_login(record: &Record<'_>) -> Option<Says> {
    let has_succeeded = record.get("res")?.value == b"success";
    let host = match record.get("hostname")? {
        host if host.is_null() => record.get("addr")?,
        host => host,
    };
    let terminal = record.get("terminal")?.value;
    let from = From {
        terminal: terminal.strip_prefix(b"/dev/").unwrap_or(terminal).into(),
        host: (!host.is_null()).then(|| host.value.into()),
    };
    if has_succeeded {
        // Who could not be found in the list of users has `acct=` instead, and no session.
        record.get("id")?;
        return Some(Says::ComesFrom(who(record)?, from));
    }
    let tried = match record.get("acct") {
        Some(acct) => Tried::Account(acct.decoded(record.record_type()).into()),
        None => Tried::Id(number(record, "id").unwrap_or(UNSET)),
    };
    Some(Says::Fails(tried, from))
}

/// The process that wrote a record, if it is of a session.
fn who(record: &Record<'_>) -> Option<Who> {
    // A program must not be able to speak of other processes than its own.
    let kernels = |name| {
        let field = record.get(name).filter(|field| field.part == Part::Body);
        field.and_then(|field| parsed(&field))
    };
    let who = Who {
        auid: kernels("auid")?,
        pid: kernels("pid")?,
        session: kernels("ses")?,
    };
    who.is_set().then_some(who)
}

impl Who {
    fn is_set(self) -> bool {
        self.auid != UNSET && self.session != UNSET
    }
}

fn number(record: &Record<'_>, name: &str) -> Option<u32> {
    record.get(name).and_then(|field| parsed(&field))
}

fn parsed(field: &Field<'_>) -> Option<u32> {
    std::str::from_utf8(field.value).ok()?.parse().ok()
}

const USER_END: RecordType = RecordType(1106);
const USER_LOGIN: RecordType = RecordType(1112);
const SYSTEM_BOOT: RecordType = RecordType(1127);
const SYSTEM_SHUTDOWN: RecordType = RecordType(1128);
const DAEMON_START: RecordType = RecordType(1200);
