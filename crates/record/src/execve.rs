//! Arguments of an `execve`, put together from its EXECVE records.
//!
//! The kernel writes `argc`, then `a0`, `a1`, … over as many records as it needs, and cuts a long
//! argument into `a7_len=20000 a7[0]=… a7[1]=…` (`audit_log_execve_info` in kernel/auditsc.c). The
//! numbers in these names order what is there; they are never sizes.

use crate::field::Field;
use crate::limits::ARGUMENTS_MAX;
use crate::number::decimal;
use crate::record::Record;
use crate::record_type::RecordType;

/// The arguments of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Argv {
    /// The arguments that the records hold, decoded, in order.
    pub arguments: Vec<Vec<u8>>,
    /// How many the program had, as the kernel counted.
    pub argc: Option<u64>,
    /// Whether an argument, or a piece of one, is not in the records.
    pub incomplete: bool,
}

impl Argv {
    /// Reads the EXECVE records among `records`.
    pub(crate) fn of<'a>(records: impl Iterator<Item = Record<'a>>) -> Argv {
        let mut argv = Argv::default();
        let mut pieces: Vec<(Index, Vec<u8>)> = Vec::new();
        for record in records.filter(|record| record.record_type() == RecordType::EXECVE) {
            for field in record.fields() {
                if field.is("argc") {
                    argv.argc = decimal(field.value);
                } else if let Some(index) = Index::of(&field) {
                    if pieces.len() == ARGUMENTS_MAX {
                        argv.incomplete = true;
                        break;
                    }
                    pieces.push((index, field.decoded(RecordType::EXECVE).into_owned()));
                }
            }
        }
        pieces.sort_by_key(|(index, _)| *index);
        argv.join(pieces);
        argv.incomplete |= argv
            .argc
            .is_some_and(|argc| argc != argv.arguments.len() as u64);
        argv
    }

    /// Appends the sorted pieces of each argument to each other.
    fn join(&mut self, pieces: Vec<(Index, Vec<u8>)>) {
        let mut last: Option<Index> = None;
        for (index, bytes) in pieces {
            let follows = match last {
                None => index.argument == 0 && index.piece == 0,
                Some(last) if index.argument == last.argument => index.piece == last.piece + 1,
                Some(last) => index.argument == last.argument + 1 && index.piece == 0,
            };
            self.incomplete |= !follows;
            match self.arguments.last_mut() {
                Some(argument) if last.is_some_and(|last| last.argument == index.argument) => {
                    argument.extend_from_slice(&bytes);
                }
                _ => self.arguments.push(bytes),
            }
            last = Some(index);
        }
    }
}

/// How many arguments begin in this EXECVE record.
pub(crate) fn arguments_begun(record: &Record<'_>) -> u64 {
    record
        .fields()
        .filter(|field| Index::of(field).is_some_and(|index| index.piece == 0))
        .count() as u64
}

/// The place of a piece: `a7[1]` is piece 1 of argument 7, `a7` is piece 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Index {
    argument: u32,
    piece: u32,
}

impl Index {
    fn of(field: &Field<'_>) -> Option<Index> {
        let name = field.name.strip_prefix(b"a")?;
        let number = |digits: &[u8]| decimal(digits).and_then(|n| u32::try_from(n).ok());
        let (argument, piece) = match name.strip_suffix(b"]") {
            Some(indexed) => {
                let open = indexed.iter().position(|&byte| byte == b'[')?;
                (number(&indexed[..open])?, number(&indexed[open + 1..])?)
            }
            None => (number(name)?, 0),
        };
        // The greatest number has no successor to compare with.
        (argument < u32::MAX && piece < u32::MAX).then_some(Index { argument, piece })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bodies: &[&str], expect: &[&str], incomplete: bool) {
        let texts: Vec<String> = bodies
            .iter()
            .map(|body| format!("audit(1.002:3): {body}"))
            .collect();
        let argv = Argv::of(
            texts
                .iter()
                .map(|text| Record::from_kernel(1309, text.as_bytes())),
        );
        let shown: Vec<String> = argv
            .arguments
            .iter()
            .map(|argument| String::from_utf8_lossy(argument).into_owned())
            .collect();
        assert_eq!(shown, expect, "{bodies:?}");
        assert_eq!(argv.incomplete, incomplete, "{bodies:?}");
    }

    #[test]
    fn whole_arguments() {
        check(&["argc=2 a0=\"ls\" a1=2D6C61"], &["ls", "-la"], false);
        check(
            &["argc=3 a0=\"ls\" a1=\"-l\"", "a2=\"x\""],
            &["ls", "-l", "x"],
            false,
        );
        check(
            &["argc=3 a2=\"x\"", "a0=\"ls\" a1=\"-l\""],
            &["ls", "-l", "x"],
            false,
        );
        check(&["argc=0"], &[], false);
    }

    #[test]
    fn pieces() {
        check(
            &[
                "argc=2 a0=\"ls\" a1_len=6 a1[0]=6162",
                "a1[1]=6364 a1[2]=\"ef\"",
            ],
            &["ls", "abcdef"],
            false,
        );
        check(&["argc=1 a0[0]=6162 a0[2]=6364"], &["abcd"], true);
    }

    #[test]
    fn holes_and_lies() {
        check(&["argc=3 a0=\"ls\" a2=\"x\""], &["ls", "x"], true);
        check(&["argc=100000000000 a0=\"ls\""], &["ls"], true);
        check(&["argc=1 a100000000000=\"ls\" a0=\"b\""], &["b"], false);
        check(
            &["argc=1 a4294967295=\"x\" a4294967294=\"ls\""],
            &["ls"],
            true,
        );
    }
}
