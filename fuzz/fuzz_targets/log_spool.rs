//! A spool with arbitrary bytes behind its header: everything that reads it answers, and a writer
//! that opens it leaves an intact spool.
#![no_main]

use indelible_log::StreamId;
use indelible_log::dir::SimDir;
use indelible_log::spool::{SpoolOptions, SpoolReader, SpoolWriter};
use indelible_log::verify::verify_spool;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let disk = SimDir::new(1);
    let stream = StreamId([1; 16]);
    drop(SpoolWriter::open(&disk.dir(), stream, SpoolOptions::default()).expect("a new spool"));
    let path = format!("{stream}/00000000000000000000.wal");
    disk.dir().open_append(&path).expect("the file").append(data).expect("space");
    verify_spool(&disk.dir()).expect("readable");
    if let Ok(mut reader) = SpoolReader::open(&disk.dir(), stream) {
        let mut batch = Vec::new();
        while let Ok(Some(_)) = reader.read(10, 1_000, &mut batch) {
            batch.clear();
        }
    }
    let opened = SpoolWriter::open(&disk.dir(), stream, SpoolOptions::default());
    if let Ok((writer, _)) = opened {
        assert_eq!(writer.sync_handle().synced(), writer.next());
    }
});
