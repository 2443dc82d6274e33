//! A collector that is killed again and again while an agent sends: what was sent is there once, and
//! the store is whole after every kill.
//!
//! `INDELIBLE_SECONDS` and `INDELIBLE_RATE` set how long and how many records per second; `cargo xtask
//! soak collector` runs five minutes at 50,000.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indelible_log::dir::RealDir;
use indelible_log::{EntryRef, Kind, LogReader};

use indelible_testkit::wait_for;

use crate::collector::{Collector, run};
use crate::gaps;

#[test]
fn a_killed_collector_keeps_what_it_acknowledged_once() {
    let (seconds, rate) = (
        number("INDELIBLE_SECONDS", 7),
        number("INDELIBLE_RATE", 3_000),
    );
    let mut collector = Collector::start(&[]);
    let mut agent = gaps::agent(&collector);
    let mut input = std::io::BufWriter::new(agent.stdin.take().unwrap());
    let (written, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut restarts = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let began = Instant::now();
            while !over.load(Ordering::Relaxed) {
                let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
                for number in written.load(Ordering::Relaxed)..due {
                    let stamp = format!("audit(1700000000.000:{number})");
                    let text = "pid=1 uid=0 auid=1000 ses=3 msg='op=login acct=\"user\" exe=\"/usr/sbin/sshd\" res=success'";
                    writeln!(input, "type=USER_LOGIN msg={stamp}: {text}").unwrap();
                }
                written.fetch_max(due, Ordering::Relaxed);
                input.flush().unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(seconds) {
            std::thread::sleep(KILL_EVERY);
            collector.kill();
            verify(&collector, &["--mark"]);
            let started = Instant::now();
            collector.spawn();
            let native = collector.native();
            while TcpStream::connect(&native).is_err() {
                std::thread::sleep(Duration::from_millis(1));
            }
            restarts.push(started.elapsed());
        }
        over.store(true, Ordering::Relaxed);
    });
    let expect = written.load(Ordering::Relaxed);
    let mut found = Found::default();
    let patience = Duration::from_secs(60 + seconds);
    wait_for(patience, "all records", || {
        found.read(&collector);
        found.records >= expect
    });
    collector.stop();
    let _ = agent.kill();
    let _ = agent.wait();
    verify(&collector, &[]);
    let slowest = restarts.iter().max().unwrap();
    println!(
        "{expect} records at {rate}/s, {} kills: {} found, {} twice; from start to accepting at most {} ms, \
         the last at {} entries {} ms",
        restarts.len(),
        found.records,
        found.twice,
        slowest.as_millis(),
        found.next,
        restarts.last().unwrap().as_millis(),
    );
    assert_eq!((found.records, found.twice), (expect, 0));
    assert!(found.seen.iter().all(|seen| *seen), "one is missing");
}

/// What of the records is in the store.
#[derive(Default)]
struct Found {
    next: u64,
    records: u64,
    twice: u64,
    seen: Vec<bool>,
}

impl Found {
    /// Goes on from where it was.
    fn read(&mut self, collector: &Collector) {
        let reader = LogReader::open(RealDir::open(collector.store()).unwrap()).unwrap();
        while let Some(part) = reader.part_at(self.next).unwrap() {
            for (_, entry) in reader.decode(&part).unwrap().iter_from(self.next) {
                let entry = EntryRef::parse(entry).unwrap();
                if entry.header().kind == Kind::Audit {
                    self.note(entry.audit().unwrap().1);
                }
            }
            self.next = part.end();
        }
    }

    fn note(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let number = text
            .split(".000:")
            .nth(1)
            .unwrap()
            .split(')')
            .next()
            .unwrap();
        let number: usize = number.parse().unwrap();
        if self.seen.len() <= number {
            self.seen.resize(number + 1, false);
        }
        self.twice += u64::from(self.seen[number]);
        self.records += 1;
        self.seen[number] = true;
    }
}

/// Intact, with the tail of a kill or recorded gaps at most.
fn verify(collector: &Collector, options: &[&str]) {
    let (store, mark) = (collector.store(), collector.folder().join("mark"));
    let mut words = vec!["verify", "--store", store.to_str().unwrap()];
    words.extend(options);
    if !options.is_empty() {
        words.push(mark.to_str().unwrap());
    }
    let (code, text) = run(&words);
    assert!(code <= 1, "{text}");
}

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

const KILL_EVERY: Duration = Duration::from_secs(2);
