//! What a batch costs on each side: `cargo run --release -p indelible-wire --example
//! batch_throughput`. One thread, 1 MiB batches of audit records as a busy host writes them; MB
//! are 10^6 bytes before compression.

use std::hint::black_box;
use std::time::Instant;

use indelible_wire::limits::BATCH_RAW_BYTES_WANTED;
use indelible_wire::native::batch::{RawBatch, check_entries};
use indelible_wire::native::{BatchPacker, BatchUnpacker, FrameDecoder, Message, StreamId};

fn main() {
    let stream = StreamId([7; 16]);
    let (raw, entries) = records(stream);
    let batch = RawBatch {
        stream,
        first: 0,
        entries,
        head_before: [0; 32],
        head_after: [1; 32],
        raw: &raw,
    };
    println!("{} records, {} bytes", entries, raw.len());
    let copied = rate(&raw, || {
        black_box(raw.clone());
    });
    let checked = rate(&raw, || {
        check_entries(stream, 0, entries, black_box(&raw)).expect("entries are valid");
    });
    println!("copy (memcpy)                 {copied:7.0} MB/s");
    println!("check entries                 {checked:7.0} MB/s");
    for level in [1, 3] {
        let alone = rate(&raw, || {
            black_box(zstd::bulk::compress(&raw, level).expect("it compresses"));
        });
        println!("zstd {level}: alone                 {alone:7.0} MB/s");
        let mut packer = BatchPacker::new(level);
        let frame = packer.pack(&batch);
        let ratio = raw.len() as f64 / frame.len() as f64;
        let packed = rate(&raw, || {
            black_box(packer.pack(&batch));
        });
        let mut unpacker = BatchUnpacker::new();
        let mut decoder = FrameDecoder::default();
        let unpacked = rate(&raw, || {
            // As a socket gives them.
            frame
                .chunks(64 * 1024)
                .for_each(|bytes| decoder.feed(bytes));
            let Ok(Some(Message::Batch(batch))) = decoder.poll() else {
                panic!("no batch");
            };
            black_box(unpacker.unpack(&batch).expect("batch is valid"));
        });
        println!("zstd {level}: compress and frame    {packed:7.0} MB/s, ratio {ratio:.1}");
        println!("zstd {level}: parse, decompress     {unpacked:7.0} MB/s");
    }
}

/// MB/s of the best of five rounds: the others measure the neighbours.
fn rate(raw: &[u8], mut work: impl FnMut()) -> f64 {
    const TIMES: u32 = 40;
    (0..5)
        .map(|_| {
            let start = Instant::now();
            (0..TIMES).for_each(|_| work());
            f64::from(TIMES) * raw.len() as f64 / 1e6 / start.elapsed().as_secs_f64()
        })
        .fold(0.0, f64::max)
}

/// One execve and one openat event in turn, with the numbers that differ on a real host.
fn records(stream: StreamId) -> (Vec<u8>, u32) {
    let (mut raw, mut sequence, mut serial) = (Vec::new(), 0_u32, 4_711_u64);
    loop {
        serial += 1;
        let noise = serial.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (pid, inode, ms) = (
            1_000 + noise % 60_000,
            131_072 + (noise >> 20) % 900_000,
            serial % 1_000,
        );
        let stamp = format!("audit(1760000{:03}.{ms:03}:{serial})", serial % 997);
        let event = [
            (
                1300,
                format!(
                    "{stamp}: arch=c000003e syscall=59 success=yes exit=0 a0=55d3{:08x} a1=55d3{:08x} a2=7ffd{:08x} a3=8 items=2 ppid={} pid={pid} auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 tty=pts{} ses={} comm=\"ls\" exe=\"/usr/bin/ls\" subj=unconfined key=\"exec\"",
                    noise as u32,
                    (noise >> 8) as u32,
                    (noise >> 16) as u32,
                    pid / 2,
                    noise % 9,
                    noise % 77
                ),
            ),
            (
                1309,
                format!(
                    "{stamp}: argc=3 a0=\"ls\" a1=\"-la\" a2=\"/srv/www/{:x}\"",
                    noise >> 40
                ),
            ),
            (1307, format!("{stamp}: cwd=\"/home/user{}\"", noise % 40)),
            (
                1302,
                format!(
                    "{stamp}: item=0 name=\"/usr/bin/ls\" inode={inode} dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"
                ),
            ),
            (
                1302,
                format!(
                    "{stamp}: item=1 name=\"/lib64/ld-linux-x86-64.so.2\" inode={} dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0",
                    inode + 7
                ),
            ),
            (
                1327,
                format!(
                    "{stamp}: proctitle=6C73002D6C61002F7372762F7777772F{:010x}",
                    noise >> 24
                ),
            ),
            (1320, format!("{stamp}: ")),
        ];
        for (record_type, text) in event {
            let entry_bytes = 38 + text.len();
            if raw.len() + 2 + entry_bytes > BATCH_RAW_BYTES_WANTED {
                return (raw, sequence);
            }
            raw.extend_from_slice(&(entry_bytes as u16).to_be_bytes());
            raw.extend_from_slice(&[1, if sequence == 0 { 7 } else { 1 }, 0, 0]);
            raw.extend_from_slice(&stream.0);
            raw.extend_from_slice(&u64::from(sequence).to_be_bytes());
            raw.extend_from_slice(&(1_760_000_000_000_000_000 + serial * 1_000_000).to_be_bytes());
            raw.extend_from_slice(&(record_type as u16).to_be_bytes());
            raw.extend_from_slice(text.as_bytes());
            sequence += 1;
        }
    }
}
