//! Generates the tables of `crates/record/src/tables` from the kernel's UAPI headers.
//!
//! ```text
//! cargo xtask tables [--headers DIR] [--out DIR]
//! ```
//!
//! Needs `cc` and Debian's `linux-libc-dev` (and libc's own headers, for the few numbers that the
//! kernel does not export). Syscalls of architectures other than this machine's come from the
//! packages `linux-libc-dev-*-cross`, below `DIR` (`/usr` by default); a missing one leaves its
//! table as it is. The compiler does the reading: names are taken from what the preprocessor
//! leaves, values from a program that prints them, so no header is parsed here.

mod sets;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use sets::{SETS, Set, Style};

/// Runs the task with the arguments after its name.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    generate(arguments).map_err(anyhow::Error::msg)
}

fn generate(arguments: &[&str]) -> Result<(), String> {
    let mut headers = PathBuf::from("/usr");
    let mut out = PathBuf::from("crates/record/src/tables");
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{argument} needs a folder"))?;
        match *argument {
            "--headers" => headers = PathBuf::from(value),
            "--out" => out = PathBuf::from(value),
            _ => {
                return Err(format!(
                    "unknown option {argument}; there are --headers and --out"
                ));
            }
        }
    }
    fs::create_dir_all(&out).map_err(|error| describe("create", &out, &error))?;
    for arch in ARCHES {
        match syscalls(arch, &headers)? {
            Some(table) => write_table(&out.join(format!("syscalls_{}.rs", arch.name)), &table)?,
            None => eprintln!("tables: no headers for {}, its table stays", arch.name),
        }
    }
    let mut constants = String::from(CONSTANTS_HEADER);
    let mut faults = Vec::new();
    for set in SETS {
        match values(set) {
            Ok(members) => push_set(&mut constants, set, &members),
            Err(fault) => faults.push(fault),
        }
    }
    constants.push_str(&errno_texts()?);
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    write_table(&out.join("constants.rs"), &constants)
}

/// An architecture whose syscalls are tabled.
struct Arch {
    name: &'static str,
    /// Folder with `asm/unistd.h`, below the headers' root.
    include: &'static str,
    /// Lines before the header: which of several ABIs is meant.
    before: &'static str,
}

const ARCHES: &[Arch] = &[
    Arch {
        name: "x86_64",
        include: "",
        before: "#include <asm/unistd_64.h>",
    },
    Arch {
        name: "i386",
        include: "",
        before: "#include <asm/unistd_32.h>",
    },
    Arch {
        name: "aarch64",
        include: "aarch64-linux-gnu/include",
        before: "#define __LP64__ 1",
    },
    Arch {
        name: "arm",
        include: "arm-linux-gnueabihf/include",
        before: "#define __ARM_EABI__ 1",
    },
    Arch {
        name: "riscv64",
        include: "riscv64-linux-gnu/include",
        before: "#define __LP64__ 1",
    },
    Arch {
        name: "s390x",
        include: "s390x-linux-gnu/include",
        before: "#define __s390x__ 1",
    },
    Arch {
        name: "ppc64",
        include: "powerpc64le-linux-gnu/include",
        before: "#define __powerpc64__ 1",
    },
];

/// Syscalls that are newer than Debian 12's headers (Linux 6.1), with their release. Since 5.1
/// (number 424) all architectures share the numbers.
const LATER: &[(u32, &str, &str)] = &[
    (451, "cachestat", "6.5"),
    (452, "fchmodat2", "6.6"),
    (453, "map_shadow_stack", "6.6"),
    (454, "futex_wake", "6.7"),
    (455, "futex_wait", "6.7"),
    (456, "futex_requeue", "6.7"),
    (457, "statmount", "6.8"),
    (458, "listmount", "6.8"),
    (459, "lsm_get_self_attr", "6.8"),
    (460, "lsm_set_self_attr", "6.8"),
    (461, "lsm_list_modules", "6.8"),
    (462, "mseal", "6.10"),
    (463, "setxattrat", "6.13"),
    (464, "getxattrat", "6.13"),
    (465, "listxattrat", "6.13"),
    (466, "removexattrat", "6.13"),
    (467, "open_tree_attr", "6.15"),
    (468, "file_getattr", "6.17"),
    (469, "file_setattr", "6.17"),
];

/// The file with one architecture's syscalls; none where its headers are not installed.
fn syscalls(arch: &Arch, headers: &Path) -> Result<Option<String>, String> {
    let include = match arch.include {
        "" => None,
        below => Some(headers.join(below)),
    };
    if include.as_ref().is_some_and(|folder| !folder.is_dir()) {
        return Ok(None);
    }
    let undefine = "#undef __x86_64__\n#undef __i386__\n#undef __ILP32__\n";
    let source = match &include {
        None => format!("{}\n", arch.before),
        Some(_) => format!("{undefine}{}\n#include <asm/unistd.h>\n", arch.before),
    };
    let names = macros(&preprocess(&source, include.as_deref(), &["-dM"])?, "__NR_");
    let mut probe = source;
    for name in &names {
        // A writer to a string cannot fail.
        let _ = writeln!(probe, "@@ {} {name}", &name["__NR_".len()..]);
    }
    let text = preprocess(&probe, include.as_deref(), &[])?;
    let mut table: BTreeMap<u32, String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("@@ "))
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, value)| Some((sum(value)?, String::from(name))))
        .filter(|(_, name)| !matches!(name.as_str(), "syscalls" | "arch_specific_syscall"))
        .collect();
    for (number, name, _) in LATER {
        table.entry(*number).or_insert_with(|| String::from(*name));
    }
    let mut file = format!(
        "//! Syscalls of {}, by number. Generated by `cargo xtask tables`; do not edit.\n\n\
         pub(crate) const SYSCALLS: &[(u32, &str)] = &[\n",
        arch.name
    );
    for (number, name) in &table {
        let _ = writeln!(file, "    ({number}, \"{name}\"),");
    }
    file.push_str("];\n");
    Ok(Some(file))
}

/// `(0x900000+ 5)`: what is left of a syscall's number after the preprocessor.
fn sum(text: &str) -> Option<u32> {
    let plain: String = text
        .chars()
        .filter(|c| !matches!(c, '(' | ')' | ' '))
        .collect();
    plain.split('+').try_fold(0u32, |total, term| {
        let value = match term.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => term.parse().ok()?,
        };
        total.checked_add(value)
    })
}

const CONSTANTS_HEADER: &str = "\
//! Named numbers of the kernel's interface. Generated by `cargo xtask tables`; do not edit.\n\
//!\n\
//! Each table is ascending by value and has one name per value.\n";

/// The members of a set: name by value.
fn values(set: &Set) -> Result<BTreeMap<u64, String>, String> {
    let mut source = String::from("#define _GNU_SOURCE 1\n");
    for header in set.headers {
        // A writer to a string cannot fail, here and below.
        let _ = writeln!(source, "#include <{header}>");
    }
    let defined = preprocess(&source, None, &["-dM"])?;
    let mut names: BTreeSet<String> = macros(&defined, "").into_iter().collect();
    names.extend(words(&preprocess(&source, None, &[])?));
    names.retain(|name| {
        set.members.iter().any(|pattern| matches(pattern, name))
            && !set.skip.iter().any(|pattern| matches(pattern, name))
    });
    source.push_str("#include <stdio.h>\nint main(void) {\n");
    for name in &names {
        let _ = writeln!(
            source,
            "printf(\"%llu {name}\\n\", (unsigned long long)({name}));"
        );
    }
    source.push_str("}\n");
    let printed = compile_and_run(&source).map_err(|error| format!("{}: {error}", set.name))?;
    let mut members: BTreeMap<u64, String> = BTreeMap::new();
    let mut doubles = Vec::new();
    for (value, name) in printed.lines().filter_map(|line| line.split_once(' ')) {
        // A value of type int with its top bit set is printed with 32 more ones before it.
        let value = value.parse::<u64>().unwrap_or_default() & u64::from(u32::MAX);
        if set.bits && !value.is_power_of_two() {
            continue;
        }
        if let Some(other) = members.insert(value, shown(set, name)) {
            doubles.push(format!("{name} = {other} = {value}"));
        }
    }
    match doubles.as_slice() {
        [] => Ok(members),
        _ => Err(format!("{}: skip one of {}", set.name, doubles.join(", "))),
    }
}

/// A name as the table has it.
fn shown(set: &Set, name: &str) -> String {
    let pattern = set.members.iter().find(|pattern| matches(pattern, name));
    if let Some((_, other)) = pattern.and_then(|pattern| pattern.split_once('=')) {
        return String::from(other);
    }
    if set.style == Style::Whole {
        return String::from(name);
    }
    // What a pattern without a star leaves out ends at the first underscore.
    let left_out = pattern.map_or(0, |pattern| match pattern.strip_suffix('*') {
        Some(before) => before.len(),
        None => pattern.find('_').map_or(0, |at| at + 1),
    });
    name[left_out..].to_lowercase()
}

/// What libc's `strerror` says for each error number, which the tools print beside its name.
fn errno_texts() -> Result<String, String> {
    let source = "#include <stdio.h>\n#include <string.h>\n\
                  int main(void) { for (int i = 1; i <= 133; i++) printf(\"%s\\n\", strerror(i)); }\n";
    let mut table = String::from(
        "\n/// What `strerror` says for the error numbers from 1 on.\n\
         pub(crate) const ERRNO_TEXTS: &[&str] = &[\n",
    );
    for text in compile_and_run(source)?.lines() {
        let _ = writeln!(table, "    \"{text}\",");
    }
    table.push_str("];\n");
    Ok(table)
}

fn push_set(file: &mut String, set: &Set, members: &BTreeMap<u64, String>) {
    let _ = writeln!(file, "\n/// {}", set.doc);
    let _ = writeln!(file, "pub(crate) const {}: &[(u64, &str)] = &[", set.name);
    for (value, name) in members {
        let _ = match set.bits {
            true => writeln!(file, "    ({value:#x}, \"{name}\"),"),
            false => writeln!(file, "    ({value}, \"{name}\"),"),
        };
    }
    file.push_str("];\n");
}

/// Object-like macros that begin with `prefix`, in what `cc -dM` prints.
fn macros(defined: &str, prefix: &str) -> Vec<String> {
    defined
        .lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, value)| {
            name.starts_with(prefix) && !name.contains('(') && !value.is_empty()
        })
        .map(|(name, _)| String::from(name))
        .collect()
}

/// Whether a name is meant: `pattern` itself, or what its one `*` leaves open.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern = pattern.split('=').next().unwrap_or(pattern);
    match pattern.split_once('*') {
        Some((before, after)) => {
            name.len() > before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        }
        None => name == pattern,
    }
}

/// Enumerators: words of the preprocessed text that look like constants.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase() || c == '_'))
        .map(String::from)
}

fn preprocess(source: &str, include: Option<&Path>, flags: &[&str]) -> Result<String, String> {
    let file = Scratch::new(source)?;
    let mut command = Command::new("cc");
    command.args(["-E", "-P"]).args(flags);
    if let Some(folder) = include {
        command.arg("-nostdinc").arg("-isystem").arg(folder);
    }
    output(command.arg(&file.0))
}

fn compile_and_run(source: &str) -> Result<String, String> {
    let file = Scratch::new(source)?;
    let program = file.0.with_extension("out");
    output(
        Command::new("cc")
            .arg("-w")
            .arg("-o")
            .arg(&program)
            .arg(&file.0),
    )?;
    let printed = output(&mut Command::new(&program));
    // A program left in the temporary folder does no harm.
    let _ = fs::remove_file(&program);
    printed
}

/// A C file in the temporary folder for as long as it is needed.
struct Scratch(PathBuf);

impl Scratch {
    fn new(source: &str) -> Result<Scratch, String> {
        let path = std::env::temp_dir().join(format!("indelible-tables-{}.c", std::process::id()));
        fs::write(&path, source).map_err(|error| describe("write", &path, &error))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A file left in the temporary folder does no harm.
        let _ = fs::remove_file(&self.0);
    }
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("cannot run {}: {error}", command.get_program().display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn write_table(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| describe("write", path, &error))
}

fn describe(verb: &str, path: &Path, error: &io::Error) -> String {
    format!("cannot {verb} {}: {error}", path.display())
}
