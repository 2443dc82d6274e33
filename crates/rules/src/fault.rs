//! What can be wrong with a line of rule text.
//!
//! The messages are those of auditctl 3.0.9, because scripts match on them and administrators
//! know them; [`Fault::accepted`] adds what would have been right.

use bstr::BString;

use crate::field::Field;
use crate::list::List;

/// One thing that is wrong, or odd, about a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message above each variant says it")]
pub enum Fault {
    #[error("Option {0} is invalid")]
    Option(BString),
    #[error("Option {0} on line {1} is invalid")]
    OptionOnLine(BString, usize),
    #[error("parameter passed without an option given")]
    StrayWord,
    #[error("Too many options for status command")]
    StatusWords,
    #[error("Only -i option is allowed")]
    StatusOption,
    #[error("Wrong number of options for list request")]
    ListWords,
    #[error("Only -k or -i options are allowed")]
    ListOption,
    #[error("Wrong number of options for Delete all request")]
    DeleteAllWords,
    #[error("Only the -k option is allowed")]
    DeleteAllOption,
    #[error("Enable must be 0, 1, or 2 was {0}")]
    Enable(BString),
    #[error("Failure must be 0, 1, or 2 was {0}")]
    Failure(BString),
    #[error("Rate must be a numeric value was {0}")]
    Rate(BString),
    #[error("Error converting rate")]
    RateRange,
    #[error("Backlog must be a numeric value was {0}")]
    Backlog(BString),
    #[error("Error converting backlog")]
    BacklogRange,
    #[error("Backlog_wait_time must be a numeric value was {0}")]
    BacklogWait(BString),
    #[error("Error converting backlog_wait_time")]
    BacklogWaitRange,
    #[error("Syscall auditing requested for task list")]
    AppendTask,
    #[error("Error: syscall auditing requested for task list")]
    PrependTask,
    // The line break at the end is part of the message for -a.
    #[error("Multiple rule insert/delete operations are not allowed\n")]
    SecondAppend,
    #[error("Multiple rule insert/delete operations are not allowed")]
    SecondRule,
    #[error("Append rule - bad keyword {0}")]
    AppendKeyword(BString),
    #[error("Add rule - bad keyword {0}")]
    PrependKeyword(BString),
    #[error("Delete rule - bad keyword {0}")]
    DeleteKeyword(BString),
    #[error("Append rule - possible is deprecated")]
    AppendPossible,
    #[error("Delete rule - possible is deprecated")]
    DeletePossible,
    #[error("Error: syscall auditing being added to task list")]
    SyscallOnTask,
    #[error("Error: syscall auditing being added to user list")]
    SyscallOnUser,
    #[error("Error: syscall auditing being added to filesystem list")]
    SyscallOnFilesystem,
    #[error("Error: syscall auditing cannot be put on exclude list")]
    SyscallOnExclude,
    #[error("Syscall name unknown: {0}")]
    Syscall(BString),
    #[error("io_uring op unknown: {0}")]
    UringOp(BString),
    #[error("WARNING - 32/64 bit syscall mismatch{}, you should specify an arch", on_line(.0))]
    SyscallMismatch(Option<usize>),
    #[error("List must be given before field")]
    FieldBeforeList,
    #[error("-F missing operation for {0}")]
    Operator(BString),
    #[error("-F missing field name before operator for ")]
    FieldName,
    #[error("-F missing value after operation for {0}")]
    FieldValue(BString),
    #[error("-F unknown field: {0}")]
    Field(BString),
    #[error("Too many fields in rule: {0}")]
    FieldCount(BString),
    #[error("Only msgtype, *uid, *gid, pid, and subj* fields can be used with exclude filter")]
    FieldOnExclude,
    #[error("Field option not supported by kernel: {0}")]
    FieldFeature(BString),
    #[error("{0} filter is not supported by the kernel")]
    FilterFeature(BString),
    #[error("{0} can only be used with exit filter list")]
    ExitListOnly(BString),
    #[error("msgtype field can only be used with exclude or user filter list")]
    MsgTypeList,
    #[error("{0} must be used with exclude, user, or exit filter")]
    SessionList(BString),
    #[error("{0} field is not valid for the filter")]
    FieldOnList(BString),
    #[error("{0} only takes = or != operators")]
    EqualityOnly(BString),
    #[error("{0} only takes = operator")]
    EqualOnly(BString),
    #[error("Unknown user: {0}")]
    User(BString),
    #[error("Unknown group: {0}")]
    Group(BString),
    #[error("-F unknown errno - {0}")]
    Errno(BString),
    #[error("-F unknown message type - {0}")]
    MessageType(BString),
    #[error("-F unknown file type -  {0}")]
    FileType(BString),
    #[error("file system type is unknown for field: {0}")]
    Filesystem(BString),
    #[error("-F value should be number for {0}")]
    Number(BString),
    #[error("value is too large for field: {0}")]
    TooLarge(BString),
    #[error("String value too long")]
    TextLength,
    #[error("Permission can only contain  'rwxa'")]
    PermLetters,
    #[error("{0} must be before -S")]
    ArchAfterSyscall(BString),
    #[error("{0} elf mapping not found")]
    Elf(BString),
    #[error("Key field needs a watch, syscall or exe path given prior to it")]
    KeyFieldAlone,
    #[error("-C missing field name before operator for ")]
    CompareLeft,
    #[error("-C missing value after operation for  {0}")]
    CompareRight(BString),
    #[error("-C unknown field: {0}")]
    CompareField(BString),
    #[error("-C unknown right hand value for comparison with: {0}")]
    CompareValue(BString),
    #[error("-C incompatible comparison {0}")]
    ComparePair(BString),
    #[error("The -m option must be only the only option and takes 1 parameter")]
    MessageWords,
    #[error("Illegal character in audit event")]
    MessageCharacter,
    #[error("Error - nested rule files not supported")]
    NestedFile,
    #[error("watch option can't be given with a syscall")]
    WatchWithSyscall,
    #[error("The path passed for the watch is too big")]
    PathLength,
    #[error("The base name of the path is too big")]
    BaseNameLength,
    #[error("The path must start with '/'")]
    PathRelative,
    #[error("Warning - relative path notation is not supported")]
    PathDots,
    #[error("Warning - wildcard notation is not supported")]
    PathWildcard,
    #[error("Rule is not empty\n")]
    WatchAfterField,
    #[error("key option needs a watch or syscall given prior to it")]
    KeyAlone,
    #[error("key option exceeds size limit")]
    KeyLength,
    #[error("key {0} has illegal character")]
    KeyCharacter(BString),
    #[error("permission option needs a watch given prior to it")]
    PermAlone,
    #[error("permission {0} is too long")]
    PermLength(BString),
    #[error("Permission {} isn't supported", char::from(*.0))]
    PermLetter(u8),
    #[error("Permissions should be preceeded by other fields")]
    PermFirst,
    #[error("Too many fields when adding permissions")]
    PermRoom,
    #[error("Syscall auditing requested for make equivalent")]
    EquivalentWithSyscall,
    #[error("Error parsing equivalent parts")]
    EquivalentParts,
    #[error("{0} is an unsupported signal")]
    Signal(BString),
    #[error("Error - no list specified")]
    NoList,
    #[error("line is longer than {0} bytes")]
    LineLength(usize),
    #[error("a zero byte in the line")]
    ZeroByte,
}

fn on_line(line: &Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" in line {line}"))
}

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The line works, but perhaps not as meant.
    Warning,
    /// The line does nothing.
    Error,
}

impl Fault {
    /// Whether the line still works.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::SyscallMismatch(_)
            | Self::PathDots
            | Self::PathWildcard
            | Self::KeyCharacter(_)
            | Self::AppendPossible
            | Self::DeletePossible => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What would be accepted in its place, where that can be said in a line.
    #[must_use]
    pub fn accepted(&self) -> Option<String> {
        let text = match self {
            Self::Enable(_) => "0 (off), 1 (on) or 2 (on, locked until the next boot)",
            Self::Failure(_) => "0 (silent), 1 (printk) or 2 (panic)",
            Self::Rate(_) | Self::RateRange => "messages per second, 0 for no limit",
            Self::Backlog(_) | Self::BacklogRange => "a number of records, such as 8192",
            Self::BacklogWait(_) | Self::BacklogWaitRange => "a number of clock ticks",
            Self::AppendKeyword(_) | Self::PrependKeyword(_) | Self::DeleteKeyword(_) => {
                return Some(format!("one of {}, a comma, then always or never", lists()));
            }
            Self::AppendPossible | Self::DeletePossible => "always or never",
            Self::Syscall(_) => "a name of this architecture, a number below 2048, or all",
            Self::UringOp(_) => "an io_uring operation such as openat, or its number",
            Self::FieldBeforeList => "-a, -A or -d before the first -F",
            Self::Operator(_) => "one of = != < <= > >= & &= between field and value",
            Self::Field(_) | Self::CompareField(_) | Self::CompareValue(_) => {
                let names: Vec<_> = Field::named().filter_map(Field::name).collect();
                return Some(format!("one of {}", names.join(" ")));
            }
            Self::EqualityOnly(_) => "= or !=",
            Self::EqualOnly(_) => "=",
            Self::ExitListOnly(_) => "this field on a rule of the exit list",
            Self::MsgTypeList => "msgtype on the exclude or the user list",
            Self::User(_) => "a user that this host knows, a number, or unset",
            Self::Group(_) => "a group that this host knows, or a number",
            Self::Errno(_) => "a number, or an errno name such as -EACCES",
            Self::MessageType(_) => "a record type such as CWD, or its number",
            Self::FileType(_) => "fifo, character, dir, block, file, link or socket",
            Self::Filesystem(_) => "tracefs, debugfs or a magic number from linux/magic.h",
            Self::Number(_) => "a number: decimal, 0x and hexadecimal, or 0 and octal",
            Self::PermLetters | Self::PermLetter(_) | Self::PermLength(_) => {
                "up to four of r, w, x and a"
            }
            Self::ArchAfterSyscall(_) => "-F arch= before the first -S",
            Self::Elf(_) => "b64, b32, or a machine such as x86_64 or aarch64",
            Self::KeyAlone | Self::KeyFieldAlone => "-w, -S, -F exe= or -F perm= before the key",
            Self::KeyLength => "keys of at most 256 bytes in all",
            Self::CompareRight(_) | Self::ComparePair(_) => {
                "two of auid uid euid suid fsuid obj_uid, or two of gid egid sgid fsgid obj_gid"
            }
            Self::PathRelative => "an absolute path",
            Self::PermAlone => "-w before -p",
            Self::EquivalentParts => "mount point and subtree, joined by a comma",
            Self::Signal(_) => "TERM, HUP, USR1, USR2 or CONT",
            Self::NoList => "-a before the rule, such as -a always,exit",
            Self::LineLength(_) => "two rules instead of one",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

fn lists() -> String {
    let names: Vec<_> = List::NAMED.into_iter().filter_map(List::name).collect();
    names.join(", ")
}
