//! A kernel for ours that answers as the shim answers the real auditctl.

use std::os::unix::ffi::OsStrExt as _;

use bstr::BString;
use indelible_rules::control::{LoginuidImmutable, Signal, feature};
use indelible_rules::errno::Errno;
use indelible_rules::{
    Action, Arch, Control, Field, Host, List, Op, PathKind, Rule, RulesFile, Status, System, Test,
    kernel,
};

use crate::cases::{Asked, Case};
use crate::peer::Sent;

pub(crate) struct Fake<'a> {
    case: &'a Case,
    failures_seen: usize,
    pub(crate) out: BString,
    pub(crate) err: BString,
    pub(crate) sent: Vec<Sent>,
}

/// `struct audit_status` for a case.
pub(crate) fn status_words(case: &Case) -> Vec<u8> {
    let enabled = if case.locked { 2 } else { 1 };
    let features = if case.features { feature::ALL } else { 0 };
    let pid = u32::from(case.daemon);
    let words = [0, enabled, 1, pid, 0, 8192, 0, 0, features, 60000, 0];
    words.into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// The three rules that are loaded where a case wants some.
pub(crate) fn loaded() -> Vec<Rule> {
    let mut rules = vec![
        Rule::new(List::Exit, Action::Always),
        Rule::new(List::Exit, Action::Always),
        Rule::new(List::Exclude, Action::Always),
    ];
    rules[0].tests.push(Test::number(Field::Uid, Op::Equal, 0));
    rules[1]
        .tests
        .push(Test::text(Field::Key, Op::Equal, "abc"));
    rules[2]
        .tests
        .push(Test::number(Field::MsgType, Op::Equal, 1307));
    rules
}

impl<'a> Fake<'a> {
    pub(crate) fn new(case: &'a Case) -> Self {
        Self {
            case,
            failures_seen: 0,
            out: BString::default(),
            err: BString::default(),
            sent: Vec::new(),
        }
    }

    fn answer(&mut self, kind: u16) -> Result<(), Errno> {
        match self.case.errno {
            Some((wanted, errno, skip)) if wanted == kind => {
                self.failures_seen += 1;
                if self.failures_seen > skip {
                    Err(Errno(errno))
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }

    fn send(&mut self, kind: u16, payload: Vec<u8>) -> Result<(), Errno> {
        self.sent.push(Sent { kind, payload });
        self.answer(kind)
    }
}

impl Host for Fake<'_> {
    fn user(&self, name: &[u8]) -> Option<u32> {
        (name == b"root").then_some(0)
    }

    fn group(&self, name: &[u8]) -> Option<u32> {
        (name == b"root").then_some(0)
    }

    fn path_kind(&self, path: &[u8]) -> PathKind {
        match std::fs::metadata(std::ffi::OsStr::from_bytes(path)) {
            Ok(meta) if meta.is_dir() => PathKind::Directory,
            Ok(_) => PathKind::Other,
            Err(_) => PathKind::Missing,
        }
    }
}

impl System for Fake<'_> {
    fn machine(&self) -> Arch {
        Arch::X86_64
    }

    fn can_control(&self) -> bool {
        true
    }

    fn out(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    fn err(&mut self, text: &[u8]) {
        self.err.extend_from_slice(text);
    }

    fn rules_file(&mut self, path: &[u8]) -> Result<RulesFile, Errno> {
        match &self.case.asked {
            Asked::File {
                content,
                mode,
                owner,
            } => Ok(RulesFile {
                mode: 0o100_000 | mode,
                uid: *owner,
                content: content.to_vec(),
            }),
            Asked::Arguments(_) => match path {
                b"/etc" => Ok(RulesFile {
                    mode: 0o040_755,
                    uid: 0,
                    content: Vec::new(),
                }),
                _ => Err(Errno::NOENT),
            },
        }
    }

    fn add_rule(&mut self, rule: &Rule) -> Result<(), Errno> {
        self.send(1011, kernel::encode(rule).expect("rules from text fit"))
    }

    fn delete_rule(&mut self, rule: &Rule) -> Result<(), Errno> {
        self.send(1012, kernel::encode(rule).expect("rules from text fit"))
    }

    fn rules(&mut self) -> Result<Vec<Rule>, Errno> {
        self.answer(1013)?;
        Ok(if self.case.rules {
            loaded()
        } else {
            Vec::new()
        })
    }

    fn control(&mut self, control: &Control) -> Result<u32, Errno> {
        let (kind, payload) = match control {
            Control::Message(text) => (1005, [b"text=", text.as_slice()].concat()),
            other => other.message().expect("a setting"),
        };
        self.send(kind, payload).map(|()| 0)
    }

    fn status(&mut self) -> Result<Status, Errno> {
        self.answer(1000)?;
        Ok(Status::decode(&status_words(self.case)))
    }

    fn loginuid_immutable(&mut self) -> Result<Option<LoginuidImmutable>, Errno> {
        self.answer(1019)?;
        Ok(Some(LoginuidImmutable::default()))
    }

    fn signal(&mut self, _pid: u32, signal: Signal) -> Result<(), Errno> {
        self.sent.push(Sent {
            kind: signal.number() as u16,
            payload: Vec::new(),
        });
        Ok(())
    }

    fn argument_text(&self, _: Option<Arch>, _: u32, _: usize, _: u32) -> Option<String> {
        None
    }
}
