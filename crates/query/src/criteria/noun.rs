//! What the options speak of, and where records carry it.
//!
//! Which record types an option looks into was found by running ausearch 3.0.9 on a log with every
//! type in it. Types that it does not know, and in which the field means the same, are looked into
//! as well: URINGOP, AppArmor's, Landlock's.

use std::borrow::Cow;
use std::net::Ipv6Addr;
use std::sync::LazyLock;

use indelible_record::{Event, Field, Part, Record, RecordType, SocketAddress, UnixName};
use memchr::memmem::Finder;

/// A number that a process or event has: the last record that carries it says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Number {
    /// `-p`
    Pid,
    /// `-pp`
    Ppid,
    /// `--session`
    Session,
    /// `-e`
    Exit,
    /// `-sc`
    Syscall,
    /// `-ui`
    Uid,
    /// `-ue`
    Euid,
    /// `-ul`
    Auid,
    /// `-gi`
    Gid,
    /// `-ge`
    Egid,
}

impl Number {
    /// The field in the records.
    pub fn field(self) -> &'static str {
        match self {
            Self::Pid => "pid",
            Self::Ppid => "ppid",
            Self::Session => "ses",
            Self::Exit => "exit",
            Self::Syscall => "syscall",
            Self::Uid => "uid",
            Self::Euid => "euid",
            Self::Auid => "auid",
            Self::Gid => "gid",
            Self::Egid => "egid",
        }
    }

    /// The record and field that carry it.
    pub(super) fn of(self, event: &Event) -> Option<(Record<'_>, usize)> {
        event.records().rev().find_map(|record| {
            let at = record
                .fields()
                .take_while(|field| field.part != Part::Enriched)
                .find(|field| self.is(record.record_type(), field))?
                .value_start;
            Some((record, at))
        })
    }

    fn is(self, record_type: RecordType, field: &Field<'_>) -> bool {
        let name = self.field();
        // Programs that manage groups name the group in their own text.
        let managed = self == Self::Gid
            && matches!(
                record_type,
                RecordType::ADD_GROUP | RecordType::DEL_GROUP | RecordType::GRP_MGMT
            )
            && field.part == Part::Message
            && matches!(field.name, b"id" | b"gid");
        // Kernels before 3.10 wrote "old auid=… new auid=…" into LOGIN.
        let new = matches!(self, Self::Auid | Self::Session)
            && field.name.strip_prefix(b"new ") == Some(name.as_bytes());
        managed || (field.part == Part::Body && (field.is(name) || new))
    }
}

/// Text that an event has: every record that carries it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Text {
    /// `-c`
    Comm,
    /// `-x`
    Exe,
    /// `-f`: paths, working directories, unix sockets.
    File,
    /// `-hn`: remote hosts and addresses.
    Host,
    /// `-tm`
    Terminal,
    /// `-k`
    Key,
    /// `-vm`
    Guest,
    /// `-uu`
    Uuid,
    /// `-su`
    Subject,
    /// `-o`
    Object,
}

impl Text {
    /// Whether one of the event's values fulfils `test`.
    pub(super) fn any(self, event: &Event, test: impl Fn(&[u8]) -> bool) -> bool {
        event.records().any(|record| self.of(&record, &test))
    }

    fn of(self, record: &Record<'_>, test: &dyn Fn(&[u8]) -> bool) -> bool {
        let record_type = record.record_type();
        match (self, record_type) {
            (Self::Host | Self::File, RecordType::SOCKADDR) => {
                return address(record).is_some_and(|address| self.of_address(&address, test));
            }
            (Self::Host, _) => return host(record).is_some_and(|host| test(&host)),
            (Self::File, RecordType::AVC) => {
                let name = || record.get("name");
                return record
                    .get("path")
                    .or_else(name)
                    .is_some_and(|field| test(&field.decoded(record_type)));
            }
            _ => {}
        }
        // Most records have none of these fields: one search spares the tokeniser.
        let name = match self {
            Self::Key => Some(&*KEY),
            Self::Comm => Some(&*COMM),
            Self::Exe => Some(&*EXE),
            _ => None,
        };
        let Some(name) = name else {
            return self.of_fields(record_type, record.fields(), test);
        };
        let Some(at) = name.find(record.body()) else {
            return false;
        };
        match record.fields_from(at) {
            Some(fields) => self.of_fields(record_type, fields, test),
            None => self.of_fields(record_type, record.fields(), test),
        }
    }

    fn of_fields<'a>(
        self,
        record_type: RecordType,
        fields: impl Iterator<Item = Field<'a>>,
        test: &dyn Fn(&[u8]) -> bool,
    ) -> bool {
        let mut fields = fields
            .take_while(|field| field.part != Part::Enriched)
            .filter(|field| self.is(record_type, field));
        fields.any(|field| {
            let value = field.decoded(record_type);
            match self {
                Self::Key => value.split(|&byte| byte == KEY_SEPARATOR).any(test),
                _ => test(&value),
            }
        })
    }

    fn of_address(self, address: &SocketAddress, test: &dyn Fn(&[u8]) -> bool) -> bool {
        match (self, address) {
            (Self::Host, SocketAddress::Inet { address, .. }) => {
                test(address.to_string().as_bytes())
            }
            (Self::Host, SocketAddress::Inet6 { address, .. }) => test(inet6(address).as_bytes()),
            (Self::File, SocketAddress::Unix(UnixName::Path(name) | UnixName::Abstract(name))) => {
                test(name)
            }
            _ => false,
        }
    }

    fn is(self, record_type: RecordType, field: &Field<'_>) -> bool {
        let (name, in_body) = (field.name, field.part == Part::Body);
        match self {
            Self::Comm => name == b"comm",
            Self::Exe => name == b"exe",
            Self::Key => name == b"key" && in_body,
            Self::Guest => name == b"vm",
            Self::Uuid => name == b"uuid",
            Self::Terminal => {
                name == b"terminal"
                    || (name == b"tty" && in_body && record_type != RecordType::LOGIN)
            }
            Self::Subject => {
                (name == b"subj" && in_body)
                    || (name == b"scontext" && record_type == RecordType::AVC)
            }
            Self::Object => match name {
                b"obj" => matches!(record_type.0, 1302 | 1303 | 1318 | 1324),
                b"tcontext" => true,
                _ => false,
            },
            Self::File => match name {
                b"cwd" => true,
                b"name" => matches!(record_type.0, 1302 | 1500..=1599 | 1800..=1899),
                b"path" => matches!(record_type.0, 1305 | 1402 | 1423 | 2501),
                _ => false,
            },
            Self::Host => false,
        }
    }
}

fn address(record: &Record<'_>) -> Option<SocketAddress> {
    let digits = record.get("saddr")?.value;
    let byte = |pair: &[u8]| {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8)
    };
    let bytes: Option<Vec<u8>> = match digits.len() % 2 {
        0 => digits.chunks_exact(2).map(byte).collect(),
        _ => None,
    };
    SocketAddress::read(&bytes?)
}

/// As getnameinfo(3) writes it: only addresses that map IPv4 keep their dots.
fn inet6(address: &Ipv6Addr) -> String {
    address.to_string()
}

/// The remote host that a record names: `hostname`, or `addr` where that is unknown; the daemon's
/// records have an address and port.
fn host<'a>(record: &Record<'a>) -> Option<Cow<'a, [u8]>> {
    let record_type = record.record_type();
    let field = match record_type.0 {
        1207 | 1208 => {
            let value = record.get("addr")?.value;
            let end = memchr::memchr(b':', value).unwrap_or(value.len());
            return Some(Cow::Borrowed(&value[..end]));
        }
        1324 => record.get("saddr")?,
        _ => match record.get("hostname") {
            Some(name) if name.value != b"?" => name,
            name => record.get("addr").or(name)?,
        },
    };
    Some(field.decoded(record_type))
}

/// Made once: making a searcher takes longer than searching a record.
static KEY: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"key="));
static COMM: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"comm="));
static EXE: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"exe="));

/// Joins the keys of one rule.
const KEY_SEPARATOR: u8 = 1;
