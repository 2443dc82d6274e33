//! A store with one file replaced: everything that reads it answers, and what opens verifies.
#![no_main]

use std::sync::OnceLock;

use indelible_log::dir::SimDir;
use indelible_log::log::{LOCAL_PEER, LocalStream, Sealing};
use indelible_log::verify::{Verdict, VerifyOptions, verify_store};
use indelible_log::{Kind, Log, LogReader, Options, StreamId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((file, content)) = data.split_first() else { return };
    let path = FILES[usize::from(*file) % FILES.len()];
    let disk = store().copy();
    let target = disk.dir().create(path).expect("a file of the simulation");
    target.append(content).expect("space");
    drop(target);
    let report = verify_store(&disk.dir(), &VerifyOptions::default()).expect("readable");
    if let Ok(reader) = LogReader::open(disk.dir()) {
        for part in reader.parts(0, 1_000).unwrap_or_default() {
            let _ = reader.decode(&part);
        }
        let _ = reader.carried_openings();
    }
    let opened = Log::open(disk.dir(), &options());
    if report.verdict() == Verdict::Intact {
        assert!(opened.is_ok());
    }
});

/// A small store, the same in every run.
fn store() -> &'static SimDir {
    static STORE: OnceLock<SimDir> = OnceLock::new();
    STORE.get_or_init(|| {
        let disk = SimDir::new(1);
        let (mut log, _) = Log::open(disk.dir(), &options()).expect("a new store");
        let mut stream = LocalStream::new(StreamId([1; 16]));
        stream.push(Kind::StreamOpened, 0, 1, b"{\"v\":1}");
        for time_ns in 2..6 {
            stream.push(Kind::TimeMark, 0, time_ns, b"{\"v\":1}");
            log.append(&stream.take().expect("a batch"), LOCAL_PEER).expect("in order");
            log.commit().expect("space");
        }
        log.close().expect("space");
        disk
    })
}

fn options() -> Options {
    Options { sealing: Sealing::Inline, ..Options::new("log.example/fuzz") }
}

const FILES: [&str; 6] = [
    "wal/00000000000000000000.wal",
    "segments/00000000000000000000.seg",
    "tile/000",
    "checkpoint",
    "log.vkey",
    "removed",
];
