//! Programs that run others: shells, interpreters, the dynamic loader.

use super::act::Act;
use super::path::file_name;

/// Whether it is a program that takes commands.
pub(super) fn is_shell(exe: &[u8]) -> bool {
    matches!(
        file_name(exe),
        b"sh"
            | b"bash"
            | b"dash"
            | b"zsh"
            | b"ksh"
            | b"ksh93"
            | b"mksh"
            | b"ash"
            | b"csh"
            | b"tcsh"
            | b"fish"
            | b"rbash"
            | b"busybox"
            | b"pwsh"
    )
}

/// Whether a program that was started takes commands: busybox is what its arguments say.
pub(super) fn runs_shell(act: &Act<'_>) -> bool {
    let Some(exe) = act.exe().filter(|exe| is_shell(exe)) else {
        return false;
    };
    applet(exe, act.argv()).is_none_or(|(applet, _)| is_shell(applet))
}

/// What busybox was told to be, and whether by its first argument.
fn applet<'a>(exe: &[u8], arguments: &'a [Vec<u8>]) -> Option<(&'a [u8], bool)> {
    if file_name(exe) != b"busybox" {
        return None;
    }
    match file_name(arguments.first()?) {
        b"busybox" => {
            let named = arguments.get(1).map(|word| file_name(word));
            Some((named.unwrap_or(b"sh"), true))
        }
        name => Some((name, false)),
    }
}

/// The file that a program of the system was told to run by its arguments: a script of an interpreter,
/// a program of the dynamic loader. `None` where the code itself is an argument, or comes from elsewhere.
pub(super) fn told_to_run<'a>(exe: &[u8], arguments: &'a [Vec<u8>]) -> Option<&'a [u8]> {
    let family = Family::of(exe)?;
    let mut rest = arguments.iter().skip(1).map(Vec::as_slice);
    if let Some((applet, is_named)) = applet(exe, arguments) {
        if !is_shell(applet) {
            return None;
        }
        if is_named {
            rest.next();
        }
    }
    while let Some(word) = rest.next() {
        match word {
            b"--" => return rest.next(),
            b"-" => return None,
            [b'-' | b'+', ..] if family.is_code(word) => return None,
            [b'-' | b'+', ..] if family.takes_value(word) => {
                rest.next();
            }
            [b'-' | b'+', ..] => {}
            _ => return Some(word),
        }
    }
    None
}

/// Whether its arguments may name a program or script that it runs.
pub(super) fn runs_others(exe: &[u8]) -> bool {
    Family::of(exe).is_some()
}

/// Programs whose options are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Shell,
    Python,
    /// perl and ruby.
    Perl,
    /// node, php, lua and others.
    Other,
    /// ld.so(8)
    Loader,
}

impl Family {
    fn of(exe: &[u8]) -> Option<Family> {
        if is_shell(exe) {
            return Some(Family::Shell);
        }
        let name = file_name(exe);
        if is_loader(name) {
            return Some(Family::Loader);
        }
        let version = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
        let end = name.iter().rposition(|byte| !version(byte))? + 1;
        match &name[..end] {
            b"python" | b"pypy" => Some(Family::Python),
            b"perl" | b"ruby" => Some(Family::Perl),
            b"node" | b"nodejs" | b"php" | b"lua" | b"luajit" | b"tclsh" | b"gawk" => {
                Some(Family::Other)
            }
            _ => None,
        }
    }

    /// Whether the option says that the next argument, or nothing, is the code.
    fn is_code(self, word: &[u8]) -> bool {
        let is_cluster = !word.starts_with(b"--");
        let has = |letters: &[u8]| is_cluster && word.iter().any(|byte| letters.contains(byte));
        match self {
            // `-s` reads standard input, `-n` runs nothing.
            Family::Shell => word.starts_with(b"-") && has(b"cns"),
            Family::Python => has(b"cm"),
            // Not the `e` of `-I/some/path`. `-c` runs nothing.
            Family::Perl => has(b"ceE") && !matches!(word.get(1), Some(b'I' | b'M' | b'm')),
            Family::Other => {
                has(b"er") && word.len() == 2 || matches!(word, b"--eval" | b"--print" | b"-p")
            }
            // It lists or checks, and runs nothing.
            Family::Loader => matches!(word, b"--list" | b"--verify" | b"--help" | b"--version"),
        }
    }

    fn takes_value(self, word: &[u8]) -> bool {
        match self {
            Family::Shell => matches!(
                word,
                b"-o" | b"+o" | b"-O" | b"+O" | b"--rcfile" | b"--init-file"
            ),
            Family::Python => matches!(word, b"-W" | b"-X"),
            Family::Perl => matches!(word, b"-I" | b"-C"),
            Family::Other => matches!(word, b"-f" | b"-d" | b"-l" | b"--require"),
            Family::Loader => matches!(
                word,
                b"--library-path"
                    | b"--inhibit-rpath"
                    | b"--audit"
                    | b"--preload"
                    | b"--argv0"
                    | b"--glibc-hwcaps-prepend"
                    | b"--glibc-hwcaps-mask"
            ),
        }
    }
}

/// `ld-linux-x86-64.so.2`, `ld-musl-aarch64.so.1`, `ld-2.31.so`, `ld.so`.
fn is_loader(name: &[u8]) -> bool {
    name == b"ld.so" || name.starts_with(b"ld-") && memchr::memmem::find(name, b".so").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_to_run() {
        for (exe, line, expected) in [
            ("/usr/bin/dash", "sh /tmp/x.sh a", Some("/tmp/x.sh")),
            ("/usr/bin/bash", "bash -x -o pipefail x.sh", Some("x.sh")),
            ("/usr/bin/bash", "bash -ec true", None),
            ("/usr/bin/bash", "bash -n /tmp/x.sh", None),
            ("/usr/bin/perl", "perl -c /tmp/x.pl", None),
            ("/usr/bin/bash", "bash --rcfile /tmp/rc", None),
            ("/usr/bin/bash", "-bash", None),
            ("/usr/bin/bash", "bash -- -x", Some("-x")),
            (
                "/usr/bin/python3.11",
                "python3 -u /tmp/a.py",
                Some("/tmp/a.py"),
            ),
            ("/usr/bin/python3.11", "python3 -m pip /tmp/a.py", None),
            ("/usr/bin/python3.11", "python3 -c /tmp/a.py", None),
            ("/usr/bin/python3.11", "python3 -", None),
            ("/usr/bin/perl", "perl -I/usr/lib/e /tmp/p", Some("/tmp/p")),
            ("/usr/bin/perl", "perl -pe s/a/b/ /tmp/p", None),
            (
                "/usr/bin/node",
                "node --require /x.js /tmp/n.js",
                Some("/tmp/n.js"),
            ),
            ("/usr/bin/php8.2", "php -r /tmp/x", None),
            ("/usr/bin/busybox", "busybox sh /tmp/x", Some("/tmp/x")),
            ("/usr/bin/busybox", "ash /tmp/x", Some("/tmp/x")),
            ("/usr/bin/busybox", "busybox cat /tmp/x", None),
            ("/usr/bin/cat", "cat /tmp/x", None),
            (
                "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
                "ld.so --library-path /tmp /tmp/x",
                Some("/tmp/x"),
            ),
            ("/usr/lib/ld-2.31.so", "ld.so --verify /tmp/x", None),
        ] {
            let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.into()).collect();
            let told = told_to_run(exe.as_bytes(), &words);
            assert_eq!(told, expected.map(str::as_bytes), "{line}");
        }
    }
}
