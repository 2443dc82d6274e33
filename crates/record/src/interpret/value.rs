//! One value in words, by its kind.

use crate::arch::arch_name;
use crate::event::{KEY_SEPARATOR, UNSET};
use crate::field::Field;
use crate::interpret::flags::{self, Shown, name, push_bits, push_name, push_unknown};
use crate::interpret::sockaddr::SocketAddress;
use crate::interpret::{Context, Kind, Names, argument, local, tty};
use crate::number::{decimal, decode_hex, hexadecimal, octal, push_hex, signed};
use crate::tables::constants as table;

/// Appends the meaning of `field`; false where there is none beyond the decoded value, and then
/// nothing is appended.
pub(super) fn interpret(
    kind: Kind,
    context: &Context,
    field: &Field<'_>,
    names: &dyn Names,
    out: &mut Vec<u8>,
) -> bool {
    let value = field.value;
    let done = match kind {
        // Verbatim, all of them: see `Kind::is_verbatim`.
        Kind::Plain | Kind::Escaped | Kind::EscapedFile | Kind::Addr | Kind::MacLabel => None,
        Kind::Uid => push_id(value, |uid| names.user(uid), out),
        Kind::Gid => push_id(value, |gid| names.group(gid), out),
        Kind::Session => (value == b"4294967295").then(|| out.extend_from_slice(b"unset")),
        Kind::Arch => push_arch(value, out),
        Kind::Syscall => push_syscall(context, value, out),
        Kind::Argument(index) => hexadecimal(value)
            .map(|number| argument::interpret(context, usize::from(index), number, names, out)),
        Kind::Exit | Kind::Errno => push_exit(value, out),
        Kind::Success => push_success(value, out),
        Kind::EscapedKey => push_keys(field, out),
        Kind::Proctitle => push_title(field, out),
        Kind::Perm => decimal(value).map(|bits| local::push_permissions(bits, out)),
        Kind::Mode => octal(value).map(|mode| push_mode(mode, out)),
        Kind::ModeShort => octal(value).map(|mode| push_short_mode(mode, out)),
        Kind::Sockaddr => push_sockaddr(value, out),
        Kind::Flags => {
            hexadecimal(value).map(|bits| push_or_none(local::LOOKUP_FLAGS, bits, b",", out))
        }
        Kind::MmapFlags => hexadecimal(value).map(|bits| argument::push_mmap_flags(bits, out)),
        Kind::OpenFlags => {
            hexadecimal(value).map(|bits| argument::push_open_flags(bits, context.arch, out))
        }
        Kind::Resolve => hexadecimal(value).map(|bits| match bits {
            0 => push_hex(0, out),
            _ => push_bits(table::RESOLVE_FLAGS, bits, out.len(), out),
        }),
        Kind::Promiscuous => {
            decimal(value).map(|n| out.extend_from_slice(if n == 0 { b"no" } else { b"yes" }))
        }
        Kind::Capability => by_name(table::CAPABILITIES, "capability", value, out),
        Kind::CapabilitySet => {
            hexadecimal(value).map(|set| push_or_none(table::CAPABILITIES, set, b",", out))
        }
        Kind::Signal => by_name(local::SIGNALS, "signal", value, out),
        Kind::List => by_name(local::FILTER_LISTS, "list", value, out),
        Kind::TtyData => push_tty(value, out),
        Kind::NetfilterFamily => {
            by_name(local::NETFILTER_FAMILIES, "netfilter-protocol", value, out)
        }
        Kind::Hook => by_name(local::NETFILTER_HOOKS, "hook", value, out),
        Kind::NetAction => by_name(local::NETFILTER_ACTIONS, "action", value, out),
        Kind::IcmpType => by_name(local::ICMP_TYPES, "icmp-type", value, out),
        Kind::Protocol => by_name(local::PROTOCOLS, "proto", value, out),
        Kind::MacProtocol => hexadecimal(value)
            .and_then(|number| name(table::ETHER_PROTOCOLS, number))
            .map(|name| out.extend_from_slice(name.to_ascii_uppercase().as_bytes())),
        Kind::Personality => {
            hexadecimal(value).map(|number| argument::push_personality(number, out))
        }
        Kind::Seccomp => push_seccomp(value, out),
        Kind::IoctlRequest => hexadecimal(value).map(|number| argument::push_ioctl(number, out)),
        Kind::Fanotify => by_name(local::FANOTIFY_RESPONSES, "response", value, out),
        Kind::FanType => by_name(local::FANOTIFY_INFO_TYPES, "fan-type", value, out),
        Kind::FanInfo => {
            hexadecimal(value).map(|number| out.extend_from_slice(number.to_string().as_bytes()))
        }
        Kind::Trust => by_name(local::TRUSTS, "trust", value, out),
        Kind::NetlinkGroup => by_name(local::NETLINK_GROUPS, "netlink-group", value, out),
        Kind::UringOp => by_name(table::URING_OPERATIONS, "uring-operation", value, out),
    };
    done.is_some()
}

/// A decimal by a table.
fn by_name(
    table: &'static [(u64, &'static str)],
    what: &str,
    value: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    let number = decimal(value)?;
    push_name(table, number, what, Shown::Verbatim(value), out);
    Some(())
}

/// An id as records write it: unsigned, or `-1` where a kernel printed it signed.
fn push_id<'n>(
    value: &[u8],
    name: impl Fn(u32) -> Option<std::borrow::Cow<'n, str>>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let id = match value {
        b"-1" => UNSET,
        _ => u32::try_from(decimal(value)?).ok()?,
    };
    if id == UNSET {
        out.extend_from_slice(b"unset");
    } else {
        out.extend_from_slice(name(id)?.as_bytes());
    }
    Some(())
}

fn push_arch(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let number = u32::try_from(hexadecimal(value)?).ok()?;
    match arch_name(number) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => push_unknown("elf-type", 0, Shown::Verbatim(value), out),
    }
    Some(())
}

/// The syscall; for the two that stand for many, also which of them.
fn push_syscall(context: &Context, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let number = u32::try_from(decimal(value)?).ok()?;
    match context.syscall_name {
        Some("socketcall") => push_multiplexed("socketcall", table::SOCKET_CALLS, context, out),
        Some("ipc") => push_multiplexed("ipc", table::IPC_CALLS, context, out),
        Some(name) => out.extend_from_slice(name.as_bytes()),
        // Without an architecture a number means nothing.
        None if context.arch == 0 => return None,
        None => push_unknown("syscall", u64::from(number), Shown::Decimal, out),
    }
    Some(())
}

/// `socketcall(connect)`: the first argument says which call is meant.
fn push_multiplexed(
    name: &str,
    calls: &'static [(u64, &'static str)],
    context: &Context,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(name.as_bytes());
    if let Some(call) = flags::name(calls, context.arguments[0] & 0xffff) {
        out.push(b'(');
        out.extend_from_slice(call.to_ascii_lowercase().as_bytes());
        out.push(b')');
    }
}

/// `ENOENT(No such file or directory)`; a result that is no error stays a number.
fn push_exit(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let number = signed(value).filter(|number| *number < 0)?.unsigned_abs();
    if let Some(name) = name(local::RESTARTS, number) {
        out.extend_from_slice(name.as_bytes());
        return Some(());
    }
    let name = name(table::ERRNOS, number)?;
    let text = table::ERRNO_TEXTS.get(number as usize - 1)?;
    out.extend_from_slice(name.as_bytes());
    out.push(b'(');
    out.extend_from_slice(text.as_bytes());
    out.push(b')');
    Some(())
}

fn push_success(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match value {
        b"1" => out.extend_from_slice(b"yes"),
        b"0" => out.extend_from_slice(b"no"),
        _ if decimal(value).is_some() => out.extend_from_slice(b"unset"),
        _ => return None,
    }
    Some(())
}

/// The keys of one rule, as if the field stood there once for each: `a key=b`.
fn push_keys(field: &Field<'_>, out: &mut Vec<u8>) -> Option<()> {
    let keys = field.decoded_as(Kind::EscapedKey);
    memchr::memchr(KEY_SEPARATOR, &keys)?;
    for (index, key) in keys.split(|byte| *byte == KEY_SEPARATOR).enumerate() {
        if index > 0 {
            out.extend_from_slice(b" key=");
        }
        out.extend_from_slice(key);
    }
    Some(())
}

fn push_title(field: &Field<'_>, out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    field.push_decoded(Kind::Proctitle, out);
    if memchr::memchr(0, &out[start..]).is_none() {
        out.truncate(start);
        return None;
    }
    let zeros = out[start..].iter_mut().filter(|byte| **byte == 0);
    zeros.for_each(|byte| *byte = b' ');
    Some(())
}

fn push_sockaddr(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut bytes = Vec::with_capacity(value.len() / 2);
    if !decode_hex(value, &mut bytes) {
        return None;
    }
    SocketAddress::read(&bytes)?.push_text(out);
    Some(())
}

fn push_tty(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut typed = Vec::with_capacity(value.len() / 2);
    if !decode_hex(value, &mut typed) {
        return None;
    }
    tty::push_keys(&typed, out);
    Some(())
}

/// The action is the upper half; the lower half is its data (an errno, a trace message).
fn push_seccomp(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    const ACTION: u64 = 0xffff_0000;
    let number = hexadecimal(value)?;
    push_name(
        local::SECCOMP_ACTIONS,
        number & ACTION,
        "seccomp-code",
        Shown::Verbatim(value),
        out,
    );
    Some(())
}

/// `file,suid,755`
pub(super) fn push_mode(mode: u64, out: &mut Vec<u8>) {
    // linux/stat.h: S_IFMT and its values.
    const TYPE: u64 = 0o170_000;
    let name = match mode & TYPE {
        0o010_000 => "fifo",
        0o020_000 => "character",
        0o040_000 => "dir",
        0o060_000 => "block",
        0o100_000 => "file",
        0o120_000 => "link",
        0o140_000 => "socket",
        _ => "",
    };
    if name.is_empty() {
        push_octal((mode & TYPE) >> 12, 3, out);
    } else {
        out.extend_from_slice(name.as_bytes());
    }
    out.push(b',');
    push_special_bits(mode, out);
    push_octal(mode & 0o777, 3, out);
}

/// `suid,0755`
pub(super) fn push_short_mode(mode: u64, out: &mut Vec<u8>) {
    push_special_bits(mode, out);
    push_octal(mode & 0o777, 4, out);
}

fn push_special_bits(mode: u64, out: &mut Vec<u8>) {
    for (bit, name) in [(0o4000, "suid,"), (0o2000, "sgid,"), (0o1000, "sticky,")] {
        if mode & bit != 0 {
            out.extend_from_slice(name.as_bytes());
        }
    }
}

pub(super) fn push_octal(value: u64, width: usize, out: &mut Vec<u8>) {
    let digits = (64 - value.leading_zeros() as usize).div_ceil(3).max(width);
    let digit = |place: usize| b'0' + (value >> (3 * place) & 7) as u8;
    out.extend((0..digits).rev().map(digit));
}

/// A set by bit numbers or bits with a separator of its own, or `none`.
fn push_or_none(
    table: &'static [(u64, &'static str)],
    set: u64,
    separator: &[u8],
    out: &mut Vec<u8>,
) {
    if set == 0 {
        out.extend_from_slice(b"none");
        return;
    }
    let start = out.len();
    let mut rest = set;
    for (member, name) in table {
        // Capabilities are numbered, lookup flags are bits already.
        let bit = if std::ptr::eq(table, table::CAPABILITIES) {
            1 << member
        } else {
            *member
        };
        if set & bit != 0 {
            if out.len() > start {
                out.extend_from_slice(separator);
            }
            out.extend_from_slice(name.as_bytes());
            rest &= !bit;
        }
    }
    if rest != 0 {
        if out.len() > start {
            out.extend_from_slice(separator);
        }
        push_hex(rest, out);
    }
}
