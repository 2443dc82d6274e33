//! An event, read once for all rules: who did what to what.

use std::borrow::Cow;
use std::net::IpAddr;

use indelible_query::expr::{Subject, Value};
use indelible_record::{Arch, Event, Field, Part, Record, RecordType, SocketAddress};

use super::processes::Process;
use super::view::{Column, View, ViewField};

/// What the rules ask of an event.
pub(super) struct Scene<'e> {
    event: &'e Event,
    syscall: Option<Record<'e>>,
    /// The system call's name.
    call: Option<&'static str>,
    success: Option<bool>,
    arguments: [&'e [u8]; 4],
    image: Option<Cow<'e, [u8]>>,
    pid: Option<&'e [u8]>,
    parent_pid: Option<&'e [u8]>,
    session: Option<&'e [u8]>,
    user: Option<&'e [u8]>,
    directory: Option<Cow<'e, [u8]>>,
    command_line: Option<Vec<u8>>,
    pub(super) parent: Option<Process>,
}

impl<'e> Scene<'e> {
    pub(super) fn of(event: &'e Event) -> Scene<'e> {
        let mut scene = Scene {
            event,
            syscall: event.record(RecordType::SYSCALL),
            call: None,
            success: None,
            arguments: [b""; 4],
            image: None,
            pid: None,
            parent_pid: None,
            session: None,
            user: None,
            directory: None,
            command_line: None,
            parent: None,
        };
        if let Some(syscall) = scene.syscall {
            scene.read(&syscall);
        }
        scene
    }

    /// The fields of the SYSCALL record, in one pass.
    fn read(&mut self, syscall: &Record<'e>) {
        let (mut arch, mut number) = (&b""[..], &b""[..]);
        for field in syscall.fields() {
            match field.name {
                b"arch" => arch = field.value,
                b"syscall" => number = field.value,
                b"success" => self.success = Some(field.value == b"yes"),
                [b'a', digit @ b'0'..=b'3'] => {
                    self.arguments[usize::from(digit - b'0')] = field.value;
                }
                b"ppid" => self.parent_pid = Some(field.value),
                b"pid" => self.pid = Some(field.value),
                b"ses" => self.session = Some(field.value),
                b"exe" if !field.is_null() => {
                    self.image = Some(field.decoded(RecordType::SYSCALL));
                }
                b"uid" if field.part == Part::Body => self.user = Some(user(field.value)),
                b"UID" if field.part == Part::Enriched => self.user = Some(field.value),
                _ => {}
            }
        }
        self.call = syscall_name(arch, number);
    }

    /// The record of a system call's name, from its fields.
    pub(super) fn is(&self, view: View) -> bool {
        let call = self.call.unwrap_or_default();
        match view {
            View::Record | View::Event => true,
            View::Process => matches!(call, "execve" | "execveat") && self.success == Some(true),
            View::Network => call == "connect",
            View::FileWrite | View::FileDelete | View::FileAccess => self.success == Some(true),
        }
    }

    /// Reads what only rules about programs ask for.
    pub(super) fn read_program(&mut self) {
        self.directory = self.event.cwd();
        self.command_line = self.event.command_line();
    }

    pub(super) fn read_directory(&mut self) {
        self.directory = self.event.cwd();
    }

    pub(super) fn image(&self) -> Option<&[u8]> {
        self.image.as_deref()
    }

    pub(super) fn command_line(&self) -> Option<&[u8]> {
        self.command_line.as_deref()
    }

    pub(super) fn pid(&self) -> Option<u32> {
        number(self.pid?)
    }

    pub(super) fn parent_pid(&self) -> Option<u32> {
        number(self.parent_pid?)
    }

    pub(super) fn event(&self) -> &'e Event {
        self.event
    }

    /// The files of a view, with their whole paths.
    pub(super) fn files(&self, view: View) -> Vec<Vec<u8>> {
        let paths = self.event.paths();
        paths
            .into_iter()
            .filter(|path| {
                let nametype = path.nametype.unwrap_or_default();
                match view {
                    View::FileWrite => {
                        nametype == b"CREATE" || (nametype == b"NORMAL" && self.opens_to_write())
                    }
                    View::FileDelete => nametype == b"DELETE",
                    _ => nametype == b"NORMAL" && self.opens(),
                }
            })
            .filter_map(|path| Some(self.whole_path(path.name?)))
            .collect()
    }

    fn opens(&self) -> bool {
        matches!(self.call, Some("open" | "openat" | "openat2"))
    }

    /// Whether the call opens a file for writing; include/uapi/asm-generic/fcntl.h.
    fn opens_to_write(&self) -> bool {
        const ACCESS: u64 = 0o3;
        let flags = match self.call {
            Some("creat" | "truncate") => return true,
            Some("open") => self.arguments[1],
            Some("openat") => self.arguments[2],
            _ => return false,
        };
        let flags = std::str::from_utf8(flags).ok();
        flags
            .and_then(|flags| u64::from_str_radix(flags, 16).ok())
            .is_some_and(|flags| flags & ACCESS != 0)
    }

    fn whole_path(&self, name: Cow<'_, [u8]>) -> Vec<u8> {
        let directory = self.directory.as_deref().unwrap_or_default();
        if name.starts_with(b"/") || directory.is_empty() {
            return name.into_owned();
        }
        let name = name.strip_prefix(b"./").unwrap_or(&name);
        let separator: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
        [directory, separator, name].concat()
    }

    /// Where the call connects to.
    pub(super) fn destination(&self) -> Option<(IpAddr, u16)> {
        match SocketAddress::read(&self.event.sockaddr()?)? {
            SocketAddress::Inet { address, port } => Some((address.into(), port)),
            SocketAddress::Inet6 { address, port, .. } => Some((address.to_canonical(), port)),
            _ => None,
        }
    }
}

/// One Sigma event of a view.
pub(super) struct Seen<'s, 'e> {
    pub(super) scene: &'s Scene<'e>,
    pub(super) file: Option<&'s [u8]>,
    pub(super) destination: Option<(IpAddr, u16)>,
}

type Test<'t> = &'t mut dyn FnMut(Value<'_>) -> bool;

impl Subject for Seen<'_, '_> {
    type Field = ViewField;

    #[inline]
    fn any(&self, field: &ViewField, test: Test<'_>) -> bool {
        match field {
            ViewField::Column(column) => self.column(*column).is_some_and(test),
            ViewField::Raw(name) => {
                let mut records = self.scene.event.records();
                records.any(|record| named(&record, name, test))
            }
            ViewField::Any => {
                let scene = self.scene;
                scene.event.records().any(|record| every(&record, test))
                    || scene
                        .command_line()
                        .is_some_and(|line| test(Value::Text(line)))
            }
        }
    }
}

impl Seen<'_, '_> {
    fn column(&self, column: Column) -> Option<Value<'_>> {
        let scene = self.scene;
        let text = match column {
            Column::Image => scene.image(),
            Column::CommandLine => scene.command_line(),
            Column::ParentImage => scene.parent.as_ref().map(|parent| &*parent.image),
            Column::ParentCommandLine => scene
                .parent
                .as_ref()
                .map(|parent| &*parent.command_line)
                .filter(|line| !line.is_empty()),
            Column::User => scene.user,
            Column::CurrentDirectory => scene.directory.as_deref(),
            Column::ProcessId => scene.pid,
            Column::ParentProcessId => scene.parent_pid,
            Column::LogonId => scene.session,
            Column::TargetFilename => self.file,
            Column::DestinationIp => return Some(Value::Address(self.destination?.0)),
            Column::DestinationPort => {
                return Some(Value::Number(i64::from(self.destination?.1)));
            }
            Column::Initiated => Some(&b"true"[..]),
            Column::Computer => scene.event.node(),
            Column::UtcTime => {
                let ms = scene.event.stamp()?.ms();
                return Some(Value::Number(i64::try_from(ms).ok()?));
            }
        };
        text.map(Value::Text)
    }
}

/// A field of a record by its name.
fn named(record: &Record<'_>, name: &[u8], test: Test<'_>) -> bool {
    record
        .fields()
        .filter(|field| field.name == name && !field.is_null())
        .any(|field| test(Value::Text(&decoded(record, &field))))
}

/// Every value of a record.
pub(super) fn every(record: &Record<'_>, test: Test<'_>) -> bool {
    record
        .fields()
        .filter(|field| !field.is_null())
        .any(|field| test(Value::Text(&decoded(record, &field))))
}

pub(super) fn decoded<'e>(record: &Record<'e>, field: &Field<'e>) -> Cow<'e, [u8]> {
    match field.part {
        Part::Enriched => Cow::Borrowed(field.value),
        _ => field.decoded(record.record_type()),
    }
}

/// The name that a log without names can tell.
fn user(uid: &[u8]) -> &[u8] {
    if uid == b"0" { b"root" } else { uid }
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The name of a system call, from `arch=` and `syscall=`.
pub(super) fn syscall_name(arch: &[u8], syscall: &[u8]) -> Option<&'static str> {
    let arch = u32::from_str_radix(std::str::from_utf8(arch).ok()?, 16).ok()?;
    Arch::from_audit(arch)?.syscall_name(number(syscall)?)
}
