//! Rules as text: one line each.
//!
//! Two dialects. [`Dialect::Auditctl`] prints what `auditctl -l` (3.0.9) prints, what it loses
//! included: the action of a watch, the operator of `path`, `dir`, `exe` and `key`, the word for
//! a file type. [`Dialect::Native`] prints a line that [`crate::parse`] reads back as the same
//! rule, wherever a line can say it.

use std::fmt::Write as _;

use crate::arch::Arch;
use crate::compare;
use crate::field::Field;
use crate::list::{Action, List};
use crate::op::Op;
use crate::rule::{Rule, Test, Value, permission_letters};
use crate::tables;

/// How rules are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// As `auditctl -l`.
    Auditctl,
    /// So that nothing is lost.
    Native,
}

/// Finds a meaning for a system call argument, for `auditctl -l -i`: architecture, system call,
/// which argument (0 to 3), its value.
pub type ArgumentText<'a> = dyn Fn(Option<Arch>, u32, usize, u32) -> Option<String> + 'a;

/// What a printed line depends on besides the rule.
#[derive(Clone, Copy)]
pub struct Listing<'a> {
    /// Which text.
    pub dialect: Dialect,
    /// The machine whose system call names stand for the numbers of rules without `arch`.
    pub machine: Arch,
    /// `-i`: architectures by name, and arguments through this function.
    pub interpret: Option<&'a ArgumentText<'a>>,
}

/// What C prints for a missing string; auditctl shows it for numbers without a name.
const NULL: &str = "(null)";

/// One line for a rule, without the line break. Bytes: paths and keys need not be UTF-8.
#[must_use]
pub fn line(rule: &Rule, listing: &Listing<'_>) -> Vec<u8> {
    let mut out = Line {
        bytes: Vec::new(),
        listing,
    };
    let watch = match listing.dialect {
        Dialect::Auditctl => rule.is_watch(),
        Dialect::Native => is_plain_watch(rule),
    };
    if !watch {
        out.head(rule);
    }
    for test in rule.tests.iter().filter(|test| test.field != Field::Arch) {
        match listing.dialect {
            Dialect::Auditctl => out.auditctl_test(rule, test, watch),
            Dialect::Native => out.native_test(rule, test, watch),
        }
    }
    out.bytes
}

/// Whether `-w` says all there is: [`Rule::is_watch`] does not look at what `-w` cannot express.
fn is_plain_watch(rule: &Rule) -> bool {
    let fields: Vec<_> = rule.tests.iter().map(|test| test.field).collect();
    rule.is_watch()
        && rule.list == List::Exit
        && rule.action == Action::Always
        && !rule.prepend
        && matches!(
            fields[..],
            [Field::Path | Field::Dir, Field::Perm]
                | [Field::Path | Field::Dir, Field::Perm, Field::Key]
        )
        && rule.tests.iter().all(|test| test.op == Op::Equal)
}

struct Line<'a> {
    bytes: Vec<u8>,
    listing: &'a Listing<'a>,
}

impl Line<'_> {
    fn say(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// List, action, architectures and system calls: what stands before the fields.
    fn head(&mut self, rule: &Rule) {
        let native = self.listing.dialect == Dialect::Native;
        let option = if native && rule.prepend { "-A" } else { "-a" };
        // Without a name for 0x10 and up, auditctl prints a rule that is to be prepended as one
        // on an unknown list. The kernel never reports such a rule.
        let list = match rule.list.name() {
            Some(name) if native || !rule.prepend => name,
            _ => NULL,
        };
        let action = rule.action.name().unwrap_or(NULL);
        self.say(&format!("{option} {action},{list}"));
        for test in rule.tests_on(Field::Arch) {
            self.arch(test);
        }
        self.syscalls(rule);
    }

    fn arch(&mut self, test: &Test) {
        let elf = test.as_number().unwrap_or_default();
        let symbol = test.op.symbol().unwrap_or(NULL);
        let native = self.listing.dialect == Dialect::Native;
        let name = match Arch::from_elf(elf) {
            None => format!("0x{elf:X}"),
            // the first name that its table has for the number
            Some(Arch::Arm) if self.listing.interpret.is_some() && !native => "armeb".to_owned(),
            Some(arch) if self.listing.interpret.is_some() => arch.name().to_owned(),
            Some(arch) if native && !self.is_local(arch) => arch.name().to_owned(),
            Some(arch) => if arch.is_64bit() { "b64" } else { "b32" }.to_owned(),
        };
        self.say(&format!(" -F arch{symbol}{name}"));
    }

    /// Whether `b32` or `b64` on this machine means the architecture.
    fn is_local(&self, arch: Arch) -> bool {
        let machine = self.listing.machine;
        machine.b64() == Some(arch) || machine.b32() == Some(arch)
    }

    fn syscalls(&mut self, rule: &Rule) {
        if !rule.list.takes_syscalls() {
            return;
        }
        if rule.syscalls.is_all() {
            self.say(" -S all");
            return;
        }
        let named = rule.tests_on(Field::Arch).last();
        let arch = match named {
            Some(test) => test.as_number().and_then(Arch::from_elf),
            None => Some(self.listing.machine),
        };
        for (index, number) in rule.syscalls.iter().enumerate() {
            self.say(if index == 0 { " -S " } else { "," });
            let name = match rule.list {
                List::IoUring => tables::uring_op_name(number),
                _ => arch.and_then(|arch| tables::syscall_name(arch, number)),
            };
            match name {
                Some(name) => self.say(name),
                None => self.say(&number.to_string()),
            }
        }
    }

    fn auditctl_test(&mut self, rule: &Rule, test: &Test, watch: bool) {
        let symbol = test.op.symbol().unwrap_or(NULL);
        match &test.value {
            Value::Text(text) => {
                let text = until_nul(text);
                match test.field {
                    Field::Path | Field::Dir if watch => self.text_field("-w ", "", text),
                    Field::Path => self.text_field(" -F path", "=", text),
                    Field::Dir => self.text_field(" -F dir", "=", text),
                    Field::Exe => self.text_field(" -F exe", "=", text),
                    Field::Key => self.keys(text, if watch { " -k " } else { " -F key=" }),
                    other => {
                        let name = other.name().unwrap_or_default();
                        self.text_field(&format!(" -F {name}"), symbol, text);
                    }
                }
            }
            &Value::Number(number) => match test.field {
                Field::Perm => {
                    let option = if watch { " -p " } else { " -F perm=" };
                    self.say(&format!("{option}{}", permission_letters(number)));
                }
                Field::Compare => self.compare(number, symbol),
                Field::Other(field) => {
                    self.say(&format!(" f{field}{symbol}{}", number as i32));
                }
                field => {
                    let value = self.number(rule, field, number);
                    let name = field.name().unwrap_or_default();
                    self.say(&format!(" -F {name}{symbol}{value}"));
                }
            },
        }
    }

    /// A field's number as auditctl prints it: words where it has them, else signed decimal.
    fn number(&self, rule: &Rule, field: Field, number: u32) -> String {
        let signed = number as i32;
        let word = match field {
            Field::MsgType => tables::message_type_name(number).map(str::to_owned),
            Field::Inode => Some(number.to_string()),
            Field::Auid | Field::SessionId if signed == -1 && self.listing.interpret.is_some() => {
                Some("unset".to_owned())
            }
            Field::Exit if signed < 0 => {
                tables::errno_name(signed.unsigned_abs()).map(|name| format!("-{name}"))
            }
            Field::FsType => tables::FILESYSTEMS
                .into_iter()
                .find(|row| row.0 == number && row.2)
                .map(|row| row.1.to_owned()),
            Field::A0 | Field::A1 | Field::A2 | Field::A3 => {
                Some(self.argument(rule, field, number))
            }
            _ => None,
        };
        word.unwrap_or_else(|| signed.to_string())
    }

    /// An argument: hexadecimal, or under `-i` its meaning where one system call gives it one.
    fn argument(&self, rule: &Rule, field: Field, number: u32) -> String {
        let index = (field.number() - Field::A0.number()) as usize;
        let mut calls = rule.syscalls.iter();
        let meaning = match (self.listing.interpret, calls.next(), calls.next()) {
            (Some(interpret), Some(call), None) => interpret(rule.arch(), call, index, number),
            _ => None,
        };
        meaning.unwrap_or_else(|| format!("0x{number:X}"))
    }

    fn native_test(&mut self, rule: &Rule, test: &Test, watch: bool) {
        let symbol = test.op.symbol().unwrap_or(NULL);
        let name = test.field.name().unwrap_or_default();
        match &test.value {
            Value::Text(text) => match test.field {
                Field::Path | Field::Dir if watch => self.text_field("-w ", "", &escaped(text)),
                Field::Key => {
                    let option = if watch { " -k " } else { " -F key=" };
                    self.keys(&escaped(text), option);
                }
                _ => self.text_field(&format!(" -F {name}"), symbol, &escaped(text)),
            },
            &Value::Number(number) => match test.field {
                Field::Perm if !watch => {
                    self.say(&format!(" -F perm{symbol}{}", permission_letters(number)));
                }
                Field::FileType | Field::FsType => {
                    let word = tables::FILE_TYPES
                        .into_iter()
                        .chain(tables::FILESYSTEMS.map(|row| (row.0, row.1)))
                        .find(|row| row.0 == number)
                        .map_or_else(|| number.to_string(), |row| row.1.to_owned());
                    self.say(&format!(" -F {name}{symbol}{word}"));
                }
                field if number == u32::MAX && (field.is_user() || field == Field::SessionId) => {
                    self.say(&format!(" -F {name}{symbol}unset"));
                }
                field if field.is_group() || field.is_user() => {
                    self.say(&format!(" -F {name}{symbol}{number}"));
                }
                _ => self.auditctl_test(rule, test, watch),
            },
        }
    }

    fn compare(&mut self, code: u32, symbol: &str) {
        let Some((left, right)) = compare::pair(code) else {
            return;
        };
        let names = (
            left.name().unwrap_or_default(),
            right.name().unwrap_or_default(),
        );
        let mut text = String::new();
        write!(text, " -C {}{symbol}{}", names.0, names.1).expect("a String takes every write");
        self.say(&text);
    }

    fn text_field(&mut self, option: &str, symbol: &str, text: &[u8]) {
        self.say(option);
        self.say(symbol);
        self.bytes.extend_from_slice(text);
    }

    fn keys(&mut self, text: &[u8], option: &str) {
        for key in text
            .split(|&byte| byte == crate::rule::KEY_SEPARATOR)
            .filter(|key| !key.is_empty())
        {
            self.text_field(option, "", key);
        }
    }
}

/// C strings end at the first zero byte.
fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Blanks and backslashes as rules files write them.
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if byte == b' ' || byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}
