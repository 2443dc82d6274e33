//! Rules as the kernel takes and reports them: `struct audit_rule_data`, linux/audit.h.
//!
//! ```text
//!    0  u32       list number, plus 0x10 to prepend      all integers in host byte order
//!    4  u32       action
//!    8  u32       number of fields, at most 64
//!   12  [u32;64]  syscall mask, bit n%32 of word n/32
//!  268  [u32;64]  field numbers
//!  524  [u32;64]  values; for a text field its length in bytes
//!  780  [u32;64]  operators
//! 1036  u32       length of the buffer
//! 1040  [u8]      the text fields, one after the other, not terminated
//! ```

use bstr::BString;

use crate::field::Field;
use crate::limits::{FIELDS_MAX, MASK_WORDS, RULE_TEXT_BYTES_MAX};
use crate::list::{Action, List, PREPEND};
use crate::mask::Mask;
use crate::op::Op;
use crate::rule::{Rule, Test, Value};

/// Bytes before the text buffer.
pub const HEAD_BYTES: usize = 1040;

const MASK_AT: usize = 12;
const FIELDS_AT: usize = MASK_AT + MASK_WORDS * 4;
const VALUES_AT: usize = FIELDS_AT + FIELDS_MAX * 4;
const OPS_AT: usize = VALUES_AT + FIELDS_MAX * 4;
const BUFFER_LENGTH_AT: usize = OPS_AT + FIELDS_MAX * 4;

/// Why bytes are no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Shorter than the fixed part.
    #[error("a rule needs {HEAD_BYTES} bytes, here are {0}")]
    Short(usize),
    /// More fields than there is room for.
    #[error("{0} fields, at most {FIELDS_MAX} fit")]
    Fields(u32),
    /// The buffer's length is not what follows, or what the text fields add up to.
    #[error("the text buffer has {have} bytes, {want} are accounted for")]
    Buffer {
        /// Bytes that are there.
        have: usize,
        /// Bytes that the header or the fields speak of.
        want: usize,
    },
}

/// Why a rule has no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// More fields than there is room for.
    #[error("{0} fields, at most {FIELDS_MAX} fit")]
    Fields(usize),
    /// More text than a rule may carry.
    #[error("{0} bytes of text, at most {RULE_TEXT_BYTES_MAX} fit")]
    Text(usize),
}

/// The payload of an `AUDIT_ADD_RULE` or `AUDIT_DEL_RULE` message.
///
/// # Errors
/// Where the rule does not fit the structure.
pub fn encode(rule: &Rule) -> Result<Vec<u8>, EncodeError> {
    if rule.tests.len() > FIELDS_MAX {
        return Err(EncodeError::Fields(rule.tests.len()));
    }
    let mut bytes = vec![0; HEAD_BYTES];
    let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    let prepend = if rule.prepend { PREPEND } else { 0 };
    put(0, rule.list.number() | prepend);
    put(4, rule.action.number());
    put(8, rule.tests.len() as u32);
    for (index, &word) in rule.syscalls.words().iter().enumerate() {
        put(MASK_AT + index * 4, word);
    }
    let mut buffer = Vec::new();
    for (index, test) in rule.tests.iter().enumerate() {
        let value = match &test.value {
            Value::Number(number) => *number,
            Value::Text(text) => {
                buffer.extend_from_slice(text);
                text.len() as u32
            }
        };
        put(FIELDS_AT + index * 4, test.field.number());
        put(VALUES_AT + index * 4, value);
        put(OPS_AT + index * 4, test.op.code());
    }
    if buffer.len() > RULE_TEXT_BYTES_MAX {
        return Err(EncodeError::Text(buffer.len()));
    }
    put(BUFFER_LENGTH_AT, buffer.len() as u32);
    bytes.extend_from_slice(&buffer);
    Ok(bytes)
}

/// The rule in the payload of an `AUDIT_LIST_RULES` reply, or in what a tool sends. Up to three
/// zero bytes after it, which align the message, are passed over.
///
/// # Errors
/// Where the lengths in it do not add up. Numbers without a meaning are no error.
pub fn decode(bytes: &[u8]) -> Result<Rule, DecodeError> {
    if bytes.len() < HEAD_BYTES {
        return Err(DecodeError::Short(bytes.len()));
    }
    let (head, rest) = bytes.split_at(HEAD_BYTES);
    let word = |at: usize| {
        u32::from_ne_bytes(
            head[at..at + 4]
                .try_into()
                .expect("four bytes of the fixed part"),
        )
    };
    let count = word(8);
    if count as usize > FIELDS_MAX {
        return Err(DecodeError::Fields(count));
    }
    let want = word(BUFFER_LENGTH_AT) as usize;
    let aligned = rest.len() < want.saturating_add(4);
    if rest.len() < want || !aligned || rest[want..].iter().any(|&byte| byte != 0) {
        return Err(DecodeError::Buffer {
            have: rest.len(),
            want,
        });
    }
    let mut buffer = &rest[..want];
    let mut tests = Vec::with_capacity(count as usize);
    for index in 0..count as usize {
        let field = Field::from_number(word(FIELDS_AT + index * 4));
        let number = word(VALUES_AT + index * 4);
        let value = if field.is_text() {
            let length = number as usize;
            let Some((text, tail)) = buffer.split_at_checked(length) else {
                return Err(DecodeError::Buffer {
                    have: buffer.len(),
                    want: length,
                });
            };
            buffer = tail;
            Value::Text(BString::from(text))
        } else {
            Value::Number(number)
        };
        tests.push(Test {
            field,
            op: Op::from_code(word(OPS_AT + index * 4)),
            value,
        });
    }
    if !buffer.is_empty() {
        return Err(DecodeError::Buffer {
            have: want,
            want: want - buffer.len(),
        });
    }
    let flags = word(0);
    Ok(Rule {
        list: List::from_number(flags & !PREPEND),
        prepend: flags & PREPEND != 0,
        action: Action::from_number(word(4)),
        syscalls: Mask::from_words(std::array::from_fn(|index| word(MASK_AT + index * 4))),
        tests,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Rule {
        let mut rule = Rule::new(List::Exit, Action::Always);
        rule.syscalls = Mask::all();
        rule.tests = vec![
            Test::text(Field::Path, Op::Equal, "/etc/passwd"),
            Test::number(Field::Perm, Op::Equal, 10),
            Test::text(Field::Key, Op::Equal, "foo"),
        ];
        rule
    }

    #[test]
    fn bytes_lead_back() {
        let rule = sample();
        let bytes = encode(&rule).unwrap();
        assert_eq!(bytes.len(), HEAD_BYTES + 14);
        assert_eq!(decode(&bytes), Ok(rule.clone()));
        let mut aligned = bytes;
        aligned.extend([0, 0]);
        assert_eq!(decode(&aligned), Ok(rule));
    }

    #[test]
    fn lengths_that_do_not_add_up_are_refused() {
        let good = encode(&sample()).unwrap();
        let with = |at: usize, value: u32| {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
            decode(&bytes)
        };
        assert_eq!(decode(&good[..100]), Err(DecodeError::Short(100)));
        assert_eq!(with(8, 65), Err(DecodeError::Fields(65)));
        assert!(matches!(
            with(BUFFER_LENGTH_AT, 13),
            Err(DecodeError::Buffer { .. })
        ));
        assert!(matches!(
            with(BUFFER_LENGTH_AT, u32::MAX),
            Err(DecodeError::Buffer { .. })
        ));
        assert!(matches!(
            with(VALUES_AT, u32::MAX),
            Err(DecodeError::Buffer { .. })
        ));
        assert!(matches!(
            with(VALUES_AT, 3),
            Err(DecodeError::Buffer { .. })
        ));
    }

    #[test]
    fn too_many_fields_are_refused() {
        let mut rule = sample();
        rule.tests = vec![Test::number(Field::Pid, Op::Equal, 1); 65];
        assert_eq!(encode(&rule), Err(EncodeError::Fields(65)));
    }
}
