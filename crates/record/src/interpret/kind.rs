//! Kinds: what the value of a field means, by the field's name and the record's type.
//!
//! The kinds are those that auparse's documentation calls field types (`auparse_type_t`), so that
//! whoever knows one knows the other; which name has which kind is our own table.

use crate::field::{Field, Part};
use crate::names::NameMap;
use crate::record_type::RecordType;

/// The meaning of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Shown as it stands.
    Plain,
    /// User id, decimal.
    Uid,
    /// Group id, decimal.
    Gid,
    /// Syscall number, decimal, of the record's `arch`.
    Syscall,
    /// Audit architecture, hexadecimal `AUDIT_ARCH_*`.
    Arch,
    /// Result of a syscall, signed decimal.
    Exit,
    /// Errno, signed decimal.
    Errno,
    /// A string: quoted, or hexadecimal where the kernel could not quote it.
    Escaped,
    /// A string that is a path.
    EscapedFile,
    /// Rule keys: a string in which 0x01 separates.
    EscapedKey,
    /// The kernel's copy of the command line: a string in which 0x00 separates.
    Proctitle,
    /// Permissions of a watch: letters' bits, read 4, write 2, execute 1, attribute 8.
    Perm,
    /// Inode type and permission, octal.
    Mode,
    /// Permission alone, octal.
    ModeShort,
    /// `struct sockaddr`, hexadecimal bytes.
    Sockaddr,
    /// Internet address as text.
    Addr,
    /// Lookup flags of a path, hexadecimal.
    Flags,
    /// Promiscuous mode, decimal.
    Promiscuous,
    /// One capability, decimal.
    Capability,
    /// Set of capabilities, hexadecimal.
    CapabilitySet,
    /// Result of an operation: `1`, `yes`, `success`, `0`, `no`, `failed`.
    Success,
    /// A syscall argument 0 to 3, hexadecimal.
    Argument(u8),
    /// Signal, decimal.
    Signal,
    /// Filter list, decimal.
    List,
    /// Typed or shown characters, hexadecimal.
    TtyData,
    /// Login session, decimal.
    Session,
    /// Netfilter protocol family, decimal.
    NetfilterFamily,
    /// ICMP type, decimal.
    IcmpType,
    /// IP protocol, decimal.
    Protocol,
    /// Personality, hexadecimal.
    Personality,
    /// Seccomp action, hexadecimal.
    Seccomp,
    /// Open flags, hexadecimal.
    OpenFlags,
    /// Mapping flags, hexadecimal.
    MmapFlags,
    /// Label of a security module.
    MacLabel,
    /// Netfilter hook, decimal.
    Hook,
    /// Netfilter verdict, decimal.
    NetAction,
    /// Ethernet protocol, hexadecimal.
    MacProtocol,
    /// ioctl request, hexadecimal.
    IoctlRequest,
    /// Fanotify response, decimal.
    Fanotify,
    /// Type of the additional information of a fanotify response, decimal.
    FanType,
    /// The additional information itself, hexadecimal.
    FanInfo,
    /// Netlink multicast group of audit, decimal.
    NetlinkGroup,
    /// openat2 resolve flags, hexadecimal.
    Resolve,
    /// Trust of a fanotify subject or object, decimal.
    Trust,
    /// io_uring operation, decimal.
    UringOp,
}

impl Kind {
    /// The kind of a field in a record of this type.
    #[inline]
    pub fn of(record_type: RecordType, field: &Field<'_>) -> Kind {
        let name = field.name;
        match record_type {
            RecordType::EXECVE if name.first() == Some(&b'a') && name != b"argc" => {
                return if is_argument_length(name) {
                    Kind::Plain
                } else {
                    Kind::Escaped
                };
            }
            RecordType::AVC | RecordType::NETFILTER_PKT if name == b"saddr" => return Kind::Addr,
            RecordType::MQ_OPEN if name == b"mode" => return Kind::ModeShort,
            RecordType::MMAP if name == b"flags" => return Kind::MmapFlags,
            RecordType::CRYPTO_KEY_USER if name == b"fp" => return Kind::Plain,
            RecordType::USER_TTY if name == b"msg" || name == b"data" => return Kind::TtyData,
            RecordType::ADD_GROUP | RecordType::DEL_GROUP | RecordType::GRP_MGMT
                if name == b"id" && field.part == Part::Message =>
            {
                return Kind::Gid;
            }
            _ => {}
        }
        BY_NAME.get(name).unwrap_or(Kind::Plain)
    }

    /// Whether a value of this kind never means more than its decoded form.
    pub(crate) fn is_verbatim(self) -> bool {
        matches!(
            self,
            Kind::Plain | Kind::Escaped | Kind::EscapedFile | Kind::Addr | Kind::MacLabel
        )
    }

    /// Whether the value may be a hexadecimal string.
    pub fn is_encoded(self) -> bool {
        matches!(
            self,
            Kind::Escaped | Kind::EscapedFile | Kind::EscapedKey | Kind::Proctitle | Kind::TtyData
        )
    }
}

/// `a3_len`: how long argument 3 is that follows in pieces `a3[0]`, `a3[1]`.
fn is_argument_length(name: &[u8]) -> bool {
    name.ends_with(b"_len")
}

const KINDS: &[(&str, Kind)] = &[
    ("a0", Kind::Argument(0)),
    ("a1", Kind::Argument(1)),
    ("a2", Kind::Argument(2)),
    ("a3", Kind::Argument(3)),
    ("acct", Kind::Escaped),
    ("action", Kind::NetAction),
    ("addr", Kind::Addr),
    ("apparmor", Kind::Escaped),
    ("arch", Kind::Arch),
    ("auid", Kind::Uid),
    ("cap_fi", Kind::CapabilitySet),
    ("cap_fp", Kind::CapabilitySet),
    ("cap_pa", Kind::CapabilitySet),
    ("cap_pe", Kind::CapabilitySet),
    ("cap_pi", Kind::CapabilitySet),
    ("cap_pp", Kind::CapabilitySet),
    ("capability", Kind::Capability),
    ("cgroup", Kind::Escaped),
    ("cmd", Kind::Escaped),
    ("code", Kind::Seccomp),
    ("comm", Kind::Escaped),
    ("cwd", Kind::EscapedFile),
    ("data", Kind::TtyData),
    ("default-context", Kind::MacLabel),
    ("denied_mask", Kind::Escaped),
    ("device", Kind::EscapedFile),
    ("dir", Kind::EscapedFile),
    ("egid", Kind::Gid),
    ("errno", Kind::Errno),
    ("euid", Kind::Uid),
    ("exe", Kind::EscapedFile),
    ("exit", Kind::Exit),
    ("family", Kind::NetfilterFamily),
    ("fan_info", Kind::FanInfo),
    ("fan_type", Kind::FanType),
    ("fi", Kind::CapabilitySet),
    ("file", Kind::EscapedFile),
    ("flags", Kind::Flags),
    ("fp", Kind::CapabilitySet),
    ("fsgid", Kind::Gid),
    ("fsuid", Kind::Uid),
    ("gid", Kind::Gid),
    ("grp", Kind::Escaped),
    ("hook", Kind::Hook),
    ("icmptype", Kind::IcmpType),
    ("id", Kind::Uid),
    ("igid", Kind::Gid),
    ("img-ctx", Kind::MacLabel),
    ("info", Kind::Escaped),
    ("inode_gid", Kind::Gid),
    ("inode_uid", Kind::Uid),
    ("invalid_context", Kind::Escaped),
    ("ioctlcmd", Kind::IoctlRequest),
    ("iuid", Kind::Uid),
    ("key", Kind::EscapedKey),
    ("list", Kind::List),
    ("loginuid", Kind::Uid),
    ("macproto", Kind::MacProtocol),
    ("mode", Kind::Mode),
    ("name", Kind::EscapedFile),
    ("new-chardev", Kind::Escaped),
    ("new-disk", Kind::Escaped),
    ("new-fs", Kind::Escaped),
    ("new-net", Kind::Escaped),
    ("new-rng", Kind::Escaped),
    ("new_gid", Kind::Gid),
    ("new_pa", Kind::CapabilitySet),
    ("new_pe", Kind::CapabilitySet),
    ("new_pi", Kind::CapabilitySet),
    ("new_pp", Kind::CapabilitySet),
    ("nl-mcgrp", Kind::NetlinkGroup),
    ("oauid", Kind::Uid),
    ("obj", Kind::MacLabel),
    ("obj_gid", Kind::Gid),
    ("obj_trust", Kind::Trust),
    ("obj_uid", Kind::Uid),
    ("ocomm", Kind::Escaped),
    ("oflag", Kind::OpenFlags),
    ("ogid", Kind::Gid),
    ("old-auid", Kind::Uid),
    ("old-chardev", Kind::Escaped),
    ("old-disk", Kind::Escaped),
    ("old-fs", Kind::Escaped),
    ("old-net", Kind::Escaped),
    ("old-rng", Kind::Escaped),
    ("old_pa", Kind::CapabilitySet),
    ("old_pe", Kind::CapabilitySet),
    ("old_pi", Kind::CapabilitySet),
    ("old_pp", Kind::CapabilitySet),
    ("old_prom", Kind::Promiscuous),
    ("operation", Kind::Escaped),
    ("ouid", Kind::Uid),
    ("pa", Kind::CapabilitySet),
    ("path", Kind::EscapedFile),
    ("pe", Kind::CapabilitySet),
    ("per", Kind::Personality),
    ("perm", Kind::Perm),
    ("perm_mask", Kind::Perm),
    ("pi", Kind::CapabilitySet),
    ("pp", Kind::CapabilitySet),
    ("proctitle", Kind::Proctitle),
    ("profile", Kind::Escaped),
    ("prom", Kind::Promiscuous),
    ("proto", Kind::Protocol),
    ("requested_mask", Kind::Escaped),
    ("res", Kind::Success),
    ("resolve", Kind::Resolve),
    ("resp", Kind::Fanotify),
    ("result", Kind::Success),
    ("root_dir", Kind::EscapedFile),
    ("saddr", Kind::Sockaddr),
    ("sauid", Kind::Uid),
    ("scontext", Kind::MacLabel),
    ("selected-context", Kind::MacLabel),
    ("ses", Kind::Session),
    ("sgid", Kind::Gid),
    ("sig", Kind::Signal),
    ("sigev_signo", Kind::Signal),
    ("subj", Kind::MacLabel),
    ("subj_trust", Kind::Trust),
    ("suid", Kind::Uid),
    ("sw", Kind::Escaped),
    ("syscall", Kind::Syscall),
    ("tcontext", Kind::MacLabel),
    ("uid", Kind::Uid),
    ("uring_op", Kind::UringOp),
    ("vm", Kind::Escaped),
    ("vm-ctx", Kind::MacLabel),
    ("watch", Kind::EscapedFile),
];

static BY_NAME: NameMap<Kind, 512> = NameMap::new(KINDS);
