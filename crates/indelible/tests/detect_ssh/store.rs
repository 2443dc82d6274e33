//! A store with everything that can tell of sshd: nothing of it is counted twice.

use indelible_log::dir::RealDir;
use indelible_log::entry::FROM_ADDRESS;
use indelible_log::log::{LOCAL_PEER, LocalStream};
use indelible_log::{Kind, Log, Options, StreamId};
use serde_json::Value;

use crate::command::detect;

/// 2026-11-25 10:00:00 UTC.
const TEN_S: u64 = 1_795_600_800;

#[test]
fn entries_of_all_kinds() {
    let scratch = tempfile::tempdir().expect("a folder");
    let dir = RealDir::open(scratch.path()).expect("a folder");
    let (mut log, _) = Log::open(dir, &Options::new("detect.test")).expect("a store");
    let mut put = |id: u8, source: &str, entries: &[(Kind, u16, u64, Vec<u8>)]| {
        let mut stream = LocalStream::new(StreamId([id; 16]));
        let opened = serde_json::json!({
            "v": 1, "source": source, "machine_id": "", "boot_id": "", "host": "web1", "predecessor": null
        });
        stream.push(
            Kind::StreamOpened,
            0,
            TEN_S * 1_000_000_000,
            opened.to_string().as_bytes(),
        );
        for (kind, flags, second, payload) in entries {
            stream.push(*kind, *flags, (TEN_S + second) * 1_000_000_000, payload);
        }
        log.append(&stream.take().expect("a batch"), LOCAL_PEER)
            .expect("it is taken");
        log.commit().expect("it is kept");
    };
    let failed = |second: u64, port: u16| {
        format!("sshd[7]: Failed password for invalid user a from 192.0.2.1 port {port} ssh2")
            .replace("[7]", &format!("[{}]", 7 + second))
    };
    // A line of a file without a year, the same in the journal and over UDP, and in the audit log.
    let line = format!("Nov 25 10:00:01 web1 {}", failed(1, 5)).into_bytes();
    put(
        1,
        "file:/var/log/auth.log",
        &[(Kind::FileLine, 0, 1, line.clone())],
    );
    let journal = format!(
        "__CURSOR=x\n__REALTIME_TIMESTAMP={}\n_HOSTNAME=web1\nSYSLOG_IDENTIFIER=sshd\n_PID=8\nMESSAGE={}\n",
        (TEN_S + 1) * 1_000_000,
        "Failed password for invalid user a from 192.0.2.1 port 5 ssh2",
    );
    put(2, "journal", &[(Kind::Journal, 0, 1, journal.into_bytes())]);
    let datagram = [b"198.51.100.7:514 <38>", line.as_slice()].concat();
    let other = format!("198.51.100.7:514 <38>Nov 25 10:00:02 web1 {}", failed(2, 6)).into_bytes();
    put(
        3,
        "syslog-udp",
        &[
            (Kind::Syslog, FROM_ADDRESS, 1, datagram),
            (Kind::Syslog, FROM_ADDRESS, 2, other),
        ],
    );
    let record = |second: u64, pid: u32| {
        let text = format!(
            "audit({}.500:{second}): pid={pid} uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=? acct=\"a\" exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.1 terminal=ssh res=failed'",
            TEN_S + second
        );
        (
            Kind::Audit,
            0,
            second,
            [&1100u16.to_be_bytes()[..], text.as_bytes()].concat(),
        )
    };
    put(4, "kernel", &[record(1, 8), record(2, 9)]);
    drop(log);

    let store = scratch.path().to_str().expect("a plain path");
    let report: Value =
        serde_json::from_str(&detect(&[], &["--store", store, "--format", "json"])).expect("JSON");
    assert_eq!(
        report["sources"].as_array().map(Vec::len),
        Some(1),
        "{report}"
    );
    let source = &report["sources"][0];
    assert_eq!(source["address"], "192.0.2.1");
    assert_eq!(
        (&source["failures"], &source["connections"]),
        (&Value::from(2), &Value::from(2)),
        "{report}"
    );
    assert_eq!(report["lines"]["duplicates"], 2, "{report}");
    assert_eq!(report["lines"]["audit"], 2);
    assert_eq!(source["first"], "2026-11-25T10:00:01Z");
}
