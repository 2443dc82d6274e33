//! What the capture path costs: appends batches of real-looking records to a spool while another
//! thread syncs it.
//!
//! `cargo run --release -p indelible-log --example bench_spool [DIR]`

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indelible_log::dir::RealDir;
use indelible_log::spool::{SpoolOptions, SpoolWriter};
use indelible_log::{StreamId, entry};

const ENTRIES: u64 = 1_000_000;
const BATCH: u64 = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scratch = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, Into::into);
    let scratch = scratch.join(format!("indelible-bench-spool-{}", std::process::id()));
    let dir = RealDir::create(&scratch)?;
    let stream = StreamId::random();
    let mut records = support::Records::new(1, 0);
    let batches: Vec<Vec<u8>> = (0..ENTRIES / BATCH)
        .map(|batch| {
            let mut bytes = Vec::new();
            (batch * BATCH..(batch + 1) * BATCH)
                .for_each(|sequence| records.push(&mut bytes, stream, sequence));
            bytes
        })
        .collect();
    let bytes: usize = batches.iter().map(Vec::len).sum();
    let (mut writer, _) = SpoolWriter::open(&dir, stream, SpoolOptions::default())?;
    let handle = writer.sync_handle();
    let stop = AtomicBool::new(false);

    let (began, cpu) = (Instant::now(), support::cpu_ns());
    let appending = std::thread::scope(|scope| -> Result<Duration, Box<dyn std::error::Error>> {
        let syncing = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                handle.sync()?;
                std::thread::sleep(Duration::from_millis(5));
            }
            handle.sync()
        });
        let mut appending = Duration::ZERO;
        for batch in &batches {
            let began = thread_cpu();
            writer.append(batch)?;
            appending += thread_cpu() - began;
        }
        stop.store(true, Ordering::Relaxed);
        syncing.join().expect("the syncing thread does not panic")?;
        Ok(appending)
    })?;
    let (wall, cpu_ns) = (began.elapsed(), support::cpu_ns() - cpu);
    println!(
        "{ENTRIES} entries of {} bytes in batches of {BATCH}: {:.0} entries/s, \
         {:.2} µs CPU/entry appending, {:.2} µs CPU/entry with syncing",
        bytes as u64 / ENTRIES - 2,
        ENTRIES as f64 / wall.as_secs_f64(),
        appending.as_secs_f64() * 1e6 / ENTRIES as f64,
        cpu_ns as f64 / 1e3 / ENTRIES as f64,
    );
    // So that the reader of this bench sees that the batches were what they claim.
    assert_eq!(entry::split(&batches[0]).count() as u64, BATCH);
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
