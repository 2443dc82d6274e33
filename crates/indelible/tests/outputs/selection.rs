//! What a collector gets of a host's events, and the account of what it does not get.

use serde_json::{Value, json};

use super::collector::Collector;
use super::host::{Host, wait_for};
use super::volume::events;

fn status(store: &std::path::Path) -> Value {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["status", "--format", "json", "--store"])
        .arg(store)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A condition and a rate towards the collector, while the worker is killed: what passes is there
/// whole and once, what does not is in gap entries with its serials, and nothing is missing.
#[test]
fn the_collector_gets_a_selection_and_the_account_stays_whole() {
    let mut collector = Collector::start();
    let (certificate, key) = collector.issue("web1.example");
    let mut host = Host::new(&format!(
        "capture = \"file:FOLDER/audit.log\"\ncontext = false\n\
         [selection]\nwhere = 'key != \"noise\"'\n\
         limits = [{{ by = \"key\", value = \"busy\", per-second = 1, burst = 20 }}]\n\
         [collector]\naddress = \"127.0.0.1:{}\"\nlog-key = \"{pki}/log.vkey\"\n\
         tls = {{ ca = \"{pki}/ca.pem\", certificate = \"{}\", key = \"{}\" }}\n",
        collector.port("native"),
        certificate.display(),
        key.display(),
        pki = collector.pki().display(),
    ));
    let log = host.path("audit.log");
    std::fs::write(&log, "").unwrap();
    let append = |text: String| {
        let mut file = std::fs::File::options().append(true).open(&log).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    };
    host.start_role("capture");
    host.start_worker();
    let store = collector.store();
    let of = |key: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(["search", "-k", key, "--format", "ndjson", "--store"])
            .arg(&store)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .collect::<Vec<_>>()
    };
    // Calm and noise in turn, so that each range is one serial long at first.
    let mut serial = 0;
    for round in 0..3 {
        for _ in 0..50 {
            append(events("calm", serial..serial + 1) + &events("noise", serial + 1..serial + 2));
            serial += 2;
        }
        wait_for("some of it", || of("calm").len() >= round * 50 + 10);
        host.kill_worker();
        host.start_worker();
    }
    append(events("busy", serial..serial + 100) + &events("calm", serial + 100..serial + 101));
    serial += 101;
    wait_for("the last event", || of("calm").len() == 151);
    host.stop_sources();
    host.stop_worker();
    // Told within ten seconds, or when the worker stops: then it goes with the next start, if not before.
    host.start_worker();
    let told = || {
        let gaps = collector.contents().gaps;
        gaps.iter().filter(|gap| gap["output"] == "native").count()
    };
    wait_for("the gap entries", || told() >= 2);
    host.stop_worker();
    let passed = of("busy").len();
    assert!((20..30).contains(&passed), "{passed}");
    assert_eq!((of("calm").len(), of("noise").len()), (151, 0));
    for event in of("calm") {
        assert_eq!(event["complete"], true, "{event}");
        assert_eq!(event["records"].as_array().unwrap().len(), 3, "{event}");
    }
    let gaps = collector.verified(1).gaps;
    let left_out = |reason: &str, key: &str| -> u64 {
        let found = gaps
            .iter()
            .filter(|gap| gap["reason"] == reason && gap["key"] == key);
        found.map(|gap| gap["count"].as_u64().unwrap()).sum()
    };
    assert_eq!(left_out("filtered", "noise"), 150);
    assert_eq!(left_out("rate-limited", "busy") as usize, 100 - passed);
    assert!(
        gaps.iter().all(|gap| gap["reason"] != "serial-hole"),
        "{gaps:?}"
    );
    let status = status(&store);
    let boots = status["boots"].as_array().unwrap();
    let boot = boots.iter().find(|boot| boot["records"] != 0).unwrap();
    assert_eq!(boot["serials"]["missing"], 0, "{boot}");
    assert_eq!(boot["serials"]["seen"], json!(serial), "{boot}");
    assert_eq!(status["findings"], json!([]), "{status}");
}
