//! The reports: what each is called, which events it is about, which columns it has.

use super::wants::Wants;
use super::write::Escape;

/// A report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// How many of everything: the report of a run without options.
    Totals,
    /// Authentication attempts.
    Auth,
    /// Access vector cache: what SELinux denied and granted.
    Avc,
    /// Commands by the name of their task.
    Comm,
    /// Changes of configuration.
    Config,
    /// Cryptographic events.
    Crypto,
    /// All events.
    Event,
    /// Files and unix sockets.
    File,
    /// Hosts.
    Host,
    /// Integrity measurement.
    Integrity,
    /// Keys of the rules.
    Key,
    /// Logins.
    Login,
    /// Accounts that were changed.
    Mods,
    /// Mandatory access control.
    Mac,
    /// Anomalies.
    Anomaly,
    /// Processes.
    Pid,
    /// Responses to anomalies.
    Response,
    /// System calls.
    Syscall,
    /// Terminals.
    Terminal,
    /// What was typed.
    Tty,
    /// Users.
    User,
    /// Virtual machines.
    Virt,
    /// Programs.
    Executable,
}

/// A column of a report's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// The account that was named.
    Acct,
    /// The account that was named, or the uid of who named none.
    AcctOrUid,
    /// The uid that logged in.
    Auid,
    /// Who logged in, or tried to.
    Who,
    /// The remote host.
    Host,
    /// The terminal.
    Terminal,
    /// The program.
    Exe,
    /// The program, or the name of its task.
    ExeOrComm,
    /// Whether it was done.
    Success,
    /// The serial.
    Event,
    /// The type of the event's first record.
    Type,
    /// The process.
    Pid,
    /// The system call.
    Syscall,
    /// The name of the task.
    Comm,
    /// The first file.
    File,
    /// The first key.
    Key,
    /// The subject's security context.
    Subject,
    /// The object's class.
    Class,
    /// What was asked for.
    Permission,
    /// The object's security context.
    Object,
    /// Denied or granted.
    AvcResult,
    /// The login session.
    Session,
    /// What was typed.
    Typed,
}

/// What is printed of a report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub(super) kind: Kind,
    /// Its name on our command line.
    pub(super) word: &'static str,
    pub(super) title: &'static str,
    /// Length of the line under the title.
    pub(super) rule: usize,
    /// Title of its summary; none for a report without one.
    pub(super) summary: Option<Summary>,
    /// The columns after date and time, and their headings.
    pub(super) columns: &'static [(Column, &'static str)],
    /// What stands for a missing value.
    pub(super) missing: &'static str,
    /// What it reads of an event.
    pub(super) wants: Wants,
}

/// The summary of a report: how often each value occurs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Summary {
    pub(super) title: &'static str,
    pub(super) rule: usize,
    /// What is counted.
    pub(super) of: &'static str,
}

impl Kind {
    /// All of them, in the order of aureport's help.
    pub fn all() -> impl ExactSizeIterator<Item = Kind> {
        SPECS.iter().map(|spec| spec.kind)
    }

    /// The report of this name.
    pub fn from_word(word: &str) -> Option<Kind> {
        SPECS
            .iter()
            .find(|spec| spec.word == word)
            .map(|spec| spec.kind)
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        self.spec().word
    }

    /// Whether it has a summary.
    pub fn has_summary(self) -> bool {
        self.spec().summary.is_some()
    }

    /// How a column is escaped: aureport leaves some as they are. Control bytes are escaped
    /// everywhere, unless nothing is to be.
    pub(super) fn escape(self, column: Column, escape: Escape) -> Escape {
        let is_plain = match column {
            Column::Acct => self == Kind::Mods,
            Column::Exe => matches!(self, Kind::Auth | Kind::Login | Kind::Mods),
            Column::AcctOrUid | Column::Who | Column::ExeOrComm | Column::Comm | Column::File => {
                false
            }
            _ => true,
        };
        match escape {
            Escape::Shell | Escape::ShellQuote if is_plain => Escape::Tty,
            escape => escape,
        }
    }

    /// How the values of the summary are escaped.
    pub(super) fn summary_escape(self, escape: Escape) -> Escape {
        let is_plain = matches!(
            self,
            Kind::Executable | Kind::Terminal | Kind::Host | Kind::Avc
        );
        match escape {
            Escape::Shell | Escape::ShellQuote if is_plain => Escape::Tty,
            escape => escape,
        }
    }

    pub(super) fn spec(self) -> &'static Spec {
        // The table is in the order of the enumeration; a test holds it to that.
        &SPECS[self as usize]
    }
}

const fn summary(title: &'static str, rule: usize, of: &'static str) -> Option<Summary> {
    Some(Summary { title, rule, of })
}

macro_rules! wants {
    ($($want:ident)*) => { Wants::from_bits(0 $(| Wants::$want.bits())*) };
}

#[rustfmt::skip]
static SPECS: [Spec; 23] = [
    Spec { kind: Kind::Totals, word: "totals", title: "Summary Report", rule: 22, summary: None, columns: &[],
        missing: "?", wants: wants!(AUID TERMINAL HOST COMM EXE FILE KEY) },
    Spec { kind: Kind::Auth, word: "auth", title: "Authentication Report", rule: 44,
        summary: summary("Authentication Summary Report", 29, "acct"),
        columns: &[(Column::AcctOrUid, "acct"), (Column::Host, "host"), (Column::Terminal, "term"), (Column::Exe, "exe"),
            (Column::Success, "success"), (Column::Event, "event")],
        missing: "(null)", wants: wants!(UID TERMINAL HOST EXE ACCT) },
    Spec { kind: Kind::Avc, word: "avc", title: "AVC Report", rule: 63,
        summary: summary("Avc Object Summary Report", 33, "obj"),
        columns: &[(Column::Comm, "comm"), (Column::Subject, "subj"), (Column::Syscall, "syscall"), (Column::Class, "class"),
            (Column::Permission, "permission"), (Column::Object, "obj"), (Column::AvcResult, "result"), (Column::Event, "event")],
        missing: "(null)", wants: wants!(COMM CONTEXT) },
    Spec { kind: Kind::Comm, word: "comm", title: "Command Report", rule: 36,
        summary: summary("Command Summary Report", 33, "command"),
        columns: &[(Column::Comm, "comm"), (Column::Terminal, "term"), (Column::Host, "host"), (Column::Auid, "auid"),
            (Column::Event, "event")],
        missing: "?", wants: wants!(AUID TERMINAL HOST COMM) },
    Spec { kind: Kind::Config, word: "config", title: "Config Change Report", rule: 35,
        summary: summary("Config Change Summary Report", 28, "type"),
        columns: &[(Column::Type, "type"), (Column::Auid, "auid"), (Column::Success, "success"), (Column::Event, "event")],
        missing: "?", wants: wants!(AUID) },
    Spec { kind: Kind::Crypto, word: "crypto", title: "Crypto Report", rule: 35,
        summary: summary("Crypto Summary Report", 21, "type"),
        columns: &[(Column::Auid, "auid"), (Column::Type, "type"), (Column::Success, "success"), (Column::Event, "event")],
        missing: "?", wants: wants!(AUID) },
    Spec { kind: Kind::Event, word: "events", title: "Event Report", rule: 35,
        summary: summary("Event Summary Report", 22, "type"),
        columns: &[(Column::Event, "event"), (Column::Type, "type"), (Column::Auid, "auid"), (Column::Success, "success")],
        missing: "?", wants: wants!(AUID) },
    Spec { kind: Kind::File, word: "files", title: "File Report", rule: 47,
        summary: summary("File Summary Report", 27, "file"),
        columns: &[(Column::File, "file"), (Column::Syscall, "syscall"), (Column::Success, "success"), (Column::Exe, "exe"),
            (Column::Auid, "auid"), (Column::Event, "event")],
        missing: "?", wants: wants!(AUID EXE FILE) },
    Spec { kind: Kind::Host, word: "hosts", title: "Host Report", rule: 35,
        summary: summary("Host Summary Report", 27, "host"),
        columns: &[(Column::Host, "host"), (Column::Syscall, "syscall"), (Column::Auid, "auid"), (Column::Event, "event")],
        missing: "?", wants: wants!(AUID HOST) },
    Spec { kind: Kind::Integrity, word: "integrity", title: "Integrity Report", rule: 30,
        summary: summary("Integrity Summary Report", 24, "type"),
        columns: &[(Column::Type, "type"), (Column::Success, "success"), (Column::Event, "event")],
        missing: "?", wants: wants!(AUID) },
    Spec { kind: Kind::Key, word: "keys", title: "Key Report", rule: 47,
        summary: summary("Key Summary Report", 27, "key"),
        columns: &[(Column::Key, "key"), (Column::Success, "success"), (Column::Exe, "exe"), (Column::Auid, "auid"),
            (Column::Event, "event")],
        missing: "?", wants: wants!(AUID EXE KEY) },
    Spec { kind: Kind::Login, word: "login", title: "Login Report", rule: 44,
        summary: summary("Login Summary Report", 28, "auid"),
        columns: &[(Column::Who, "auid"), (Column::Host, "host"), (Column::Terminal, "term"), (Column::Exe, "exe"),
            (Column::Success, "success"), (Column::Event, "event")],
        missing: "(null)", wants: wants!(AUID TERMINAL HOST EXE ACCT) },
    Spec { kind: Kind::Mods, word: "mods", title: "Account Modifications Report", rule: 49,
        summary: summary("Acct Modification Summary Report", 32, "type"),
        columns: &[(Column::Auid, "auid"), (Column::Host, "addr"), (Column::Terminal, "term"), (Column::Exe, "exe"),
            (Column::Acct, "acct"), (Column::Success, "success"), (Column::Event, "event")],
        missing: "?", wants: wants!(AUID TERMINAL HOST EXE ACCT) },
    Spec { kind: Kind::Mac, word: "mac", title: "MAC Report", rule: 35,
        summary: summary("MAC Summary Report", 18, "type"),
        columns: &[(Column::Auid, "auid"), (Column::Type, "type"), (Column::Success, "success"), (Column::Event, "event")],
        missing: "?", wants: wants!(AUID) },
    Spec { kind: Kind::Anomaly, word: "anomaly", title: "Anomaly Report", rule: 41,
        summary: summary("Anomaly Summary Report", 22, "type"),
        columns: &[(Column::Type, "type"), (Column::ExeOrComm, "exe"), (Column::Terminal, "term"), (Column::Host, "host"),
            (Column::Auid, "auid"), (Column::Event, "event")],
        missing: "?", wants: wants!(AUID TERMINAL HOST COMM EXE) },
    Spec { kind: Kind::Pid, word: "pids", title: "Process ID Report", rule: 38,
        summary: summary("Pid Summary Report", 26, "pid"),
        columns: &[(Column::Pid, "pid"), (Column::Exe, "exe"), (Column::Syscall, "syscall"), (Column::Auid, "auid"),
            (Column::Event, "event")],
        missing: "?", wants: wants!(AUID EXE) },
    Spec { kind: Kind::Response, word: "response", title: "Response to Anomaly Report", rule: 30,
        summary: summary("Anomaly Response Summary Report", 31, "type"),
        columns: &[(Column::Type, "type"), (Column::Success, "success"), (Column::Event, "event")],
        missing: "?", wants: wants!() },
    Spec { kind: Kind::Syscall, word: "syscalls", title: "Syscall Report", rule: 39,
        summary: summary("Syscall Summary Report", 26, "syscall"),
        columns: &[(Column::Syscall, "syscall"), (Column::Pid, "pid"), (Column::Comm, "comm"), (Column::Auid, "auid"),
            (Column::Event, "event")],
        missing: "?", wants: wants!(AUID COMM) },
    Spec { kind: Kind::Terminal, word: "terminals", title: "Terminal Report", rule: 36,
        summary: summary("Terminal Summary Report", 31, "terminal"),
        columns: &[(Column::Terminal, "term"), (Column::Host, "host"), (Column::Exe, "exe"), (Column::Auid, "auid"),
            (Column::Event, "event")],
        missing: "(null)", wants: wants!(AUID TERMINAL HOST EXE) },
    Spec { kind: Kind::Tty, word: "tty", title: "TTY Report", rule: 47, summary: None,
        columns: &[(Column::Event, "event"), (Column::Auid, "auid"), (Column::Terminal, "term"), (Column::Session, "sess"),
            (Column::Comm, "comm"), (Column::Typed, "data")],
        missing: "?", wants: wants!(AUID SESSION TERMINAL COMM TYPED) },
    Spec { kind: Kind::User, word: "users", title: "User ID Report", rule: 36,
        summary: summary("User Summary Report", 27, "auid"),
        columns: &[(Column::Auid, "auid"), (Column::Terminal, "term"), (Column::Host, "host"), (Column::Exe, "exe"),
            (Column::Event, "event")],
        missing: "?", wants: wants!(AUID UID TERMINAL HOST EXE) },
    Spec { kind: Kind::Virt, word: "virt", title: "Virtualization Report", rule: 30,
        summary: summary("Virtualization Summary Report", 29, "type"),
        columns: &[(Column::Type, "type"), (Column::Success, "success"), (Column::Event, "event")],
        missing: "?", wants: wants!() },
    Spec { kind: Kind::Executable, word: "executables", title: "Executable Report", rule: 36,
        summary: summary("Executable Summary Report", 33, "file"),
        columns: &[(Column::Exe, "exe"), (Column::Terminal, "term"), (Column::Host, "host"), (Column::Auid, "auid"),
            (Column::Event, "event")],
        missing: "?", wants: wants!(AUID TERMINAL HOST EXE) },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_are_unique() {
        for (index, kind) in Kind::all().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(Kind::from_word(kind.word()), Some(kind));
        }
    }
}
