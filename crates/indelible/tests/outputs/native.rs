//! The loss table's rows for the native protocol, small: whoever is killed while messages come, each
//! is stored once. `cargo xtask bench loss` has all rows, beside rsyslog.

use indelible_log::dir::RealDir;
use indelible_log::{EntryRef, LogReader, StreamId};

use super::collector::Collector;
use super::host::{Host, wait_for};
use super::verified_but_for_silence;

const COUNT: usize = 20_000;

/// Numbers of the lines that a collector has stored, in their order.
fn stored(collector: &Collector) -> Vec<usize> {
    lines(collector)
        .into_iter()
        .map(|(.., number)| number)
        .collect()
}

/// Stream, sequence number and number of each line that a collector has stored, in their order.
pub(crate) fn lines(collector: &Collector) -> Vec<(StreamId, u64, usize)> {
    let mut found = Vec::new();
    let Ok(reader) = RealDir::open(collector.store())
        .map_err(drop)
        .and_then(|dir| LogReader::open(dir).map_err(drop))
    else {
        return found;
    };
    let mut next = 0;
    while let Some(part) = reader.part_at(next).unwrap() {
        for (_, entry) in reader.decode(&part).unwrap().iter_from(next) {
            let entry = EntryRef::parse(entry).unwrap();
            let header = entry.header();
            let text = String::from_utf8_lossy(entry.payload());
            let number = text
                .strip_prefix("nr=")
                .and_then(|rest| rest.split(' ').next());
            let number = number.and_then(|digits| digits.parse().ok());
            found.extend(number.map(|number| (header.stream, header.sequence, number)));
        }
        next = part.end();
    }
    found
}

/// Receiver killed, sender killed with a backlog, both; then everything is there once, in order.
#[test]
fn nothing_is_lost_and_nothing_comes_twice() {
    let mut collector = Collector::start();
    let (certificate, key) = collector.issue("web1.example");
    let mut host = Host::new(&format!(
        "[collector]\naddress = \"127.0.0.1:{}\"\nlog-key = \"{pki}/log.vkey\"\n\
         tls = {{ ca = \"{pki}/ca.pem\", certificate = \"{}\", key = \"{}\" }}\n",
        collector.port("native"),
        certificate.display(),
        key.display(),
        pki = collector.pki().display(),
    ));
    host.start_sources();
    host.start_worker();
    for (row, end) in ["receiver killed", "sender killed", "both killed"]
        .iter()
        .zip([1, 2, 3])
    {
        let (from, to) = (COUNT * (end - 1) / 3, COUNT * end / 3);
        host.log(from..to);
        wait_for(row, || stored(&collector).len() > from + 100);
        if *row != "sender killed" {
            collector.kill();
        }
        if *row != "receiver killed" {
            host.kill_worker();
            host.start_worker();
        }
        if *row != "sender killed" {
            collector.run();
        }
    }
    wait_for("everything", || stored(&collector).len() >= COUNT);
    host.stop_sources();
    host.stop_worker();
    assert!(stored(&collector).into_iter().eq(0..COUNT));
    verified_but_for_silence(&mut collector);
    println!("{COUNT} messages, 3 kills, 0 lost, 0 came twice");
}
