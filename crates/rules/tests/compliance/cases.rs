//! What is compared: argument lists, files, and the product of fields, operators and lists.

use bstr::{BString, ByteSlice};
use indelible_rules::{Action, Compat, Field, List, Mask, Op, Rule, Test, Value, words};

/// The state that the kernel is in, and what auditctl is asked.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// As the case is written down.
    pub(crate) text: String,
    /// The reason why ours differs, if it does on purpose.
    pub(crate) differs: Option<String>,
    /// Message type, error, successes before it.
    pub(crate) errno: Option<(u16, i32, usize)>,
    pub(crate) locked: bool,
    pub(crate) daemon: bool,
    pub(crate) features: bool,
    pub(crate) rules: bool,
    pub(crate) asked: Asked,
}

#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Arguments(Vec<BString>),
    File {
        content: BString,
        mode: u32,
        owner: u32,
    },
}

/// The name under which a case's file is passed.
pub(crate) const FILE: &str = "case.rules";

impl Case {
    fn new(text: &str) -> (Self, &str) {
        let mut case = Self {
            text: text.to_owned(),
            differs: None,
            errno: None,
            locked: false,
            daemon: true,
            features: true,
            rules: false,
            asked: Asked::Arguments(Vec::new()),
        };
        let mut rest = text;
        let (mut mode, mut owner) = (0o640, 0);
        loop {
            if let Some(after) = rest.strip_prefix("! ") {
                let (name, after) = after.split_once(' ').expect("a name after !");
                case.differs = Some(name.to_owned());
                rest = after;
            } else if let Some(after) = rest.strip_prefix('{') {
                let (setting, after) = after.split_once('}').expect("a closing brace");
                match setting.split_once(' ') {
                    Some(("errno", value)) => case.errno = Some(errno(value)),
                    Some(("mode", value)) => {
                        mode = u32::from_str_radix(value, 8).expect("an octal mode");
                    }
                    Some(("owner", value)) => owner = value.parse().expect("a user id"),
                    _ => match setting {
                        "locked" => case.locked = true,
                        "no-daemon" => case.daemon = false,
                        "old" => case.features = false,
                        "rules" => case.rules = true,
                        _ => panic!("{setting} is no setting"),
                    },
                }
                rest = after.trim_start_matches(' ');
            } else {
                break;
            }
        }
        case.asked = Asked::File {
            content: BString::default(),
            mode,
            owner,
        };
        (case, rest)
    }

    /// The arguments, with the file's name where there is one.
    pub(crate) fn args(&self) -> Vec<BString> {
        match &self.asked {
            Asked::Arguments(args) => args.clone(),
            Asked::File { .. } => vec!["-R".into(), FILE.into()],
        }
    }
}

fn errno(text: &str) -> (u16, i32, usize) {
    let mut parts = text
        .split(':')
        .map(|part| part.parse::<u16>().expect("a number"));
    let kind = parts.next().expect("a message type");
    let error = parts.next().expect("an error number");
    (kind, error.into(), parts.next().unwrap_or(0).into())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

pub(crate) fn arguments(text: &str) -> Vec<Case> {
    lines(text)
        .map(|line| {
            let (mut case, rest) = Case::new(line);
            let words = words::split(rest.as_bytes(), Compat::V3);
            let args = words.into_iter().map(|word| expand(&word.text)).collect();
            case.asked = Asked::Arguments(args);
            case
        })
        .collect()
}

/// `<x*300>` and `<empty>`.
fn expand(text: &[u8]) -> BString {
    let Some((before, rest)) = text.split_once_str("<") else {
        return text.into();
    };
    let Some((inside, after)) = rest.split_once_str(">") else {
        return text.into();
    };
    let middle = match inside.split_once_str("*") {
        Some((unit, count)) => {
            let count = count.to_str().ok().and_then(|count| count.parse().ok());
            unit.repeat(count.expect("a count"))
        }
        None if inside == b"empty" => Vec::new(),
        None => return text.into(),
    };
    [before, &middle, after].concat().into()
}

pub(crate) fn files(text: &str) -> Vec<Case> {
    lines(text)
        .map(|line| {
            let (mut case, rest) = Case::new(line);
            if let Asked::File { content, .. } = &mut case.asked {
                *content = expand(&unescape(rest));
            }
            case
        })
        .collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'0') => 0,
                Some(other) => other,
                None => b'\\',
            },
            other => other,
        });
    }
    out
}

/// The rule files in a folder, each as a case.
pub(crate) fn shipped(folder: &str) -> Vec<Case> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        eprintln!("skipped: no {folder}");
        return Vec::new();
    };
    let mut cases: Vec<Case> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let content = std::fs::read(&path).ok()?;
            let (mut case, _) = Case::new("");
            case.text = path.display().to_string();
            case.asked = Asked::File {
                content: content.into(),
                mode: 0o640,
                owner: 0,
            };
            Some(case)
        })
        .collect();
    cases.sort_by(|a, b| a.text.cmp(&b.text));
    cases
}

/// Every field × operator on the exit list, every field × list with `=`, every pair of `-C`.
pub(crate) fn matrix() -> Vec<Case> {
    let mut text = String::new();
    let lists = ["user", "task", "exclude", "filesystem", "exit"];
    let value = |field: Field| match field {
        Field::Arch => "b64",
        Field::MsgType => "CWD",
        Field::Path | Field::Dir | Field::Exe => "/etc",
        Field::Perm => "wa",
        Field::FileType => "link",
        Field::FsType => "debugfs",
        Field::Exit => "-EPERM",
        field if field.is_text() => "word",
        _ => "7",
    };
    for field in Field::named() {
        let name = field.name().expect("named");
        for op in Op::SEARCH_ORDER {
            let symbol = op.symbol().expect("searched for");
            text += &format!("-a always,exit -F {name}{symbol}{}\n", value(field));
        }
        for list in lists {
            text += &format!("-a never,{list} -F {name}={}\n", value(field));
        }
        text += &format!("-a never,user -F {name}>={}\n", value(field));
        text += &format!("-a never,exclude -F {name}&{}\n", value(field));
        text += &format!("-a always,exit -S 3 -F {name}!={} -F key=k\n", value(field));
    }
    let users = ["auid", "uid", "euid", "suid", "fsuid", "obj_uid", "gid"];
    let groups = ["gid", "egid", "sgid", "fsgid", "obj_gid", "uid"];
    for set in [&users[..], &groups[..]] {
        for left in set {
            for right in set {
                text += &format!("-a always,exit -C {left}={right}\n");
            }
        }
    }
    // the structure has room for 64 fields, auditctl stops at 63
    for count in [61, 62, 63, 64] {
        let fields = " -F uid!=1".repeat(count);
        text += &format!("-a always,exit -S 3{fields}\n");
        text += &format!("-a always,exit -S 3{fields} -C uid=euid\n");
        text += &format!("-a always,exit -S 3{fields} -k key\n");
        text += &format!("-a always,exit -S 3{fields} -p wa\n");
    }
    arguments(&text)
}

/// Rules of any numbers, as no text makes them.
pub(crate) fn random_rules() -> Vec<Rule> {
    let mut seed = 0x1dea_5eed_u64;
    println!("seed {seed:#x}");
    let mut next = move |below: u32| {
        // xorshift64; Marsaglia 2003
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as u32 % below
    };
    (0..2000)
        .map(|_| {
            // 7 is io_uring, which auditctl 3 has no word for
            let list = [0, 1, 2, 4, 4, 4, 5, 6, 3][next(9) as usize];
            let mut rule = Rule::new(List::from_number(list), Action::from_number(next(4)));
            rule.syscalls = match next(3) {
                0 => Mask::all(),
                1 => Mask::none(),
                _ => (0..next(8)).map(|_| next(450)).collect(),
            };
            for _ in 0..next(6) {
                let field =
                    Field::from_number([next(30), 98 + next(18), 199 + next(13)][next(3) as usize]);
                let op = match next(10) {
                    0 => Op::Other(0),
                    at => Op::SEARCH_ORDER[at as usize % 8],
                };
                let value = if field.is_text() {
                    let text: Vec<u8> = (0..next(9))
                        .map(|_| b"/etc\x01ab\x00 "[next(9) as usize])
                        .collect();
                    Value::Text(text.into())
                } else {
                    Value::Number(
                        [next(4000), u32::MAX - next(200), next(u32::MAX)][next(3) as usize],
                    )
                };
                if field != Field::Arch {
                    rule.tests.push(Test { field, op, value });
                }
            }
            rule
        })
        .collect()
}
