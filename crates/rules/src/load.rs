//! What a rules file amounts to: the set of rules and settings that the kernel shall hold in the
//! end, however the lines get there.
//!
//! A file is a list of operations (`-D`, `-a`, `-d`, `-b`); loading it as a whole needs its
//! result. Lines that ask for something else (`-l`, `-s`, `-m`, `-R`) have no part in it.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use bstr::BString;

use crate::auditctl::has_key;
use crate::control::{Control, Status};
use crate::file::{Entry, Source};
use crate::parse::{End, Item};
use crate::rule::Rule;

/// What shall be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Desired {
    /// The rules in order, each with the line that asked for it; those that were loaded already
    /// and that no line deletes have none.
    pub rules: Vec<(Rule, Option<Source>)>,
    /// Settings to make before the rules, in order. A later setting of the same kind has
    /// replaced an earlier one.
    pub settings: Vec<Control>,
    /// The setting that comes after the rules: `-e`.
    pub enable: Option<u32>,
    /// Lines that were left out, because they are wrong or have no part in a load.
    pub ignored: Vec<Source>,
    /// Rules that were to be added while they were there: the line, and the line before it.
    pub repeated: Vec<(Source, Option<Source>)>,
}

/// Works out what the kernel shall hold, from what it holds now and the lines of the files.
#[must_use]
pub fn desired(loaded: &[Rule], entries: &[Entry]) -> Desired {
    let mut set = Set::default();
    for rule in loaded {
        set.add(rule, None);
    }
    for entry in entries {
        set.take(entry);
    }
    set.desired.rules = set.slots.into_iter().flatten().collect();
    set.desired
}

impl Desired {
    /// The rules alone, as [`crate::plan::plan_load`] takes them.
    #[must_use]
    pub fn wanted(&self) -> Vec<Rule> {
        self.rules.iter().map(|(rule, _)| rule.clone()).collect()
    }
}

/// A set of rules that lines are applied to.
#[derive(Default)]
struct Set {
    /// Rules in order; empty where one was deleted.
    slots: Vec<Option<(Rule, Option<Source>)>>,
    /// The slot of each rule, by its listed form.
    at: HashMap<Rule, usize>,
    desired: Desired,
}

impl Set {
    fn take(&mut self, entry: &Entry) {
        let mut part = false;
        for item in &entry.line.items {
            if let Item::Do(control) = item {
                part |= self.control(control);
            }
        }
        match &entry.line.end {
            End::Add(rule) => self.add(rule, Some(&entry.source)),
            End::Delete(rule) => {
                if let Some(at) = self.at.remove(&rule.as_listed()) {
                    self.slots[at] = None;
                }
            }
            End::Report | End::Done if part => {}
            End::Dropped => {}
            End::Report | End::Done | End::Failed => {
                self.desired.ignored.push(entry.source.clone());
            }
        }
    }

    fn add(&mut self, rule: &Rule, source: Option<&Source>) {
        let next = self.slots.len();
        match self.at.entry(rule.as_listed()) {
            Slot::Occupied(taken) => {
                let first = self.slots[*taken.get()]
                    .as_ref()
                    .and_then(|row| row.1.clone());
                if let Some(source) = source {
                    self.desired.repeated.push((source.clone(), first));
                }
            }
            Slot::Vacant(free) => {
                free.insert(next);
                self.slots.push(Some((rule.clone(), source.cloned())));
            }
        }
    }

    /// Whether the control has a part in a load.
    fn control(&mut self, control: &Control) -> bool {
        match control {
            Control::DeleteAll(key) => self.delete_all(key.as_ref()),
            Control::Enable(value) => self.desired.enable = Some(*value),
            Control::Failure(_)
            | Control::Rate(_)
            | Control::Backlog(_)
            | Control::BacklogWait(_)
            | Control::LoginuidImmutable
            | Control::Trim
            | Control::Equivalent { .. }
            | Control::ResetLost
            | Control::ResetBacklogWaitActual => {
                let kind = std::mem::discriminant(control);
                let settings = &mut self.desired.settings;
                if !matches!(control, Control::Equivalent { .. }) {
                    settings.retain(|have| std::mem::discriminant(have) != kind);
                }
                settings.push(control.clone());
            }
            Control::Message(_)
            | Control::Signal(_)
            | Control::List { .. }
            | Control::Status { .. }
            | Control::Version
            | Control::Help => return false,
        }
        true
    }

    fn delete_all(&mut self, key: Option<&BString>) {
        for slot in &mut self.slots {
            if let Some((rule, _)) = slot
                && has_key(rule, key)
            {
                self.at.remove(&rule.as_listed());
                *slot = None;
            }
        }
    }
}

/// The settings that take back a load's settings: what the kernel reported before it, for
/// everything that a load can change and a kernel will change back.
#[must_use]
pub fn undo_settings(before: &Status, changed: &[Control]) -> Vec<Control> {
    changed
        .iter()
        .filter_map(|control| match control {
            Control::Failure(_) => Some(Control::Failure(before.failure)),
            Control::Rate(_) => Some(Control::Rate(before.rate_limit)),
            Control::Backlog(_) => Some(Control::Backlog(before.backlog_limit)),
            Control::BacklogWait(_) => Some(Control::BacklogWait(before.backlog_wait_time)),
            Control::Enable(_) => Some(Control::Enable(before.enabled)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;
    use crate::file;
    use crate::host::NoHost;
    use crate::parse::Context;
    use crate::text::{self, Dialect, Listing};

    fn check(loaded: &str, text: &str, rules: &[&str]) -> Desired {
        let cx = Context::new(Arch::X86_64, &NoHost);
        let loaded: Vec<Rule> = file::read("", loaded.as_bytes(), &cx)
            .iter()
            .filter_map(|entry| entry.rule().cloned())
            .collect();
        let desired = desired(&loaded, &file::read("f", text.as_bytes(), &cx));
        let listing = Listing {
            dialect: Dialect::Native,
            machine: Arch::X86_64,
            interpret: None,
        };
        let got: Vec<_> = desired
            .wanted()
            .iter()
            .map(|rule| String::from_utf8(text::line(rule, &listing)).unwrap())
            .collect();
        assert_eq!(got, rules);
        desired
    }

    #[test]
    fn lines_work_on_what_is_loaded() {
        check(
            "-w /a -p r\n-w /b -p r -k xyz",
            "-D -k y\n-w /c -p w",
            &["-w /a -p r", "-w /c -p w"],
        );
        check(
            "-w /a -p r",
            "-D\n-w /b -p r\n-W /b -p r\n-w /c -p r",
            &["-w /c -p r"],
        );
    }

    #[test]
    fn settings_are_collected_and_e_comes_last() {
        let found = check(
            "",
            "-e 2\n-b 1\n-f 1\n-b 2\n-w /a -p r\n-s\nfoo",
            &["-w /a -p r"],
        );
        assert_eq!(found.settings, [Control::Failure(1), Control::Backlog(2)]);
        assert_eq!(found.enable, Some(2));
        assert_eq!(found.ignored.len(), 2);
        let before = Status {
            failure: 2,
            backlog_limit: 64,
            ..Status::default()
        };
        let undo = undo_settings(&before, &found.settings);
        assert_eq!(undo, [Control::Failure(2), Control::Backlog(64)]);
    }

    #[test]
    fn a_rule_twice_is_told() {
        let found = check("", "-w /a -p r\n-w /a -p r", &["-w /a -p r"]);
        assert_eq!(found.repeated[0].0.line, 2);
    }
}
