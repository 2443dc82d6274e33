//! The conditions of a rule: `-F field OP value` and `-C field OP field`.
//!
//! What is checked, and in which order, is what libaudit 3.0.9 checks; the kernel may refuse
//! more (unknown operators for a field, a directory that is not one).

use bstr::{BStr, BString, ByteSlice};

use crate::arch::Arch;
use crate::compare;
use crate::control::feature;
use crate::fault::Fault;
use crate::field::Field;
use crate::limits::{FIELDS_WRITTEN_MAX, KEY_BYTES_MAX, TEXT_BYTES_MAX};
use crate::list::List;
use crate::number;
use crate::op::Op;
use crate::parse::{Compat, Context, RuleText};
use crate::rule::{Test, Value, permissions};
use crate::tables;
use crate::words::Word;

/// Address families end below this number; `AF_MAX` of Linux 5.14 and later.
const ADDRESS_FAMILIES: u32 = 46;

/// Adds the condition of a `-F` to a rule.
pub(crate) fn field(
    rule: &mut RuleText,
    list: Option<List>,
    word: &Word,
    cx: &Context<'_>,
) -> Result<(), Fault> {
    if rule.tests.len() >= FIELDS_WRITTEN_MAX {
        return Err(Fault::FieldCount(word.text.clone()));
    }
    let (name, op, value) = split(&word.text).ok_or_else(|| Fault::Operator(word.text.clone()))?;
    let named = || BString::from(name);
    if name.is_empty() {
        return Err(Fault::FieldName);
    }
    if value.is_empty() {
        return Err(Fault::FieldValue(named()));
    }
    let field = Field::from_name(name).ok_or_else(|| Fault::Field(named()))?;
    check_exclude(field, list, cx, name)?;
    if list == Some(List::Filesystem) && cx.features & feature::FILTER_FS == 0 {
        return Err(Fault::FilterFeature(named()));
    }
    let condition = Condition {
        field,
        op,
        value: BStr::new(value),
        name: BStr::new(name),
        list,
        cx,
    };
    let value = condition.value(rule)?;
    rule.tests.push(Test { field, op, value });
    Ok(())
}

/// Adds the condition of a `-C` to a rule.
pub(crate) fn compare(rule: &mut RuleText, list: Option<List>, word: &Word) -> Result<(), Fault> {
    if rule.tests.len() >= FIELDS_WRITTEN_MAX {
        return Err(Fault::FieldCount(word.text.clone()));
    }
    let parts = [Op::NotEqual, Op::Equal]
        .into_iter()
        .find_map(|op| split_at(&word.text, op));
    let (left, op, right) = parts.ok_or_else(|| Fault::EqualityOnly(word.text.clone()))?;
    let named = || BString::from(left);
    if left.is_empty() {
        return Err(Fault::CompareLeft);
    }
    if right.is_empty() {
        return Err(Fault::CompareRight(named()));
    }
    let left_field = Field::from_name(left).ok_or_else(|| Fault::CompareField(named()))?;
    let right_field = Field::from_name(right).ok_or_else(|| Fault::CompareValue(named()))?;
    if list != Some(List::Exit) {
        return Err(Fault::ExitListOnly(named()));
    }
    let code = compare::code(left_field, right_field).ok_or_else(|| Fault::ComparePair(named()))?;
    rule.tests.push(Test::number(Field::Compare, op, code));
    Ok(())
}

/// Cuts at the first operator, where an operator of two characters anywhere in the text goes
/// before one of a single character: `a=b!=c` compares `a=b` with `c`.
fn split(text: &[u8]) -> Option<(&[u8], Op, &[u8])> {
    Op::SEARCH_ORDER
        .into_iter()
        .find_map(|op| split_at(text, op))
}

fn split_at(text: &[u8], op: Op) -> Option<(&[u8], Op, &[u8])> {
    let symbol = op.symbol()?;
    let at = text.find(symbol)?;
    Some((&text[..at], op, &text[at + symbol.len()..]))
}

fn check_exclude(
    field: Field,
    list: Option<List>,
    cx: &Context<'_>,
    name: &[u8],
) -> Result<(), Fault> {
    if list != Some(List::Exclude) {
        return Ok(());
    }
    if cx.features & feature::EXCLUDE_EXTEND == 0 {
        return match field {
            Field::MsgType => Ok(()),
            _ => Err(Fault::FieldFeature(name.into())),
        };
    }
    match field {
        Field::Pid
        | Field::Uid
        | Field::Gid
        | Field::Auid
        | Field::MsgType
        | Field::SubjUser
        | Field::SubjRole
        | Field::SubjType
        | Field::SubjSen
        | Field::SubjClr
        | Field::Exe => Ok(()),
        _ => Err(Fault::FieldOnExclude),
    }
}

/// A condition whose field is known and whose value is still text.
struct Condition<'a> {
    field: Field,
    op: Op,
    value: &'a BStr,
    name: &'a BStr,
    list: Option<List>,
    cx: &'a Context<'a>,
}

impl Condition<'_> {
    fn value(&self, rule: &mut RuleText) -> Result<Value, Fault> {
        match self.field {
            field if field.is_user() => self.user(),
            field if field.is_group() => self.group(),
            Field::Exit => self.exit(),
            Field::MsgType => self.message_type(),
            field if field.is_text() => self.text(rule),
            Field::Arch => self.arch(rule),
            Field::Perm => self.perm(rule),
            Field::FsType => self.filesystem(rule),
            Field::FileType => self.file_type(),
            Field::A0 | Field::A1 | Field::A2 | Field::A3 => self
                .either_sign()
                .map(Value::Number)
                .ok_or_else(|| Fault::Number(self.named())),
            Field::SessionId => self.session(),
            Field::SaddrFam => self.address_family(),
            Field::DevMajor | Field::DevMinor | Field::Inode | Field::Success | Field::Ppid => {
                self.only_on_exit()?;
                self.plain_number()
            }
            _ => self.plain_number(),
        }
    }

    fn named(&self) -> BString {
        self.name.to_owned()
    }

    fn only_on_exit(&self) -> Result<(), Fault> {
        if self.list == Some(List::Exit) {
            return Ok(());
        }
        Err(Fault::ExitListOnly(self.named()))
    }

    fn starts_with_digit(&self) -> bool {
        self.value.first().is_some_and(u8::is_ascii_digit)
    }

    /// A number with or without a minus.
    fn either_sign(&self) -> Option<u32> {
        if self.starts_with_digit() {
            return Some(number::unsigned(self.value) as u32);
        }
        match self.value.as_bytes() {
            [b'-', digit, ..] if digit.is_ascii_digit() => Some(number::signed(self.value) as u32),
            _ => None,
        }
    }

    fn user(&self) -> Result<Value, Fault> {
        let id = match self.either_sign() {
            Some(id) => Some(id),
            None if self.value == "unset" => Some(u32::MAX),
            None => self.cx.host.user(self.value),
        };
        id.map(Value::Number)
            .ok_or_else(|| Fault::User(self.value.to_owned()))
    }

    fn group(&self) -> Result<Value, Fault> {
        let id = if self.starts_with_digit() {
            Some(number::signed(self.value) as u32)
        } else {
            self.cx.host.group(self.value)
        };
        id.map(Value::Number)
            .ok_or_else(|| Fault::Group(self.value.to_owned()))
    }

    fn exit(&self) -> Result<Value, Fault> {
        self.only_on_exit()?;
        let code = match self.either_sign() {
            Some(_) => Some(number::signed(self.value) as u32),
            None => match self.value.strip_prefix(b"-") {
                Some(name) => tables::errno_number(name).map(u32::wrapping_neg),
                None => tables::errno_number(self.value),
            },
        };
        code.map(Value::Number)
            .ok_or_else(|| Fault::Errno(self.named()))
    }

    fn message_type(&self) -> Result<Value, Fault> {
        if !matches!(self.list, Some(List::Exclude | List::User)) {
            return Err(Fault::MsgTypeList);
        }
        let number = if self.starts_with_digit() {
            Some(number::signed(self.value) as u32)
        } else {
            tables::message_type_number(self.value)
        };
        number
            .map(Value::Number)
            .ok_or_else(|| Fault::MessageType(self.named()))
    }

    fn text(&self, rule: &mut RuleText) -> Result<Value, Fault> {
        match self.field {
            Field::ObjUser
            | Field::ObjRole
            | Field::ObjType
            | Field::ObjLevLow
            | Field::ObjLevHigh => self.only_on_exit()?,
            Field::Path | Field::Dir => {
                self.only_on_exit()?;
                rule.has_perm = true;
            }
            Field::Exe => {
                if self.cx.features & feature::EXE == 0 {
                    return Err(Fault::FieldFeature(self.named()));
                }
                if !self.op.is_equality() {
                    return Err(Fault::EqualityOnly(self.named()));
                }
                rule.has_exe = true;
            }
            Field::Key
                if !(rule.has_syscalls || rule.has_perm || rule.has_exe || rule.has_filesystem) =>
            {
                return Err(Fault::KeyFieldAlone);
            }
            _ => {}
        }
        let bytes_max = if self.field == Field::Key {
            KEY_BYTES_MAX
        } else {
            TEXT_BYTES_MAX
        };
        if self.value.len() > bytes_max {
            return Err(Fault::TextLength);
        }
        Ok(Value::Text(self.value.to_owned()))
    }

    fn arch(&self, rule: &mut RuleText) -> Result<Value, Fault> {
        if rule.has_syscalls {
            return Err(Fault::ArchAfterSyscall(self.named()));
        }
        if !self.op.is_equality() {
            return Err(Fault::EqualityOnly(self.named()));
        }
        let machine = self.cx.machine;
        let arch = if self.starts_with_digit() {
            Arch::from_elf(number::unsigned(self.value) as u32)
        } else if self.value.eq_ignore_ascii_case(b"b64") {
            machine.b64()
        } else if self.value.eq_ignore_ascii_case(b"b32") {
            machine.b32()
        } else {
            Arch::from_name(self.value)
                .or_else(|| Arch::from_elf(number::hexadecimal(self.value) as u32))
        };
        let arch = arch.ok_or_else(|| Fault::Elf(self.named()))?;
        rule.arch = Some(arch);
        Ok(Value::Number(arch.elf()))
    }

    fn perm(&self, rule: &mut RuleText) -> Result<Value, Fault> {
        self.only_on_exit()?;
        if self.op != Op::Equal {
            return Err(Fault::EqualOnly(self.named()));
        }
        if self.value.len() > 4 {
            return Err(Fault::TextLength);
        }
        let perm = permissions(self.value).map_err(|_| Fault::PermLetters)?;
        rule.has_perm = true;
        Ok(Value::Number(perm))
    }

    fn filesystem(&self, rule: &mut RuleText) -> Result<Value, Fault> {
        if self.list != Some(List::Filesystem) {
            return Err(Fault::FieldOnList(self.named()));
        }
        if !self.op.is_equality() {
            return Err(Fault::EqualityOnly(self.named()));
        }
        let magic = if self.starts_with_digit() {
            Some(number::unsigned(self.value) as u32)
        } else {
            tables::FILESYSTEMS
                .into_iter()
                .filter(|row| row.2 || self.cx.compat == Compat::V4)
                .find(|row| row.1.as_bytes().eq_ignore_ascii_case(self.value))
                .map(|row| row.0)
        };
        let magic = magic.ok_or_else(|| Fault::Filesystem(self.named()))?;
        rule.has_filesystem = true;
        Ok(Value::Number(magic))
    }

    fn file_type(&self) -> Result<Value, Fault> {
        self.only_on_exit()?;
        tables::FILE_TYPES
            .into_iter()
            .find(|row| row.1.as_bytes().eq_ignore_ascii_case(self.value))
            .map(|row| Value::Number(row.0))
            .ok_or_else(|| Fault::FileType(self.named()))
    }

    fn session(&self) -> Result<Value, Fault> {
        if self.cx.features & feature::SESSION_ID == 0 {
            return Err(Fault::FieldFeature(self.named()));
        }
        if !matches!(self.list, Some(List::Exclude | List::User | List::Exit)) {
            return Err(Fault::SessionList(self.named()));
        }
        let session = match self.either_sign() {
            Some(session) => session,
            None if self.value == "unset" => u32::MAX,
            // libaudit leaves the value as it was: 0
            None => 0,
        };
        Ok(Value::Number(session))
    }

    fn address_family(&self) -> Result<Value, Fault> {
        // libaudit takes anything: what is no number counts as 0
        let family = number::unsigned(self.value) as u32;
        if family >= ADDRESS_FAMILIES {
            return Err(Fault::TooLarge(self.named()));
        }
        Ok(Value::Number(family))
    }

    fn plain_number(&self) -> Result<Value, Fault> {
        if self.field == Field::Inode && !self.op.is_equality() {
            return Err(Fault::EqualityOnly(self.named()));
        }
        if !self.starts_with_digit() {
            return Err(Fault::Number(self.named()));
        }
        let number = match self.field {
            Field::Inode => number::unsigned(self.value) as u32,
            _ => number::signed(self.value) as u32,
        };
        Ok(Value::Number(number))
    }
}
