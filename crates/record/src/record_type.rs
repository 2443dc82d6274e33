//! Record types: the number that the kernel puts before a message, and its name.
//!
//! Numbers come from the kernel's `include/uapi/linux/audit.h`; those from 1100 to 1299 and from
//! 2100 to 2999 belong to user space and are as its programs use them. A number without a name
//! here is written `UNKNOWN[n]`, as auditd does, and read back from that form.

use std::fmt;

use crate::names::NameMap;

/// The type of a record, by number. 0 stands for a line that names none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(pub u16);

impl RecordType {
    /// USER, 1005.
    pub const USER: RecordType = RecordType(1005);
    /// LOGIN, 1006.
    pub const LOGIN: RecordType = RecordType(1006);
    /// USER_AVC, 1107.
    pub const USER_AVC: RecordType = RecordType(1107);
    /// USER_CMD, 1123.
    pub const USER_CMD: RecordType = RecordType(1123);
    /// USER_TTY, 1124.
    pub const USER_TTY: RecordType = RecordType(1124);
    /// SYSCALL, 1300.
    pub const SYSCALL: RecordType = RecordType(1300);
    /// PATH, 1302.
    pub const PATH: RecordType = RecordType(1302);
    /// IPC, 1303.
    pub const IPC: RecordType = RecordType(1303);
    /// SOCKETCALL, 1304.
    pub const SOCKETCALL: RecordType = RecordType(1304);
    /// CONFIG_CHANGE, 1305.
    pub const CONFIG_CHANGE: RecordType = RecordType(1305);
    /// SOCKADDR, 1306.
    pub const SOCKADDR: RecordType = RecordType(1306);
    /// CWD, 1307.
    pub const CWD: RecordType = RecordType(1307);
    /// EXECVE, 1309.
    pub const EXECVE: RecordType = RecordType(1309);
    /// MQ_OPEN, 1312.
    pub const MQ_OPEN: RecordType = RecordType(1312);
    /// FD_PAIR, 1317.
    pub const FD_PAIR: RecordType = RecordType(1317);
    /// OBJ_PID, 1318.
    pub const OBJ_PID: RecordType = RecordType(1318);
    /// TTY, 1319.
    pub const TTY: RecordType = RecordType(1319);
    /// EOE, 1320.
    pub const EOE: RecordType = RecordType(1320);
    /// BPRM_FCAPS, 1321.
    pub const BPRM_FCAPS: RecordType = RecordType(1321);
    /// CAPSET, 1322.
    pub const CAPSET: RecordType = RecordType(1322);
    /// MMAP, 1323.
    pub const MMAP: RecordType = RecordType(1323);
    /// NETFILTER_PKT, 1324.
    pub const NETFILTER_PKT: RecordType = RecordType(1324);
    /// NETFILTER_CFG, 1325.
    pub const NETFILTER_CFG: RecordType = RecordType(1325);
    /// SECCOMP, 1326.
    pub const SECCOMP: RecordType = RecordType(1326);
    /// PROCTITLE, 1327.
    pub const PROCTITLE: RecordType = RecordType(1327);
    /// KERN_MODULE, 1330.
    pub const KERN_MODULE: RecordType = RecordType(1330);
    /// FANOTIFY, 1331.
    pub const FANOTIFY: RecordType = RecordType(1331);
    /// BPF, 1334.
    pub const BPF: RecordType = RecordType(1334);
    /// URINGOP, 1336.
    pub const URINGOP: RecordType = RecordType(1336);
    /// OPENAT2, 1337.
    pub const OPENAT2: RecordType = RecordType(1337);
    /// AVC, 1400.
    pub const AVC: RecordType = RecordType(1400);
    /// ANOM_ABEND, 1701.
    pub const ANOM_ABEND: RecordType = RecordType(1701);
    /// KERNEL, 2000.
    pub const KERNEL: RecordType = RecordType(2000);
    /// ADD_USER, 1114.
    pub const ADD_USER: RecordType = RecordType(1114);
    /// ADD_GROUP, 1116.
    pub const ADD_GROUP: RecordType = RecordType(1116);
    /// DEL_GROUP, 1117.
    pub const DEL_GROUP: RecordType = RecordType(1117);
    /// GRP_MGMT, 1132.
    pub const GRP_MGMT: RecordType = RecordType(1132);
    /// CRYPTO_KEY_USER, 2404.
    pub const CRYPTO_KEY_USER: RecordType = RecordType(2404);
    /// LANDLOCK_ACCESS, 1423.
    pub const LANDLOCK_ACCESS: RecordType = RecordType(1423);
    /// LANDLOCK_DOMAIN, 1424.
    pub const LANDLOCK_DOMAIN: RecordType = RecordType(1424);

    /// The name without a fallback: `SYSCALL`, or nothing where the number has none.
    pub fn name(self) -> Option<&'static str> {
        let place = usize::from(self.0.checked_sub(NUMBER_MIN)?);
        let index = usize::from(*BY_NUMBER.get(place)?).checked_sub(1)?;
        Some(NAMES[index].0)
    }

    /// Reads `SYSCALL`, `UNKNOWN[1420]` or a bare number.
    pub fn from_name(name: &[u8]) -> Option<RecordType> {
        if let Some(number) = BY_NAME.get(name) {
            return Some(RecordType(number));
        }
        let digits = name
            .strip_prefix(b"UNKNOWN[")
            .and_then(|rest| rest.strip_suffix(b"]"))
            .unwrap_or(name);
        crate::number::decimal(digits)
            .and_then(|number| u16::try_from(number).ok())
            .map(RecordType)
    }

    /// Whether user space wrote the record: the kernel relays its text inside `msg='…'`.
    pub fn is_user(self) -> bool {
        matches!(self.0, 1005 | 1100..=1199 | 2100..=2999)
    }

    /// Whether such a record is an event of its own, which nothing follows.
    pub fn is_single(self) -> bool {
        self.is_user() || matches!(self.0, 1200..=1299 | 2000)
    }

    /// Whether the kernel writes the type only beside a SYSCALL or URINGOP record.
    pub fn needs_syscall(self) -> bool {
        matches!(
            self.0,
            1302..=1304 | 1306 | 1307 | 1309 | 1311..=1315 | 1317 | 1318 | 1321..=1323 | 1327 | 1337
        )
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "UNKNOWN[{}]", self.0),
        }
    }
}

/// Names by number, ascending.
const NAMES: &[(&str, u16)] = &[
    ("GET", 1000),
    ("SET", 1001),
    ("LIST", 1002),
    ("ADD", 1003),
    ("DEL", 1004),
    ("USER", 1005),
    ("LOGIN", 1006),
    ("WATCH_INS", 1007),
    ("WATCH_REM", 1008),
    ("WATCH_LIST", 1009),
    ("SIGNAL_INFO", 1010),
    ("ADD_RULE", 1011),
    ("DEL_RULE", 1012),
    ("LIST_RULES", 1013),
    ("TRIM", 1014),
    ("MAKE_EQUIV", 1015),
    ("TTY_GET", 1016),
    ("TTY_SET", 1017),
    ("SET_FEATURE", 1018),
    ("GET_FEATURE", 1019),
    ("USER_AUTH", 1100),
    ("USER_ACCT", 1101),
    ("USER_MGMT", 1102),
    ("CRED_ACQ", 1103),
    ("CRED_DISP", 1104),
    ("USER_START", 1105),
    ("USER_END", 1106),
    ("USER_AVC", 1107),
    ("USER_CHAUTHTOK", 1108),
    ("USER_ERR", 1109),
    ("CRED_REFR", 1110),
    ("USYS_CONFIG", 1111),
    ("USER_LOGIN", 1112),
    ("USER_LOGOUT", 1113),
    ("ADD_USER", 1114),
    ("DEL_USER", 1115),
    ("ADD_GROUP", 1116),
    ("DEL_GROUP", 1117),
    ("DAC_CHECK", 1118),
    ("CHGRP_ID", 1119),
    ("TEST", 1120),
    ("TRUSTED_APP", 1121),
    ("USER_SELINUX_ERR", 1122),
    ("USER_CMD", 1123),
    ("USER_TTY", 1124),
    ("CHUSER_ID", 1125),
    ("GRP_AUTH", 1126),
    ("SYSTEM_BOOT", 1127),
    ("SYSTEM_SHUTDOWN", 1128),
    ("SYSTEM_RUNLEVEL", 1129),
    ("SERVICE_START", 1130),
    ("SERVICE_STOP", 1131),
    ("GRP_MGMT", 1132),
    ("GRP_CHAUTHTOK", 1133),
    ("MAC_CHECK", 1134),
    ("ACCT_LOCK", 1135),
    ("ACCT_UNLOCK", 1136),
    ("USER_DEVICE", 1137),
    ("SOFTWARE_UPDATE", 1138),
    ("DAEMON_START", 1200),
    ("DAEMON_END", 1201),
    ("DAEMON_ABORT", 1202),
    ("DAEMON_CONFIG", 1203),
    ("DAEMON_RECONFIG", 1204),
    ("DAEMON_ROTATE", 1205),
    ("DAEMON_RESUME", 1206),
    ("DAEMON_ACCEPT", 1207),
    ("DAEMON_CLOSE", 1208),
    ("DAEMON_ERR", 1209),
    ("SYSCALL", 1300),
    ("FS_WATCH", 1301),
    ("PATH", 1302),
    ("IPC", 1303),
    ("SOCKETCALL", 1304),
    ("CONFIG_CHANGE", 1305),
    ("SOCKADDR", 1306),
    ("CWD", 1307),
    ("EXECVE", 1309),
    ("IPC_SET_PERM", 1311),
    ("MQ_OPEN", 1312),
    ("MQ_SENDRECV", 1313),
    ("MQ_NOTIFY", 1314),
    ("MQ_GETSETATTR", 1315),
    ("KERNEL_OTHER", 1316),
    ("FD_PAIR", 1317),
    ("OBJ_PID", 1318),
    ("TTY", 1319),
    ("EOE", 1320),
    ("BPRM_FCAPS", 1321),
    ("CAPSET", 1322),
    ("MMAP", 1323),
    ("NETFILTER_PKT", 1324),
    ("NETFILTER_CFG", 1325),
    ("SECCOMP", 1326),
    ("PROCTITLE", 1327),
    ("FEATURE_CHANGE", 1328),
    ("REPLACE", 1329),
    ("KERN_MODULE", 1330),
    ("FANOTIFY", 1331),
    ("TIME_INJOFFSET", 1332),
    ("TIME_ADJNTPVAL", 1333),
    ("BPF", 1334),
    ("EVENT_LISTENER", 1335),
    ("URINGOP", 1336),
    ("OPENAT2", 1337),
    ("DM_CTRL", 1338),
    ("DM_EVENT", 1339),
    ("AVC", 1400),
    ("SELINUX_ERR", 1401),
    ("AVC_PATH", 1402),
    ("MAC_POLICY_LOAD", 1403),
    ("MAC_STATUS", 1404),
    ("MAC_CONFIG_CHANGE", 1405),
    ("MAC_UNLBL_ALLOW", 1406),
    ("MAC_CIPSOV4_ADD", 1407),
    ("MAC_CIPSOV4_DEL", 1408),
    ("MAC_MAP_ADD", 1409),
    ("MAC_MAP_DEL", 1410),
    ("MAC_IPSEC_ADDSA", 1411),
    ("MAC_IPSEC_DELSA", 1412),
    ("MAC_IPSEC_ADDSPD", 1413),
    ("MAC_IPSEC_DELSPD", 1414),
    ("MAC_IPSEC_EVENT", 1415),
    ("MAC_UNLBL_STCADD", 1416),
    ("MAC_UNLBL_STCDEL", 1417),
    ("MAC_CALIPSO_ADD", 1418),
    ("MAC_CALIPSO_DEL", 1419),
    ("IPE_ACCESS", 1420),
    ("IPE_CONFIG_CHANGE", 1421),
    ("IPE_POLICY_LOAD", 1422),
    ("LANDLOCK_ACCESS", 1423),
    ("LANDLOCK_DOMAIN", 1424),
    ("MAC_TASK_CONTEXTS", 1425),
    ("MAC_OBJ_CONTEXTS", 1426),
    ("APPARMOR", 1500),
    ("APPARMOR_AUDIT", 1501),
    ("APPARMOR_ALLOWED", 1502),
    ("APPARMOR_DENIED", 1503),
    ("APPARMOR_HINT", 1504),
    ("APPARMOR_STATUS", 1505),
    ("APPARMOR_ERROR", 1506),
    ("APPARMOR_KILL", 1507),
    ("ANOM_PROMISCUOUS", 1700),
    ("ANOM_ABEND", 1701),
    ("ANOM_LINK", 1702),
    ("ANOM_CREAT", 1703),
    ("INTEGRITY_DATA", 1800),
    ("INTEGRITY_METADATA", 1801),
    ("INTEGRITY_STATUS", 1802),
    ("INTEGRITY_HASH", 1803),
    ("INTEGRITY_PCR", 1804),
    ("INTEGRITY_RULE", 1805),
    ("INTEGRITY_EVM_XATTR", 1806),
    ("INTEGRITY_POLICY_RULE", 1807),
    ("INTEGRITY_USERSPACE", 1808),
    ("KERNEL", 2000),
    ("ANOM_LOGIN_FAILURES", 2100),
    ("ANOM_LOGIN_TIME", 2101),
    ("ANOM_LOGIN_SESSIONS", 2102),
    ("ANOM_LOGIN_ACCT", 2103),
    ("ANOM_LOGIN_LOCATION", 2104),
    ("ANOM_MAX_DAC", 2105),
    ("ANOM_MAX_MAC", 2106),
    ("ANOM_AMTU_FAIL", 2107),
    ("ANOM_RBAC_FAIL", 2108),
    ("ANOM_RBAC_INTEGRITY_FAIL", 2109),
    ("ANOM_CRYPTO_FAIL", 2110),
    ("ANOM_ACCESS_FS", 2111),
    ("ANOM_EXEC", 2112),
    ("ANOM_MK_EXEC", 2113),
    ("ANOM_ADD_ACCT", 2114),
    ("ANOM_DEL_ACCT", 2115),
    ("ANOM_MOD_ACCT", 2116),
    ("ANOM_ROOT_TRANS", 2117),
    ("ANOM_LOGIN_SERVICE", 2118),
    ("ANOM_LOGIN_ROOT", 2119),
    ("ANOM_ORIGIN_FAILURES", 2120),
    ("ANOM_SESSION", 2121),
    ("RESP_ANOMALY", 2200),
    ("RESP_ALERT", 2201),
    ("RESP_KILL_PROC", 2202),
    ("RESP_TERM_ACCESS", 2203),
    ("RESP_ACCT_REMOTE", 2204),
    ("RESP_ACCT_LOCK_TIMED", 2205),
    ("RESP_ACCT_UNLOCK_TIMED", 2206),
    ("RESP_ACCT_LOCK", 2207),
    ("RESP_TERM_LOCK", 2208),
    ("RESP_SEBOOL", 2209),
    ("RESP_EXEC", 2210),
    ("RESP_SINGLE", 2211),
    ("RESP_HALT", 2212),
    ("RESP_ORIGIN_BLOCK", 2213),
    ("RESP_ORIGIN_BLOCK_TIMED", 2214),
    ("RESP_ORIGIN_UNBLOCK_TIMED", 2215),
    ("USER_ROLE_CHANGE", 2300),
    ("ROLE_ASSIGN", 2301),
    ("ROLE_REMOVE", 2302),
    ("LABEL_OVERRIDE", 2303),
    ("LABEL_LEVEL_CHANGE", 2304),
    ("USER_LABELED_EXPORT", 2305),
    ("USER_UNLABELED_EXPORT", 2306),
    ("DEV_ALLOC", 2307),
    ("DEV_DEALLOC", 2308),
    ("FS_RELABEL", 2309),
    ("USER_MAC_POLICY_LOAD", 2310),
    ("ROLE_MODIFY", 2311),
    ("USER_MAC_CONFIG_CHANGE", 2312),
    ("USER_MAC_STATUS", 2313),
    ("CRYPTO_TEST_USER", 2400),
    ("CRYPTO_PARAM_CHANGE_USER", 2401),
    ("CRYPTO_LOGIN", 2402),
    ("CRYPTO_LOGOUT", 2403),
    ("CRYPTO_KEY_USER", 2404),
    ("CRYPTO_FAILURE_USER", 2405),
    ("CRYPTO_REPLAY_USER", 2406),
    ("CRYPTO_SESSION", 2407),
    ("CRYPTO_IKE_SA", 2408),
    ("CRYPTO_IPSEC_SA", 2409),
    ("VIRT_CONTROL", 2500),
    ("VIRT_RESOURCE", 2501),
    ("VIRT_MACHINE_ID", 2502),
    ("VIRT_INTEGRITY_CHECK", 2503),
    ("VIRT_CREATE", 2504),
    ("VIRT_DESTROY", 2505),
    ("VIRT_MIGRATE_IN", 2506),
    ("VIRT_MIGRATE_OUT", 2507),
];

static BY_NAME: NameMap<u16, 1024> = NameMap::new(NAMES);

/// Index into [`NAMES`] plus one, by number from [`NUMBER_MIN`] on; zero where there is no name.
static BY_NUMBER: [u16; NUMBERS] = {
    let mut indexes = [0; NUMBERS];
    let mut index = 0;
    while index < NAMES.len() {
        indexes[(NAMES[index].1 - NUMBER_MIN) as usize] = index as u16 + 1;
        index += 1;
    }
    indexes
};

const NUMBER_MIN: u16 = NAMES[0].1;
const NUMBERS: usize = (NAMES[NAMES.len() - 1].1 - NUMBER_MIN) as usize + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ascending_and_read_back() {
        assert!(NAMES.windows(2).all(|pair| pair[0].1 < pair[1].1));
        for number in 0..=u16::MAX {
            let record_type = RecordType(number);
            let name = record_type.to_string();
            assert_eq!(RecordType::from_name(name.as_bytes()), Some(record_type));
        }
    }

    #[test]
    fn numbers_stand_for_themselves() {
        assert_eq!(RecordType::from_name(b"1300"), Some(RecordType::SYSCALL));
        assert_eq!(RecordType::from_name(b"UNKNOWN[70000]"), None);
        assert_eq!(RecordType::from_name(b"NO_SUCH"), None);
    }
}
