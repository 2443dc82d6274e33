//! The command auditctl: arguments in, operations on the audit system, output and exit code out.
//!
//! What it prints and returns is what auditctl 3.0.9 prints and returns; `docs/compat.md` lists
//! where we differ on purpose. The audit socket, the terminal and the file system are the
//! caller's, behind [`System`].
//!
//! It does not check a whole file before it loads the first rule, does not restore what was
//! loaded, and does not compare with what is loaded: that is `indelible rules load`
//! ([`crate::plan`]). auditctl does none of it either.

use bstr::{BString, ByteSlice};

use crate::control::{Control, Signal, Status, feature};
use crate::errno::Errno;
use crate::fault::Fault;
use crate::field::Field;
use crate::limits::LINE_BYTES_MAX;
use crate::parse::{self, Compat, Context, End, Item, Line};
use crate::rule::{Rule, Test, Value};
pub use crate::system::{RulesFile, System};
use crate::text::{ArgumentText, Dialect, Listing};
use crate::words::Word;
use crate::{file, text, words};

/// Exit code for a wrong rule or a refusal by the kernel.
const FAILED: u8 = 255;
/// Exit code without the privilege.
const NOT_ALLOWED: u8 = 4;

/// Runs auditctl with the arguments after its name; the number is its exit code.
pub fn run(args: &[BString], compat: Compat, system: &mut dyn System) -> u8 {
    let mut auditctl = Auditctl {
        compat,
        system,
        features: None,
        ignore_errors: false,
        report_errors: false,
    };
    auditctl.run(args)
}

struct Auditctl<'a> {
    compat: Compat,
    system: &'a mut dyn System,
    /// What the kernel can do, once asked.
    features: Option<u32>,
    /// `-i` or `-c` in a file: go on after an error.
    ignore_errors: bool,
    /// `-c`: but let the exit code say so.
    report_errors: bool,
}

/// How carrying out a line went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Failed,
    /// The kernel has no audit system.
    Disabled,
    /// The program ends with this code.
    Exit(u8),
}

impl Auditctl<'_> {
    fn run(&mut self, args: &[BString]) -> u8 {
        if args.is_empty() {
            self.system.out(USAGE.as_bytes());
            return 1;
        }
        let harmless = args.len() == 1 && (args[0] == "-h" || args[0] == "--help");
        if !harmless && !self.system.can_control() {
            self.complain("You must be root to run this program.");
            return NOT_ALLOWED;
        }
        if args.len() == 2 && args[0] == "-R" {
            return self.file(&args[1]);
        }
        let words = args
            .iter()
            .enumerate()
            .map(|(index, text)| Word::argument(index + 1, text.clone()))
            .collect();
        let line = self.parse(words, None);
        match self.carry_out(&line, true) {
            Outcome::Done => 0,
            Outcome::Failed | Outcome::Disabled => FAILED,
            Outcome::Exit(code) => code,
        }
    }

    fn complain(&mut self, message: &str) {
        self.system.err(format!("{message}\n").as_bytes());
    }

    fn parse(&mut self, words: Vec<Word>, line_number: Option<usize>) -> Line {
        let features = match self.features {
            Some(features) => features,
            None => self
                .system
                .status()
                .map_or(feature::ALL, |status| status.features),
        };
        self.features = Some(features);
        let machine = self.system.machine();
        let cx = Context {
            compat: self.compat,
            machine,
            features,
            host: &*self.system,
        };
        parse::parse(words, line_number, &cx)
    }

    /// Reads rules from a file and carries out line by line, up to the first error unless the
    /// file itself says otherwise.
    fn file(&mut self, path: &BString) -> u8 {
        if !self.is_ready() {
            return 0;
        }
        let content = match self.open(path) {
            Ok(content) => content,
            Err(message) => {
                self.complain(&message);
                return 1;
            }
        };
        let mut failed = false;
        for (number, line) in file::lines(&content) {
            // a C string ends at the first zero byte
            let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
            let words = words::split(line, self.compat);
            if words.is_empty() {
                continue;
            }
            let outcome = if line.len() >= LINE_BYTES_MAX {
                self.complain(&Fault::LineLength(LINE_BYTES_MAX).to_string());
                Outcome::Failed
            } else {
                self.note_mode(&words);
                let line = self.parse(words, Some(number));
                self.carry_out(&line, false)
            };
            match outcome {
                Outcome::Done => {}
                Outcome::Disabled => {
                    self.complain(DISABLED);
                    return 0;
                }
                Outcome::Exit(code) => return code,
                Outcome::Failed => {
                    let name = path.as_bstr();
                    self.complain(&format!("There was an error in line {number} of {name}"));
                    if !self.ignore_errors {
                        return 1;
                    }
                    failed = true;
                }
            }
        }
        u8::from(failed && self.report_errors)
    }

    fn open(&mut self, path: &BString) -> Result<Vec<u8>, String> {
        let name = path.as_bstr();
        let file = self.system.rules_file(path).map_err(|errno| match errno {
            Errno::NOENT => format!("audit rules file {name} doesn't exist"),
            errno => format!("Error opening {name} ({errno})"),
        })?;
        match file.refusal(path) {
            Some(refusal) => Err(refusal),
            None => Ok(file.content),
        }
    }

    /// `-i` and `-c` on a line of a file.
    fn note_mode(&mut self, words: &[Word]) {
        match words[0].text.get(..2) {
            Some(b"-i") => self.ignore_errors = true,
            Some(b"-c") => {
                self.ignore_errors = true;
                self.report_errors = true;
            }
            _ => {}
        }
    }

    /// Whether rules can be changed; says so if not.
    fn is_ready(&mut self) -> bool {
        let message = match self.system.status() {
            Ok(status) if status.is_locked() => {
                "The audit system is in immutable mode, no rule changes allowed"
            }
            Err(Errno::CONNREFUSED) => DISABLED,
            Ok(_) => return true,
            Err(errno) => {
                self.complain(&format!("Error sending status request ({errno})"));
                return true;
            }
        };
        self.complain(message);
        false
    }

    /// Carries out a line. `check` looks at the state of the audit system before a rule is sent;
    /// with a file that has been done once for all lines.
    fn carry_out(&mut self, line: &Line, check: bool) -> Outcome {
        for item in &line.items {
            let outcome = match item {
                Item::Note(note) => {
                    self.complain(&note.fault.to_string());
                    Outcome::Done
                }
                Item::Do(control) => self.control(control),
            };
            if outcome != Outcome::Done {
                return outcome;
            }
        }
        if check && line.named_list && line.end != End::Dropped && !self.is_ready() {
            return Outcome::Exit(0);
        }
        match &line.end {
            End::Add(rule) => self.change(rule, "add", |system, rule| system.add_rule(rule)),
            End::Delete(rule) => {
                self.change(rule, "delete", |system, rule| system.delete_rule(rule))
            }
            End::Report => self.report(line),
            End::Done | End::Dropped => Outcome::Done,
            End::Failed => Outcome::Failed,
        }
    }

    fn change(
        &mut self,
        rule: &Rule,
        verb: &str,
        send: impl Fn(&mut dyn System, &Rule) -> Result<(), Errno>,
    ) -> Outcome {
        let mut result = send(self.system, rule);
        // kernels before 2.6.25 know no directories
        if result == Err(Errno::INVAL) && rule.tests.first().is_some_and(is_directory) {
            let mut old = rule.clone();
            old.tests[0].field = Field::Path;
            result = send(self.system, &old);
        }
        let Err(errno) = result else {
            return Outcome::Done;
        };
        let reason = match errno {
            Errno::EXIST => "Rule exists".to_owned(),
            errno => errno.to_string(),
        };
        self.complain(&format!(
            "Error sending {verb} rule data request ({reason})"
        ));
        if errno == Errno::CONNREFUSED {
            Outcome::Disabled
        } else {
            Outcome::Failed
        }
    }

    /// The status after settings were made.
    fn report(&mut self, line: &Line) -> Outcome {
        if line.controls().next().is_some()
            && let Ok(status) = self.system.status()
        {
            self.print_status(&status, false);
        }
        Outcome::Done
    }

    fn control(&mut self, control: &Control) -> Outcome {
        let result = match control {
            Control::Help => {
                self.system.out(USAGE.as_bytes());
                Ok(())
            }
            Control::Version => {
                let version = match self.compat {
                    Compat::V3 => "3.0.9",
                    Compat::V4 => "4.0",
                };
                self.system
                    .out(format!("auditctl version {version}\n").as_bytes());
                Ok(())
            }
            Control::List { key, interpret } => self.list(key.as_ref(), *interpret),
            Control::DeleteAll(key) => return self.delete_all(key.as_ref()),
            Control::Status { interpret } => return self.status(*interpret),
            Control::Signal(signal) => return self.signal(*signal),
            Control::ResetLost => self.reset(control, "lost"),
            Control::ResetBacklogWaitActual => self.reset(control, "backlog_wait_time_actual"),
            setting => self.system.control(setting).map(|_| ()),
        };
        match result {
            Ok(()) => Outcome::Done,
            Err(errno) => {
                self.complain_about(control, errno);
                Outcome::Failed
            }
        }
    }

    fn complain_about(&mut self, control: &Control, errno: Errno) {
        let what = match control {
            Control::Enable(_) => "sending enable request",
            Control::Failure(_) => "sending failure mode request",
            Control::Rate(_) => "sending rate limit request",
            Control::Backlog(_) | Control::BacklogWait(_) => "sending backlog limit request",
            Control::ResetLost => "sending lost reset request",
            Control::ResetBacklogWaitActual => "sending backlog wait time actual reset request",
            Control::LoginuidImmutable => "setting feature",
            Control::Trim => "sending trim subtrees command",
            Control::Equivalent { .. } => "sending make_equivalent command",
            Control::List { .. } | Control::DeleteAll(_) => "sending rule list data request",
            Control::Status { .. } | Control::Signal(_) => "sending status request",
            Control::Message(_) | Control::Version | Control::Help => "",
        };
        if errno == Errno::CONNREFUSED {
            let silent = matches!(
                control,
                Control::Failure(_)
                    | Control::Rate(_)
                    | Control::Backlog(_)
                    | Control::BacklogWait(_)
            );
            if !silent {
                self.complain(DISABLED);
            }
        } else if !what.is_empty() {
            self.complain(&format!("Error {what} ({errno})"));
        }
    }

    fn reset(&mut self, control: &Control, counter: &str) -> Result<(), Errno> {
        let old = self.system.control(control)?;
        self.complain(&format!("{counter}: {old}"));
        Ok(())
    }

    fn list(&mut self, key: Option<&BString>, interpret: bool) -> Result<(), Errno> {
        let rules = self.system.rules()?;
        if rules.is_empty() {
            self.system.out(b"No rules\n");
        }
        let machine = self.system.machine();
        let mut out = Vec::new();
        {
            let system = &*self.system;
            let meaning = |arch, call, at, value| system.argument_text(arch, call, at, value);
            let meaning: &ArgumentText<'_> = &meaning;
            let interpret = interpret.then_some(meaning);
            let listing = Listing {
                dialect: Dialect::Auditctl,
                machine,
                interpret,
            };
            for rule in rules.iter().filter(|rule| has_key(rule, key)) {
                out.extend(text::line(rule, &listing));
                out.push(b'\n');
            }
        }
        self.system.out(&out);
        Ok(())
    }

    fn delete_all(&mut self, key: Option<&BString>) -> Outcome {
        let rules = match self.system.rules() {
            Ok(rules) => rules,
            Err(errno) => {
                self.complain_about(&Control::DeleteAll(None), errno);
                return Outcome::Failed;
            }
        };
        for rule in rules.iter().filter(|rule| has_key(rule, key)) {
            if let Err(errno) = self.system.delete_rule(rule) {
                self.complain(&format!("Error deleting rule ({errno})"));
                return Outcome::Failed;
            }
        }
        match self.list(key, false) {
            Ok(()) => Outcome::Done,
            Err(_) => Outcome::Failed,
        }
    }

    fn status(&mut self, interpret: bool) -> Outcome {
        let status = match self.system.status() {
            Ok(status) => status,
            Err(errno) => {
                self.complain_about(&Control::Status { interpret }, errno);
                return Outcome::Failed;
            }
        };
        self.print_status(&status, interpret);
        match self.system.loginuid_immutable() {
            Ok(Some(state)) => {
                let lock = if state.locked { "locked" } else { "unlocked" };
                let on = u8::from(state.on);
                self.system
                    .out(format!("loginuid_immutable {on} {lock}\n").as_bytes());
                Outcome::Done
            }
            Ok(None) => Outcome::Done,
            Err(errno) => {
                self.complain(&format!("Error getting feature ({errno})"));
                Outcome::Failed
            }
        }
    }

    fn print_status(&mut self, status: &Status, interpret: bool) {
        let (enabled, failure) = if interpret {
            let enabled = match status.enabled {
                0 => "disable",
                1 => "enabled",
                2 => "enabled+immutable",
                _ => "unknown",
            };
            let failure = match status.failure {
                0 => "silent",
                1 => "printk",
                2 => "panic",
                _ => "unknown",
            };
            (enabled.to_owned(), failure.to_owned())
        } else {
            (status.enabled.to_string(), status.failure.to_string())
        };
        let rows = [
            ("enabled", enabled),
            ("failure", failure),
            ("pid", status.pid.to_string()),
            ("rate_limit", status.rate_limit.to_string()),
            ("backlog_limit", status.backlog_limit.to_string()),
            ("lost", status.lost.to_string()),
            ("backlog", status.backlog.to_string()),
            ("backlog_wait_time", status.backlog_wait_time.to_string()),
            (
                "backlog_wait_time_actual",
                status.backlog_wait_time_actual.to_string(),
            ),
        ];
        let text: String = rows
            .iter()
            .map(|(name, value)| format!("{name} {value}\n"))
            .collect();
        self.system.out(text.as_bytes());
    }

    fn signal(&mut self, signal: Signal) -> Outcome {
        let status = match self.system.status() {
            Ok(status) => status,
            Err(errno) => {
                self.complain_about(&Control::Signal(signal), errno);
                return Outcome::Failed;
            }
        };
        if status.pid == 0 {
            self.complain("Auditd is not running");
            let code = match self.compat {
                Compat::V3 => 0,
                Compat::V4 => 2,
            };
            return Outcome::Exit(code);
        }
        match self.system.signal(status.pid, signal) {
            Ok(()) => Outcome::Done,
            Err(errno) => {
                self.complain(&format!("Failed sending signal to auditd ({errno})"));
                Outcome::Exit(1)
            }
        }
    }
}

fn is_directory(test: &Test) -> bool {
    test.field == Field::Dir
}

/// Whether one of the rule's key fields contains the text; keys stand in it joined.
#[must_use]
pub fn has_key(rule: &Rule, key: Option<&BString>) -> bool {
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        return true;
    };
    rule.tests_on(Field::Key).any(|test| match &test.value {
        Value::Text(text) => text.contains_str(key),
        Value::Number(_) => false,
    })
}

const DISABLED: &str = "The audit system is disabled";

/// The options in our own words; auditctl's text is not ours to copy.
const USAGE: &str = include_str!("usage.txt");
