//! The audit socket against the real kernel, with a rule scoped to a folder of its own.

use std::process::Command;
use std::time::{Duration, Instant};

use indelible_sys::Error;
use indelible_sys::audit::{CaptureSocket, Control, Mode, StatusChange};
use indelible_testkit::Kernel;

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
    let wanted = kernel.load("-w {} -p rwxa -k indelible_sys");
    let loaded = control.rules().unwrap();
    let standing = kernel.before().rules.len();
    assert_eq!(loaded.len(), standing + 1);
    let loaded = &loaded[standing];
    // The kernel clears the class bits that stand at the end of the mask.
    assert!(
        loaded[MASK_END..] == wanted[MASK_END..],
        "loaded {:?} instead of {:?}",
        loaded[FIXED..].escape_ascii().to_string(),
        wanted[FIXED..].escape_ascii().to_string(),
    );
    assert!(matches!(
        control.add_rule(&wanted),
        Err(Error::System { source, .. }) if source.raw_os_error() == Some(17)
    ));
    control.set(StatusChange::BacklogWaitTime(100)).unwrap();
    control.set(StatusChange::Enabled(1)).unwrap();

    // Spawned after auditing was enabled: an older process is invisible to it.
    let file = kernel.path("secret");
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
