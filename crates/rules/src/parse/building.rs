//! Options that build a rule.

use bstr::ByteSlice;

use super::reader::{Progress, Reader, Stop};
use super::{Compat, End};
use crate::arch::Arch;
use crate::condition;
use crate::fault::Fault;
use crate::field::Field;
use crate::host::PathKind;
use crate::limits::{FIELDS_WRITTEN_MAX, KEY_BYTES_MAX, NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::list::{Action, List};
use crate::mask::Mask;
use crate::number;
use crate::op::Op;
use crate::perm;
use crate::rule::{KEY_SEPARATOR, Rule, Test, Value, permissions};
use crate::tables;
use crate::words::Word;

impl Reader<'_> {
    pub(super) fn append(&mut self, value: &Word) -> Result<(), Stop> {
        if self.state.has_syscalls && value.text.contains_str("task") {
            return self.fail(Fault::AppendTask, value);
        }
        match self.rule_option(value, false) {
            Ok(()) => self.start_rule(),
            Err(Refusal::Second) => self.fail(Fault::SecondAppend, value),
            Err(Refusal::Keyword) => self.fail(Fault::AppendKeyword(value.text.clone()), value),
            Err(Refusal::Possible) => self.drop_line(Fault::AppendPossible, value),
        }
    }

    pub(super) fn prepend(&mut self, value: &Word) -> Result<(), Stop> {
        if self.state.has_syscalls && value.text.contains_str("task") {
            return self.fail(Fault::PrependTask, value);
        }
        match self.rule_option(value, false) {
            Ok(()) => {
                self.prepend = true;
                self.start_rule()
            }
            Err(Refusal::Second) => self.fail(Fault::SecondRule, value),
            Err(Refusal::Keyword) => self.fail(Fault::PrependKeyword(value.text.clone()), value),
            Err(Refusal::Possible) => self.drop_line(Fault::AppendPossible, value),
        }
    }

    pub(super) fn delete(&mut self, value: &Word) -> Result<(), Stop> {
        match self.rule_option(value, true) {
            Ok(()) => self.start_rule(),
            Err(Refusal::Second) => self.fail(Fault::SecondRule, value),
            Err(Refusal::Keyword) => self.fail(Fault::DeleteKeyword(value.text.clone()), value),
            Err(Refusal::Possible) => self.drop_line(Fault::DeletePossible, value),
        }
    }

    fn start_rule(&mut self) -> Result<(), Stop> {
        self.progress = Progress::Rule;
        Ok(())
    }

    fn drop_line(&mut self, fault: Fault, value: &Word) -> Result<(), Stop> {
        self.note(fault, value);
        Err(Progress::Dropped)
    }

    /// `list,action` or `action,list`.
    fn rule_option(&mut self, value: &Word, delete: bool) -> Result<(), Refusal> {
        self.rule_options += 1;
        if self.rule_options > 1 {
            return Err(Refusal::Second);
        }
        let mut parts = value.text.split_str(",");
        let (Some(first), Some(second), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Refusal::Keyword);
        };
        if lookup_action(first, &mut self.action) == Err(Refusal::Keyword) {
            let list = self.lookup_list(first).ok_or(Refusal::Keyword)?;
            self.set_list(list, delete);
        }
        let known = if delete { self.delete } else { self.add };
        if known.is_some() {
            return lookup_action(second, &mut self.action);
        }
        let list = self.lookup_list(second).ok_or(Refusal::Keyword)?;
        self.set_list(list, delete);
        self.action.map(|_| ()).ok_or(Refusal::Keyword)
    }

    fn lookup_list(&self, name: &[u8]) -> Option<List> {
        let list = List::from_name(name)?;
        (list != List::IoUring || self.cx.compat == Compat::V4).then_some(list)
    }

    fn set_list(&mut self, list: List, delete: bool) {
        self.state.exclude |= list == List::Exclude;
        let target = if delete {
            &mut self.delete
        } else {
            &mut self.add
        };
        *target = Some(list);
    }

    pub(super) fn syscalls(&mut self, value: &Word) -> Result<(), Stop> {
        let on = |list| self.add == Some(list) || self.delete == Some(list);
        if on(List::IoUring) {
            return self.uring_ops(value);
        }
        let refusal = if on(List::Task) {
            Some(Fault::SyscallOnTask)
        } else if on(List::User) {
            Some(Fault::SyscallOnUser)
        } else if on(List::Filesystem) {
            Some(Fault::SyscallOnFilesystem)
        } else if self.state.exclude {
            Some(Fault::SyscallOnExclude)
        } else {
            None
        };
        if let Some(fault) = refusal {
            return self.fail(fault, value);
        }
        let arch_was_named = self.state.arch.is_some();
        let arch = *self.state.arch.get_or_insert(self.cx.machine);
        for name in list_items(&value.text) {
            if !add_syscall(&mut self.state.syscalls, arch, name) {
                return self.fail(Fault::Syscall(name.into()), value);
            }
        }
        self.state.has_syscalls = true;
        if !arch_was_named && self.add.is_some() && self.mismatches(arch, &value.text) {
            self.note(Fault::SyscallMismatch(self.line_number), value);
        }
        Ok(())
    }

    /// Whether the same names mean other numbers in the machine's 32-bit programs.
    fn mismatches(&self, arch: Arch, names: &[u8]) -> bool {
        let twin = match arch {
            Arch::X86_64 | Arch::Ppc64 | Arch::S390x => arch.b32().unwrap_or(arch),
            _ => arch,
        };
        let mut mask = Mask::none();
        for name in list_items(names) {
            add_syscall(&mut mask, twin, name);
        }
        mask != self.state.syscalls
    }

    fn uring_ops(&mut self, value: &Word) -> Result<(), Stop> {
        for name in list_items(&value.text) {
            let known = if name == b"all" {
                self.state.syscalls = Mask::all();
                true
            } else {
                let number = tables::uring_op_number(name).or_else(|| leading_number(name));
                number.is_some_and(|number| self.state.syscalls.insert(number))
            };
            if !known {
                return self.fail(Fault::UringOp(name.into()), value);
            }
        }
        self.state.has_syscalls = true;
        self.progress = Progress::Rule;
        Ok(())
    }

    pub(super) fn field(&mut self, value: &Word) -> Result<(), Stop> {
        let list = self.list();
        // auditctl lets `-F arch=` stand without a list where -t follows it
        let before_trim = value.text.contains_str("arch=") && self.current_word().text == "-t";
        if list.is_none() && !before_trim {
            return self.fail(Fault::FieldBeforeList, value);
        }
        if let Some(key) = value.text.strip_prefix(b"key=") {
            let key = Word {
                text: key.into(),
                column: value.column + 4,
            };
            return self.add_key(&key);
        }
        if let Err(fault) = condition::field(&mut self.state, list, value, self.cx) {
            return self.fail(fault, value);
        }
        Ok(())
    }

    pub(super) fn watch(&mut self, add: bool, value: &Word) -> Result<(), Stop> {
        if add {
            if self.list().is_some() {
                return self.fail(Fault::WatchWithSyscall, value);
            }
            self.add = Some(List::Exit);
        } else {
            self.delete = Some(List::Exit);
        }
        self.action = Some(Action::Always);
        self.state.has_syscalls = true;
        self.check_path(value)?;
        let mut path = value.text.clone();
        if path.len() > 2 {
            while path.len() > 1 && path.ends_with(b"/") {
                path.pop();
            }
        }
        let field = match self.cx.host.path_kind(&path) {
            PathKind::Directory => Field::Dir,
            PathKind::Other | PathKind::Missing => Field::Path,
        };
        if !self.state.tests.is_empty() {
            return self.fail(Fault::WatchAfterField, value);
        }
        let all = permissions(b"rwxa").expect("the four letters");
        self.state.syscalls = Mask::all();
        self.state.tests = vec![
            Test::text(field, Op::Equal, path),
            Test::number(Field::Perm, Op::Equal, all),
        ];
        self.state.has_perm = true;
        self.progress = Progress::Rule;
        Ok(())
    }

    fn check_path(&mut self, value: &Word) -> Result<(), Stop> {
        let path = &value.text;
        if path.len() >= TEXT_BYTES_MAX {
            return self.fail(Fault::PathLength, value);
        }
        if !path.starts_with(b"/") {
            return self.fail(Fault::PathRelative, value);
        }
        let trimmed = path.trim_end_with(|c| c == '/');
        let base = trimmed.rsplit_str("/").next().unwrap_or_default();
        if base.len() > NAME_BYTES_MAX {
            return self.fail(Fault::BaseNameLength, value);
        }
        if path.contains_str("..") {
            self.note(Fault::PathDots, value);
        }
        if path.find_byteset("*?").is_some() {
            self.note(Fault::PathWildcard, value);
        }
        Ok(())
    }

    pub(super) fn key_option(&mut self, value: &Word) -> Result<(), Stop> {
        let state = &self.state;
        let has_subject =
            state.has_syscalls || state.has_perm || state.has_exe || state.has_filesystem;
        if !has_subject || self.list().is_none() {
            return self.fail(Fault::KeyAlone, value);
        }
        self.add_key(value)
    }

    fn add_key(&mut self, value: &Word) -> Result<(), Stop> {
        let separator = usize::from(!self.keys.is_empty());
        if value.text.len() + self.keys.len() + separator > KEY_BYTES_MAX {
            return self.fail(Fault::KeyLength, value);
        }
        if value.text.contains(&KEY_SEPARATOR) {
            self.note(Fault::KeyCharacter(value.text.clone()), value);
        }
        if !self.keys.is_empty() {
            self.keys.push(KEY_SEPARATOR);
        }
        self.keys.extend_from_slice(&value.text);
        Ok(())
    }

    pub(super) fn permissions(&mut self, value: &Word) -> Result<(), Stop> {
        if self.list().is_none() {
            return self.fail(Fault::PermAlone, value);
        }
        if value.text.len() > 4 {
            return self.fail(Fault::PermLength(value.text.clone()), value);
        }
        let perm = match permissions(&value.text) {
            Ok(perm) => perm,
            Err(letter) => return self.fail(Fault::PermLetter(letter), value),
        };
        if self.state.tests.is_empty() {
            return self.fail(Fault::PermFirst, value);
        }
        let count = self.state.tests.len();
        match self
            .state
            .tests
            .iter_mut()
            .find(|test| test.field == Field::Perm)
        {
            Some(test) => test.value = Value::Number(perm),
            None if count >= FIELDS_WRITTEN_MAX => return self.fail(Fault::PermRoom, value),
            None => self
                .state
                .tests
                .push(Test::number(Field::Perm, Op::Equal, perm)),
        }
        self.state.has_perm = true;
        self.progress = Progress::Rule;
        Ok(())
    }

    pub(super) fn rule(&mut self) -> End {
        let (Some(list), Some(action)) = (self.list(), self.action) else {
            return End::Failed;
        };
        if list != List::Task && !self.state.has_syscalls {
            self.state.syscalls = match self.perm_syscalls() {
                Some(mask) => mask,
                None => Mask::all(),
            };
        }
        let rule = Rule {
            list,
            prepend: self.prepend,
            action,
            syscalls: std::mem::replace(&mut self.state.syscalls, Mask::none()),
            tests: std::mem::take(&mut self.state.tests),
        };
        if self.add.is_some() {
            End::Add(rule)
        } else {
            End::Delete(rule)
        }
    }

    /// The system calls that 4.x chooses for `-F arch= … -F perm=`.
    fn perm_syscalls(&self) -> Option<Mask> {
        if self.cx.compat == Compat::V3 {
            return None;
        }
        let position = |field| self.state.tests.iter().position(|test| test.field == field);
        let (arch_at, perm_at) = (position(Field::Arch)?, position(Field::Perm)?);
        let perm = self.state.tests[perm_at].as_number()?;
        (arch_at < perm_at).then(|| perm::syscalls(self.state.arch?, perm))?
    }
}

/// Why `list,action` was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Second,
    Keyword,
    Possible,
}

fn lookup_action(name: &[u8], action: &mut Option<Action>) -> Result<(), Refusal> {
    *action = Some(match name {
        b"always" => Action::Always,
        b"never" => Action::Never,
        b"possible" => return Err(Refusal::Possible),
        _ => return Err(Refusal::Keyword),
    });
    Ok(())
}

/// The parts between commas, empty ones left out.
fn list_items(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b',')
        .filter(|part| !part.is_empty())
}

/// Adds a system call by name or number, or all of them.
fn add_syscall(mask: &mut Mask, arch: Arch, name: &[u8]) -> bool {
    if name == b"all" {
        *mask = Mask::all();
        return true;
    }
    tables::syscall_number(arch, name)
        .or_else(|| leading_number(name))
        .is_some_and(|number| mask.insert(number))
}

/// A number that begins with a digit, as C reads it into an `int`; negative ones are none.
fn leading_number(text: &[u8]) -> Option<u32> {
    if !text.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    u32::try_from(number::signed(text) as i32).ok()
}
