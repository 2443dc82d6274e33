//! Users of this host, from /etc/passwd and /etc/group.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;

use anyhow::{Context, Result};
use indelible_record::Names;

/// One line of /etc/passwd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl User {
    /// The user with this name.
    pub(crate) fn by_name(name: &str) -> Result<Self> {
        let passwd = fs::read_to_string(PASSWD).context("cannot read /etc/passwd")?;
        let mut users = passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let (found, _, uid, gid) = (
                fields.next()?,
                fields.next()?,
                fields.next()?,
                fields.next()?,
            );
            (found == name).then_some(Self {
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
            })
        });
        users
            .next()
            .with_context(|| format!("no user {name:?} on this host"))
    }
}

/// The names of this host's users and groups, for logs of this host.
#[derive(Debug, Default)]
pub(crate) struct LocalNames {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
    names_unknown: bool,
}

impl LocalNames {
    /// Reads both files; what cannot be read stays a number.
    pub(crate) fn read() -> Self {
        Self {
            users: ids(PASSWD),
            groups: ids(GROUP),
            names_unknown: false,
        }
    }

    /// The same, with `unknown(1234)` for ids without a name, as audit's tools have it.
    pub(crate) fn read_as_tool() -> Self {
        Self {
            names_unknown: true,
            ..Self::read()
        }
    }

    fn name<'a>(&self, names: &'a HashMap<u32, String>, id: u32) -> Option<Cow<'a, str>> {
        match names.get(&id) {
            Some(name) => Some(Cow::Borrowed(name.as_str())),
            None if self.names_unknown => Some(format!("unknown({})", id.cast_signed()).into()),
            None => None,
        }
    }
}

impl Names for LocalNames {
    fn user(&self, uid: u32) -> Option<Cow<'_, str>> {
        self.name(&self.users, uid)
    }

    fn group(&self, gid: u32) -> Option<Cow<'_, str>> {
        self.name(&self.groups, gid)
    }
}

/// Third field to first; the first line with an id wins.
fn ids(path: &str) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for line in fs::read_to_string(path).unwrap_or_default().lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(id)) = (fields.next(), fields.nth(1))
            && let Ok(id) = id.parse()
        {
            names.entry(id).or_insert_with(|| name.to_owned());
        }
    }
    names
}

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_everywhere() {
        assert_eq!(User::by_name("root").unwrap().uid, 0);
        assert_eq!(LocalNames::read().user(0).as_deref(), Some("root"));
        assert!(User::by_name("no such user").is_err());
    }
}
