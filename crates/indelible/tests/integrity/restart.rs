//! A store that was restored from a backup: refused as it is, gone on with where that is declared.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Child;

use indelible_log::dir::RealDir;
use indelible_log::{EntryRef, Kind, LogReader, VerifierKey};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::collector::{Collector, ORIGIN, copy, run, wait_for};
use crate::gaps;

/// A host whose agent is started and stopped, and the records that it was given.
struct Host {
    spool: PathBuf,
    options: Vec<&'static str>,
    agent: Option<Child>,
    given: u64,
}

impl Host {
    fn start(collector: &Collector, options: &[&'static str]) -> Self {
        let mut host = Self {
            spool: gaps::enrol(collector),
            options: options.to_vec(),
            agent: None,
            given: 0,
        };
        host.run();
        host
    }

    fn run(&mut self) {
        self.agent = Some(gaps::run_agent(&self.spool, &self.options));
    }

    fn stop(&mut self) {
        let mut agent = self.agent.take().unwrap();
        let pid = Pid::from_raw(agent.id().cast_signed()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        agent.wait().unwrap();
    }

    fn give(&mut self, records: u64, text: &str) {
        let agent = self.agent.as_mut().unwrap();
        let input = agent.stdin.as_mut().unwrap();
        for serial in self.given..self.given + records {
            let stamp = format!("audit(1700000000.000:{serial})");
            writeln!(input, "type=USER_LOGIN msg={stamp}: pid=1 uid=0 {text}").unwrap();
        }
        input.flush().unwrap();
        self.given += records;
    }

    /// Size of the log under the newest receipt.
    fn held(&self) -> u64 {
        let bytes = fs::read(self.spool.join("worker/receipts")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let slots = text.split('\0').filter_map(|slot| slot.lines().next());
        let values = slots.filter_map(|json| serde_json::from_str::<Value>(json).ok());
        let newest = values.max_by_key(|value| value["number"].as_u64());
        newest.map_or(0, |value| value["size"].as_u64().unwrap())
    }

    fn findings(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.spool.join("worker/findings.ndjson"));
        let text = text.unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Findings of this name.
    fn found(&self, name: &str) -> usize {
        let findings = self.findings();
        let of = |finding: &&Value| finding["finding"].as_str().unwrap().starts_with(name);
        findings.iter().filter(of).count()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

/// How often each record stands in a store, by its serial.
fn serials(store: &Path) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    let reader = LogReader::open(RealDir::open(store).unwrap()).unwrap();
    let mut next = 0;
    while let Some(part) = reader.part_at(next).unwrap() {
        for (_, bytes) in reader.decode(&part).unwrap().iter_from(next) {
            let entry = EntryRef::parse(bytes).unwrap();
            if entry.header().kind == Kind::Audit {
                let text = String::from_utf8_lossy(entry.payload()).into_owned();
                let serial = text.split_once(".000:").unwrap().1;
                let serial = serial.split_once(')').unwrap().0.parse().unwrap();
                *found.entry(serial).or_default() += 1;
            }
        }
        next = part.end();
    }
    found
}

fn has_all(store: &Path, host: &Host) -> bool {
    let serials = serials(store);
    serials.len() as u64 == host.given && serials.keys().copied().eq(0..host.given)
}

/// Puts a copy in the place of a store.
fn restore(copied: &Path, store: &Path) {
    fs::remove_dir_all(store).unwrap();
    copy(copied, store);
}

fn size(note: &Path) -> u64 {
    let note = fs::read_to_string(note).unwrap();
    note.lines().nth(1).unwrap().parse().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_restored_store_is_refused_until_its_restart_is_declared() {
    let heads = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&["--heads", text(heads.path())]);
    let (store, head) = (
        collector.store(),
        heads.path().join(ORIGIN.replace('/', "_")),
    );
    let mut host = Host::start(&collector, &[]);
    host.give(20, "res=success");
    wait_for("the first records", || has_all(&store, &host));
    collector.stop();
    let (backup, first_key, lost_head) = (
        collector.folder().join("backup"),
        collector.folder().join("first.vkey"),
        collector.folder().join("lost-head"),
    );
    copy(&store, &backup);
    fs::copy(store.join("log.vkey"), &first_key).unwrap();
    let kept = size(&backup.join("checkpoint"));
    collector.run();
    host.give(30, "res=success");
    wait_for("more records", || has_all(&store, &host));
    wait_for("their receipt", || host.held() > kept + 30);
    collector.stop();
    fs::copy(&head, &lost_head).unwrap();
    let mark = collector.folder().join("mark");
    let marked = ["verify", "--store", text(&store), "--mark", text(&mark)];
    assert_eq!(run(&marked).0, 0);

    // The heads folder refuses it; without, the collector runs, and the agent refuses what it shows.
    restore(&backup, &store);
    let said = collector.refuses();
    assert!(said.contains("rolled back"), "{said}");
    fs::remove_file(&head).unwrap();
    collector.run();
    wait_for("the agent's refusal", || host.found("RolledBack") == 1);
    host.give(5, "res=success");
    collector.stop();
    assert_eq!(serials(&store).len(), 20);

    // The collector has written to it: who declares says what was restored.
    fs::copy(&lost_head, &head).unwrap();
    let said = collector.refuses();
    assert!(said.contains("rolled back"), "{said}");
    let beyond = (size(&store.join("checkpoint")) + 1).to_string();
    let kept_text = kept.to_string();
    let declare = |kept: &str| {
        let words = ["restart-log", "--store", text(&store), "--kept", kept];
        run(&[&words[..], &["--reason", "the disk died"]].concat())
    };
    assert_eq!(declare(&beyond).0, 2);
    let (code, said) = declare(&kept_text);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains(&format!("goes on from {kept} entries")),
        "{said}"
    );
    let action = &collector.payloads(Kind::Operator)[0];
    assert_eq!(
        (&action["action"], &action["kept"], &action["reason"]),
        (&"restart-log".into(), &kept.into(), &"the disk died".into())
    );
    // The agent asks a collector that it distrusts every few minutes; one that starts asks at once.
    host.stop();
    collector.run();
    host.run();
    host.give(5, "res=success");
    wait_for("all records", || has_all(&store, &host));
    let found = host.findings();
    let restarted = found
        .iter()
        .find(|one| one["finding"].as_str().unwrap().starts_with("LogRestarted"));
    let evidence = &restarted.expect("a finding")["evidence"];
    let keys = VerifierKey::parse(evidence["keys"].as_str().unwrap()).unwrap();
    let given_up = keys.open_any_note(evidence["given_up"].as_str().unwrap());
    assert_eq!(keys.gave_up(&given_up.unwrap()), Some(kept));
    let findings = collector.payloads(Kind::Finding);
    let finding = findings.iter().find(|one| one["id"] == "log-restarted");
    let note = fs::read_to_string(&lost_head).unwrap();
    assert_eq!(finding.unwrap()["fields"]["given_up"], note);
    let aside = format!("{}.given-up-{}", text(&head), size(&lost_head));
    assert_eq!(fs::read_to_string(aside).unwrap(), note);
    collector.stop();

    // Everything once; who knows the first key and what was lost is told.
    assert!(serials(&store).values().all(|count| *count == 1));
    let known = [
        "verify",
        "--store",
        text(&store),
        "--key",
        text(&first_key),
        "--known",
        text(&lost_head),
    ];
    let (code, said) = run(&known);
    assert_eq!(code, 1, "{said}");
    for words in [
        format!("restarted from {kept} entries"),
        format!("given up by a restart: {}", text(&lost_head)),
    ] {
        assert!(said.contains(&words), "{said}");
    }
    let (code, said) = run(&marked);
    assert_eq!(code, 1, "{said}");
    let words = "given up by a restart: the verification before";
    assert!(said.contains(words), "{said}");
    let (code, said) = run(&marked);
    assert_eq!(code, 1, "{said}");
    assert!(!said.contains(words), "{said}");
    let (_, said) = run(&[&known[..], &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["restarts"][0]["kept"], kept);
    assert!(report["restarts"][0]["time"].is_string(), "{report}");
    assert_eq!(report["given_up"][0]["size"], size(&lost_head));

    // What is not declared is refused as before, by the one and by the other.
    let newer = collector.folder().join("newer");
    copy(&store, &newer);
    let held = size(&newer.join("checkpoint"));
    collector.run();
    host.give(20, "res=success");
    wait_for("the newest records", || has_all(&store, &host));
    wait_for("their receipt", || host.held() > held + 20);
    collector.stop();
    restore(&newer, &store);
    let said = collector.refuses();
    assert!(said.contains("rolled back"), "{said}");
    fs::remove_file(&head).unwrap();
    collector.run();
    wait_for("the agent's refusal", || host.found("RolledBack") == 2);
    assert_eq!(host.found("LogRestarted"), 1);
    collector.stop();
    // Nor does an edited declaration open a store.
    let keys = fs::read_to_string(store.join("log.vkey")).unwrap();
    let line = format!(" {kept} ");
    assert!(keys.contains(&line), "{keys}");
    fs::write(store.join("log.vkey"), keys.replace(&line, " 1 ")).unwrap();
    let said = collector.refuses();
    assert!(said.contains("log.vkey"), "{said}");
    host.stop();
}

/// What the agent does not have any more is a hole, and the rest goes on in a new stream.
#[test]
fn what_history_does_not_reach_is_left_and_the_next_stream_goes_on() {
    let mut collector = Collector::start(&[]);
    let store = collector.store();
    let mut host = Host::start(&collector, &["--history-bytes", "1"]);
    host.give(10, "res=success");
    wait_for("the first records", || has_all(&store, &host));
    collector.stop();
    let backup = collector.folder().join("backup");
    copy(&store, &backup);
    collector.run();
    // A file of the spool has 16 MiB; those before the newest go as soon as they have a receipt.
    let long = "x".repeat(8_000);
    host.give(4_500, &long);
    let files = || {
        let streams = fs::read_dir(host.spool.join("capture/streams")).unwrap();
        let files = streams.flat_map(|one| fs::read_dir(one.unwrap().path()).unwrap());
        files
            .map(|one| one.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    let first = format!("{:020}.wal", 0);
    wait_for("the end of the first file", || {
        has_all(&store, &host) && !files().iter().any(|name| *name == *first)
    });
    host.stop();
    collector.stop();
    restore(&backup, &store);
    let words = ["restart-log", "--store", text(&store), "--reason", "lost"];
    let (code, said) = run(&words);
    assert_eq!(code, 0, "{said}");
    collector.run();
    host.run();
    let given = host.given;
    wait_for("what follows", || {
        host.give(1, "res=success");
        serials(&store).keys().any(|serial| *serial >= given)
    });
    // One beside a running collector, which has lost nothing, interrupts nobody.
    let (code, said) = run(&words);
    assert_eq!(code, 0, "{said}");
    let given = host.given;
    wait_for("what follows", || {
        host.give(1, "res=success");
        serials(&store).keys().any(|serial| *serial >= given)
    });
    assert_eq!(host.found("LogRestarted"), 1);
    host.stop();
    collector.stop();
    let serials = serials(&store);
    assert!(serials.values().all(|count| *count == 1));
    assert!(serials.keys().take(10).copied().eq(0..10), "{serials:?}");
    // The next stream says where the one before it ended: the collector makes a gap of that.
    let opened = collector.payloads(Kind::StreamOpened);
    let next = opened
        .iter()
        .filter_map(|one| one["predecessor"]["next"].as_u64());
    assert!(next.max().is_some_and(|next| next > 4_500), "{opened:?}");
    let (code, said) = run(&["verify", "--store", text(&store)]);
    assert_eq!(code, 1, "{said}");
}
