//! A spool is searched, reported about and followed with all that stands in it, whoever wrote it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

use super::agent::{Agent, wait_for};

fn indelible(words: &[&str], spool: &Path) -> String {
    let output = command(words, spool).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() <= Some(1), "{words:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn command(words: &[&str], spool: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
    command.args(words).arg("--spool").arg(spool);
    command.stdin(Stdio::null());
    command
}

fn audit_line(time_s: u64, serial: u32) -> String {
    format!(
        "type=USER_LOGIN msg=audit({time_s}.000:{serial}): pid=7 uid=0 auid=0 ses=1 \
         msg='op=login acct=\"root\" exe=\"/sbin/x\" hostname=h addr=? terminal=t res=failed'\n"
    )
}

#[test]
fn every_room_of_a_spool_is_searched_and_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, log) = (folder.path().join("spool"), folder.path().join("audit.log"));
    let socket = folder.path().join("log");
    let old = audit_line(1_700_000_000, 1);
    fs::write(&log, &old).unwrap();
    let capture = format!("file:{}", log.display());
    let mut capture = Agent::new(&spool, "capture", &["--capture", &capture]);
    capture.start();
    capture.wait_for_lines(1);
    let only_capture = indelible(&["search", "--count"], &spool);
    assert_eq!(only_capture, "1\n", "a spool without other sources");

    let source = format!("unix:{}", socket.display());
    let mut sources = Agent::new(&spool, "sources", &["--source", &source]);
    sources.start();
    let sender = UnixDatagram::unbound().unwrap();
    wait_for("the socket", || {
        sender.send_to(b"<34>su: one", &socket).is_ok()
    });
    sources.wait_for_lines(2);
    let found = indelible(&["search", "--raw"], &spool);
    assert!(found.starts_with(&old), "{found}");
    assert!(found.ends_with("su: one\n"), "{found}");
    assert_eq!(
        indelible(&["search", "--text", "one", "--count"], &spool),
        "1\n"
    );
    // Reports are about audit events.
    let report = indelible(&["report", "login", "--format", "csv"], &spool);
    assert_eq!(report.lines().count(), 2, "{report}");

    let words = ["search", "--follow", "--raw", "--limit", "2"];
    let mut follower = command(&words, &spool)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    // What comes before it follows is not shown; so the first message comes again and again.
    let sending = std::thread::spawn({
        let socket = socket.clone();
        move || loop {
            if sender.send_to(b"<34>su: two", &socket).is_err() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    });
    assert!(lines.next().unwrap().unwrap().ends_with("su: two"));
    drop(lines);
    drop(follower.kill());
    follower.wait().unwrap();

    let mut follower = command(&["search", "--follow", "--raw", "-m", "USER_LOGIN"], &spool)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let appending = std::thread::spawn(move || {
        for serial in 2..600 {
            let mut file = fs::File::options().append(true).open(&log).unwrap();
            if file
                .write_all(audit_line(1_700_000_001, serial).as_bytes())
                .is_err()
            {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
    assert!(
        lines
            .next()
            .unwrap()
            .unwrap()
            .starts_with("type=USER_LOGIN")
    );
    drop(follower.kill());
    follower.wait().unwrap();
    sources.kill();
    fs::remove_file(&socket).unwrap();
    sending.join().unwrap();
    drop(appending);
    capture.kill();
}
