//! One sentence per event: who did what, to which object, how, and with what result.
//!
//! ```text
//! At 22:13:20 11/14/23 alice, acting as root, successfully deleted /etc/motd using /usr/bin/rm
//! ```
//!
//! *Who* is the login (auid), and whom they act as if that is somebody else (uid). *What* comes
//! from the syscall, or from the record that is the event's reason: a message of a program, a
//! denial, an anomaly. The parts are those of ausearch's text and csv formats.

mod action;
mod tool;

use std::borrow::Cow;

use action::{Action, Object};
pub(crate) use tool::ToolSentence;

use crate::arch::Arch;
use crate::event::{Event, Path, UNSET};
use crate::interpret::{Interpreter, Names, SocketAddress};
use crate::record_type::RecordType;

/// The parts of an event's sentence, as bytes of the log: not escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence {
    /// Who logged in; `system` where nobody did.
    pub subject: Vec<u8>,
    /// As whom they acted, if not as themselves.
    pub acting_as: Vec<u8>,
    /// What was done: "changed permissions of".
    pub action: &'static str,
    /// Whether it was done; none where the event does not say.
    pub success: Option<bool>,
    /// To what.
    pub object: Vec<u8>,
    /// A second object: the new name, the new owner.
    pub second_object: Vec<u8>,
    /// What sort of thing the object is.
    pub object_kind: &'static str,
    /// From where, for what came over a network.
    pub origin: Vec<u8>,
    /// By which program.
    pub how: Vec<u8>,
    /// What sort of event it is: `audit-rule`, `user-login`.
    pub event_kind: &'static str,
}

impl Sentence {
    /// The sentence of an event.
    pub fn of(event: &Event, names: &dyn Names) -> Sentence {
        let action = action_of(event);
        let reader = Reader { event, names };
        let (object, second_object) = reader.objects(action);
        let (subject, acting_as) = reader.subject();
        Sentence {
            subject,
            acting_as,
            action: action.phrase,
            success: success(event),
            object,
            second_object,
            object_kind: action.kind,
            origin: reader.origin(),
            how: reader
                .text("exe")
                .or_else(|| reader.text("comm"))
                .unwrap_or_default(),
            event_kind: event_kind(event.record_type()),
        }
    }
}

/// The action of the event's reason: of the record that names it, unless that is SYSCALL or has
/// none; then of the syscall.
fn action_of(event: &Event) -> Action {
    const UNKNOWN: Action = Action {
        phrase: "did something",
        object: Object::None,
        kind: "unknown",
    };
    let by_syscall = || action::of_syscall(syscall_name(event)?);
    action::of_record(event.record_type())
        .or_else(by_syscall)
        .unwrap_or_else(|| match event.keys().first() {
            Some(_) => Action {
                phrase: "triggered audit rule",
                object: Object::Field("key"),
                kind: "admin-defined-rule",
            },
            None => UNKNOWN,
        })
}

fn syscall_name(event: &Event) -> Option<&'static str> {
    Arch::from_audit(event.arch()?)?.syscall_name(event.syscall()?)
}

/// Whether it was done. A denial fails even where no syscall says so; a crash neither succeeds nor
/// fails.
fn success(event: &Event) -> Option<bool> {
    if matches!(
        event.record_type(),
        RecordType::ANOM_ABEND | RecordType::LANDLOCK_ACCESS | RecordType::LANDLOCK_DOMAIN
    ) {
        return None;
    }
    match event.value("seresult").as_deref() {
        Some(b"denied") if event.value("permissive").as_deref() != Some(b"1") => Some(false),
        Some(b"granted") => Some(true),
        _ => event.success(),
    }
}

/// Reads an event's values in words.
struct Reader<'e, 'n> {
    event: &'e Event,
    names: &'n dyn Names,
}

impl Reader<'_, '_> {
    /// The value of a field in words, unless null.
    fn text(&self, name: &str) -> Option<Vec<u8>> {
        let (record, field) = self.event.field(name)?;
        if field.is_null() {
            return None;
        }
        let mut out = Vec::new();
        if !Interpreter::new(&record, self.names).interpret(&field, &mut out) {
            out.extend_from_slice(&field.decoded(record.record_type()));
        }
        Some(out)
    }

    /// Who, and as whom.
    fn subject(&self) -> (Vec<u8>, Vec<u8>) {
        let user = self.text("uid").unwrap_or_default();
        let login = match self.event.auid() {
            Some(UNSET) => b"system".to_vec(),
            Some(_) => self.text("auid").unwrap_or_default(),
            // Records of security modules and crashes may say no more than a label or a program.
            None if user.is_empty() => {
                let label = self.text("subj").or_else(|| self.text("scontext"));
                return (label.unwrap_or_default(), Vec::new());
            }
            None => return (user, Vec::new()),
        };
        let acting_as = if user == login { Vec::new() } else { user };
        (login, acting_as)
    }

    /// The remote address of a login or of a program's message.
    fn origin(&self) -> Vec<u8> {
        let (Some(address), true) = (self.text("addr"), self.event.record_type().is_user()) else {
            return Vec::new();
        };
        address
    }

    /// The object, and the second one.
    fn objects(&self, action: Action) -> (Vec<u8>, Vec<u8>) {
        let one = |text: Option<Vec<u8>>| (text.unwrap_or_default(), Vec::new());
        match action.object {
            Object::None => one(None),
            Object::Path => (self.path().unwrap_or_default(), self.new_owner()),
            Object::TwoPaths => self.two_paths(),
            Object::Program => one(self.event.paths().first().and_then(|path| self.full(path))),
            Object::Address => one(self.address()),
            Object::Target => one(self.target()),
            Object::Itself => (self.text("exe").unwrap_or_default(), self.new_identity()),
            Object::Account => one(self.text("acct").or_else(|| self.text("id"))),
            Object::Terminal => one(self.text("terminal").or_else(|| self.text("tty"))),
            Object::Auid => one(self.text("auid")),
            Object::Module => one(self.module()),
            Object::Syscall => one(self.text("syscall")),
            Object::Exe => one(self.text("exe").or_else(|| self.text("comm"))),
            Object::Configuration => one(["key", "dir", "path", "op"]
                .iter()
                .find_map(|name| self.text(name))),
            Object::Name => one(["path", "name"]
                .iter()
                .find_map(|name| self.text(name))
                .or_else(|| self.path())),
            Object::Field(name) => one(self.text(name)),
        }
    }

    /// The path that a syscall worked on: the last that is no parent directory.
    fn path(&self) -> Option<Vec<u8>> {
        let paths = self.event.paths();
        let path = paths
            .iter()
            .rev()
            .find(|path| path.nametype != Some(b"PARENT"))
            .or(paths.last())?;
        self.full(path)
    }

    /// A path's name, from the root if the working directory is known.
    fn full(&self, path: &Path<'_>) -> Option<Vec<u8>> {
        let name = path.name.as_deref()?;
        if name.starts_with(b"/") {
            return Some(name.to_vec());
        }
        let mut full = self.event.cwd().map(Cow::into_owned).unwrap_or_default();
        if !full.is_empty() && !full.ends_with(b"/") {
            full.push(b'/');
        }
        full.extend_from_slice(name.strip_prefix(b"./").unwrap_or(name));
        Some(full)
    }

    /// What a rename took away and what it made.
    fn two_paths(&self) -> (Vec<u8>, Vec<u8>) {
        let paths = self.event.paths();
        let find = |types: &[&[u8]]| {
            let of_type = |path: &&Path<'_>| path.nametype.is_some_and(|t| types.contains(&t));
            paths.iter().find(of_type).and_then(|path| self.full(path))
        };
        let old = find(&[b"DELETE"]).or_else(|| find(&[b"NORMAL"]));
        (
            old.unwrap_or_default(),
            find(&[b"CREATE"]).unwrap_or_default(),
        )
    }

    fn address(&self) -> Option<Vec<u8>> {
        let Some(bytes) = self.event.sockaddr() else {
            return self.text("addr");
        };
        let mut out = Vec::new();
        match SocketAddress::read(&bytes)? {
            SocketAddress::Inet { address, port } => push(&mut out, &format!("{address}:{port}")),
            SocketAddress::Inet6 { address, port, .. } => {
                push(&mut out, &format!("[{address}]:{port}"));
            }
            SocketAddress::Vsock { cid, port } => push(&mut out, &format!("vsock {cid}:{port}")),
            SocketAddress::Netlink { pid, .. } => push(&mut out, &format!("netlink {pid}")),
            SocketAddress::Unix(crate::UnixName::Path(path)) => out = path,
            SocketAddress::Unix(crate::UnixName::Abstract(name)) => {
                out.push(b'@');
                out.extend_from_slice(&name);
            }
            other => push(
                &mut out,
                other.family_name().unwrap_or("an unknown address"),
            ),
        }
        Some(out)
    }

    /// The process that an action meets: its name and number, or only the number.
    fn target(&self) -> Option<Vec<u8>> {
        if let Some(record) = self.event.record(RecordType::OBJ_PID) {
            let mut out = record
                .get("ocomm")
                .map(|field| field.decoded(RecordType::OBJ_PID).into_owned())
                .unwrap_or_default();
            if let Some(pid) = record.get("opid") {
                out.extend_from_slice(b" (");
                out.extend_from_slice(pid.value);
                out.push(b')');
            }
            return Some(out);
        }
        let index = match syscall_name(self.event)? {
            "ptrace" => "a1",
            _ => "a0",
        };
        let (_, field) = self.event.field(index)?;
        let number = crate::number::hexadecimal(field.value)?;
        Some(format!("process {}", (number as u32).cast_signed()).into_bytes())
    }

    fn module(&self) -> Option<Vec<u8>> {
        let record = self.event.record(RecordType::KERN_MODULE)?;
        let name = record.get("name")?;
        Some(name.decoded(RecordType::KERN_MODULE).into_owned())
    }

    /// The uid or gid that a process takes: the first of its arguments that is not "unchanged".
    fn new_identity(&self) -> Vec<u8> {
        let takes = |name: &str| name.starts_with("set") && name.contains("id");
        if !syscall_name(self.event).is_some_and(takes) {
            return Vec::new();
        }
        ["a0", "a1", "a2"]
            .iter()
            .filter_map(|name| self.text(name))
            .find(|text| text != b"unset")
            .unwrap_or_default()
    }

    /// The owner that `chown` gives a file.
    fn new_owner(&self) -> Vec<u8> {
        let index = match syscall_name(self.event) {
            Some("chown" | "lchown" | "fchown" | "chown32" | "lchown32" | "fchown32") => "a1",
            Some("fchownat") => "a2",
            _ => return Vec::new(),
        };
        self.text(index)
            .filter(|owner| owner != b"unset")
            .unwrap_or_default()
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// What sort of event a type makes: the words of ausearch's csv format.
fn event_kind(record_type: RecordType) -> &'static str {
    match record_type.0 {
        1100 | 1101 | 1103..=1106 | 1108..=1110 | 1112 | 1113 | 1006 => "user-login",
        1102 | 1114..=1117 | 1132 | 1133 | 1135 | 1136 => "user-account",
        1119 | 1126 => "group-change",
        1107 | 1122 | 1400..=1402 | 1423 => "mac-decision",
        1124 | 1319 => "TTY",
        1127..=1131 | 2000 => "system-services",
        1111 | 1137 | 1138 | 1305 | 1325 | 1328 | 1332 | 1333 => "configuration",
        1120 | 1121 | 1123 | 1125 | 1005 => "user-space",
        1200..=1299 | 1335 => "audit-daemon",
        1326 => "dac-decision",
        1331 => "av-decision",
        1334 => "bpf-program",
        1300..=1318 | 1320..=1324 | 1327 | 1336 | 1337 => "audit-rule",
        1403..=1419 | 1424..=1426 | 2300..=2399 | 1500..=1599 => "mac",
        1420..=1422 | 1800..=1899 => "integrity",
        1700..=1799 | 2100..=2199 => "anomaly",
        2200..=2299 => "anomaly-response",
        2400..=2499 => "crypto",
        2500..=2599 => "virt",
        _ => "unknown",
    }
}
