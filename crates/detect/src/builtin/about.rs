//! What a built-in detection says about itself, and how it is tuned.

use super::finding::Finding;
use crate::sigma::Level;

/// A detection's own description: what `detect list` and `detect explain` print.
#[derive(Debug)]
pub struct About {
    /// Its name: kebab-case, stable.
    pub id: &'static str,
    /// What it finds.
    pub title: &'static str,
    /// How bad its worst finding is.
    pub level: Level,
    /// ATT&CK techniques that its findings name.
    pub techniques: &'static [&'static str],
    /// How it decides, and what it cannot see.
    pub logic: &'static str,
    /// A condition for `search --where` that each event with a finding fulfils.
    pub candidates: &'static str,
    /// What rules have to record for it, as words for a person.
    pub needs: &'static str,
    /// Lists that can be added to.
    pub tuning: &'static [Key],
    /// What it remembers at most.
    pub memory: &'static str,
}

/// A list of names that a detection goes by.
#[derive(Debug)]
pub struct Key {
    /// Its name: kebab-case.
    pub name: &'static str,
    /// What the names are.
    pub what: &'static str,
    /// Those that it starts with. A `*` at the end stands for anything.
    pub defaults: &'static [&'static str],
}

/// Names that are added to the lists of detections.
#[derive(Clone, Debug, Default)]
pub struct Tuning {
    added: Vec<(String, String, String)>,
}

impl Tuning {
    /// Adds a name: `ID.KEY=NAME`.
    ///
    /// # Errors
    /// A detection or a list that does not exist.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let parts = text
            .split_once('=')
            .and_then(|(key, name)| Some((key.split_once('.')?, name)));
        let Some(((id, key), name)) = parts else {
            return Err(format!("{text:?} is not of the form ID.KEY=NAME"));
        };
        let Some(about) = super::all().iter().copied().find(|about| about.id == id) else {
            return Err(format!("{id:?} is no detection; `detect list` names them"));
        };
        if !about.tuning.iter().any(|known| known.name == key) {
            let known: Vec<_> = about.tuning.iter().map(|known| known.name).collect();
            return Err(format!(
                "{id} has no list {key:?}; it has: {}",
                known.join(", ")
            ));
        }
        if name.is_empty() || name == "*" {
            return Err(format!(
                "{text:?} would switch {id} off; leave it out with --only"
            ));
        }
        self.added
            .push((id.to_owned(), key.to_owned(), name.to_owned()));
        Ok(())
    }

    /// A detection's list with what was added to it.
    pub(super) fn names(&self, about: &'static About, key: &str) -> Names {
        let defaults = about.tuning.iter().filter(|known| known.name == key);
        let added = self
            .added
            .iter()
            .filter(|(id, list, _)| id == about.id && list == key);
        let names = defaults
            .flat_map(|known| known.defaults.iter().copied())
            .chain(added.map(|(_, _, name)| name.as_str()));
        Names(names.map(|name| usual(name.as_bytes())).collect())
    }
}

/// Paths of programs, or names of tasks.
#[derive(Clone, Debug)]
pub(super) struct Names(Vec<Vec<u8>>);

impl Names {
    pub(super) fn has(&self, name: &[u8]) -> bool {
        let name = usual(name);
        self.0.iter().any(|known| match known.strip_suffix(b"*") {
            Some(start) => name.starts_with(start),
            None => *known == name,
        })
    }

    pub(super) fn has_some(&self, name: Option<&[u8]>) -> bool {
        name.is_some_and(|name| self.has(name))
    }
}

/// `/usr/sbin/x`, `/usr/bin/x`, `/sbin/x` are `/bin/x`: the folders are one on some systems.
fn usual(path: &[u8]) -> Vec<u8> {
    let below = path
        .strip_prefix(b"/usr")
        .filter(|below| {
            [&b"/bin/"[..], b"/sbin/", b"/lib"]
                .iter()
                .any(|dir| below.starts_with(dir))
        })
        .unwrap_or(path);
    match below.strip_prefix(b"/sbin/") {
        Some(name) => [b"/bin/", name].concat(),
        None => below.to_vec(),
    }
}

/// Findings of one event.
pub(super) type Findings = Vec<Finding>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_are_one() {
        let names = Names(vec![usual(b"/usr/sbin/auditd"), usual(b"/opt/x/*")]);
        for same in ["/sbin/auditd", "/usr/bin/auditd", "/bin/auditd", "/opt/x/y"] {
            assert!(names.has(same.as_bytes()), "{same}");
        }
        for other in ["/tmp/auditd", "/usr/local/bin/auditd", "/opt/x", "auditd"] {
            assert!(!names.has(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn tuning_is_checked() {
        let mut tuning = Tuning::default();
        assert_eq!(tuning.add("log-clearing.allow=/opt/rotate"), Ok(()));
        for wrong in [
            "log-clearing.allow=*",
            "log-clearing.x=/y",
            "none.allow=/y",
            "x",
        ] {
            assert!(tuning.add(wrong).is_err(), "{wrong}");
        }
    }
}
