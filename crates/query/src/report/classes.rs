//! Which record types a report is about.
//!
//! Found out by giving aureport 3.0.9 one record of every type that it knows.

use indelible_record::RecordType;

use super::Detail;
use super::facts::{Facts, Outcome};
use super::kind::Kind;

/// Whether the report is about such an event.
pub(super) fn is_about(kind: Kind, detail: Detail, facts: &Facts) -> bool {
    match kind {
        // What was typed stands alone, or before the system call.
        Kind::Tty => facts.head.is_some_and(is_tty),
        // A program that manages accounts and was refused could not prove who asked.
        Kind::Auth => {
            facts.has(is_auth) || facts.outcome == Outcome::Failed && facts.has(is_management)
        }
        Kind::Mac if detail == Detail::Summary => facts.has(is_mac_summary),
        Kind::Anomaly => facts.has(|found| is_anomaly(found) || found == RecordType::SECCOMP),
        kind => types(kind).is_none_or(|is| facts.has(is)),
    }
}

/// The types that a report is about; none for reports that do not ask for types, or for more.
fn types(kind: Kind) -> Option<fn(RecordType) -> bool> {
    match kind {
        Kind::Avc => Some(is_avc),
        Kind::Config => Some(is_config),
        Kind::Crypto => Some(is_crypto),
        Kind::Integrity => Some(is_integrity),
        Kind::Login => Some(is_login),
        Kind::Mods => Some(is_mods),
        Kind::Mac => Some(is_mac),
        Kind::Response => Some(is_response),
        Kind::Virt => Some(is_virt),
        Kind::Totals
        | Kind::Auth
        | Kind::Anomaly
        | Kind::Tty
        | Kind::Comm
        | Kind::Event
        | Kind::File
        | Kind::Host
        | Kind::Key
        | Kind::Pid
        | Kind::Syscall
        | Kind::Terminal
        | Kind::User
        | Kind::Executable => None,
    }
}

impl Kind {
    /// Beginnings of `type=…` in lines of a log: every event that the report is about has a record
    /// with one of them. None for reports that are about all types.
    pub fn type_prefixes(self) -> Option<&'static [&'static str]> {
        match self {
            Kind::Auth => Some(&[
                "type=USER_AUTH",
                "type=USER_MGMT",
                "type=110",
                "UNKNOWN[110",
            ]),
            Kind::Login => Some(&["type=USER_LOGIN", "type=1112", "UNKNOWN[1112"]),
            Kind::Tty => Some(&[
                "type=TTY",
                "type=USER_TTY",
                "type=1319",
                "type=1124",
                "UNKNOWN[1319",
                "UNKNOWN[1124",
            ]),
            Kind::Crypto => Some(&["type=CRYPTO_", "type=24", "UNKNOWN[24"]),
            Kind::Virt => Some(&["type=VIRT_", "type=25", "UNKNOWN[25"]),
            Kind::Response => Some(&["type=RESP_", "type=22", "UNKNOWN[22"]),
            Kind::Integrity => Some(&["type=INTEGRITY_", "type=18", "UNKNOWN[18"]),
            Kind::Avc => Some(&[
                "type=AVC",
                "type=USER_AVC",
                "type=1400",
                "type=1107",
                "UNKNOWN[1400",
                "UNKNOWN[1107",
            ]),
            _ => None,
        }
    }
}

pub(super) fn is_auth(found: RecordType) -> bool {
    found.0 == 1100
}

/// USER_AUTH and GRP_AUTH: what the totals count.
pub(super) fn is_counted_auth(found: RecordType) -> bool {
    matches!(found.0, 1100 | 1126)
}

/// USER_MGMT.
pub(super) fn is_management(found: RecordType) -> bool {
    found.0 == 1102
}

pub(super) fn is_login(found: RecordType) -> bool {
    found.0 == 1112
}

pub(super) fn is_avc(found: RecordType) -> bool {
    matches!(found.0, 1107 | 1400)
}

/// USYS_CONFIG, DAEMON_CONFIG, CONFIG_CHANGE, NETFILTER_CFG, FEATURE_CHANGE, the kernel's security modules,
/// USER_MAC_CONFIG_CHANGE.
pub(super) fn is_config(found: RecordType) -> bool {
    matches!(
        found.0,
        1111 | 1203 | 1305 | 1325 | 1328 | 1403..=1417 | 2312
    )
}

/// USER_MGMT, USER_CHAUTHTOK, users and groups added and deleted, GRP_MGMT, roles assigned and
/// removed.
pub(super) fn is_mods(found: RecordType) -> bool {
    matches!(found.0, 1102 | 1108 | 1114..=1117 | 1132 | 2301 | 2302)
}

pub(super) fn is_mac(found: RecordType) -> bool {
    matches!(found.0, 1403..=1417 | 2300..=2313)
}

/// What the summary counts of it: aureport's ends early.
fn is_mac_summary(found: RecordType) -> bool {
    matches!(found.0, 1403..=1410 | 2300..=2313)
}

pub(super) fn is_anomaly(found: RecordType) -> bool {
    matches!(found.0, 1700..=1703 | 2100..=2199)
}

pub(super) fn is_response(found: RecordType) -> bool {
    matches!(found.0, 2200..=2299)
}

pub(super) fn is_crypto(found: RecordType) -> bool {
    matches!(found.0, 2400..=2499)
}

pub(super) fn is_virt(found: RecordType) -> bool {
    matches!(found.0, 2500..=2599)
}

pub(super) fn is_integrity(found: RecordType) -> bool {
    matches!(found.0, 1800..=1899)
}

/// TTY, USER_TTY.
pub(super) fn is_tty(found: RecordType) -> bool {
    matches!(found.0, 1319 | 1124)
}

/// Whether aureport takes a record of this type for an event by itself if it comes first: LOGIN is
/// reported about beside the syscall that made it.
pub(super) fn ends_alone(found: RecordType) -> bool {
    matches!(found.0, 0 | 1005..=1299 | 1327 | 1406..=1419 | 2000 | 2100..)
}

/// Types that take something away: `--add` leaves them out.
pub(super) fn takes_away(found: RecordType) -> bool {
    matches!(found.0, 1115 | 1117 | 1408 | 1410 | 1412 | 1414 | 1417)
}

/// Types that add something: `--delete` leaves them out.
pub(super) fn adds(found: RecordType) -> bool {
    matches!(found.0, 1114 | 1116 | 1407 | 1409 | 1411 | 1413 | 1416)
}
