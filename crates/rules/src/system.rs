//! What the command auditctl works on: a host, the audit system of its kernel, and a terminal.
//!
//! The binary implements it over the audit socket; tests implement it over lists.

use bstr::ByteSlice;

use crate::arch::Arch;
use crate::control::{Control, LoginuidImmutable, Signal, Status};
use crate::errno::Errno;
use crate::host::Host;
use crate::rule::Rule;

/// The host, its kernel's audit system, and where output goes.
pub trait System: Host {
    /// What `uname -m` says.
    fn machine(&self) -> Arch;
    /// Whether this process has CAP_AUDIT_CONTROL.
    fn can_control(&self) -> bool;
    /// Standard output.
    fn out(&mut self, text: &[u8]);
    /// Standard error; under `-R` the system log will do as well.
    fn err(&mut self, text: &[u8]);
    /// Opens and reads a file.
    ///
    /// # Errors
    /// What opening or reading it ended with.
    fn rules_file(&mut self, path: &[u8]) -> Result<RulesFile, Errno>;

    /// Loads a rule.
    ///
    /// # Errors
    /// The kernel's answer.
    fn add_rule(&mut self, rule: &Rule) -> Result<(), Errno>;
    /// Deletes a rule.
    ///
    /// # Errors
    /// The kernel's answer.
    fn delete_rule(&mut self, rule: &Rule) -> Result<(), Errno>;
    /// The loaded rules, in the order in which the kernel reports them.
    ///
    /// # Errors
    /// The kernel's answer.
    fn rules(&mut self) -> Result<Vec<Rule>, Errno>;
    /// Carries out a setting: sends [`Control::message`], or for [`Control::Message`] a USER
    /// record. The number is the old counter for the two resets, else it is not looked at.
    ///
    /// # Errors
    /// The kernel's answer.
    fn control(&mut self, control: &Control) -> Result<u32, Errno>;
    /// The state of the audit system.
    ///
    /// # Errors
    /// The kernel's answer.
    fn status(&mut self) -> Result<Status, Errno>;
    /// The state of the feature; `None` where the kernel does not know it.
    ///
    /// # Errors
    /// The kernel's answer.
    fn loginuid_immutable(&mut self) -> Result<Option<LoginuidImmutable>, Errno>;
    /// Sends a signal to a process.
    ///
    /// # Errors
    /// The kernel's answer.
    fn signal(&mut self, pid: u32, signal: Signal) -> Result<(), Errno>;
    /// A meaning for a system call argument, for `-l -i`.
    fn argument_text(&self, arch: Option<Arch>, call: u32, at: usize, value: u32)
    -> Option<String>;
}

/// A file of rules and what its permissions say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesFile {
    /// Permission bits and file type, as stat(2) reports them.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its bytes; empty where it is no regular file.
    pub content: Vec<u8>,
}

impl RulesFile {
    const TYPE: u32 = 0o170_000;
    const REGULAR: u32 = 0o100_000;
    const OTHERS_WRITE: u32 = 0o002;

    /// Why rules are not read from it, as auditctl says it.
    #[must_use]
    pub fn refusal(&self, path: &[u8]) -> Option<String> {
        let path = path.as_bstr();
        if self.mode & Self::OTHERS_WRITE != 0 {
            Some(format!("Error - {path} is world writable"))
        } else if self.uid != 0 {
            Some(format!("Error - {path} isn't owned by root"))
        } else if self.mode & Self::TYPE != Self::REGULAR {
            Some(format!("Error - {path} is not a regular file"))
        } else {
            None
        }
    }
}
