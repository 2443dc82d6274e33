//! The ATT&CK techniques that our packs name: MITRE ATT&CK for Enterprise, Linux, by its own ids
//! and names.
//!
//! A pack's section names what an attacker would be doing if its rules record something. Where no
//! technique is about exactly that, the nearest stands here with a word on it.

/// The name of a technique, as ATT&CK has it: that of a sub-technique behind its technique's.
///
/// ```
/// use indelible_rules::attack;
///
/// let name = attack::name("T1003.008").unwrap();
/// assert_eq!(name, "OS Credential Dumping: /etc/passwd and /etc/shadow");
/// assert_eq!(attack::name("T0000"), None);
/// ```
#[must_use]
pub fn name(id: &str) -> Option<&'static str> {
    let at = TECHNIQUES.binary_search_by_key(&id, |row| row.0).ok()?;
    Some(TECHNIQUES[at].1)
}

/// Ascending by id.
const TECHNIQUES: &[(&str, &str)] = &[
    (
        "T1003.008",
        "OS Credential Dumping: /etc/passwd and /etc/shadow",
    ),
    ("T1014", "Rootkit"),
    ("T1040", "Network Sniffing"),
    ("T1053.003", "Scheduled Task/Job: Cron"),
    ("T1055.008", "Process Injection: Ptrace System Calls"),
    ("T1059", "Command and Scripting Interpreter"),
    ("T1059.004", "Command and Scripting Interpreter: Unix Shell"),
    ("T1068", "Exploitation for Privilege Escalation"),
    (
        "T1070.002",
        "Indicator Removal: Clear Linux or Mac System Logs",
    ),
    // About the times of files; the system's clock, by which all of them are made, is the nearest.
    ("T1070.006", "Indicator Removal: Timestomp"),
    ("T1071", "Application Layer Protocol"),
    ("T1098", "Account Manipulation"),
    ("T1098.004", "Account Manipulation: SSH Authorized Keys"),
    ("T1136.001", "Create Account: Local Account"),
    // About what runs before the system; a kernel that another starts (kexec) is that.
    ("T1542", "Pre-OS Boot"),
    (
        "T1543.002",
        "Create or Modify System Process: Systemd Service",
    ),
    (
        "T1546.004",
        "Event Triggered Execution: Unix Shell Configuration Modification",
    ),
    (
        "T1547.006",
        "Boot or Logon Autostart Execution: Kernel Modules and Extensions",
    ),
    (
        "T1548.001",
        "Abuse Elevation Control Mechanism: Setuid and Setgid",
    ),
    (
        "T1548.003",
        "Abuse Elevation Control Mechanism: Sudo and Sudo Caching",
    ),
    (
        "T1556.003",
        "Modify Authentication Process: Pluggable Authentication Modules",
    ),
    ("T1562.001", "Impair Defenses: Disable or Modify Tools"),
    (
        "T1562.004",
        "Impair Defenses: Disable or Modify System Firewall",
    ),
    (
        "T1562.012",
        "Impair Defenses: Disable or Modify Linux Audit System",
    ),
    // A hard link hides under which name a watched file is changed.
    ("T1564", "Hide Artifacts"),
    ("T1565.001", "Data Manipulation: Stored Data Manipulation"),
    ("T1571", "Non-Standard Port"),
    (
        "T1574.006",
        "Hijack Execution Flow: Dynamic Linker Hijacking",
    ),
    ("T1610", "Deploy Container"),
    ("T1611", "Escape to Host"),
    ("T1620", "Reflective Code Loading"),
];

#[cfg(test)]
mod tests {
    use super::TECHNIQUES;

    #[test]
    fn techniques_are_ascending() {
        assert!(TECHNIQUES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
