//! Which messages: facilities and severities, as syslog's configurations select them.
//!
//! ```text
//! auth,authpriv.*          all of two facilities
//! *.info;mail.none         info and more severe, but nothing of mail
//! kern.=err;kern.!=crit    exactly one severity; without one
//! ```

use std::fmt;

use super::header::Priority;

/// A set of facility and severity pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Per facility a bit per severity; bit 0 is emergency.
    severities: [u8; FACILITIES],
}

/// Why a text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// A part without a dot, or empty.
    #[error("{0:?} is not FACILITY.SEVERITY")]
    Part(String),
    /// No such facility.
    #[error("there is no facility {0:?}")]
    Facility(String),
    /// No such severity.
    #[error("there is no severity {0:?}")]
    Severity(String),
}

impl Selector {
    /// Everything.
    pub const ALL: Self = Self {
        severities: [0xff; FACILITIES],
    };

    /// Reads a selector; later parts change what earlier ones chose.
    ///
    /// # Errors
    /// Text that is none, with the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut selector = Self {
            severities: [0; FACILITIES],
        };
        for part in text.split(';').map(str::trim) {
            let no_part = || SelectorError::Part(part.into());
            let (names, severity) = part.rsplit_once('.').ok_or_else(no_part)?;
            let change = Change::parse(severity)?;
            for name in names.split(',') {
                for facility in facilities(name.trim())? {
                    change.apply(&mut selector.severities[facility]);
                }
            }
        }
        Ok(selector)
    }

    /// Whether a message of this priority is among them.
    #[must_use]
    pub fn matches(&self, priority: Priority) -> bool {
        self.severities[usize::from(priority.facility())] & (1 << priority.severity()) != 0
    }
}

impl fmt::Display for Selector {
    /// A text that reads back as the same set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [first, rest @ ..] = &self.severities
            && rest.iter().all(|set| set == first)
        {
            return write_set(f, "*", *first);
        }
        let mut separator = "";
        for (facility, set) in self.severities.iter().enumerate() {
            if *set != 0 {
                f.write_str(separator)?;
                write_set(f, FACILITY_NAMES[facility], *set)?;
                separator = ";";
            }
        }
        Ok(())
    }
}

fn write_set(f: &mut fmt::Formatter<'_>, facility: &str, set: u8) -> fmt::Result {
    match set {
        0 => return write!(f, "{facility}.none"),
        0xff => return write!(f, "{facility}.*"),
        _ => {}
    }
    let highest = set.ilog2() as usize;
    if set.trailing_ones() as usize == highest + 1 {
        return write!(f, "{facility}.{}", SEVERITY_NAMES[highest]);
    }
    let mut separator = "";
    for (severity, name) in SEVERITY_NAMES.iter().enumerate() {
        if set & (1 << severity) != 0 {
            write!(f, "{separator}{facility}.={name}")?;
            separator = ";";
        }
    }
    Ok(())
}

/// What one part does to a facility's severities.
#[derive(Clone, Copy, Debug)]
enum Change {
    Add(u8),
    Remove(u8),
}

impl Change {
    fn parse(text: &str) -> Result<Self, SelectorError> {
        let (negated, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (exact, name) = match rest.strip_prefix('=') {
            Some(name) => (true, name),
            None => (false, rest),
        };
        let set = if name == "*" {
            0xff
        } else if name.eq_ignore_ascii_case("none") && !negated && !exact {
            return Ok(Self::Remove(0xff));
        } else {
            let severity = severity(name).ok_or_else(|| SelectorError::Severity(name.into()))?;
            if exact {
                1 << severity
            } else {
                // It and everything more severe.
                0xff >> (7 - severity)
            }
        };
        Ok(if negated {
            Self::Remove(set)
        } else {
            Self::Add(set)
        })
    }

    fn apply(self, set: &mut u8) {
        match self {
            Self::Add(more) => *set |= more,
            Self::Remove(less) => *set &= !less,
        }
    }
}

fn facilities(name: &str) -> Result<std::ops::Range<usize>, SelectorError> {
    if name == "*" {
        return Ok(0..FACILITIES);
    }
    let facility = facility(name).ok_or_else(|| SelectorError::Facility(name.into()))? as usize;
    Ok(facility..facility + 1)
}

/// The number of a facility by its name or as a decimal number: 0 kern to 23 local7.
#[must_use]
pub fn facility(name: &str) -> Option<u8> {
    let alias = FACILITY_ALIASES
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(name));
    let name = alias.map_or(name, |(_, name)| name);
    number(name, &FACILITY_NAMES)
}

/// The number of a severity by its name or as a decimal number: 0 emerg to 7 debug.
#[must_use]
pub fn severity(name: &str) -> Option<u8> {
    let alias = SEVERITY_ALIASES
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(name));
    let name = alias.map_or(name, |(_, name)| name);
    number(name, &SEVERITY_NAMES)
}

fn number(name: &str, names: &[&str]) -> Option<u8> {
    let named = names
        .iter()
        .position(|known| known.eq_ignore_ascii_case(name));
    let position = match named {
        Some(position) => position,
        None if name.bytes().all(|byte| byte.is_ascii_digit()) => name.parse().ok()?,
        None => return None,
    };
    u8::try_from(position)
        .ok()
        .filter(|_| position < names.len())
}

const FACILITIES: usize = 24;
/// RFC 5424, table 1, by the names that syslog.conf has for them.
const FACILITY_NAMES: [&str; FACILITIES] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];
const FACILITY_ALIASES: [(&str, &str); 1] = [("security", "auth")];
/// RFC 5424, table 2.
const SEVERITY_NAMES: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
];
const SEVERITY_ALIASES: [(&str, &str); 3] =
    [("panic", "emerg"), ("error", "err"), ("warn", "warning")];

#[cfg(test)]
mod tests {
    use super::*;

    /// `chosen` are priorities that the selector has, `left` such that it has not.
    fn check(text: &str, chosen: &[u8], left: &[u8]) {
        let selector = Selector::parse(text).unwrap();
        for value in chosen {
            assert!(
                selector.matches(Priority::new(*value).unwrap()),
                "{text} {value}"
            );
        }
        for value in left {
            assert!(
                !selector.matches(Priority::new(*value).unwrap()),
                "{text} {value}"
            );
        }
        assert_eq!(
            Selector::parse(&selector.to_string()),
            Ok(selector),
            "{text}"
        );
    }

    #[test]
    fn selectors_choose() {
        check("*.*", &[0, 13, 191], &[]);
        check("auth,authpriv.*", &[32, 39, 80, 87], &[31, 40, 13]);
        check("*.info;mail.none", &[6, 14], &[7, 16, 22]);
        check("kern.=err", &[3], &[2, 4, 11]);
        check("*.*;kern.!err", &[4, 8], &[0, 3]);
        check("*.debug;kern.!=err", &[0, 4], &[3]);
        check("*.none", &[], &[0, 13, 191]);
        check("LOCAL7.Warn; 13.emerg", &[188, 104], &[189, 105]);
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "auth",
            "x.*",
            "auth.x",
            "auth.!none",
            "24.*",
            "auth.8",
            ";*.*",
        ] {
            assert!(Selector::parse(text).is_err(), "{text:?}");
        }
    }
}
