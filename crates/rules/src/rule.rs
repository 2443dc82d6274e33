//! The rule: what the kernel is asked to look for, independent of how it is written down.
//!
//! [`crate::parse`] makes rules from text, [`crate::kernel`] from and to the kernel's bytes,
//! [`crate::text`] prints them as `auditctl -l` does.

use bstr::BString;

use crate::arch::Arch;
use crate::compare;
use crate::field::Field;
use crate::list::{Action, List};
use crate::mask::Mask;
use crate::op::Op;

/// The character that joins several keys into one field; `AUDIT_KEY_SEPARATOR`.
pub const KEY_SEPARATOR: u8 = 0x01;

/// Permissions of `-p` and `-F perm=`; `AUDIT_PERM_*`, linux/audit.h.
pub const PERM_EXEC: u32 = 1;
/// See [`PERM_EXEC`].
pub const PERM_WRITE: u32 = 2;
/// See [`PERM_EXEC`].
pub const PERM_READ: u32 = 4;
/// See [`PERM_EXEC`].
pub const PERM_ATTR: u32 = 8;

/// One audit rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The filter list that it stands on.
    pub list: List,
    /// Whether it goes to the head of the list when loaded. The kernel does not report it back.
    pub prepend: bool,
    /// What it does when it matches.
    pub action: Action,
    /// The system calls that it looks at; meaningful where [`List::takes_syscalls`].
    pub syscalls: Mask,
    /// All of these must hold, in this order.
    pub tests: Vec<Test>,
}

/// One condition of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Test {
    /// What is looked at.
    pub field: Field,
    /// How it is compared.
    pub op: Op,
    /// With what. [`Value::Text`] exactly where [`Field::is_text`].
    pub value: Value,
}

/// The right-hand side of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A number, signed values as their 32-bit two's complement.
    Number(u32),
    /// A string: path, key or part of a security label.
    Text(BString),
}

impl Test {
    /// A condition on a number.
    #[must_use]
    pub const fn number(field: Field, op: Op, value: u32) -> Self {
        Self {
            field,
            op,
            value: Value::Number(value),
        }
    }

    /// A condition on a string.
    #[must_use]
    pub fn text(field: Field, op: Op, value: impl Into<BString>) -> Self {
        Self {
            field,
            op,
            value: Value::Text(value.into()),
        }
    }

    /// The value, if it is a number.
    #[must_use]
    pub const fn as_number(&self) -> Option<u32> {
        match self.value {
            Value::Number(number) => Some(number),
            Value::Text(_) => None,
        }
    }

    /// The value, if it is a string.
    #[must_use]
    pub const fn as_text(&self) -> Option<&BString> {
        match &self.value {
            Value::Number(_) => None,
            Value::Text(text) => Some(text),
        }
    }

    /// The two fields of a `-C` comparison.
    #[must_use]
    pub fn compared(&self) -> Option<(Field, Field)> {
        match self.field {
            Field::Compare => compare::pair(self.as_number()?),
            _ => None,
        }
    }
}

impl Rule {
    /// A rule without conditions that selects no system call.
    #[must_use]
    pub const fn new(list: List, action: Action) -> Self {
        Self {
            list,
            prepend: false,
            action,
            syscalls: Mask::none(),
            tests: Vec::new(),
        }
    }

    /// The conditions on one field.
    pub fn tests_on(&self, field: Field) -> impl Iterator<Item = &Test> {
        self.tests.iter().filter(move |test| test.field == field)
    }

    /// The string of the first condition on a text field.
    #[must_use]
    pub fn text_of(&self, field: Field) -> Option<&BString> {
        self.tests_on(field).find_map(Test::as_text)
    }

    /// The number of the first condition on a number field.
    #[must_use]
    pub fn number_of(&self, field: Field) -> Option<u32> {
        self.tests_on(field).find_map(Test::as_number)
    }

    /// Its keys, in the order in which they were given.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.tests_on(Field::Key)
            .filter_map(Test::as_text)
            .flat_map(|text| text.split(|&byte| byte == KEY_SEPARATOR))
            .filter(|key| !key.is_empty())
    }

    /// The architecture that it names with `arch=`. The last one wins, as it does for the names
    /// of system calls that follow it.
    #[must_use]
    pub fn arch(&self) -> Option<Arch> {
        self.tests_on(Field::Arch)
            .filter_map(Test::as_number)
            .last()
            .and_then(Arch::from_elf)
    }

    /// Whether `auditctl -l` would print it as a watch: nothing but path, permissions and keys,
    /// and no choice of system calls.
    #[must_use]
    pub fn is_watch(&self) -> bool {
        let plain = self
            .tests
            .iter()
            .all(|t| matches!(t.field, Field::Path | Field::Dir | Field::Perm | Field::Key));
        let has_perm = self.tests_on(Field::Perm).next().is_some();
        plain && has_perm && (!self.list.takes_syscalls() || self.syscalls.is_all())
    }

    /// The rule as the kernel reports it once it is loaded: what a comparison of loaded and
    /// wanted rules must compare.
    #[must_use]
    pub fn as_listed(&self) -> Self {
        Self {
            prepend: false,
            syscalls: self.syscalls.as_listed(),
            ..self.clone()
        }
    }
}

/// The letters of a permission set, in the order `rwxa`.
#[must_use]
pub fn permission_letters(perm: u32) -> String {
    [
        (PERM_READ, 'r'),
        (PERM_WRITE, 'w'),
        (PERM_EXEC, 'x'),
        (PERM_ATTR, 'a'),
    ]
    .into_iter()
    .filter(|(bit, _)| perm & bit != 0)
    .map(|(_, letter)| letter)
    .collect()
}

/// The permission set of some letters, in either case.
///
/// # Errors
/// The first byte that is none of `rwxa`.
pub fn permissions(letters: &[u8]) -> Result<u32, u8> {
    let mut perm = 0;
    for &letter in letters {
        perm |= match letter.to_ascii_lowercase() {
            b'r' => PERM_READ,
            b'w' => PERM_WRITE,
            b'x' => PERM_EXEC,
            b'a' => PERM_ATTR,
            _ => return Err(letter),
        };
    }
    Ok(perm)
}
