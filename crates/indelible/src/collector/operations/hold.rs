//! Legal holds: entries of a host and a time that retention keeps and that cannot be erased.
//!
//! `STORE/holds` has those that are in force, as JSON; that each was added and ended stands in the
//! log. Segments are removed from the oldest on, so what is behind a held one stays too.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::files;
use crate::payload::hex;
use crate::payload::operator::Action;

/// One hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hold {
    /// Eight hexadecimal digits.
    pub(crate) name: String,
    /// The host's name in its certificate, or its address.
    pub(crate) host: String,
    /// The first and last capture time, where there is one.
    #[serde(with = "time")]
    pub(crate) since: Option<Timestamp>,
    #[serde(with = "time")]
    pub(crate) until: Option<Timestamp>,
    /// Why.
    pub(crate) reason: String,
}

/// All that are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Holds {
    v: u8,
    pub(crate) holds: Vec<Hold>,
}

impl Hold {
    /// A new one; times are RFC 3339.
    ///
    /// # Errors
    /// Times that are none, or in the wrong order; an empty host.
    pub(crate) fn new(
        host: String,
        since: Option<String>,
        until: Option<String>,
        reason: String,
    ) -> Result<Self> {
        let time = |text: Option<String>| -> Result<Option<Timestamp>> {
            text.map(|text| {
                text.parse()
                    .with_context(|| format!("`{text}` is no time of RFC 3339"))
            })
            .transpose()
        };
        let (since, until) = (time(since)?, time(until)?);
        ensure!(!host.is_empty(), "a hold is for a host");
        ensure!(
            since.zip(until).is_none_or(|(since, until)| since <= until),
            "a hold cannot end before it begins"
        );
        let mut name = [0; 4];
        aws_lc_rs::rand::fill(&mut name).context("the system gives no random bytes")?;
        Ok(Self {
            name: hex(&name),
            host,
            since,
            until,
            reason,
        })
    }

    /// What its entry says.
    pub(crate) fn added(&self) -> Action {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        Action::HoldAdd {
            hold: self.name.clone(),
            host: self.host.clone(),
            since: text(self.since),
            until: text(self.until),
        }
    }

    /// Whether an entry is held: of a stream of `peer`, captured at `time_ns`.
    ///
    /// `peer` is what owns the stream in the log: a host's name, or `<receiver>:<peer>`. Streams that
    /// many peers share are held for everybody.
    fn covers(&self, peer: &str, time_ns: u64) -> bool {
        let name = peer.split_once(':').map_or(peer, |(_, name)| name);
        let is_shared = peer.starts_with("syslog-udp:") || name.starts_with(' ');
        let ours = name == self.host || is_shared;
        let time_ns = i128::from(time_ns);
        let after = self
            .since
            .is_none_or(|since| since.as_nanosecond() <= time_ns);
        let before = self
            .until
            .is_none_or(|until| time_ns <= until.as_nanosecond());
        ours && after && before
    }
}

impl Holds {
    /// Reads those of a store.
    pub(crate) fn read(store: &Path) -> Result<Self> {
        let path = path(store);
        match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).with_context(|| format!("in {}", path.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self {
                v: 1,
                holds: Vec::new(),
            }),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes them, durably.
    pub(crate) fn write(&self, store: &Path) -> Result<()> {
        let path = path(store);
        files::replace(&path, 0o644, &serde_json::to_vec(self)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// # Errors
    /// There are as many as there can be.
    pub(crate) fn check_room(&self) -> Result<()> {
        ensure!(
            self.holds.len() < HOLDS_MAX,
            "there are {HOLDS_MAX} holds already"
        );
        Ok(())
    }

    pub(crate) fn add(&mut self, hold: Hold) {
        self.holds.push(hold);
    }

    /// Ends one; whether there was one of this name.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let before = self.holds.len();
        self.holds.retain(|hold| hold.name != name);
        self.holds.len() < before
    }

    /// A hold that covers an entry.
    pub(crate) fn holding(&self, peer: &str, time_ns: u64) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.covers(peer, time_ns))
    }
}

/// Times as RFC 3339.
mod time {
    use jiff::Timestamp;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(|time| time.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom))
            .transpose()
    }
}

fn path(store: &Path) -> PathBuf {
    store.join("holds")
}

/// Holds of a store at a time.
const HOLDS_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(host: &str, since: Option<&str>, until: Option<&str>) -> Result<Hold> {
        let text = |time: Option<&str>| time.map(str::to_owned);
        Hold::new(
            host.to_owned(),
            text(since),
            text(until),
            "case 7".to_owned(),
        )
    }

    #[test]
    fn a_hold_covers_a_host_and_a_time() {
        let second = |second: u64| second * 1_000_000_000;
        let hold = hold(
            "web-1",
            Some("1970-01-01T00:00:10Z"),
            Some("1970-01-01T00:00:20Z"),
        )
        .unwrap();
        let check = |peer: &str, time_ns, expect| {
            assert_eq!(hold.covers(peer, time_ns), expect, "{peer} {time_ns}");
        };
        check("web-1", second(10), true);
        check("web-1", second(20), true);
        check("web-1", second(20) + 1, false);
        check("web-1", second(9), false);
        check("web-2", second(15), false);
        check("", second(15), false);
        check("syslog-tls:web-1", second(15), true);
        check("relp:192.0.2.1", second(15), false);
        // Nobody knows whose these are before they are read.
        check("syslog-udp:0.0.0.0:514", second(15), true);
        check("syslog-tcp: others", second(15), true);
    }

    #[test]
    fn holds_are_kept_in_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let mut holds = Holds::read(folder.path()).unwrap();
        let one = hold("a", None, None).unwrap();
        holds.add(one.clone());
        holds.write(folder.path()).unwrap();
        let mut again = Holds::read(folder.path()).unwrap();
        assert_eq!(again.holding("a", 5), Some(&one));
        assert!(again.remove(&one.name) && !again.remove(&one.name));
        assert!(
            hold(
                "a",
                Some("2026-01-02T00:00:00Z"),
                Some("2026-01-01T00:00:00Z")
            )
            .is_err()
        );
        assert!(hold("", None, None).is_err() && hold("a", Some("now"), None).is_err());
    }
}
