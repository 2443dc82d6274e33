//! The same rule for another architecture.

use crate::arch::Arch;
use crate::field::Field;
use crate::mask::Mask;
use crate::op::Op;
use crate::rule::{Rule, Test, Value};
use crate::tables;

/// Old calls that 32-bit programs use in the place of newer ones of another name.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("mmap", "mmap2"),
    ("settimeofday", "stime"),
    ("umount2", "umount"),
    ("fadvise64", "fadvise64_64"),
];

/// The system calls of one architecture by the names that they have on another, together with
/// their wider forms there: `chown32` for `chown`, `truncate64` for `truncate`. Calls that the
/// other one lacks are left out; `None` where that leaves nothing, or no names are known.
#[must_use]
pub fn syscalls(calls: &Mask, from: Arch, to: Arch) -> Option<Mask> {
    if !tables::knows_syscalls(from) || !tables::knows_syscalls(to) {
        return None;
    }
    if calls.is_all() {
        return Some(Mask::all());
    }
    let mut twin = Mask::none();
    for name in calls
        .iter()
        .filter_map(|number| tables::syscall_name(from, number))
    {
        let other = OTHER_NAMES
            .iter()
            .filter(|row| row.0 == name)
            .map(|row| row.1.to_owned());
        let names = [name.to_owned(), format!("{name}32"), format!("{name}64")];
        for name in names.into_iter().chain(other) {
            if let Some(number) = tables::syscall_number(to, name.as_bytes()) {
                twin.insert(number);
            }
        }
    }
    (!twin.is_none()).then_some(twin)
}

/// The rule for another architecture: its `arch` condition and its system calls changed. A rule
/// without `arch` is taken for one of `from`.
#[must_use]
pub fn rule(rule: &Rule, from: Arch, to: Arch) -> Option<Rule> {
    let mut twin = rule.clone();
    twin.syscalls = syscalls(&rule.syscalls, from, to)?;
    match twin
        .tests
        .iter_mut()
        .rfind(|test| test.field == Field::Arch)
    {
        Some(test) => test.value = Value::Number(to.elf()),
        None => twin
            .tests
            .insert(0, Test::number(Field::Arch, Op::Equal, to.elf())),
    }
    Some(twin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_keep_their_names_and_gain_their_wide_forms() {
        let calls = |arch, names: &[&str]| -> Mask {
            names
                .iter()
                .map(|name| tables::syscall_number(arch, name.as_bytes()).unwrap())
                .collect()
        };
        let from = calls(Arch::X86_64, &["chown", "truncate", "openat", "arch_prctl"]);
        let to = [
            "chown",
            "chown32",
            "truncate",
            "truncate64",
            "openat",
            "arch_prctl",
        ];
        assert_eq!(
            syscalls(&from, Arch::X86_64, Arch::I386),
            Some(calls(Arch::I386, &to))
        );
        let open = calls(Arch::X86_64, &["open"]);
        assert_eq!(syscalls(&open, Arch::X86_64, Arch::Aarch64), None);
        assert_eq!(syscalls(&open, Arch::X86_64, Arch::S390), None);
    }
}
