//! The spool: appending, reading beside the writer, releasing.

use std::sync::Arc;

use indelible_log::dir::{Dir, RealDir};
use indelible_log::spool::{SpoolOptions, SpoolReader, SpoolWriter};
use indelible_log::{Batch, Error};

use crate::make::Sender;

fn open(dir: &Arc<dyn Dir>, sender: &Sender, options: SpoolOptions) -> SpoolWriter {
    SpoolWriter::open(dir, sender.stream, options).unwrap().0
}

#[test]
fn a_reader_follows_the_writer_across_files() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = RealDir::open(scratch.path()).unwrap();
    let mut sender = Sender::new(3);
    let options = SpoolOptions {
        file_bytes: 4_000,
        history_bytes: 0,
    };
    let mut writer = open(&dir, &sender, options);
    let mut reader = SpoolReader::open(&dir, sender.stream).unwrap();
    let mut batch = Vec::new();
    assert_eq!(reader.read(100, 10_000, &mut batch).unwrap(), None);
    for round in 0..50 {
        let (bytes, first, _) = sender.encoded(7);
        assert_eq!(writer.append(&bytes).unwrap(), first..first + 7);
        // In pieces that do not fit the frames.
        let mut read = 0;
        while let Some(chunk) = reader.read(5, 10_000, &mut batch).unwrap() {
            assert_eq!(chunk.first, round * 7 + read);
            let prepared = Batch::prepare(sender.stream, chunk.first, chunk.head_before, &batch);
            assert_eq!(prepared.unwrap().head_after(), chunk.head_after);
            read += u64::from(chunk.entries);
            batch.clear();
        }
        assert_eq!((read, reader.head()), (7, sender.head));
    }
    assert_eq!(reader.bounds().unwrap(), (0, 350));
    let last_file = dir
        .subdir(&sender.stream.to_string())
        .list("")
        .unwrap()
        .len();
    assert!(last_file > 5, "{last_file} files");
    writer.release(200).unwrap();
    let (oldest, next) = reader.bounds().unwrap();
    assert!(
        oldest > 100 && oldest <= 200 && next == 350,
        "{oldest}..{next}"
    );
    assert_eq!(writer.oldest(), oldest);
    assert!(matches!(
        reader.seek(oldest - 1),
        Err(Error::OutOfRange { .. })
    ));
    assert!(matches!(reader.seek(351), Err(Error::OutOfRange { .. })));
    let mut expect = Sender {
        next: 0,
        ..Sender::new(3)
    };
    expect.encoded(203);
    reader.seek(203).unwrap();
    assert_eq!((reader.next(), reader.head()), (203, expect.head));
    reader.seek(350).unwrap();
    assert_eq!(reader.head(), sender.head);
}

#[test]
fn history_stays_and_the_writer_goes_on_after_opening_again() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = RealDir::open(scratch.path()).unwrap();
    let mut sender = Sender::new(3);
    let options = SpoolOptions {
        file_bytes: 2_000,
        history_bytes: 5_000,
    };
    let mut writer = open(&dir, &sender, options);
    for _ in 0..40 {
        writer.append(&sender.encoded(5).0).unwrap();
    }
    let before = writer.len_bytes();
    writer.release(u64::MAX).unwrap();
    assert!(
        writer.len_bytes() < before && writer.len_bytes() > 3_000,
        "{}",
        writer.len_bytes()
    );
    assert_eq!(writer.sync_handle().sync().unwrap(), 200);
    drop(writer);
    let writer = open(&dir, &sender, options);
    assert_eq!((writer.next(), writer.head()), (200, sender.head));
    assert_eq!(SpoolReader::streams(&*dir).unwrap(), [sender.stream]);
}

#[test]
fn a_torn_tail_is_cut_and_damage_is_not() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = RealDir::open(scratch.path()).unwrap();
    let mut sender = Sender::new(3);
    let mut writer = open(&dir, &sender, SpoolOptions::default());
    for _ in 0..3 {
        writer.append(&sender.encoded(5).0).unwrap();
        writer.sync_handle().sync().unwrap();
    }
    drop(writer);
    let path = scratch
        .path()
        .join(sender.stream.to_string())
        .join("00000000000000000000.wal");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let (writer, report) = SpoolWriter::open(&dir, sender.stream, SpoolOptions::default()).unwrap();
    assert_eq!(writer.next(), 10);
    assert!(report.cut_bytes > 0);
    let mut damaged = whole;
    damaged[100] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let opened = SpoolWriter::open(&dir, sender.stream, SpoolOptions::default());
    assert!(matches!(opened, Err(Error::Damaged { .. })));
}

#[test]
fn a_reader_goes_on_when_the_writer_starts_anew() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = RealDir::open(scratch.path()).unwrap();
    let mut sender = Sender::new(3);
    let mut reader = None;
    let mut batch = Vec::new();
    for round in 0..4 {
        let mut writer = open(&dir, &sender, SpoolOptions::default());
        writer.append(&sender.encoded(5).0).unwrap();
        drop(writer);
        let reader = reader.get_or_insert_with(|| SpoolReader::open(&dir, sender.stream).unwrap());
        let chunk = reader.read(10, 10_000, &mut batch).unwrap().unwrap();
        assert_eq!((chunk.first, chunk.head_after), (round * 5, sender.head));
        // Half a frame, as a crash leaves it.
        let path = format!("{}/00000000000000000000.wal", sender.stream);
        dir.open_append(&path).unwrap().append(b"FRM1").unwrap();
        assert_eq!(reader.read(10, 10_000, &mut batch).unwrap(), None);
    }
}

#[test]
fn entries_of_another_place_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = RealDir::open(scratch.path()).unwrap();
    let mut sender = Sender::new(3);
    let mut writer = open(&dir, &sender, SpoolOptions::default());
    writer.append(&sender.encoded(2).0).unwrap();
    let mut skipping = Sender {
        next: 3,
        ..sender.clone()
    };
    let mut other = Sender {
        next: 2,
        ..Sender::new(4)
    };
    for bytes in [skipping.encoded(1).0, other.encoded(1).0, vec![0, 40, 1]] {
        assert!(matches!(
            writer.append(&bytes),
            Err(Error::Entry { sequence: 2, .. })
        ));
    }
    assert_eq!(writer.append(&[]).unwrap(), 2..2);
    assert_eq!(writer.append(&sender.encoded(1).0).unwrap(), 2..3);
}
