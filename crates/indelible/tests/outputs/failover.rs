//! A collector is away: another, with a log of its own, stands in, and the first one is gone back to.

use std::collections::BTreeMap;

use indelible_log::StreamId;

use super::collector::Collector;
use super::host::{Host, wait_for};
use super::native::lines;

const COUNT: usize = 2_000;

/// `[collector]`, or an element of `[[failover]]`.
fn table(head: &str, collector: &Collector) -> String {
    let (certificate, key) = collector.issue("web1.example");
    format!(
        "{head}\naddress = \"127.0.0.1:{}\"\nlog-key = \"{pki}/log.vkey\"\n\
         tls = {{ ca = \"{pki}/ca.pem\", certificate = \"{}\", key = \"{}\" }}\n",
        collector.port("native"),
        certificate.display(),
        key.display(),
        pki = collector.pki().display(),
    )
}

/// What both collectors hold, by stream and sequence number: two that hold one entry hold the same.
fn together(collectors: [&Collector; 2]) -> BTreeMap<(StreamId, u64), usize> {
    let mut all = BTreeMap::new();
    for collector in collectors {
        for (stream, sequence, number) in lines(collector) {
            let before = all.insert((stream, sequence), number);
            assert!(before.is_none_or(|before| before == number));
        }
    }
    all
}

#[test]
fn another_collector_stands_in_and_the_first_is_gone_back_to() {
    let (mut first, mut second) = (Collector::start(), Collector::start());
    let mut host = Host::new(&format!(
        "failover-after-seconds = 1\n{}{}",
        table("[collector]", &first),
        table("[[failover]]", &second)
    ));
    host.start_sources();
    host.start_worker();
    host.log(0..COUNT);
    wait_for("the first part", || lines(&first).len() == COUNT);
    assert_eq!(lines(&second).len(), 0);

    first.kill();
    host.log(COUNT..2 * COUNT);
    let has = |collector: &Collector, number: usize| {
        lines(collector)
            .iter()
            .any(|(_, _, found)| *found == number)
    };
    wait_for("the second part", || has(&second, 2 * COUNT - 1));
    // Killed while the other one stands in: it goes on with that one's receipts.
    host.kill_worker();
    host.start_worker();

    first.run();
    // Written while nobody knows yet that it is back, and after.
    for part in 2..5 {
        host.log(part * COUNT..(part + 1) * COUNT);
        std::thread::sleep(std::time::Duration::from_millis(700));
    }
    wait_for("the rest", || has(&first, 5 * COUNT - 1));
    wait_for("nothing left", || {
        together([&first, &second]).len() >= 5 * COUNT
    });
    host.stop_sources();
    host.stop_worker();
    let all = together([&first, &second]);
    let mut numbers: Vec<usize> = all.into_values().collect();
    numbers.sort_unstable();
    assert!(
        numbers.into_iter().eq(0..5 * COUNT),
        "once each, by stream and sequence"
    );
    let twice = lines(&first).len() + lines(&second).len() - 5 * COUNT;
    println!("{} lines in two logs, 0 lost, {twice} in both", 5 * COUNT);
    // A search over both gives each line once, too; over one it gives what that one has.
    let found = |collectors: &[&Collector]| -> usize {
        let stores = collectors
            .iter()
            .flat_map(|one| ["--store".into(), one.store()]);
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(["search", "--count", "--text", "some words of a message"])
            .args(stores)
            .output()
            .unwrap();
        let count = String::from_utf8_lossy(&output.stdout);
        count.trim().parse().unwrap()
    };
    assert_eq!(found(&[&first, &second]), 5 * COUNT);
    assert_eq!(found(&[&second, &first]), 5 * COUNT);
    assert_eq!(found(&[&first]), lines(&first).len());
    // A stream may end in one log where the other has the rest: gaps, and nothing worse.
    for collector in [&mut first, &mut second] {
        collector.stop();
        let verified = std::process::Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(["verify", "--store"])
            .arg(collector.store())
            .output()
            .unwrap();
        assert!(
            matches!(verified.status.code(), Some(0 | 1)),
            "{verified:?}"
        );
    }
}
