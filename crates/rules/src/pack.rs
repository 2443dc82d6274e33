//! Packs: sets of rules by purpose, written for this project.
//!
//! A pack's source (`packs/*.rules`) names each rule once, for `b64`, with the reason and the
//! ATT&CK techniques above it. What is shown and installed is made from it for one machine: the
//! system calls that a permission needs are spelled out, rules for 32-bit programs are added, and
//! rules that the machine cannot load (a system call that it lacks, a directory that is not
//! there) stay as comments that say so.

use bstr::ByteSlice;

use crate::attack;
use crate::cost;
use crate::fault::Fault;
use crate::field::Field;
use crate::host::PathKind;
use crate::parse::{self, Context, Line};
use crate::rule::Rule;
use crate::text::{self, Dialect, Listing};
use crate::{twin, words};

/// A named set of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    /// The word for it on the command line, and its file's name.
    pub name: &'static str,
    source: &'static str,
}

/// All packs.
pub const PACKS: &[Pack] = &[
    Pack {
        name: "baseline",
        source: include_str!("../packs/baseline.rules"),
    },
    Pack {
        name: "critical-files",
        source: include_str!("../packs/critical-files.rules"),
    },
    Pack {
        name: "execution",
        source: include_str!("../packs/execution.rules"),
    },
    Pack {
        name: "privilege",
        source: include_str!("../packs/privilege.rules"),
    },
    Pack {
        name: "modules",
        source: include_str!("../packs/modules.rules"),
    },
    Pack {
        name: "time",
        source: include_str!("../packs/time.rules"),
    },
    Pack {
        name: "network",
        source: include_str!("../packs/network.rules"),
    },
    Pack {
        name: "containers",
        source: include_str!("../packs/containers.rules"),
    },
    Pack {
        name: "detections",
        source: include_str!("../packs/detections.rules"),
    },
];

/// The pack of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Pack> {
    PACKS.iter().find(|pack| pack.name == name)
}

/// A pack made for a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// What the pack is for, one line.
    pub title: &'static str,
    /// Its sections, in order.
    pub sections: Vec<Section>,
}

/// Rules with one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// ATT&CK technique ids; none for settings.
    pub techniques: Vec<&'static str>,
    /// What the rules record.
    pub purpose: &'static str,
    /// The lines, in order.
    pub lines: Vec<PackLine>,
}

/// A line of a rendered pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackLine {
    /// A setting, as it stands in the source.
    Setting(String),
    /// A rule and its line.
    Rule(Box<Rule>, String),
    /// A rule that this machine cannot load: its source and why.
    LeftOut(String, String),
}

impl Pack {
    /// The pack for the machine and host of a context. `check_paths` leaves out rules on
    /// directories that the host does not have: the kernel would refuse them.
    #[must_use]
    pub fn render(&self, cx: &Context<'_>, check_paths: bool) -> Rendered {
        let mut rendered = Rendered {
            title: "",
            sections: Vec::new(),
        };
        for line in self.source.lines() {
            if let Some(title) = line.strip_prefix("## ") {
                rendered.title = title;
                rendered.sections.push(Section::new(""));
            } else if let Some(comment) = line.strip_prefix("# ") {
                rendered.sections.push(Section::new(comment));
            } else if let Some(section) = rendered.sections.last_mut().filter(|_| !line.is_empty())
            {
                section.lines.extend(render_line(line, cx, check_paths));
            }
        }
        rendered
            .sections
            .retain(|section| !section.lines.is_empty());
        rendered
    }
}

impl Section {
    /// From a comment: ids separated by commas, then the purpose.
    fn new(comment: &'static str) -> Self {
        let mut techniques = Vec::new();
        let mut rest = comment;
        while let Some((word, tail)) = rest.split_once(' ') {
            let id = word.trim_end_matches(',');
            if !is_technique(id) {
                break;
            }
            techniques.push(id);
            rest = tail;
        }
        Self {
            techniques,
            purpose: rest,
            lines: Vec::new(),
        }
    }
}

/// `T1003` or `T1003.008`.
fn is_technique(word: &str) -> bool {
    let Some(digits) = word.strip_prefix('T') else {
        return false;
    };
    let (main, sub) = digits.split_once('.').unwrap_or((digits, "000"));
    let number =
        |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    number(main, 4) && number(sub, 3)
}

fn render_line(source: &str, cx: &Context<'_>, check_paths: bool) -> Vec<PackLine> {
    let left_out = |reason: String| vec![PackLine::LeftOut(source.to_owned(), reason)];
    let line = match read(source.to_owned(), cx) {
        Ok(line) => line,
        Err(reason) => return left_out(reason),
    };
    let Some(rule) = line.added() else {
        return vec![PackLine::Setting(source.to_owned())];
    };
    if check_paths
        && let Some(dir) = rule.text_of(Field::Dir)
        && cx.host.path_kind(dir) != PathKind::Directory
    {
        return left_out(format!("no directory {dir} here"));
    }
    let mut rules = vec![rule.clone()];
    let narrow = cx.machine.b32().filter(|arch| *arch != cx.machine);
    if let Some(twin) = narrow.and_then(|arch| twin::rule(rule, cx.machine, arch)) {
        rules.push(twin);
    }
    let listing = Listing {
        dialect: Dialect::Native,
        machine: cx.machine,
        interpret: None,
    };
    rules
        .into_iter()
        .map(|rule| {
            let text = text::line(&rule, &listing);
            let text = text.to_str().expect("packs are ASCII").to_owned();
            PackLine::Rule(Box::new(rule), text)
        })
        .collect()
}

/// Reads a line of a pack; system calls that the machine lacks are left out of its list.
fn read(source: String, cx: &Context<'_>) -> Result<Line, String> {
    let mut source = source;
    loop {
        let line = parse::parse(words::split(source.as_bytes(), cx.compat), None, cx);
        let fault = line.notes().next().map(|note| note.fault.clone());
        match fault {
            None => return Ok(line),
            Some(Fault::Syscall(name)) => {
                let name = name.to_string();
                let Some(shorter) = without(&source, &name) else {
                    return Err(format!("no system call {name} on {}", cx.machine.name()));
                };
                source = shorter;
            }
            Some(fault) => return Err(fault.to_string()),
        }
    }
}

/// A line with one name less in its list of system calls; `None` where it is the only one.
fn without(source: &str, name: &str) -> Option<String> {
    let (head, rest) = source.split_once("-S ")?;
    let (list, tail) = rest.split_once(' ').unwrap_or((rest, ""));
    let names: Vec<_> = list.split(',').filter(|other| *other != name).collect();
    let shortened = !names.is_empty() && names.len() < list.split(',').count();
    shortened.then(|| format!("{head}-S {} {tail}", names.join(",")))
}

impl Rendered {
    /// Its rules.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.sections
            .iter()
            .flat_map(|section| &section.lines)
            .filter_map(|line| match line {
                PackLine::Rule(rule, _) => Some(rule.as_ref()),
                PackLine::Setting(_) | PackLine::LeftOut(..) => None,
            })
    }

    /// The file that is installed.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        let total = cost::of_set(self.rules()).as_ns();
        let mut text = format!("## indelible rules pack {name}: {}\n", self.title);
        text += &format!("## Estimated cost: {total} ns on every system call.\n");
        for section in &self.sections {
            text += &section.text();
        }
        text
    }
}

impl Section {
    /// What its rules add to every system call.
    #[must_use]
    pub fn cost(&self) -> cost::Picoseconds {
        cost::of_set(self.lines.iter().filter_map(|line| match line {
            PackLine::Rule(rule, _) => Some(rule.as_ref()),
            PackLine::Setting(_) | PackLine::LeftOut(..) => None,
        }))
    }

    fn text(&self) -> String {
        let mut text = String::from("\n");
        if !self.purpose.is_empty() {
            text += &format!("# {}: {}\n", self.techniques.join(", "), self.purpose);
            for id in &self.techniques {
                let name = attack::name(id).unwrap_or_default();
                text += &format!("# ATT&CK {id}: {name}\n");
            }
            text += &format!("# Estimated cost: {} ns.\n", self.cost().as_ns());
        }
        for line in &self.lines {
            text += &match line {
                PackLine::Setting(line) | PackLine::Rule(_, line) => format!("{line}\n"),
                PackLine::LeftOut(line, reason) => format!("# left out, {reason}: {line}\n"),
            };
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;
    use crate::file;
    use crate::host::NoHost;
    use crate::lint::{self, Code, Level, Surroundings};

    #[test]
    fn every_pack_loads_as_it_is_shown() {
        for arch in [Arch::X86_64, Arch::Aarch64] {
            let cx = Context::new(arch, &NoHost);
            for pack in PACKS {
                let rendered = pack.render(&cx, false);
                assert!(!rendered.title.is_empty());
                let text = rendered.text(pack.name);
                let entries = file::read(pack.name, text.as_bytes(), &cx);
                let read: Vec<_> = entries.iter().filter_map(|entry| entry.rule()).collect();
                assert_eq!(read, rendered.rules().collect::<Vec<_>>(), "{}", pack.name);
                let faults = entries.iter().flat_map(|entry| entry.diagnostics()).count();
                assert_eq!(faults, 0, "{text}");
            }
        }
    }

    #[test]
    fn every_rule_has_a_reason_and_a_technique() {
        let cx = Context::new(Arch::X86_64, &NoHost);
        for pack in PACKS {
            for section in pack.render(&cx, false).sections {
                let rules = section
                    .lines
                    .iter()
                    .any(|line| matches!(line, PackLine::Rule(..)));
                let left_out = section
                    .lines
                    .iter()
                    .any(|line| matches!(line, PackLine::LeftOut(..)));
                for id in &section.techniques {
                    assert!(attack::name(id).is_some(), "{}: {id}", pack.name);
                }
                assert!(!left_out, "{}: {section:?}", pack.name);
                assert_eq!(
                    rules,
                    !section.techniques.is_empty(),
                    "{}: {section:?}",
                    pack.name
                );
                assert_eq!(
                    rules,
                    !section.purpose.is_empty(),
                    "{}: {section:?}",
                    pack.name
                );
            }
        }
    }

    #[test]
    fn packs_pass_the_linter() {
        let cx = Context::new(Arch::X86_64, &NoHost);
        let around = Surroundings {
            cx: &cx,
            mounts: &[],
            complete: false,
            check_paths: false,
        };
        for pack in PACKS {
            let text = pack.render(&cx, false).text(pack.name);
            let entries = file::read(pack.name, text.as_bytes(), &cx);
            for finding in lint::lint(&entries, &around) {
                let accepted = finding.level == Level::Info || finding.code == Code::Cost;
                assert!(accepted, "{}: {finding}", pack.name);
            }
        }
    }

    #[test]
    fn what_a_machine_lacks_is_left_out_and_told() {
        let cx = Context::new(Arch::Aarch64, &NoHost);
        let lines = render_line(
            "-a always,exit -F arch=b64 -S chmod,fchmodat -F key=x",
            &cx,
            false,
        );
        assert!(
            matches!(&lines[..], [PackLine::Rule(rule, _), PackLine::Rule(..)] if rule.syscalls.len() == 1)
        );
        let lines = render_line("-a always,exit -F arch=b64 -S open -F key=x", &cx, false);
        let [PackLine::LeftOut(_, reason)] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert_eq!(reason, "no system call open on aarch64");
        let lines = render_line(
            "-a always,exit -F arch=b64 -F dir=/none -F perm=w",
            &cx,
            true,
        );
        assert!(matches!(&lines[..], [PackLine::LeftOut(..)]));
    }
}
