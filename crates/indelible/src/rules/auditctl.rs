//! The program as auditctl: this host and its kernel for [`indelible_rules::auditctl`].
//!
//! It reads text as auditctl 3.0.9 does and loads line by line; `indelible rules load` is the
//! command that is all or nothing.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bstr::BString;
use indelible_record::{Interpreter, Record};
use indelible_rules::auditctl;
use indelible_rules::control::{LoginuidImmutable, Signal};
use indelible_rules::errno::Errno;
use indelible_rules::system::{RulesFile, System};
use indelible_rules::{Arch, Compat, Control, Host, PathKind, Rule, Status};
use indelible_sys::process;
use rustix::process::{Pid, kill_process};

use super::errno;
use super::file;
use super::host::{LocalHost, machine};
use super::kernel::Kernel;
use crate::terminal::Output;
use crate::user::LocalNames;

/// Runs auditctl with the arguments after its name; its exit code.
pub(super) fn run(arguments: &[OsString]) -> u8 {
    let words: Vec<BString> = arguments
        .iter()
        .map(|word| BString::from(word.as_bytes()))
        .collect();
    auditctl::run(&words, Compat::V3, &mut LocalSystem { kernel: None })
}

/// This host, and its kernel once it was asked something: help and versions need none.
struct LocalSystem {
    kernel: Option<Kernel>,
}

impl LocalSystem {
    fn kernel(&mut self) -> Result<&mut Kernel, Errno> {
        if self.kernel.is_none() {
            self.kernel = Some(Kernel::open().map_err(|error| errno::of(&error))?);
        }
        self.kernel.as_mut().ok_or(Errno::CONNREFUSED)
    }
}

impl Host for LocalSystem {
    fn user(&self, name: &[u8]) -> Option<u32> {
        LocalHost.user(name)
    }

    fn group(&self, name: &[u8]) -> Option<u32> {
        LocalHost.group(name)
    }

    fn path_kind(&self, path: &[u8]) -> PathKind {
        LocalHost.path_kind(path)
    }
}

impl System for LocalSystem {
    fn machine(&self) -> Arch {
        machine()
    }

    fn can_control(&self) -> bool {
        process::may_control_audit()
    }

    fn out(&mut self, text: &[u8]) {
        let mut output = Output::stdout();
        // A reader that went away changes nothing about what was asked of the kernel.
        let _ = output.write(text).and_then(|()| output.flush());
    }

    fn err(&mut self, text: &[u8]) {
        let _ = io::stderr().write_all(text);
    }

    fn rules_file(&mut self, path: &[u8]) -> Result<RulesFile, Errno> {
        file::open(Path::new(OsStr::from_bytes(path))).map_err(|error| errno::of_io(&error))
    }

    fn add_rule(&mut self, rule: &Rule) -> Result<(), Errno> {
        self.kernel()?.add(rule)
    }

    fn delete_rule(&mut self, rule: &Rule) -> Result<(), Errno> {
        self.kernel()?.delete(rule)
    }

    fn rules(&mut self) -> Result<Vec<Rule>, Errno> {
        self.kernel()?.rules()
    }

    fn control(&mut self, control: &Control) -> Result<u32, Errno> {
        self.kernel()?.set(control)
    }

    fn status(&mut self) -> Result<Status, Errno> {
        self.kernel()?.status()
    }

    fn loginuid_immutable(&mut self) -> Result<Option<LoginuidImmutable>, Errno> {
        self.kernel()?.loginuid_immutable()
    }

    fn signal(&mut self, pid: u32, signal: Signal) -> Result<(), Errno> {
        let signal = match signal {
            Signal::Term => rustix::process::Signal::TERM,
            Signal::Hup => rustix::process::Signal::HUP,
            Signal::Usr1 => rustix::process::Signal::USR1,
            Signal::Usr2 => rustix::process::Signal::USR2,
            Signal::Cont => rustix::process::Signal::CONT,
        };
        let pid = Pid::from_raw(pid.cast_signed()).ok_or(Errno::INVAL)?;
        kill_process(pid, signal).map_err(|errno| Errno(errno.raw_os_error()))
    }

    /// What the argument would mean in the record of such a call; the other three are 0.
    fn argument_text(
        &self,
        arch: Option<Arch>,
        call: u32,
        at: usize,
        value: u32,
    ) -> Option<String> {
        let arch = arch.unwrap_or_else(machine).elf();
        let mut line = format!("type=SYSCALL msg=audit(0.000:0): arch={arch:x} syscall={call}");
        for index in 0..4 {
            let value = if index == at { value } else { 0 };
            line.push_str(&format!(" a{index}={value:x}"));
        }
        let record = Record::parse(line.as_bytes());
        let name = format!("a{at}");
        let mut fields = record.fields();
        let field = fields.find(|field| field.name == name.as_bytes())?;
        let (names, mut text) = (LocalNames::read(), Vec::new());
        let has_meaning = Interpreter::new(&record, &names).interpret(&field, &mut text);
        has_meaning.then(|| String::from_utf8_lossy(&text).into_owned())
    }
}
