//! Heads of lines, read one after the other.

use std::ops::Range;

use crate::limits::PREFIX_BYTES_MAX;
use crate::scan;
use crate::stamp::{Found, Stamp};

/// The head of a line as auditd and collectors write it.
///
/// ```text
/// node=h1 type=CWD msg=audit(1700000000.123:45): cwd="/"
/// ```
#[derive(Clone, Debug)]
pub struct Head<'l> {
    line: &'l [u8],
    node: Range<usize>,
    name: Range<usize>,
    found: Found,
}

/// Reads the heads of lines that follow each other. Those of one event share node and stamp, which are
/// compared with the line's before and not read again.
#[derive(Debug, Default)]
pub struct Heads<'l> {
    /// `node=h1 `, as it stood last.
    node: &'l [u8],
    /// `audit(1700000000.123:45)`, and what it says.
    stamp: (&'l [u8], Stamp),
}

impl<'l> Heads<'l> {
    /// The head of the next line; none where it is no usual one, of which [`crate::Record::parse`] knows
    /// more. What there is agrees with that.
    #[inline]
    pub fn read(&mut self, line: &'l [u8]) -> Option<Head<'l>> {
        let (mut node, mut at) = (0..0, 0);
        if line.starts_with(NODE) {
            at = match line.starts_with(self.node) && !self.node.is_empty() {
                true => self.node.len(),
                false => {
                    let end = word(line, NODE.len(), NODE_BYTES_MAX)?;
                    self.node = &line[..=end];
                    end + 1
                }
            };
            node = NODE.len()..at - 1;
        }
        if !line[at..].starts_with(TYPE) {
            return None;
        }
        let name = at + TYPE.len()..word(line, at + TYPE.len(), NAME_BYTES_MAX)?;
        let start = name.end + MSG.len();
        if !line[name.end..].starts_with(MSG) {
            return None;
        }
        let rest = &line[start..];
        let (text, stamp) = match self.stamp {
            known @ (text, _) if !text.is_empty() && rest.starts_with(text) => known,
            _ => {
                let (stamp, length) = Stamp::read(rest.strip_prefix(AUDIT)?)?;
                let close = AUDIT.len() + length;
                if rest.get(close) != Some(&b')') {
                    return None;
                }
                (&rest[..=close], stamp)
            }
        };
        self.stamp = (text, stamp);
        Some(Head {
            line,
            node,
            name,
            found: Found {
                stamp,
                start,
                close: start + text.len() - 1,
            },
        })
    }
}

impl<'l> Head<'l> {
    /// Time and serial.
    pub fn stamp(&self) -> Stamp {
        self.found.stamp
    }

    /// The host in the `node=` prefix.
    pub fn node(&self) -> Option<&'l [u8]> {
        (self.node.end > 0).then(|| &self.line[self.node.clone()])
    }

    /// The name of the type.
    pub fn name(&self) -> &'l [u8] {
        &self.line[self.name.clone()]
    }

    /// Node, name and stamp, as the frame of a record has them.
    pub(crate) fn frame(&self) -> ((u32, u32), (u32, u32), Found) {
        let range = |range: &Range<usize>| (range.start as u32, range.end as u32);
        (range(&self.node), range(&self.name), self.found)
    }
}

/// Where the word from `start` on ends, at a blank; none where it is too long, or where what is in it
/// could begin another stamp.
#[inline]
fn word(line: &[u8], start: usize, max: usize) -> Option<usize> {
    let near = &line[start..line.len().min(start + max)];
    let length = scan::find_either(near, b' ', b'(')?;
    (near[length] == b' ').then_some(start + length)
}

const NODE: &[u8] = b"node=";
const TYPE: &[u8] = b"type=";
const MSG: &[u8] = b" msg=";
const AUDIT: &[u8] = b"audit(";
/// Longest name of a node that is read here.
const NODE_BYTES_MAX: usize = 256;
/// Longest name of a type.
const NAME_BYTES_MAX: usize = 64;
/// The stamp begins where that of any line may.
const _: () = assert!(NODE_BYTES_MAX + NAME_BYTES_MAX + 32 < PREFIX_BYTES_MAX);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    #[test]
    fn agrees_with_the_parser() {
        let lines = [
            "type=SYSCALL msg=audit(1700000000.002:3): items=1",
            "type=CWD msg=audit(1700000000.002:3): cwd=\"/\"",
            "type=CWD msg=audit(1700000000.002:31): cwd=\"/\"",
            "type=CWD msg=audit(1700000000.002:3",
            "node=a type=PATH msg=audit(1.002:3): x\x1dUID=\"root\"",
            "node=a type=CWD msg=audit(1.002:3): x",
            "node=ab type=CWD msg=audit(1.002:3): x",
            "node=a",
            "node= type=CWD msg=audit(1.002:3): x",
            "node=audit(1.002:3) type=CWD msg=audit(1.002:4): x",
            "type=audit(1.002:3) msg=audit(1.002:4): x",
            "type=CWD msg=audit(x) msg=audit(1.002:4): x",
            "node=a x type=CWD msg=audit(1.002:3): x",
            "type=CWD x msg=audit(1.002:3): x",
            "type=UNKNOWN[1302] msg=audit(1.002:3): x",
            "type=1307 msg=audit(1.002:4294967296): x",
            "rubbish",
            "",
        ];
        let mut usual = 0;
        // Each after each other one.
        for before in lines {
            for line in lines {
                let mut heads = Heads::default();
                let _ = heads.read(before.as_bytes());
                let record = Record::parse(line.as_bytes());
                let next = Record::parse_next(line.as_bytes(), &mut heads);
                assert_eq!(format!("{next:?}"), format!("{record:?}"), "{line}");
                if let Some(head) = Heads::default().read(line.as_bytes()) {
                    usual += 1;
                    assert_eq!(Some(head.stamp()), record.stamp());
                    assert_eq!(head.node(), record.node());
                    assert!(
                        line.contains(&format!("type={} ", String::from_utf8_lossy(head.name())))
                    );
                }
            }
        }
        assert_eq!(usual, 8 * lines.len());
        let long = format!("node={} type=CWD msg=audit(1.002:3): x", "n".repeat(300));
        assert!(Heads::default().read(long.as_bytes()).is_none());
    }
}
