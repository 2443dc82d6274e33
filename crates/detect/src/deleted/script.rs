//! Scripts: what an interpreter runs is not its executable.

/// A script that a process seems to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script<'a> {
    /// Its path as the command line has it, which may be relative.
    pub path: &'a [u8],
}

/// A family of interpreters, and what its options mean.
struct Interpreter {
    /// File names, to which versions are appended.
    names: &'static [&'static str],
    /// Short options after which there is no script: code, a module, standard input.
    code: &'static [u8],
    /// Short options that take the next argument.
    takes_next: &'static [u8],
}

/// Whether the file name of an executable is that of a known interpreter, with any version in it.
pub fn is_interpreter(exe: &[u8]) -> bool {
    interpreter(exe).is_some()
}

/// The script among the arguments of the interpreter `exe`: the first that is no option. None for
/// code given on the command line or read from standard input.
pub fn script_of<'a>(exe: &[u8], arguments: &'a [Vec<u8>]) -> Option<Script<'a>> {
    let interpreter = interpreter(exe)?;
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        match argument.as_slice() {
            b"-" => return None,
            b"--" => return rest.next().map(|path| Script { path }),
            [b'-', b'-', ..] => {}
            // Short options may be joined: `sh -xc`, `perl -ne`.
            [b'-', letters @ ..] => {
                if letters.iter().any(|byte| interpreter.code.contains(byte)) {
                    return None;
                }
                if letters
                    .last()
                    .is_some_and(|byte| interpreter.takes_next.contains(byte))
                {
                    rest.next();
                }
            }
            path => return Some(Script { path }),
        }
    }
    None
}

fn interpreter(exe: &[u8]) -> Option<&'static Interpreter> {
    let name = exe.rsplit(|byte| *byte == b'/').next().unwrap_or(exe);
    let is_version = |rest: &[u8]| {
        rest.iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
    };
    let is_named = |known: &&str| name.strip_prefix(known.as_bytes()).is_some_and(is_version);
    INTERPRETERS
        .iter()
        .find(|interpreter| interpreter.names.iter().any(is_named))
}

/// Programs that run the text of a file.
const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        names: &["sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "fish"],
        code: b"cs",
        takes_next: b"oO",
    },
    Interpreter {
        names: &["python", "pypy"],
        code: b"cm",
        takes_next: b"WX",
    },
    Interpreter {
        names: &["perl"],
        code: b"eE",
        takes_next: b"",
    },
    Interpreter {
        names: &["ruby", "lua", "luajit"],
        code: b"e",
        takes_next: b"",
    },
    Interpreter {
        names: &["node", "nodejs"],
        code: b"ep",
        takes_next: b"r",
    },
    Interpreter {
        names: &["php"],
        code: b"r",
        takes_next: b"dc",
    },
    Interpreter {
        names: &["tclsh", "expect"],
        code: b"c",
        takes_next: b"",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters() {
        for name in [
            "/usr/bin/python3.11",
            "/bin/bash",
            "perl",
            "/usr/bin/lua5.4",
        ] {
            assert!(is_interpreter(name.as_bytes()), "{name}");
        }
        for name in ["/usr/bin/bashful", "/usr/bin/pythonista", "/usr/sbin/sshd"] {
            assert!(!is_interpreter(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn scripts() {
        let check = |words: &str, expect: Option<&str>| {
            let arguments: Vec<Vec<u8>> = words.split(' ').map(|word| word.into()).collect();
            let exe = words
                .trim_start_matches('-')
                .split(' ')
                .next()
                .unwrap_or_default();
            let found = script_of(exe.as_bytes(), &arguments).map(|script| script.path);
            assert_eq!(found, expect.map(str::as_bytes), "{words}");
        };
        check("python3 /tmp/x.py --flag", Some("/tmp/x.py"));
        check("python3 -u -W ignore x.py", Some("x.py"));
        check("python3 -Es /usr/bin/x", Some("/usr/bin/x"));
        check("bash -x -- -odd", Some("-odd"));
        check("bash -c true", None);
        check("sh -xc true", None);
        check("python3 -m http.server", None);
        check("perl -ne print", None);
        check("bash", None);
        check("-bash", None);
        check("bash --login x", Some("x"));
    }
}
