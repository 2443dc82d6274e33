//! What a collector writes down of a host that is missing something, or is missing itself.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use indelible_log::Kind;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::collector::{Collector, PROGRAM, run, wait_for};

/// An agent that takes records from its standard input, as a plugin of auditd.
pub(crate) fn agent(collector: &Collector) -> Child {
    let spool = enrol(collector);
    run_agent(&spool, &[])
}

/// Enrols a host; answers its spool.
pub(crate) fn enrol(collector: &Collector) -> PathBuf {
    let pki = collector.pki();
    let token = Command::new(PROGRAM)
        .args(["token", "create", "--address", &collector.native(), "--pki"])
        .arg(&pki)
        .output()
        .unwrap();
    assert!(token.status.success(), "{token:?}");
    let file = collector.folder().join("enrolment");
    fs::write(&file, token.stdout).unwrap();
    fs::set_permissions(collector.folder(), fs::Permissions::from_mode(0o711)).unwrap();
    let spool = collector.folder().join("spool");
    let (shown, file) = (spool.to_str().unwrap(), file.to_str().unwrap());
    let (code, said) = run(&[
        "enroll",
        "--token",
        file,
        "--name",
        "host.example",
        "--spool",
        shown,
    ]);
    assert_eq!(code, 0, "{said}");
    spool
}

/// The agent of an enrolled host.
pub(crate) fn run_agent(spool: &Path, options: &[&str]) -> Child {
    Command::new(PROGRAM)
        .args(["agent", "--capture", "audisp", "--spool"])
        .arg(spool)
        .args(options)
        .env("INDELIBLE_LOG", "off")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

fn of(reason: &str, gaps: &[Value]) -> Vec<Value> {
    gaps.iter()
        .filter(|gap| gap["reason"] == reason)
        .cloned()
        .collect()
}

#[test]
fn holes_and_silence_become_entries_and_findings() {
    let mut collector = Collector::start(&[]);
    let mut agent = agent(&collector);
    let mut input = agent.stdin.take().unwrap();
    for (serial, second) in [(10, 0), (11, 0), (15, 1), (16, 9), (17, 9)] {
        let stamp = format!("audit(17000000{second:02}.000:{serial})");
        writeln!(
            input,
            "type=USER_LOGIN msg={stamp}: pid=1 uid=0 res=success"
        )
        .unwrap();
    }
    let gaps = || collector.payloads(Kind::Gap);
    wait_for("the hole", || !of("serial-hole", &gaps()).is_empty());
    let holes = of("serial-hole", &gaps());
    assert_eq!(
        (
            holes.len(),
            &holes[0]["from"],
            &holes[0]["to"],
            &holes[0]["count"]
        ),
        (1, &Value::from(12), &Value::from(14), &Value::from(3))
    );
    // All its processes stand still, as for somebody who does not want to be seen.
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", agent.id())).unwrap();
    let pids = || {
        let pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
        pids.filter_map(Pid::from_raw)
    };
    pids().for_each(|pid| kill_process(pid, Signal::STOP).unwrap());
    // A busy machine may have been silent before: it is the newest one that counts.
    let newest = || of("silence", &gaps()).pop();
    let began = |gap: &Value| gap.get("to").is_none();
    wait_for("silence", || newest().as_ref().is_some_and(began));
    let silence = newest().unwrap();
    pids().for_each(|pid| kill_process(pid, Signal::CONT).unwrap());
    wait_for("its end", || !newest().as_ref().is_some_and(began));
    let over = newest().unwrap();
    assert_eq!(silence["from"], over["from"]);
    let ns = |edge: &Value| edge.as_str().unwrap().parse::<u64>().unwrap();
    assert!(
        ns(&over["to"]) - ns(&over["from"]) > 3_000_000_000,
        "{over}"
    );
    let findings = collector.payloads(Kind::Finding);
    let ids: Vec<_> = findings
        .iter()
        .filter_map(|finding| finding["id"].as_str())
        .collect();
    for id in ["events-missing", "host-silent"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    drop(input);
    let _ = agent.kill();
    let _ = agent.wait();
    // What was told is not told again, after a kill as after a good end.
    collector.kill();
    collector.run();
    collector.grow(5);
    collector.stop();
    assert_eq!(of("serial-hole", &collector.payloads(Kind::Gap)).len(), 1);
    let store = collector.store();
    let (code, text) = run(&[
        "verify",
        "--store",
        store.to_str().unwrap(),
        "--completeness",
    ]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("3 missing") && text.contains("silent "),
        "{text}"
    );
}
