//! An event, read once for all detections: who did what to which files.

use std::borrow::Cow;
use std::cell::OnceCell;

use indelible_record::{Arch, Event, Part, Path, Record, RecordType, Stamp};

use super::about::About;
use super::finding::Finding;
use super::table::{Key, hash};
use super::touched::Touched;
use crate::limits::builtin::EXE_BYTES_MAX;
use crate::sigma::Level;

/// What the detections ask of an event.
pub(super) struct Act<'e> {
    pub(super) event: &'e Event,
    pub(super) now_ms: u64,
    pub(super) record_type: RecordType,
    /// The system call's name; empty where there is none.
    pub(super) call: &'static str,
    pub(super) success: Option<bool>,
    pub(super) exit: Option<i64>,
    /// a0 to a3.
    pub(super) arguments: [u64; 4],
    pub(super) pid: Option<u32>,
    pub(super) ppid: Option<u32>,
    pub(super) auid: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) euid: Option<u32>,
    pub(super) exe: Option<Cow<'e, [u8]>>,
    node_hash: u64,
    paths: OnceCell<Vec<Path<'e>>>,
    argv: OnceCell<Vec<Vec<u8>>>,
    pub(super) touched: OnceCell<Vec<Touched>>,
}

impl<'e> Act<'e> {
    pub(super) fn of(now_ms: u64, event: &'e Event) -> Act<'e> {
        let mut act = Act {
            event,
            now_ms,
            record_type: event.record_type(),
            call: "",
            success: None,
            exit: None,
            arguments: [0; 4],
            pid: None,
            ppid: None,
            auid: None,
            uid: None,
            euid: None,
            exe: None,
            node_hash: hash(event.node()),
            paths: OnceCell::new(),
            argv: OnceCell::new(),
            touched: OnceCell::new(),
        };
        if let Some(syscall) = event.record(RecordType::SYSCALL) {
            act.read(&syscall);
        } else {
            act.success = event.success();
            act.pid = event.pid();
            act.auid = event.auid();
            act.uid = event.uid();
            act.exe = event.exe();
        }
        act
    }

    /// The fields of the SYSCALL record, in one pass.
    fn read(&mut self, syscall: &Record<'e>) {
        let (mut arch, mut number, mut exe) = (None, None, None);
        let (mut auid, mut uid, mut euid) = (None, None, None);
        let mut arguments = [None; 4];
        // The first of each name counts, as for a search.
        for field in syscall.fields() {
            let value = field.value;
            match field.name {
                _ if field.part != Part::Body => {}
                b"arch" => arch = arch.or(Some(value)),
                b"syscall" => number = number.or(Some(value)),
                b"success" => self.success = self.success.or(Some(value == b"yes")),
                b"exit" => {
                    self.exit = self.exit.or(text(value).and_then(|text| text.parse().ok()));
                }
                [b'a', digit @ b'0'..=b'3'] => {
                    let argument = &mut arguments[usize::from(digit - b'0')];
                    *argument = argument.or(hexadecimal(value));
                }
                b"ppid" => self.ppid = self.ppid.or(decimal(value)),
                b"pid" => self.pid = self.pid.or(decimal(value)),
                b"auid" => auid = auid.or(Some(value)),
                b"uid" => uid = uid.or(Some(value)),
                b"euid" => euid = euid.or(Some(value)),
                b"exe" => exe = exe.or(Some(field)),
                _ => {}
            }
        }
        self.arguments = arguments.map(Option::unwrap_or_default);
        self.auid = auid.and_then(decimal);
        self.uid = uid.and_then(decimal);
        self.euid = euid.and_then(decimal);
        self.exe = exe
            .filter(|field| !field.is_null())
            .map(|field| field.decoded(RecordType::SYSCALL));
        let number = number.and_then(decimal);
        self.call = arch
            .and_then(hexadecimal)
            .and_then(|arch| u32::try_from(arch).ok())
            .and_then(Arch::from_audit)
            .zip(number)
            .and_then(|(arch, number)| arch.syscall_name(number))
            .unwrap_or_default();
    }

    pub(super) fn exe(&self) -> Option<&[u8]> {
        self.exe.as_deref()
    }

    pub(super) fn is_done(&self) -> bool {
        self.success != Some(false)
    }

    pub(super) fn starts_program(&self) -> bool {
        matches!(self.call, "execve" | "execveat") && self.is_done()
    }

    /// Whether somebody had logged in.
    pub(super) fn has_login(&self) -> bool {
        self.auid
            .is_some_and(|auid| auid != indelible_record::UNSET)
    }

    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.event.stamp()
    }

    /// The host and a process on it.
    pub(super) fn key(&self, pid: u32) -> Key {
        (self.node_hash, pid)
    }

    pub(super) fn node_hash(&self) -> u64 {
        self.node_hash
    }

    /// The PATH records, by their numbers.
    pub(super) fn paths(&self) -> &[Path<'e>] {
        self.paths.get_or_init(|| self.event.paths())
    }

    /// The arguments of the program that was started, as far as records have them.
    pub(super) fn argv(&self) -> &[Vec<u8>] {
        self.argv
            .get_or_init(|| self.event.argv().unwrap_or_default().arguments)
    }

    /// An argument as an `int`.
    pub(super) fn int(&self, index: usize) -> u32 {
        // The kernel takes the lower half of the register.
        (self.arguments[index] & 0xffff_ffff) as u32
    }

    pub(super) fn finding(
        &self,
        about: &'static About,
        level: Level,
        technique: &'static str,
        why: String,
    ) -> Finding {
        Finding {
            about,
            technique,
            level,
            stamps: self.stamp().into_iter().collect(),
            node: self.event.node().map(<[u8]>::to_vec),
            pid: self.pid,
            exe: self.exe().map(<[u8]>::to_vec),
            auid: self.auid,
            why,
        }
    }

    /// The program, for a sentence.
    pub(super) fn who(&self) -> String {
        self.exe().map_or_else(
            || "an unnamed program".to_owned(),
            |exe| shown(&exe[..exe.len().min(EXE_BYTES_MAX)]).into_owned(),
        )
    }
}

/// Bytes for a sentence.
pub(super) fn shown(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

pub(super) fn decimal(value: &[u8]) -> Option<u32> {
    let text = text(value)?;
    match text.parse::<i64>().ok()? {
        -1 => Some(indelible_record::UNSET),
        number => u32::try_from(number).ok(),
    }
}

pub(super) fn hexadecimal(value: &[u8]) -> Option<u64> {
    u64::from_str_radix(text(value)?, 16).ok()
}

/// Text of a number: the kernel writes no plus.
pub(super) fn text(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    (!text.starts_with('+')).then_some(text)
}
