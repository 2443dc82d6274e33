//! From the end of the system call that caused an event to the receipt that covers it: when the worker
//! had read and verified what the collector answers once the event is durable there, and when that receipt
//! was stored durably on the host too.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indelible_log::dir::RealDir;
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, entry};
use indelible_sys::clock::realtime_ns;

use super::ours::{Ours, position};
use crate::bench::audit::Audit;
use crate::bench::burst;
use crate::bench::report::Report;

/// One run at [`PER_SECOND`] events, beside what one `fdatasync` takes meanwhile.
pub(super) fn run(audit: &Audit, report: &mut Report) -> Result<()> {
    let ours = Ours::new(audit, "latency", true)?;
    let collector = ours.collector()?;
    let capture = ours.role("capture")?;
    let told = audit.folder().join("receipts");
    let log = File::create(&told)?;
    let worker = ours.role_telling("worker", "error,indelible::receipts=trace", log.into())?;
    capture.wait_until_registered()?;
    worker.wait_until_idle()?;
    let released = ours.released()?;
    let times = audit.folder().join("times");

    let ended = Arc::new(AtomicBool::new(false));
    let syncs = {
        let (folder, ended) = (audit.folder().to_owned(), ended.clone());
        std::thread::spawn(move || syncs(&folder.join("sync"), &ended))
    };
    let rule = audit.watch()?;
    let mut child = burst::start_paced(audit.file(), EVENTS, PER_SECOND, &times)?;
    // Positions as they come, with their times.
    let mut seen: Vec<(u64, u64)> = vec![(position(&released), realtime_ns())];
    let mut ended_at = None;
    loop {
        let now = position(&released);
        if seen.last().is_none_or(|(last, _)| now > *last) {
            seen.push((now, realtime_ns()));
        }
        if ended_at.is_none() && child.try_wait()?.is_some() {
            ended_at = Some(Instant::now());
        }
        if ended_at.is_some_and(|at: Instant| at.elapsed() > Duration::from_secs(2)) {
            break;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    drop(rule);
    ended.store(true, Ordering::Release);
    let sync_ms = syncs
        .join()
        .ok()
        .context("the thread that syncs panicked")??;
    for daemon in [capture, worker, collector] {
        daemon.stop()?;
    }
    let opened = fs::read(&times)?;
    let opened: Vec<u64> = opened
        .as_chunks::<8>()
        .0
        .iter()
        .map(|bytes| u64::from_le_bytes(*bytes))
        .collect();
    let ends = event_ends(&ours)?;
    ensure!(
        ends.len() == opened.len(),
        "{} events of {} are in the spool",
        ends.len(),
        opened.len()
    );
    let stream = released.file_name().context("a stream")?;
    let receipts = receipts(&told, &stream.to_string_lossy())?;
    let mut syncs = Latencies(sync_ms);
    let sync = syncs.at(0.5);
    report.line(&format!(
        "fdatasync of 4 KiB beside it: p50 {sync:.2} ms, p90 {:.2} ms, p99 {:.2} ms ({:.1} × the median)",
        syncs.at(0.9),
        syncs.at(0.99),
        syncs.at(0.99) / sync,
    ));
    for (what, seen) in [
        ("to the collector's receipt", &receipts),
        ("to the receipt stored durably on the host", &seen),
    ] {
        let mut latencies = Latencies(Vec::new());
        for (opened_ns, end) in opened.iter().zip(&ends) {
            // The first position beyond the event's last record.
            let at = seen.partition_point(|(position, _)| position <= end);
            let (_, seen_ns) = seen.get(at).context("an event without a receipt")?;
            latencies
                .0
                .push(seen_ns.saturating_sub(*opened_ns) as f64 / 1e6);
        }
        show(report, what, &mut latencies, sync);
    }
    Ok(())
}

/// Positions in a stream with the times at which the worker had receipts for them, in order.
fn receipts(told: &std::path::Path, stream: &str) -> Result<Vec<(u64, u64)>> {
    let text = fs::read_to_string(told)?;
    let number = |line: &str, name: &str| -> Option<u64> {
        let (_, rest) = line.split_once(name)?;
        rest.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    };
    let lines = text.lines().filter(|line| line.contains(stream));
    let found: Vec<(u64, u64)> = lines
        .filter_map(|line| Some((number(line, " next=")?, number(line, " at_ns=")?)))
        .collect();
    ensure!(
        !found.is_empty(),
        "the worker told of no receipt: {text:.200}"
    );
    Ok(found)
}

struct Latencies(Vec<f64>);

impl Latencies {
    fn at(&mut self, share: f64) -> f64 {
        self.0.sort_by(f64::total_cmp);
        self.0[((self.0.len() - 1) as f64 * share) as usize]
    }
}

fn show(report: &mut Report, what: &str, latencies_ms: &mut Latencies, sync: f64) {
    let mut at = |share: f64| latencies_ms.at(share);
    report.line(&format!(
        "system call {what} at {PER_SECOND} events/s: p50 {:.2} ms ({:.2} × the median fdatasync), \
         p99 {:.2} ms ({:.2} ×), most {:.2} ms",
        at(0.5),
        at(0.5) / sync,
        at(0.99),
        at(0.99) / sync,
        at(1.0),
    ));
    let mut steps: BTreeMap<i32, usize> = BTreeMap::new();
    for latency in &latencies_ms.0 {
        *steps
            .entry(latency.log2().ceil().max(-2.0) as i32)
            .or_default() += 1;
    }
    let shown: Vec<String> = steps
        .iter()
        .map(|(step, count)| format!("≤ {} ms: {count}", 2f64.powi(*step)))
        .collect();
    report.line(&format!("histogram: {}", shown.join(", ")));
}

/// Sequence number of the last record of each event of the watched file, from the spool, in order.
fn event_ends(ours: &Ours) -> Result<Vec<u64>> {
    let streams = RealDir::open(ours.spool().join("capture/streams"))?;
    let mut watched = HashSet::new();
    let mut ends = Vec::new();
    for id in SpoolReader::streams(&*streams)? {
        let mut reader = SpoolReader::open(&streams, id)?;
        let mut bytes = Vec::new();
        while reader.read(u32::MAX, 1 << 20, &mut bytes)?.is_some() {
            for entry in entry::split(&bytes) {
                let entry = EntryRef::parse(entry?)?;
                let Some((kind, text)) = entry.audit() else {
                    continue;
                };
                let Some(stamp) = indelible_record::stamp(text) else {
                    continue;
                };
                // The rule that comes and goes has the key in records of its own.
                if kind == SYSCALL && text.windows(KEY.len()).any(|window| window == KEY) {
                    watched.insert(stamp.serial);
                }
                if kind == EOE && watched.contains(&stamp.serial) {
                    ends.push(entry.header().sequence);
                }
            }
            bytes.clear();
        }
    }
    Ok(ends)
}

/// What a write of one frame and its sync take, over and over.
fn syncs(path: &std::path::Path, ended: &AtomicBool) -> Result<Vec<f64>> {
    let mut file = File::create(path)?;
    let mut taken = Vec::new();
    while !ended.load(Ordering::Acquire) {
        file.write_all(&[0; 4096])?;
        let began = Instant::now();
        rustix::fs::fdatasync(&file)?;
        taken.push(began.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(SYNC_EVERY);
    }
    Ok(taken)
}

const KEY: &[u8] = b"key=\"bench\"";
const SYSCALL: u16 = 1300;
const EOE: u16 = 1320;
const EVENTS: u64 = 10_000;
const PER_SECOND: u64 = 1_000;
const LOOK_EVERY: Duration = Duration::from_micros(200);
/// Seldom enough not to be what the others wait for.
const SYNC_EVERY: Duration = Duration::from_millis(50);
