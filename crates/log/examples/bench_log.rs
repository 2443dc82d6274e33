//! What the collector's log takes: batches of 1,000 real-looking records, prepared on one thread,
//! appended and committed on another as fast as the disk syncs, sealing included. Then: how long
//! opening takes, how fast verification is, and how small the segments are.
//!
//! `cargo run --release -p indelible-log --example bench_log [DIR] [MILLIONS] [ENTRY_BYTES_MIN]`

mod support;

use std::sync::mpsc::sync_channel;
use std::time::Instant;

use indelible_log::dir::RealDir;
use indelible_log::verify::{VerifyOptions, verify_store};
use indelible_log::{Batch, Hash, Log, LogReader, Options, StreamId, entry};

const BATCH: u64 = 1_000;
/// Batches that one commit may cover: far below what the log holds uncommitted.
const GROUP_BATCHES_MAX: usize = 32;
/// Prepared batches that may wait for the thread that appends.
const CHANNEL_BATCHES: usize = 64;
/// Distinct batches of records; they are sent again under new sequence numbers.
const TEMPLATES: u64 = 200;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let scratch = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let entries = arguments
        .next()
        .map_or(Ok(2), |millions| millions.parse::<u64>())?
        * 1_000_000;
    let entry_bytes_min = arguments.next().map_or(Ok(0), |bytes| bytes.parse())?;
    let scratch = scratch.join(format!("indelible-bench-log-{}", std::process::id()));
    let dir = RealDir::create(&scratch)?;
    let options = Options::new("log.example/bench");
    append(&dir, &options, entries, entry_bytes_min)?;

    let began = Instant::now();
    let (log, report) = Log::open(dir.clone(), &options)?;
    println!(
        "opening with {} entries: {:.0} ms",
        report.entries,
        began.elapsed().as_secs_f64() * 1e3
    );
    log.close()?;
    sizes(&scratch, &dir)?;
    let began = Instant::now();
    let report = verify_store(&dir, &VerifyOptions::default())?;
    let rate = report.entries as f64 / began.elapsed().as_secs_f64();
    println!("verify: {:?}, {rate:.0} entries/s", report.verdict());
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

fn append(
    dir: &std::sync::Arc<dyn indelible_log::dir::Dir>,
    options: &Options,
    entries: u64,
    entry_bytes_min: usize,
) -> Outcome<()> {
    let (mut log, _) = Log::open(dir.clone(), options)?;
    let stream = StreamId::random();
    let mut records = support::Records::new(1, entry_bytes_min);
    let templates: Vec<Vec<u8>> = (0..TEMPLATES)
        .map(|template| {
            let mut bytes = Vec::new();
            let from = template * BATCH;
            (from..from + BATCH).for_each(|sequence| records.push(&mut bytes, stream, sequence));
            bytes
        })
        .collect();
    let bytes: usize = templates.iter().map(Vec::len).sum();
    let (sender, receiver) = sync_channel::<Batch>(CHANNEL_BATCHES);
    let (began, cpu) = (Instant::now(), support::cpu_ns());
    let mut commits = 0u64;
    std::thread::scope(|scope| -> Outcome<()> {
        let preparing = scope.spawn(move || -> Outcome<()> {
            let mut head = Hash::ZERO;
            for number in 0..entries / BATCH {
                let mut bytes = templates[(number % TEMPLATES) as usize].clone();
                renumber(&mut bytes, number * BATCH);
                let batch = Batch::prepare(stream, number * BATCH, head, &bytes)?;
                head = batch.head_after();
                sender.send(batch)?;
            }
            Ok(())
        });
        while let Ok(batch) = receiver.recv() {
            log.append(&batch, "peer")?;
            for batch in receiver.try_iter().take(GROUP_BATCHES_MAX) {
                log.append(&batch, "peer")?;
            }
            log.commit()?;
            commits += 1;
        }
        preparing
            .join()
            .expect("the preparing thread does not panic")
    })?;
    log.close()?;
    let (wall, cpu_ns) = (began.elapsed().as_secs_f64(), support::cpu_ns() - cpu);
    println!(
        "{entries} entries of {} bytes in batches of {BATCH}: {:.0} entries/s durable and sealed, \
         {:.2} µs CPU/entry, {:.0} commits/s",
        bytes as u64 / (TEMPLATES * BATCH) - 2,
        entries as f64 / wall,
        cpu_ns as f64 / 1e3 / entries as f64,
        commits as f64 / wall,
    );
    Ok(())
}

/// Gives a template new sequence numbers, and the kind that belongs to them.
fn renumber(bytes: &mut [u8], first: u64) {
    let spans: Vec<usize> = entry::split(bytes).flatten().map(<[u8]>::len).collect();
    let mut at = 2;
    for (sequence, len) in (first..).zip(spans) {
        bytes[at + 1] = if sequence == 0 {
            7
        } else {
            bytes[at + 1].min(1)
        };
        bytes[at + 20..at + 28].copy_from_slice(&sequence.to_be_bytes());
        at += len + 2;
    }
}

/// Compares the segments with the text of the records in them, as audit.log would hold it.
fn sizes(
    scratch: &std::path::Path,
    dir: &std::sync::Arc<dyn indelible_log::dir::Dir>,
) -> Outcome<()> {
    let mut stored = 0;
    for item in scratch.join("segments").read_dir()? {
        stored += item?.metadata()?.len();
    }
    let reader = LogReader::open(dir.clone())?;
    let (mut text, mut entries) = (0, 0u64);
    for part in reader.parts(0, 65_536)? {
        for (_, bytes) in reader.decode(&part)?.iter() {
            // "type=SYSCALL msg=" and a line feed stand around the record in audit.log.
            text += bytes.len() - 38 + 18;
            entries += 1;
        }
    }
    let segments = scratch.join("segments").read_dir()?.count() as u64;
    let per_entry = stored as f64 / (segments * 65_536) as f64;
    let text_per_entry = text as f64 / entries as f64;
    println!(
        "segments: {per_entry:.1} bytes/entry, text {text_per_entry:.0} bytes/record: {:.1} times smaller",
        text_per_entry / per_entry
    );
    Ok(())
}
