//! An event that is not whole yet: which records it waits for, and what it lacks in the end.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::arch::Arch;
use crate::assemble::key::Key;
use crate::event::{Event, Missing};
use crate::execve;
use crate::limits;
use crate::number::decimal;
use crate::record::Record;
use crate::record_type::RecordType;
use crate::scan;
use crate::stamp::Stamp;

/// An event that waits for records, and what it knows of them.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) key: Key,
    event: Event,
    pub(super) seen_ms: u64,
    syscall: bool,
    needs_syscall: bool,
    proctitle: bool,
    end: bool,
    paths: u64,
    paths_expected: u64,
    arguments: u64,
    arguments_expected: u64,
    cut: bool,
}

impl Open {
    /// Begins an event; what was here before is gone.
    pub(super) fn begin(&mut self, key: Key, now_ms: u64) {
        *self = Open {
            key,
            event: Event::new(Some(key.stamp)),
            seen_ms: now_ms,
            ..Open::default()
        };
    }

    /// Begins an event in the place of an old one, whose memory is used again.
    pub(super) fn again(mut event: Event, stamp: Option<Stamp>) -> Open {
        event.clear();
        event.set_stamp(stamp);
        Open {
            event,
            ..Open::default()
        }
    }

    /// Bytes of the records.
    pub(super) fn bytes(&self) -> usize {
        self.event.bytes()
    }

    /// Takes a record.
    pub(super) fn add(&mut self, record: &Record<'_>, now_ms: u64) {
        self.seen_ms = now_ms;
        let number = |name: &Finder<'_>| number_of(record, name).unwrap_or_default();
        match record.record_type() {
            RecordType::SYSCALL | RecordType::URINGOP => {
                self.syscall = true;
                self.paths_expected = number(&ITEMS);
            }
            RecordType::PATH => self.paths += 1,
            RecordType::PROCTITLE => self.proctitle = true,
            RecordType::EOE => self.end = true,
            RecordType::EXECVE => {
                self.arguments_expected = self.arguments_expected.max(number(&ARGC));
                self.arguments += execve::arguments_begun(record);
            }
            _ => {}
        }
        self.needs_syscall |= record.record_type().needs_syscall();
        self.cut |= push_cut(&mut self.event, record);
    }

    /// Whether it has reached a limit.
    pub(super) fn is_full(&self) -> bool {
        self.event.records().len() >= limits::EVENT_RECORDS_MAX
            || self.event.bytes() >= limits::EVENT_BYTES_MAX
    }

    /// Whether PATH records lack. The kernel counts the parent directories of message queues among
    /// the items, and hides them.
    fn lacks_paths(&self) -> bool {
        self.paths < self.paths_expected && !is_message_queue(&self.event)
    }

    /// Whether its last record has come, and all that the records announce is there.
    pub(super) fn is_over(&self) -> bool {
        (self.end || self.proctitle) && self.is_whole()
    }

    fn is_whole(&self) -> bool {
        (self.syscall || !self.needs_syscall)
            && !self.lacks_paths()
            && self.arguments >= self.arguments_expected
    }

    /// Takes the event out, with what it lacks. `ends_events` says whether its node writes PROCTITLE
    /// or EOE records.
    pub(super) fn take(&mut self, ends_events: bool, evicted: bool) -> Event {
        let lacks_paths = self.lacks_paths();
        let mut event = std::mem::take(&mut self.event);
        let missing = &mut event.missing;
        if self.needs_syscall && !self.syscall {
            missing.push(Missing::Syscall);
        }
        if lacks_paths {
            missing.push(Missing::Paths {
                have: self.paths,
                expected: self.paths_expected,
            });
        }
        if self.arguments < self.arguments_expected {
            missing.push(Missing::Arguments {
                have: self.arguments,
                expected: self.arguments_expected,
            });
        }
        if self.syscall && !self.end && !self.proctitle && ends_events {
            missing.push(Missing::End);
        }
        if self.cut {
            missing.push(Missing::Cut);
        }
        if evicted {
            missing.push(Missing::Evicted);
        }
        event
    }
}

/// Appends a record, cut at the limit; says whether it was cut.
pub(super) fn push_cut(event: &mut Event, record: &Record<'_>) -> bool {
    let raw = record.raw();
    if raw.len() <= limits::RECORD_BYTES_MAX {
        event.push(record);
        return false;
    }
    let kept = &raw[..limits::RECORD_BYTES_MAX];
    let cut = match record.is_kernel() {
        true => Record::from_kernel(record.record_type().0, kept),
        false => Record::parse(kept),
    };
    event.push(&cut);
    true
}

/// The decimal after `name` in the kernel's text, without reading the fields before it. The
/// kernel quotes no blank inside a value, so a name behind a blank is one.
fn number_of(record: &Record<'_>, name: &Finder<'_>) -> Option<u64> {
    let body = record.body();
    let at = name
        .find_iter(body)
        .find(|at| at.checked_sub(1).is_none_or(|before| body[before] == b' '))?;
    let rest = &body[at + name.needle().len()..];
    let end = scan::find(rest, b' ').unwrap_or(rest.len());
    decimal(&rest[..end])
}

/// Whether the syscall opens or removes a message queue.
fn is_message_queue(event: &Event) -> bool {
    let name = || Arch::from_audit(event.arch()?)?.syscall_name(event.syscall()?);
    matches!(name(), Some("mq_open" | "mq_unlink"))
}

// What the kernel announces. Made once: making a searcher takes longer than searching a record.
static ITEMS: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"items="));
static ARGC: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"argc="));
