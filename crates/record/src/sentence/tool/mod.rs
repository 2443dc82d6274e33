//! The sentence of an event in ausearch's words: what its csv and text forms say.
//!
//! [`super::Sentence`] says more and says it better; this one is for scripts that compare.

mod words;

use std::borrow::Cow;

use words::Shape;

use super::{Reader, syscall_name};
use crate::event::{Event, Path, UNSET};
use crate::interpret::{Names, SocketAddress};
use crate::number::{hexadecimal, push_hex};
use crate::record_type::RecordType;

/// The parts of the sentence: the columns of the csv form, values not escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ToolSentence {
    /// Type of the first record.
    pub(crate) event: &'static str,
    pub(crate) event_kind: &'static str,
    pub(crate) session: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) second_subject: Vec<u8>,
    pub(crate) subject_kind: &'static str,
    pub(crate) action: Vec<u8>,
    pub(crate) success: Option<bool>,
    pub(crate) object: Vec<u8>,
    /// The object as the text form says it, if that is another.
    pub(crate) short_object: Option<Vec<u8>>,
    pub(crate) second_object: Vec<u8>,
    /// The object that the first one is put to.
    pub(crate) target: Vec<u8>,
    pub(crate) object_kind: &'static str,
    pub(crate) how: Vec<u8>,
    /// First key of the syscall.
    pub(crate) key: Vec<u8>,
    pub(crate) subject_label: Vec<u8>,
    pub(crate) object_label: Vec<u8>,
    /// The subject is a security label: whom it acts as is not said.
    pub(crate) subject_is_label: bool,
}

impl ToolSentence {
    /// The sentence of an event.
    pub(crate) fn of(event: &Event, names: &dyn Names) -> ToolSentence {
        let record_type = first_type(event);
        let mut teller = Teller {
            event,
            reader: Reader { event, names },
            record_type,
            with_syscall: event.record(RecordType::SYSCALL).is_some(),
            said: ToolSentence {
                event: known_name(record_type),
                event_kind: words::event_kind(record_type),
                object_kind: "unknown",
                ..ToolSentence::default()
            },
        };
        teller.subject();
        teller.said.success = teller.success();
        teller.said.how = teller.program();
        teller.syscall();
        teller.record();
        teller.labels();
        teller.said
    }

    /// Applies `escape` to every value.
    pub(crate) fn escape(&mut self, escape: impl Fn(&mut Vec<u8>)) {
        for value in [
            &mut self.session,
            &mut self.subject,
            &mut self.second_subject,
            &mut self.action,
            &mut self.object,
            &mut self.second_object,
            &mut self.target,
            &mut self.how,
            &mut self.key,
            &mut self.subject_label,
            &mut self.object_label,
        ] {
            escape(value);
        }
        if let Some(object) = &mut self.short_object {
            escape(object);
        }
    }
}

struct Teller<'e, 'n> {
    event: &'e Event,
    reader: Reader<'e, 'n>,
    record_type: RecordType,
    with_syscall: bool,
    said: ToolSentence,
}

impl Teller<'_, '_> {
    fn text(&self, name: &str) -> Vec<u8> {
        self.reader.text(name).unwrap_or_default()
    }

    /// The same, where a value that the writer did not know stays as it stands: `?`.
    fn text_or_null(&self, name: &str) -> Option<Vec<u8>> {
        let (_, field) = self.event.field(name)?;
        match field.is_null() {
            true => Some(field.value.to_vec()),
            false => self.reader.text(name),
        }
    }

    fn labels(&mut self) {
        let label = |name: &str| {
            self.event
                .value(name)
                .map(Cow::into_owned)
                .unwrap_or_default()
        };
        // ausearch looks for the label behind other fields, which stand before it elsewhere.
        if self.with_syscall || !matches!(self.record_type.0, 1326 | 1701) {
            self.said.subject_label = label("subj");
        }
        if let Some(path) = self.event.record(RecordType::PATH)
            && let Some(field) = path.get("obj")
        {
            self.said.object_label = field.value.to_vec();
        }
    }

    fn subject(&mut self) {
        self.said.session = match self.event.session() {
            None => Vec::new(),
            Some(UNSET) => b"unset".to_vec(),
            Some(session) => session.to_string().into_bytes(),
        };
        if let Some(record) = self.event.record(RecordType::SYSCALL)
            && let Some(key) = crate::event::key_of(&record)
        {
            let keys = key.decoded(RecordType::SYSCALL);
            let first = keys.split(|byte| *byte == crate::event::KEY_SEPARATOR);
            self.said.key = first.into_iter().next().unwrap_or_default().to_vec();
        }
        if self.record_type.0 == USER_LOGIN {
            return self.login();
        }
        let login = match self.record_type {
            RecordType::LOGIN if !self.with_syscall => "old-auid",
            _ => "auid",
        };
        self.said.subject = match self.text(login) {
            name if name == b"unset" => b"system".to_vec(),
            name => name,
        };
        self.said.second_subject = self.text("uid");
        self.said.subject_kind = account_kind(self.event.uid());
        match self.record_type.0 {
            1107 => {
                self.said.subject = self.text("scontext");
                self.said.subject_is_label = true;
            }
            1200..=1299 => self.said.subject_kind = "auditd",
            1325 | 1334 if !self.with_syscall => self.said.subject_kind = "system",
            1400 if !self.with_syscall => {
                self.said.subject = self.text("scontext");
                self.said.subject_kind = "unknown-acct";
            }
            _ => {}
        }
    }

    /// Who logs in is named by the program.
    fn login(&mut self) {
        let acct = self.text("acct");
        if acct.is_empty() {
            let number = || {
                std::str::from_utf8(self.event.field("id")?.1.value)
                    .ok()?
                    .parse()
                    .ok()
            };
            self.said.subject_kind = account_kind(number());
            self.said.subject = self.text("id");
        } else {
            self.said.subject = acct;
            self.said.subject_kind = "unknown-acct";
        }
    }

    fn success(&self) -> Option<bool> {
        match self.record_type {
            RecordType::AVC | RecordType::SECCOMP if !self.with_syscall => Some(false),
            RecordType::USER_AVC => None,
            _ => self.event.success(),
        }
    }

    /// The program; the script where the program is a usual interpreter.
    fn program(&self) -> Vec<u8> {
        let exe = self.text("exe");
        let is_interpreter = INTERPRETERS.iter().any(|path| exe.starts_with(path));
        let comm = self.text("comm");
        if is_interpreter && !comm.is_empty() {
            return comm;
        }
        exe
    }

    fn syscall(&mut self) {
        if !self.with_syscall {
            self.said.action = words::UNKNOWN.into();
            return;
        }
        let name = syscall_name(self.event).unwrap_or_default();
        // ausearch has no table for this one.
        let is_known = self.event.arch() != Some(crate::arch::Arch::Riscv64.to_audit());
        let Some((action, shape)) = words::of_syscall(name).filter(|_| is_known) else {
            self.said.object_kind = "admin-defined-rule";
            self.said.action = match self.said.key.is_empty() {
                true => b"triggered-unknown-audit-rule".to_vec(),
                false => b"triggered-audit-rule".to_vec(),
            };
            self.said.object = self.said.key.clone();
            return;
        };
        self.said.action = action.into();
        self.object(shape, name);
    }

    fn object(&mut self, shape: Shape, syscall: &str) {
        let event = self.event;
        let paths = event.paths();
        let no_parent = |path: &&Path<'_>| path.nametype != Some(b"PARENT");
        let any = match paths.len() {
            1 => paths.first(),
            _ => paths.iter().find(no_parent),
        };
        let (path, kind) = match shape {
            Shape::Opened => {
                self.path(any);
                self.said.object_kind = "file";
                return;
            }
            Shape::Path => (any, "file"),
            Shape::PathOfTwo => (any.filter(|_| paths.len() > 1), "file"),
            Shape::Renamed => (paths.get(2), "file"),
            Shape::Linked => {
                self.said.target = self.full(paths.first());
                let only = paths.first().filter(|_| paths.len() == 1);
                (paths.get(2).or(only), "file")
            }
            Shape::Mounted => {
                self.said.target = self.full(paths.first());
                (paths.iter().skip(1).find(no_parent), "file-system")
            }
            Shape::FileSystem => (any, "file-system"),
            Shape::Device => (any, "unknown"),
            Shape::Mode(argument) => {
                self.said.target = self.text(argument);
                (any, "file")
            }
            Shape::Owner(argument) => {
                self.said.target = self.text(argument);
                (any, "file")
            }
            Shape::OwnerNumber(argument) => {
                let number = event
                    .field(argument)
                    .and_then(|(_, field)| hexadecimal(field.value));
                if let Some(number) = number {
                    push_hex(number, &mut self.said.target);
                }
                (any, "file")
            }
            Shape::Identity | Shape::Process => {
                if shape == Shape::Identity {
                    self.said.target = self.text("a0");
                }
                self.said.object = self.text("exe");
                self.said.how = syscall.into();
                (None, "process")
            }
            Shape::Memory => {
                self.said.object = self.text("comm");
                (None, "memory")
            }
            Shape::Socket => {
                self.said.object = self.text("saddr");
                self.said.short_object = event.sockaddr().and_then(|bytes| short(&bytes));
                (None, "socket")
            }
            Shape::Killed => {
                // More than the syscall and its command line.
                if event.records().len() > 2 {
                    self.said.action = b"killed-list-of-pids".to_vec();
                }
                (None, "process")
            }
            Shape::Module => (None, "file"),
            Shape::System => (None, "system"),
        };
        self.said.object_kind = kind;
        if path.is_some() {
            self.path(path);
        }
        if shape == Shape::Device {
            match self.said.object_kind {
                "character-device" => self.said.action = b"made-character-device".to_vec(),
                "block-device" => self.said.action = b"made-block-device".to_vec(),
                _ => {}
            }
        }
    }

    /// Takes a path for the object: its name, inode and type.
    fn path(&mut self, path: Option<&Path<'_>>) {
        let Some(path) = path else {
            return;
        };
        self.said.object = self.full(Some(path));
        self.said.second_object = path
            .inode
            .map(|inode| inode.to_string().into_bytes())
            .unwrap_or_default();
        self.said.object_kind = match path.mode.unwrap_or_default() & 0o170_000 {
            0o040_000 => "directory",
            0o020_000 => "character-device",
            0o060_000 => "block-device",
            0o010_000 => "fifo",
            0o120_000 => "symlink",
            0o140_000 => "socket",
            _ => "file",
        };
    }

    /// A path from the root; one without a name is called `(null)`.
    fn full(&self, path: Option<&Path<'_>>) -> Vec<u8> {
        let Some(path) = path else {
            return Vec::new();
        };
        let name = path.name.as_deref().unwrap_or(b"(null)");
        if name.starts_with(b"/") {
            return name.to_vec();
        }
        let mut full = self.event.cwd().map(Cow::into_owned).unwrap_or_default();
        if name == b"." {
            return full;
        }
        if !full.ends_with(b"/") {
            full.push(b'/');
        }
        full.extend_from_slice(name);
        full
    }

    /// What the first record says of it, where that is no syscall.
    fn record(&mut self) {
        let Some((action, fields, kind)) = words::of_record(self.record_type) else {
            if self.record_type != RecordType::SYSCALL && !self.with_syscall {
                self.bare();
            }
            return;
        };
        self.said.action = match action {
            "" => self.text("op"),
            action => action.into(),
        };
        if !kind.is_empty() {
            self.said.object_kind = kind;
        }
        let found = fields.iter().find_map(|name| self.text_or_null(name));
        if !fields.is_empty() {
            self.said.object = found.unwrap_or_default();
            self.said.short_object = None;
            self.said.second_object = Vec::new();
        }
        self.special();
    }

    /// A record for which ausearch has no words.
    fn bare(&mut self) {
        if self.record_type.needs_syscall() || matches!(self.record_type.0, 1800..=1899) {
            self.said.how = Vec::new();
        }
    }

    /// What some types say besides.
    fn special(&mut self) {
        match known_name(self.record_type) {
            "LOGIN" if !self.with_syscall => self.said.how = Vec::new(),
            "TTY" | "AVC" if !self.with_syscall => self.said.how = self.text("comm"),
            "ANOM_ABEND" => self.said.how = self.text("sig"),
            "ANOM_EXEC" => self.said.how = self.text("terminal"),
            "DAEMON_START" => self.said.how = b"init".to_vec(),
            "DAEMON_END" | "DAEMON_CONFIG" | "DAEMON_ROTATE" | "DAEMON_RESUME" => {
                self.said.how = b"signal".to_vec();
            }
            "SOFTWARE_UPDATE" => {
                self.said.second_object = self.text("sw_type");
                self.said.target = self.text("root_dir");
            }
            "CRYPTO_SESSION" => self.said.second_object = self.text("rport"),
            "VIRT_CONTROL" | "VIRT_RESOURCE" => self.said.target = self.text("vm"),
            "MAC_STATUS" => {
                let raw = self
                    .event
                    .field("enforcing")
                    .map(|(_, field)| field.value.to_vec());
                self.said.object = raw.unwrap_or_default();
            }
            "BPF" if self.text("op") == b"UNLOAD" => {
                self.said.action = b"unloaded-bpf-program".to_vec();
            }
            "ANOM_PROMISCUOUS" if self.with_syscall => {
                let is_left = self
                    .event
                    .field("prom")
                    .is_some_and(|(_, field)| field.value == b"0");
                self.said.action = match is_left {
                    true => b"left-promiscuous-mode-on-device".to_vec(),
                    false => b"entered-promiscuous-mode-on-device".to_vec(),
                };
            }
            "CONFIG_CHANGE" => self.configuration(),
            _ => {}
        }
    }

    fn configuration(&mut self) {
        self.said.short_object = None;
        let record = self.event.record(RecordType::CONFIG_CHANGE);
        let fields: Vec<_> = record.iter().flat_map(|record| record.fields()).collect();
        let op = self.text("op");
        let key = self
            .event
            .record(RecordType::CONFIG_CHANGE)
            .and_then(|record| {
                record
                    .get("key")
                    .map(|key| key.decoded(RecordType::CONFIG_CHANGE).into_owned())
            })
            .unwrap_or_default();
        let key: Vec<u8> = key
            .split(|byte| *byte == crate::event::KEY_SEPARATOR)
            .next()
            .unwrap_or_default()
            .to_vec();
        // The field after `op=set` is what is set; kernels without `op` put it first.
        let after_op = fields
            .iter()
            .position(|field| field.is("op"))
            .map_or(0, |at| at + 1);
        let setting = fields.get(after_op).filter(|field| {
            !matches!(
                field.name,
                b"key" | b"auid" | b"ses" | b"path" | b"dir" | b"list"
            )
        });
        if self.with_syscall {
            self.said.action = op.clone();
            self.said.object = match (op.as_slice(), setting) {
                (b"set", Some(field)) => field.name.to_vec(),
                _ if key == b"(null)" => Vec::new(),
                _ => key,
            };
            return;
        }
        let is_rule = matches!(op.as_slice(), b"add_rule" | b"remove_rule");
        match op.as_slice() {
            b"add_rule" => self.said.action = b"added-audit-rule".to_vec(),
            b"remove_rule" => self.said.action = b"deleted-audit-rule".to_vec(),
            _ => {}
        }
        if key == b"(null)" {
            if is_rule {
                self.said.success = None;
            }
        } else if !key.is_empty() {
            self.said.object = key;
        } else if let Some(field) = setting {
            self.said.object = field.value.to_vec();
        }
    }
}

/// The type of the first record that counts.
fn first_type(event: &Event) -> RecordType {
    event
        .records()
        .next()
        .map_or(RecordType(0), |record| record.record_type())
}

/// The name that ausearch 3.0.9 has for a type.
fn known_name(record_type: RecordType) -> &'static str {
    match record_type.0 {
        1338 | 1339 | 1420..=1426 | 1808 => "",
        _ => record_type.name().unwrap_or_default(),
    }
}

fn account_kind(uid: Option<u32>) -> &'static str {
    match uid {
        None => "",
        Some(0) => "privileged-acct",
        Some(1..1000) => "service-acct",
        Some(NOBODY) => "unknown-acct",
        Some(_) => "user-acct",
    }
}

/// A socket address as the text form says it: the host, or else the family.
fn short(bytes: &[u8]) -> Option<Vec<u8>> {
    let address = SocketAddress::read(bytes)?;
    Some(match &address {
        SocketAddress::Inet { address, .. } => address.to_string().into_bytes(),
        SocketAddress::Inet6 { address, .. } => address.to_string().into_bytes(),
        other => match other.family_name() {
            Some(name) => name.into(),
            None => format!("unknown-family({})", other.family()).into_bytes(),
        },
    })
}

const USER_LOGIN: u16 = 1112;
const NOBODY: u32 = 65_534;
/// Programs that stand for the script which they run.
const INTERPRETERS: &[&[u8]] = &[b"/usr/bin/python", b"/usr/bin/perl", b"/usr/bin/bash"];
