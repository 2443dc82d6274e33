//! What can be told of a line at a glance: which event it belongs to, and what it adds to it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::LazyLock;

use indelible_record::{Folded, Heads, Record, RecordType, Stamp, stamp};
use memchr::memmem::Finder;

/// What the lines of an event share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) stamp: Stamp,
    /// Of the node's name; 0 without one.
    pub(super) node: u64,
}

/// A map by key.
pub(super) type Keyed<V> = HashMap<Key, V, Folded>;

/// What a line is in its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Syscall,
    Path,
    /// PROCTITLE: one of the two last records.
    Title,
    /// EOE, the other.
    End,
    /// Only written beside a syscall.
    Companion,
    /// An event of its own.
    Single,
    Other,
}

/// How a line begins that is an event of its own, whatever it says: one that whoever feeds the scanner
/// made of something else than an audit record. Its stamp stands in it as in a record. No feeder lets
/// a record begin so.
pub const MESSAGE: &[u8] = b"\x01message ";

/// Looks at lines that follow each other.
#[derive(Debug, Default)]
pub(super) struct Glances<'l> {
    heads: Heads<'l>,
    /// The node that was seen last, and its hash.
    node: (&'l [u8], u64),
}

impl<'l> Glances<'l> {
    /// The key and the role of the next line; none where it has no stamp. Agrees with [`Record::parse`].
    #[inline]
    pub(super) fn at(&mut self, line: &'l [u8]) -> Option<(Key, Role)> {
        let Some(head) = self.heads.read(line) else {
            return unusual(line);
        };
        let node = match head.node() {
            None => 0,
            Some(node) => {
                if self.node.1 == 0 || self.node.0 != node {
                    self.node = (node, hash(node));
                }
                self.node.1
            }
        };
        let stamp = head.stamp();
        Some((Key { stamp, node }, role(head.name())))
    }
}

/// The key and the role of one line.
pub(super) fn glance(line: &[u8]) -> Option<(Key, Role)> {
    Glances::default().at(line)
}

/// The same of a line that is not as auditd writes it.
fn unusual(line: &[u8]) -> Option<(Key, Role)> {
    if line.starts_with(MESSAGE) {
        let stamp = stamp(line)?;
        let node = NODE_OF_MESSAGES;
        return Some((Key { stamp, node }, Role::Single));
    }
    let record = Record::parse(line);
    let key = Key {
        stamp: record.stamp()?,
        node: record.node().map_or(0, hash),
    };
    Some((key, role_of(record.record_type())))
}

/// Whether a record of this type is an event of its own, which waits for no others.
pub fn stands_alone(record_type: RecordType) -> bool {
    role_of(record_type) == Role::Single
}

/// Where the SYSCALL record says it: how many PATH records follow.
pub(super) fn items(line: &[u8]) -> u32 {
    const NAME: &[u8] = b" items=";
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(NAME));
    let Some(at) = FINDER.find(line) else {
        return 0;
    };
    line[at + NAME.len()..]
        .iter()
        .map_while(|byte| Some(byte.wrapping_sub(b'0')).filter(|digit| *digit < 10))
        .fold(0, |value: u32, digit| {
            value.saturating_mul(10).saturating_add(u32::from(digit))
        })
}

fn role(name: &[u8]) -> Role {
    match name {
        b"SYSCALL" => Role::Syscall,
        b"PATH" => Role::Path,
        b"CWD" | b"EXECVE" => Role::Companion,
        b"PROCTITLE" => Role::Title,
        b"EOE" => Role::End,
        _ => role_of(RecordType::from_name(name).unwrap_or_default()),
    }
}

pub(super) fn role_of(record_type: RecordType) -> Role {
    match record_type {
        RecordType::SYSCALL | RecordType::URINGOP => Role::Syscall,
        RecordType::PATH => Role::Path,
        RecordType::PROCTITLE => Role::Title,
        RecordType::EOE => Role::End,
        other if other.needs_syscall() => Role::Companion,
        other if other.is_single() => Role::Single,
        _ => Role::Other,
    }
}

/// The same on every run: two nodes of one hash would have to share a stamp as well.
fn hash(node: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(node);
    hasher.finish() | 1
}

/// No node's hash is even, and what has none has 0.
const NODE_OF_MESSAGES: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_parser() {
        for line in [
            "type=SYSCALL msg=audit(1.002:3): items=1",
            "type=SYSCALLaudit(1.002:3): items=1",
            "type=UNKNOWN[1302] msg=audit(1.002:3): x",
            "type=1307 msg=audit(1.002:3): x",
            "type=CWD msg=audit(x) msg=audit(1.002:3): x",
            "type=CWD x msg=audit(1.002:3): x",
            "node=a type=PATH msg=audit(1.002:3): x",
            "Nov 14 kernel: [1.2] audit: type=1307 audit(1.002:3): cwd=\"/\"",
            "type=USER_CMD msg=audit(1.002:3): x",
            "type=AVC msg=audit(1.002:3): x",
            "type=EOE msg=audit(1.002:3): ",
            "type=PROCTITLE msg=audit(1.002:x): ",
            "rubbish",
            "",
        ] {
            let record = Record::parse(line.as_bytes());
            let expect = record.stamp().map(|stamp| {
                let node = record.node().map_or(0, hash);
                (Key { stamp, node }, role_of(record.record_type()))
            });
            assert_eq!(glance(line.as_bytes()), expect, "{line}");
        }
        let message = [MESSAGE, b"type=PATH msg=audit(1.002:3): type=CWD"].concat();
        let (key, role) = glance(&message).unwrap();
        assert_eq!((key.stamp.serial, role), (3, Role::Single));
        assert_ne!(
            Some(key),
            glance(&message[MESSAGE.len()..]).map(|(key, _)| key)
        );
        assert_eq!(items(b"exit=0 items=12 ppid=1"), 12);
        assert_eq!(items(b"exit=0 items=x"), 0);
        assert_eq!(items(b"exit=0"), 0);
    }
}
