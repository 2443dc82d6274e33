//! From options to criteria: names become numbers, words become times.
//!
//! The texts of refusals are ausearch's, because its scripts read them.

use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use indelible_query::criteria::time::{self, Bound, NotATime, Present};
use indelible_query::criteria::{Condition, Criteria, Number, Pattern, Text, Window};
use indelible_query::expr::{ParseError, Where};
use indelible_record::{Arch, RecordType};
use indelible_rules::Host as _;
use indelible_rules::tables::errno_number;
use jiff::Zoned;
use thiserror::Error;

use super::arguments::{Times, What};
use crate::rules::{LocalHost, machine};

/// Options that mean nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refused {
    /// What should be a number is none.
    #[error("{what} must be a numeric value, was {text}")]
    NotANumber { what: &'static str, text: String },
    /// No user or group of this name here.
    #[error("{what} ID is non-numeric and unknown ({name})")]
    NoSuchName { what: &'static str, name: String },
    #[error("Unknown arch {0}")]
    NoSuchArch(String),
    #[error("Syscall {0} not found")]
    NoSuchSyscall(String),
    #[error("Unknown errno, was {0}")]
    NoSuchErrno(String),
    #[error("Success must be 'yes' or 'no'.")]
    NeitherYesNorNo,
    #[error("Valid message types are: ALL {}", record_types())]
    NoSuchType,
    #[error(transparent)]
    Time(#[from] NotATime),
    #[error(transparent)]
    Expression(#[from] ParseError),
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// The link: as ausearch, which takes `42x` for 42.
    Tool,
    /// `indelible search`, which also finds names that only the log's host knew.
    Native,
}

/// The present time and this host's.
pub(crate) fn present() -> Present {
    let now = Zoned::now();
    let uptime_s = fs::read_to_string("/proc/uptime")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    // Seconds of a host that has been up for less than 285 million years.
    let boot_s =
        uptime_s.map(|uptime| (now.timestamp().as_millisecond() as f64 / 1e3 - uptime) as i64);
    Present { now, boot_s }
}

/// Which ids names of users and groups have.
#[derive(Clone, Copy)]
pub(crate) struct Ids<'a> {
    pub(crate) user: &'a dyn Fn(&str) -> Option<u32>,
    pub(crate) group: &'a dyn Fn(&str) -> Option<u32>,
}

impl Ids<'_> {
    /// This host's.
    pub(crate) fn here() -> Self {
        Self {
            user: &|name| LocalHost.user(name.as_bytes()),
            group: &|name| LocalHost.group(name.as_bytes()),
        }
    }
}

/// The criteria that the options describe.
pub(crate) fn criteria(what: &What, manner: Manner) -> Result<Criteria, Refused> {
    criteria_with(what, manner, window(&what.times)?, &Ids::here())
}

/// The criteria that the options other than those of time describe.
pub(crate) fn criteria_with(
    what: &What,
    manner: Manner,
    window: Window,
    ids: &Ids<'_>,
) -> Result<Criteria, Refused> {
    let mut conditions = Conditions {
        manner,
        ids,
        whole: what.word,
        found: vec![Condition::Stamped],
    };
    conditions.numbers(what)?;
    conditions.ids(what)?;
    conditions.syscall(what)?;
    conditions.texts(what);
    conditions.types(&what.message)?;
    if !what.node.is_empty() {
        let nodes = what.node.iter().map(|node| node.as_bytes().to_vec());
        conditions.found.push(Condition::Nodes(nodes.collect()));
    }
    Ok(Criteria {
        window,
        conditions: conditions.found,
        expression: what.expression.as_deref().map(Where::parse).transpose()?,
    })
}

fn window(times: &Times) -> Result<Window, Refused> {
    let present = present();
    let bound = |words: &Option<String>, since: &Option<String>, bound| {
        let time = match (words, since) {
            (Some(text), _) if text == CHECKPOINT => return Ok(None),
            (Some(text), _) => {
                let pieces: Vec<&str> = text.split(' ').collect();
                time::words(&pieces, bound, &present)
            }
            (_, Some(text)) => time::since(text, bound, &present),
            _ => return Ok(None),
        };
        // What happened before 1970 is before every event.
        time.map(|second| Some(u64::try_from(second).unwrap_or(0)))
    };
    let start_s = bound(&times.start, &times.since, Bound::Start)?;
    let end_s = bound(&times.end, &times.until, Bound::End)?;
    Ok(Window {
        from_ms: start_s.map_or(0, |second| second.saturating_mul(1000)),
        until_ms: end_s.map_or(u64::MAX, |second| {
            second.saturating_mul(1000).saturating_add(999)
        }),
    })
}

/// A time to wait that is none. The texts are ausearch's and aureport's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum NotATimeout {
    #[error("End of Event Timeout must be a numeric value, was {0}")]
    NotANumber(String),
    #[error("Illegal value for End of Event Timeout, was {0}")]
    Nothing(String),
}

/// `--eoe-timeout`, in milliseconds. ausearch reads as far as there are digits.
pub(crate) fn timeout_ms(text: Option<&str>) -> Result<u64, NotATimeout> {
    let Some(text) = text else {
        return Ok(indelible_record::limits::EVENT_TIMEOUT_MS);
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let seconds: u64 = text[..digits]
        .parse()
        .map_err(|_| NotATimeout::NotANumber(text.to_owned()))?;
    if seconds == 0 {
        return Err(NotATimeout::Nothing(text.to_owned()));
    }
    Ok(seconds.saturating_mul(1000))
}

/// `-ts checkpoint`: the time that the checkpoint file holds.
pub(crate) const CHECKPOINT: &str = "checkpoint";

struct Conditions<'a> {
    manner: Manner,
    ids: &'a Ids<'a>,
    whole: bool,
    found: Vec<Condition>,
}

impl Conditions<'_> {
    fn numbers(&mut self, what: &What) -> Result<(), Refused> {
        if let Some(text) = &what.event {
            let serial = self.number("Audit event id", text)?;
            let serial = u32::try_from(serial).unwrap_or(u32::MAX);
            self.found.push(Condition::Serial(serial));
        }
        for (text, number, name) in [
            (&what.pid, Number::Pid, "Process id"),
            (&what.ppid, Number::Ppid, "Parent process id"),
            (&what.session, Number::Session, "Session id"),
        ] {
            if let Some(text) = text {
                let wanted = self.number(name, text)?;
                self.found.push(Condition::Number(number, wanted));
            }
        }
        if let Some(text) = &what.exit {
            let code = self.exit(text)?;
            self.found.push(Condition::Number(Number::Exit, code));
        }
        match what.success.as_deref() {
            None => {}
            Some("yes") => self.found.push(Condition::Success(true)),
            Some("no") => self.found.push(Condition::Success(false)),
            Some(_) => return Err(Refused::NeitherYesNorNo),
        }
        Ok(())
    }

    /// A number in decimal. ausearch reads as far as there are digits.
    fn number(&self, what: &'static str, text: &str) -> Result<i64, Refused> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
        let rest = &unsigned[digits..];
        let is_number = digits > 0 && (rest.is_empty() || self.manner == Manner::Tool);
        if !is_number {
            let text = text.to_owned();
            return Err(Refused::NotANumber { what, text });
        }
        let number = unsigned[..digits].parse::<i64>().unwrap_or(i64::MAX);
        Ok(if unsigned.len() < text.len() {
            -number
        } else {
            number
        })
    }

    /// `-13`, or `-EACCES`. The sign is the user's: the kernel's errors are negative.
    fn exit(&self, text: &str) -> Result<i64, Refused> {
        if let Ok(code) = self.number("", text) {
            return Ok(code);
        }
        let (sign, name) = match text.strip_prefix('-') {
            Some(name) => (-1, name),
            None => (1, text),
        };
        let number =
            errno_number(name.as_bytes()).ok_or_else(|| Refused::NoSuchErrno(text.to_owned()))?;
        Ok(sign * i64::from(number))
    }

    fn ids(&mut self, what: &What) -> Result<(), Refused> {
        let Ids { user, group } = *self.ids;
        // The words of the refusals are ausearch's, which mixes up uid and euid.
        self.id(&what.uid, USER, "Effective user", user)?;
        self.id(&what.uid_effective, EFFECTIVE_USER, "User", user)?;
        self.id(&what.loginuid, LOGIN_USER, "Login user", user)?;
        self.id(&what.uid_all, ALL_USERS, "User", user)?;
        self.id(&what.gid, GROUP, "Group", group)?;
        self.id(
            &what.gid_effective,
            EFFECTIVE_GROUP,
            "Effective group",
            group,
        )?;
        self.id(&what.gid_all, ALL_GROUPS, "Group", group)
    }

    fn id(
        &mut self,
        text: &Option<String>,
        places: &'static [Number],
        what: &'static str,
        look_up: &dyn Fn(&str) -> Option<u32>,
    ) -> Result<(), Refused> {
        let Some(text) = text else {
            return Ok(());
        };
        let condition = match self.number("", text) {
            Ok(number) => Condition::Id {
                places,
                id: Some(u32::try_from(number).unwrap_or(u32::MAX)),
                name: None,
            },
            Err(_) => {
                let id = look_up(text);
                if id.is_none() && self.manner == Manner::Tool {
                    let name = text.clone();
                    return Err(Refused::NoSuchName { what, name });
                }
                let name = Some(text.clone().into_bytes());
                Condition::Id { places, id, name }
            }
        };
        self.found.push(condition);
        Ok(())
    }

    fn syscall(&mut self, what: &What) -> Result<(), Refused> {
        let mut arch = match &what.arch {
            Some(name) => Some(arch(name).ok_or_else(|| Refused::NoSuchArch(name.clone()))?),
            None => None,
        };
        if let Some(text) = &what.syscall {
            let number = match self.number("", text) {
                Ok(number) => number,
                Err(_) => {
                    // Numbers differ between architectures: a name means that of one.
                    let elf = *arch.get_or_insert_with(|| machine().elf());
                    let number = Arch::from_audit(elf).and_then(|arch| arch.syscall_number(text));
                    i64::from(number.ok_or_else(|| Refused::NoSuchSyscall(text.clone()))?)
                }
            };
            self.found.push(Condition::Number(Number::Syscall, number));
        }
        self.found.extend(arch.map(Condition::Arch));
        Ok(())
    }

    fn texts(&mut self, what: &What) {
        let options: [(&Option<_>, &'static [Text]); 11] = [
            (&what.comm, &[Text::Comm]),
            (&what.file, &[Text::File]),
            (&what.host, &[Text::Host]),
            (&what.key, &[Text::Key]),
            (&what.object, &[Text::Object]),
            (&what.context, &[Text::Subject, Text::Object]),
            (&what.subject, &[Text::Subject]),
            (&what.terminal, &[Text::Terminal]),
            (&what.uuid, &[Text::Uuid]),
            (&what.vm_name, &[Text::Guest]),
            (&what.executable, &[Text::Exe]),
        ];
        for (text, places) in options {
            if let Some(text) = text {
                let pattern = Pattern::new(text.clone().into_vec(), self.whole);
                self.found.push(Condition::Text(places, pattern));
            }
        }
        if let Some(text) = &what.text {
            let pattern = Pattern::new(text.clone().into_vec(), self.whole);
            self.found.push(Condition::Logged(pattern));
        }
    }

    fn types(&mut self, lists: &[String]) -> Result<(), Refused> {
        let mut types = Vec::new();
        for list in lists {
            if list.eq_ignore_ascii_case("ALL") {
                return Ok(());
            }
            let names = list.split(',').filter(|name| !name.is_empty());
            let before = types.len();
            for name in names {
                let upper = name.to_ascii_uppercase();
                types.push(RecordType::from_name(upper.as_bytes()).ok_or(Refused::NoSuchType)?);
            }
            if types.len() == before {
                return Err(Refused::NoSuchType);
            }
        }
        if !types.is_empty() {
            self.found.push(Condition::Types(types));
        }
        Ok(())
    }
}

/// The architecture that the options mean, by a name that means the same everywhere: that of this
/// machine, where a system call is named without one.
///
/// # Errors
/// A name of none.
pub(crate) fn arch_name(what: &What) -> Result<Option<String>, Refused> {
    let is_name = |text: &String| text.parse::<i64>().is_err();
    let elf = match &what.arch {
        Some(name) => arch(name).ok_or_else(|| Refused::NoSuchArch(name.clone()))?,
        None if what.syscall.as_ref().is_some_and(is_name) => machine().elf(),
        None => return Ok(None),
    };
    let known = indelible_rules::Arch::from_elf(elf);
    Ok(known.map_or_else(|| what.arch.clone(), |arch| Some(arch.name().to_owned())))
}

/// `AUDIT_ARCH_*` of a name; b32 and b64 are this machine's.
fn arch(name: &str) -> Option<u32> {
    let arch = match name.to_ascii_lowercase().as_str() {
        "b32" => machine().b32()?,
        "b64" => machine().b64()?,
        "riscv64" => return Some(Arch::Riscv64.to_audit()),
        lower => indelible_rules::Arch::from_name(lower.as_bytes())?,
    };
    Some(arch.elf())
}

/// The names of all record types.
pub(crate) fn record_types() -> String {
    let names = (0..=u16::MAX).filter_map(|number| RecordType(number).name());
    names.collect::<Vec<_>>().join(" ")
}

const USER: &[Number] = &[Number::Uid];
const EFFECTIVE_USER: &[Number] = &[Number::Euid];
const LOGIN_USER: &[Number] = &[Number::Auid];
const ALL_USERS: &[Number] = &[Number::Uid, Number::Euid, Number::Auid];
const GROUP: &[Number] = &[Number::Gid];
const EFFECTIVE_GROUP: &[Number] = &[Number::Egid];
const ALL_GROUPS: &[Number] = &[Number::Gid, Number::Egid];
