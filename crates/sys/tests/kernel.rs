//! The audit socket against the real kernel: one test at a time under a lock, a rule scoped to a
//! folder of its own, the status put back. Skips with a line where CAP_AUDIT_CONTROL is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use indelible_sys::audit::{CaptureSocket, Control, Mode, RestoreStatus, StatusChange};
use indelible_sys::lock::FileLock;
use indelible_sys::{Error, process};

/// The lock, the status to restore and a scratch folder; `None` where this process may not.
struct Kernel {
    rule: Option<Vec<u8>>,
    folder: PathBuf,
    _restore: RestoreStatus,
    _lock: FileLock,
}

impl Kernel {
    fn claim(test: &str) -> Option<Self> {
        if !process::may_control_audit() || RestoreStatus::new().is_err() {
            eprintln!("skipped: {test}: no CAP_AUDIT_CONTROL or no kernel audit here");
            return None;
        }
        let lock =
            FileLock::wait(&std::env::temp_dir().join("indelible-kernel-audit.lock")).unwrap();
        let restore = RestoreStatus::new().unwrap();
        let pid = restore.before().pid;
        // The kernel keeps the pid of a daemon that is gone.
        if pid != 0 && Path::new(&format!("/proc/{pid}")).exists() {
            eprintln!("skipped: {test}: pid {pid} is the audit daemon");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("indelible-sys-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Some(Self {
            rule: None,
            folder,
            _restore: restore,
            _lock: lock,
        })
    }

    fn watch(&mut self, control: &mut Control) {
        let rule = watch_rule(&self.folder, b"indelible_sys");
        control.add_rule(&rule).unwrap();
        self.rule = Some(rule);
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if let Some(rule) = &self.rule {
            let _ = Control::open().and_then(|mut control| control.delete_rule(rule));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// `-w FOLDER -p rwxa -k KEY` as `struct audit_rule_data`.
fn watch_rule(folder: &Path, key: &[u8]) -> Vec<u8> {
    let path = folder.to_str().unwrap().as_bytes();
    let mut words = vec![0u32; 3 + 64 * 4 + 1];
    words[0] = 4; // exit list
    words[1] = 2; // always
    words[2] = 3; // fields
    words[3..67].fill(u32::MAX); // every system call
    let fields = [(107, path.len()), (106, 15), (210, key.len())];
    for (index, (field, value)) in fields.into_iter().enumerate() {
        words[67 + index] = field;
        words[67 + 64 + index] = u32::try_from(value).unwrap();
        words[67 + 128 + index] = 0x4000_0000; // equal
    }
    words[67 + 192] = u32::try_from(path.len() + key.len()).unwrap();
    let mut rule: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    rule.extend_from_slice(path);
    rule.extend_from_slice(key);
    rule
}

/// Length of `struct audit_rule_data` without its strings.
const FIXED: usize = 1040;
/// End of flags, action, field count and mask in `struct audit_rule_data`.
const MASK_END: usize = 12 + 64 * 4;

fn drain(
    socket: &mut CaptureSocket,
    until: impl Fn(&[(u16, String)]) -> bool,
) -> Vec<(u16, String)> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut records = Vec::new();
    while !until(&records) && Instant::now() < deadline {
        socket.wait(Duration::from_millis(100)).unwrap();
        socket.receive().unwrap();
        records.extend(
            socket
                .messages()
                .map(|m| (m.kind, String::from_utf8_lossy(m.text).into_owned())),
        );
    }
    records
}

#[test]
fn kernel_round_trip() {
    let Some(mut kernel) = Kernel::claim("kernel_round_trip") else {
        return;
    };
    let mut control = Control::open().unwrap();
    let before = control.status().unwrap();
    assert!(
        before.backlog_wait_time_actual.is_some(),
        "this kernel has the newest status: {before:?}"
    );
    assert_ne!(control.features().unwrap().mask, 0);

    let mut daemon = CaptureSocket::register().unwrap();
    assert_eq!(daemon.mode(), Mode::Unicast);
    assert_eq!(control.status().unwrap().pid, std::process::id());
    match CaptureSocket::register() {
        Err(Error::DaemonRegistered { pid }) => assert_eq!(pid, std::process::id()),
        other => panic!("expected a refusal that names the daemon, not {other:?}"),
    }
    let mut observer = CaptureSocket::observe().unwrap();
    kernel.watch(&mut control);
    let loaded = control.rules().unwrap();
    assert_eq!(loaded.len(), 1);
    // The kernel clears the class bits that stand at the end of the mask.
    let wanted = kernel.rule.as_ref().unwrap();
    assert!(
        loaded[0][MASK_END..] == wanted[MASK_END..],
        "loaded {:?} instead of {:?}",
        loaded[0][FIXED..].escape_ascii().to_string(),
        wanted[FIXED..].escape_ascii().to_string(),
    );
    assert!(matches!(
        control.add_rule(kernel.rule.as_ref().unwrap()),
        Err(Error::System { source, .. }) if source.raw_os_error() == Some(17)
    ));
    control.set(StatusChange::BacklogWaitTime(100)).unwrap();
    control.set(StatusChange::Enabled(1)).unwrap();

    // Spawned after auditing was enabled: an older process is invisible to it.
    let file = kernel.folder.join("secret");
    assert!(Command::new("touch").arg(&file).status().unwrap().success());

    let name = format!("name=\"{}\"", file.display());
    let seen = |records: &[(u16, String)]| {
        records
            .iter()
            .any(|(kind, text)| *kind == 1302 && text.contains(&name))
            && records.iter().any(|(kind, _)| *kind == 1320)
    };
    for records in [drain(&mut daemon, seen), drain(&mut observer, seen)] {
        assert!(
            seen(&records),
            "PATH and EOE of {} not in {records:?}",
            file.display()
        );
        assert!(
            records
                .iter()
                .any(|(kind, text)| *kind == 1300 && text.contains("indelible_sys"))
        );
    }

    control.user_message(1107, b"op=indelible-test").unwrap();
    let records = drain(&mut daemon, |records| {
        records.iter().any(|(kind, _)| *kind == 1107)
    });
    assert!(
        records
            .iter()
            .any(|(_, text)| text.contains("op=indelible-test")),
        "{records:?}"
    );
}
