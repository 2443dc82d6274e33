//! Counting: what several lines say of one try, one connection, one campaign.

use indelible_detect::ssh::{Calendar, Channel, Engine, LineId, Outcome, Report, Settings, line};
use indelible_record::Record;

/// Runs lines through an engine: those of an audit log, those that begin with `J` as the journal's,
/// others as a file's.
fn run(lines: &[&str]) -> Report {
    let calendar = Calendar {
        newest_local_s: 1_795_651_200,
        to_utc: &|local| local,
    };
    let mut engine = Engine::new(Settings::default());
    for (number, text) in (1..).zip(lines) {
        let at = LineId {
            file: 0,
            line: number,
        };
        if text.starts_with("type=") {
            engine.audit(at, &Record::parse(text.as_bytes()));
            continue;
        }
        let (channel, text) = match text.strip_prefix('J') {
            Some(text) => (Channel(1), text),
            None => (Channel(0), *text),
        };
        let text = format!("Nov 25 {text}");
        engine.line(
            at,
            channel,
            &line::parse(text.as_bytes(), &calendar).expect("a line of sshd"),
        );
    }
    engine.finish()
}

/// `address failures attempts connections successes outcome: name=failures…` per source.
fn check(lines: &[&str], expect: &[&str]) -> Report {
    let report = run(lines);
    let found: Vec<String> = report
        .sources
        .iter()
        .map(|source| {
            let mut users: Vec<String> = source
                .users
                .iter()
                .map(|user| format!("{}={}", String::from_utf8_lossy(&user.name), user.failures))
                .collect();
            users.sort();
            format!(
                "{} {} {} {} {} {}: {}",
                source.address,
                source.failures,
                source.attempts,
                source.connections,
                source.successes,
                source.outcome.name(),
                users.join(" ")
            )
        })
        .collect();
    assert_eq!(found, expect, "{lines:#?}");
    report
}

const PASSWORD: &str = "Failed password for root from 192.0.2.1 port 5 ssh2";

#[test]
fn a_try_is_counted_once() {
    check(
        &[
            "10:00:00 h sshd[7]: Invalid user a from 192.0.2.1 port 5",
            "10:00:00 h sshd[7]: pam_unix(sshd:auth): check pass; user unknown",
            "10:00:01 h sshd[7]: Failed password for invalid user a from 192.0.2.1 port 5 ssh2",
            "10:00:02 h sshd[7]: message repeated 2 times: [ Failed password for invalid user a from 192.0.2.1 port 5 ssh2]",
            "10:00:02 h sshd[7]: error: maximum authentication attempts exceeded for invalid user a from 192.0.2.1 port 5 ssh2 [preauth]",
            "10:00:02 h sshd[7]: Disconnecting invalid user a 192.0.2.1 port 5: Too many authentication failures [preauth]",
        ],
        &["192.0.2.1 3 3 1 0 probe: a=3"],
    );
    // keyboard-interactive: PAM's line always, `Failed` for some.
    check(
        &[
            "10:00:00 h sshd[7]: error: PAM: Authentication failure for root from 192.0.2.1",
            "10:00:01 h sshd[7]: error: PAM: Authentication failure for root from 192.0.2.1",
            "10:00:01 h sshd[7]: Failed keyboard-interactive/pam for root from 192.0.2.1 port 5 ssh2",
            "10:00:02 h sshd[7]: Connection closed by authenticating user root 192.0.2.1 port 5 [preauth]",
        ],
        &["192.0.2.1 2 2 1 0 probe: root=2"],
    );
    // PAM names the client by a name: the process tells whom it is about.
    check(
        &[
            "10:00:00 h sshd[7]: error: PAM: Authentication failure for root from evil.example",
            "10:00:02 h sshd[7]: Connection closed by authenticating user root 192.0.2.1 port 5 [preauth]",
        ],
        &["192.0.2.1 1 1 1 0 probe: root=0"],
    );
}

#[test]
fn probes_are_attempts_without_failures() {
    check(
        &[
            "10:00:00 h sshd[7]: Invalid user a from 192.0.2.1 port 5",
            "10:00:00 h sshd[7]: Connection closed by invalid user a 192.0.2.1 port 5 [preauth]",
            "10:00:00 h sshd[8]: Connection closed by authenticating user root 192.0.2.1 port 6 [preauth]",
            "10:00:00 h sshd[9]: Connection closed by 192.0.2.2 port 6 [preauth]",
            "10:00:00 h sshd[1]: drop connection #3 from [192.0.2.3]:4444 on [192.0.2.9]:22 penalty: failed authentication",
        ],
        &[
            "192.0.2.1 0 2 2 0 probe: a=0 root=0",
            "192.0.2.2 0 0 1 0 probe: ",
            "192.0.2.3 0 0 0 0 probe: ",
        ],
    );
}

#[test]
fn a_login_is_one_connection_over_two_processes() {
    let report = check(
        &[
            "10:00:00 h sshd[7]: Accepted publickey for a from 192.0.2.1 port 5 ssh2: ED25519 SHA256:k",
            "10:00:00 h sshd[7]: pam_unix(sshd:session): session opened for user a(uid=1) by (uid=0)",
            "11:00:00 h sshd[8]: Received disconnect from 192.0.2.1 port 5:11: disconnected by user",
            "11:00:00 h sshd[8]: Disconnected from user a 192.0.2.1 port 5",
        ],
        &["192.0.2.1 0 0 1 1 login: a=0"],
    );
    assert!(report.logins.is_empty() && report.campaigns.is_empty());
}

#[test]
fn a_reused_process_id_is_another_connection() {
    check(
        &[
            "10:00:00 h sshd[7]: Failed password for root from 192.0.2.1 port 5 ssh2",
            // Cut: its peer is not certain, and the next line of the process is another client's.
            &format!(
                "10:00:05 h sshd[7]: Failed password for invalid user {} from 192.0.2.1 port 5 ssh2",
                "x".repeat(999)
            ),
            "10:00:05 h sshd[7]: Connection closed by invalid user x 192.0.2.2 port 9 [preauth]",
        ],
        &[
            "192.0.2.1 1 1 1 0 probe: root=1",
            "192.0.2.2 1 1 1 0 probe: x=0",
        ],
    );
}

#[test]
fn the_journal_and_the_file_tell_of_the_same_connection() {
    let report = check(
        &[
            &format!("10:00:00 h sshd[7]: {PASSWORD}"),
            &format!("J10:00:00 h.example sshd[7]: {PASSWORD}"),
            "10:00:00 h sshd[7]: Connection closed by authenticating user root 192.0.2.1 port 5 [preauth]",
            "J10:00:00 h sshd[7]: Connection closed by authenticating user root 192.0.2.1 port 5 [preauth]",
        ],
        &["192.0.2.1 1 1 1 0 probe: root=1"],
    );
    assert_eq!(report.lines.duplicates, 2);
}

/// An audit record of 10:00:`second`.
fn audit(kind: &str, pid: u32, second: u32, what: &str) -> String {
    let time = 1_795_600_800 + second;
    format!(
        "type={kind} msg=audit({time}.500:{second}): pid={pid} uid=0 auid=4294967295 ses=4294967295 msg='{what} exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.1 terminal=ssh res=failed'"
    )
}

const AUTH: &str = "op=PAM:authentication grantors=? acct=\"root\"";
const LOGIN: &str = "op=login acct=28696E76616C6964207573657229";

#[test]
fn audit_records_alone() {
    // One try with a password writes three USER_LOGIN.
    check(
        &[
            &audit("USER_LOGIN", 7, 0, LOGIN),
            &audit("USER_LOGIN", 7, 0, LOGIN),
            &audit("USER_AUTH", 7, 1, AUTH),
            &audit("USER_LOGIN", 7, 1, LOGIN),
        ],
        &["192.0.2.1 1 1 1 0 probe: root=1"],
    );
}

#[test]
fn audit_records_alone_of_a_login_and_of_children() {
    // keyboard-interactive: PAM is asked by children, USER_LOGIN is the connection's process's.
    check(
        &[
            &audit("USER_AUTH", 9, 0, AUTH),
            &audit("USER_AUTH", 10, 1, AUTH),
            &audit("USER_LOGIN", 7, 2, LOGIN),
        ],
        &["192.0.2.1 2 2 1 0 probe: root=2"],
    );
    let opened = |kind, pid| {
        audit(kind, pid, 3, "op=PAM:session_open grantors=? acct=\"root\"")
            .replace("ses=4294967295", "ses=3")
            .replace("auid=4294967295", "auid=0")
            .replace("res=failed", "res=success")
    };
    check(
        &[&opened("USER_START", 7), &opened("USER_LOGIN", 8)],
        &["192.0.2.1 0 0 1 1 login: root=0"],
    );
}

#[test]
fn audit_records_beside_messages_count_nothing_twice() {
    let failed = format!("10:00:00 h sshd[7]: {PASSWORD}");
    let auth = audit("USER_AUTH", 7, 0, AUTH);
    let login = audit("USER_LOGIN", 7, 0, LOGIN);
    check(
        &[&failed, &auth, &login],
        &["192.0.2.1 1 1 1 0 probe: root=1"],
    );
    check(
        &[&auth, &login, &failed],
        &["192.0.2.1 1 1 1 0 probe: root=1"],
    );
    // A message that a rate limit swallowed is in the audit log.
    check(
        &[&failed, &auth, &login, &audit("USER_AUTH", 7, 2, AUTH)],
        &["192.0.2.1 2 2 1 0 probe: root=2"],
    );
    // keyboard-interactive: PAM is asked by a child with its own process id.
    check(
        &[
            "10:00:00 h sshd[7]: error: PAM: Authentication failure for root from 192.0.2.1",
            &audit("USER_AUTH", 9, 0, AUTH),
            &login,
            "10:00:02 h sshd[7]: Connection closed by authenticating user root 192.0.2.1 port 5 [preauth]",
        ],
        &["192.0.2.1 1 1 1 0 probe: root=1"],
    );
    // Repeats come late, in one line.
    check(
        &[
            &failed,
            &auth,
            &login,
            &audit("USER_AUTH", 7, 1, AUTH),
            &audit("USER_AUTH", 7, 2, AUTH),
            &format!("10:01:00 h sshd[7]: message repeated 2 times: [ {PASSWORD}]"),
        ],
        &["192.0.2.1 3 3 1 0 probe: root=3"],
    );
}

fn failures(from: impl Iterator<Item = (u32, String, String)>) -> Vec<String> {
    from.map(|(second, user, address)| {
        let (minute, second) = (second / 60 % 60, second % 60);
        let hour = 10 + second / 3_600;
        format!("{hour}:{minute:02}:{second:02} h sshd[{}]: Failed password for invalid user {user} from {address} port 5 ssh2", 100 + minute * 60 + second)
    })
    .collect()
}

fn outcome(lines: &[String]) -> (Outcome, Report) {
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let report = run(&lines);
    (report.sources[0].outcome, report)
}

#[test]
fn outcomes() {
    let one = |_| ("root".to_owned(), "192.0.2.1".to_owned());
    let with = |second, (user, address)| (second, user, address);
    let (brute, _) = outcome(&failures((0..6).map(|n| with(n * 10, one(n)))));
    assert_eq!(brute, Outcome::Brute);
    let (slow, _) = outcome(&failures((0..12).map(|n| with(n * 170, one(n)))));
    assert_eq!(slow, Outcome::Slow);
    let (spray, _) = outcome(&failures(
        (0..6).map(|n| (n, format!("u{n}"), "192.0.2.1".to_owned())),
    ));
    assert_eq!(spray, Outcome::Spray);
    let (distributed, report) = outcome(&failures(
        (0..9).map(|n| (n, "root".to_owned(), format!("192.0.{n}.1"))),
    ));
    assert_eq!(distributed, Outcome::Distributed);
    assert_eq!(report.campaigns.len(), 1);
    assert_eq!(
        (report.campaigns[0].sources, report.campaigns[0].attempts),
        (9, 9)
    );
    let (network, report) = outcome(&failures(
        (0..9).map(|n| (n, format!("u{n}"), format!("192.0.2.{n}"))),
    ));
    assert_eq!(network, Outcome::Distributed);
    assert_eq!(report.networks.len(), 1);
    let (probe, _) = outcome(&failures((0..2).map(|n| with(n, one(n)))));
    assert_eq!(probe, Outcome::Probe);
}

#[test]
fn a_success_after_failures_is_a_compromise_with_its_commands() {
    let mut lines = failures((0..6).map(|n| (n, "root".to_owned(), "192.0.2.1".to_owned())));
    lines.push("10:01:00 h sshd[9]: Accepted publickey for root from 192.0.2.1 port 9 ssh2: ED25519 SHA256:k".into());
    lines.push("type=LOGIN msg=audit(1795600860.100:1): pid=9 uid=0 old-auid=4294967295 auid=0 tty=(none) old-ses=4294967295 ses=3 res=1".into());
    let calendar = Calendar {
        newest_local_s: 1_795_651_200,
        to_utc: &|local| local,
    };
    let mut engine = Engine::new(Settings::default());
    for (number, text) in (1..).zip(&lines) {
        let at = LineId {
            file: 0,
            line: number,
        };
        if text.starts_with("type=") {
            assert!(engine.audit(at, &Record::parse(text.as_bytes())));
        } else {
            let text = format!("Nov 25 {text}");
            engine.line(
                at,
                Channel(0),
                &line::parse(text.as_bytes(), &calendar).unwrap(),
            );
        }
    }
    let mut assembler = indelible_record::Assembler::new(indelible_record::Settings::FILE);
    for text in [
        "type=SYSCALL msg=audit(1795600861.100:2): arch=c000003e syscall=59 success=yes exit=0 ppid=9 pid=10 auid=0 uid=0 ses=3 comm=\"id\" exe=\"/usr/bin/id\" key=(null)",
        "type=EXECVE msg=audit(1795600861.100:2): argc=2 a0=\"id\" a1=\"-u\"",
        "type=PROCTITLE msg=audit(1795600861.100:2): proctitle=\"id\"",
    ] {
        let events: Vec<_> = assembler.push(0, &Record::parse(text.as_bytes())).collect();
        events.iter().for_each(|event| engine.event(event));
    }
    let events: Vec<_> = assembler.finish().collect();
    events.iter().for_each(|event| engine.event(event));
    let report = engine.finish();
    assert_eq!(report.sources[0].outcome, Outcome::Compromised);
    let login = &report.logins[0];
    assert_eq!((login.attempts_before, login.line.line), (6, 7));
    assert_eq!(login.detail.as_deref(), Some(&b"ED25519 SHA256:k"[..]));
    let session = login.session.as_ref().expect("its session");
    assert_eq!((session.ses, session.auid), (3, 0));
    assert_eq!(session.commands[0].line, b"id -u");
}
