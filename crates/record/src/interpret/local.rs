//! Small tables that no UAPI header holds in the form that audit's tools print.
//!
//! Numbers are the kernel's or IANA's; words are those of ausearch, which scripts look for.

use crate::interpret::flags::Table;
use crate::number::push_decimal;

/// Path lookup flags of an `open` that a watch sees; include/linux/namei.h.
pub(super) const LOOKUP_FLAGS: Table = &[
    (0x1, "follow"),
    (0x2, "directory"),
    (0x4, "continue"),
    (0x10, "parent"),
    (0x20, "noalt"),
    (0x40, "atomic"),
    (0x100, "open"),
    (0x200, "create"),
    (0x400, "access"),
];

/// Signals of x86 and Arm; arch/*/include/uapi/asm/signal.h. 0 asks whether a process exists.
pub(super) const SIGNALS: Table = &{
    let mut table = [(0, "SIG0"); 32];
    let mut index = 0;
    while index < crate::tables::constants::SIGNALS.len() {
        table[index + 1] = crate::tables::constants::SIGNALS[index];
        index += 1;
    }
    table
};

/// Filter lists; include/uapi/linux/audit.h (`AUDIT_FILTER_*`).
pub(super) const FILTER_LISTS: Table = &[
    (0, "user"),
    (1, "task"),
    (4, "exit"),
    (5, "exclude"),
    (6, "filesystem"),
    (7, "io_uring"),
];

/// Errors that the kernel keeps to itself and that a record can still show; include/linux/errno.h.
pub(super) const RESTARTS: Table = &[
    (512, "ERESTARTSYS"),
    (513, "ERESTARTNOINTR"),
    (514, "ERESTARTNOHAND"),
    (515, "ENOIOCTLCMD"),
    (516, "ERESTART_RESTARTBLOCK"),
    (517, "EPROBE_DEFER"),
    (518, "EOPENSTALE"),
    (524, "ENOTSUPP"),
    (529, "EIOCBQUEUED"),
];

/// Netfilter protocol families; include/uapi/linux/netfilter.h.
pub(super) const NETFILTER_FAMILIES: Table = &[
    (0, "unspecified"),
    (1, "inet"),
    (2, "ipv4"),
    (3, "arp"),
    (5, "netdev"),
    (7, "bridge"),
    (10, "ipv6"),
    (12, "decnet"),
];

/// Netfilter hooks; include/uapi/linux/netfilter.h and netfilter_bridge.h.
pub(super) const NETFILTER_HOOKS: Table = &[
    (0, "PREROUTING"),
    (1, "INPUT"),
    (2, "FORWARD"),
    (3, "OUTPUT"),
    (4, "POSTROUTING"),
    (5, "BROUTING"),
];

/// What the AUDIT target says it does; include/uapi/linux/netfilter/xt_AUDIT.h.
pub(super) const NETFILTER_ACTIONS: Table = &[(0, "ACCEPT"), (1, "DROP"), (2, "REJECT")];

/// ICMP types; IANA, "ICMP Type Numbers".
pub(super) const ICMP_TYPES: Table = &[
    (0, "echo-reply"),
    (3, "destination-unreachable"),
    (4, "source-quench"),
    (5, "redirect"),
    (8, "echo"),
    (11, "time-exceeded"),
    (12, "parameter-problem"),
    (13, "timestamp-request"),
    (14, "timestamp-reply"),
    (15, "info-request"),
    (16, "info-reply"),
    (17, "address-mask-request"),
    (18, "address-mask-reply"),
];

/// IP protocols; IANA, "Protocol Numbers", as `/etc/protocols` spells them.
pub(super) const PROTOCOLS: Table = &[
    (0, "ip"),
    (1, "icmp"),
    (2, "igmp"),
    (3, "ggp"),
    (4, "ipencap"),
    (5, "st"),
    (6, "tcp"),
    (8, "egp"),
    (9, "igp"),
    (12, "pup"),
    (17, "udp"),
    (20, "hmp"),
    (22, "xns-idp"),
    (27, "rdp"),
    (29, "iso-tp4"),
    (33, "dccp"),
    (36, "xtp"),
    (37, "ddp"),
    (38, "idpr-cmtp"),
    (41, "ipv6"),
    (43, "ipv6-route"),
    (44, "ipv6-frag"),
    (45, "idrp"),
    (46, "rsvp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (57, "skip"),
    (58, "ipv6-icmp"),
    (59, "ipv6-nonxt"),
    (60, "ipv6-opts"),
    (73, "rspf"),
    (81, "vmtp"),
    (88, "eigrp"),
    (89, "ospf"),
    (93, "ax.25"),
    (94, "ipip"),
    (97, "etherip"),
    (98, "encap"),
    (103, "pim"),
    (108, "ipcomp"),
    (112, "vrrp"),
    (115, "l2tp"),
    (124, "isis"),
    (132, "sctp"),
    (133, "fc"),
    (135, "mobility-header"),
    (136, "udplite"),
    (137, "mpls-in-ip"),
    (138, "manet"),
    (139, "hip"),
    (140, "shim6"),
    (141, "wesp"),
    (142, "rohc"),
    (143, "ethernet"),
    (262, "mptcp"),
];

/// Actions of a seccomp filter; include/uapi/linux/seccomp.h.
pub(super) const SECCOMP_ACTIONS: Table = &[
    (0x0000_0000, "kill"),
    (0x0003_0000, "trap"),
    (0x0005_0000, "errno"),
    (0x7fc0_0000, "user-notify"),
    (0x7ff0_0000, "trace"),
    (0x7ffc_0000, "log"),
    (0x7fff_0000, "allow"),
    (0x8000_0000, "kill-process"),
];

/// Responses to a fanotify permission event; include/uapi/linux/fanotify.h.
pub(super) const FANOTIFY_RESPONSES: Table = &[(0, "unknown"), (1, "allow"), (2, "deny")];

/// Types of the additional information in a fanotify response; include/uapi/linux/fanotify.h.
pub(super) const FANOTIFY_INFO_TYPES: Table = &[(0, "none"), (1, "rule_info")];

/// Trust of a fanotify subject or object; fs/notify/fanotify/fanotify.c.
pub(super) const TRUSTS: Table = &[(0, "no"), (1, "yes"), (2, "unknown")];

/// Multicast groups of the audit socket; include/uapi/linux/audit.h (`AUDIT_NLGRP_*`).
pub(super) const NETLINK_GROUPS: Table = &[(0, "audit-none"), (1, "audit-netlink-multicast")];

/// Appends the permissions of a watch: `read,write`. A watch without any has all.
pub(super) fn push_permissions(bits: u64, out: &mut Vec<u8>) {
    const ALL: u64 = 0b1111;
    let bits = if bits == 0 { ALL } else { bits };
    let start = out.len();
    for (bit, name) in [(4, "read"), (2, "write"), (1, "exec"), (8, "attr")] {
        if bits & bit != 0 {
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(name.as_bytes());
        }
    }
    if out.len() == start {
        push_decimal(bits, out);
    }
}
