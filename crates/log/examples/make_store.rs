//! A store to search in: so many events of six records each, of four hosts, a hundred of them with a
//! key that no other has. Prints how many entries and how many bytes of text that are.
//!
//! `cargo run --release -p indelible-log --example make_store DIR EVENTS`

// Of what the benches share this uses a part.
#[expect(dead_code, reason = "this makes a store and measures nothing")]
mod support;

use std::sync::mpsc::sync_channel;

use indelible_log::dir::RealDir;
use indelible_log::{Batch, Hash, Header, Kind, Log, Options, StreamId, entry};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "make_store DIR EVENTS";
    let folder = arguments.next().ok_or(usage)?;
    let events: u64 = arguments.next().ok_or(usage)?.parse()?;
    let dir = RealDir::create(folder)?;
    let (mut log, _) = Log::open(dir, &Options::new("log.example/search"))?;
    let (sender, receiver) = sync_channel::<(Batch, usize)>(CHANNEL_BATCHES);
    let making = std::thread::spawn(move || -> Outcome<u64> {
        let mut hosts: Vec<Host> = (0..HOSTS).map(Host::new).collect();
        let mut text_bytes = 0;
        let mut made = 0;
        while made < events {
            for (number, host) in hosts.iter_mut().enumerate() {
                let batch = host.batch(&mut made, events / RARE, &mut text_bytes)?;
                sender.send((batch, number))?;
            }
        }
        Ok(text_bytes)
    });
    while let Ok((batch, host)) = receiver.recv() {
        log.append(&batch, &format!("host{host}"))?;
        for (batch, host) in receiver.try_iter().take(CHANNEL_BATCHES) {
            log.append(&batch, &format!("host{host}"))?;
        }
        log.commit()?;
    }
    let text_bytes = making.join().expect("the making thread does not panic")?;
    let checkpoint = log.close()?;
    println!("{} {text_bytes}", checkpoint.size);
    Ok(())
}

struct Host {
    name: String,
    stream: StreamId,
    records: support::Records,
    next: u64,
    head: Hash,
}

impl Host {
    fn new(number: u64) -> Self {
        Self {
            name: format!("host{number}"),
            stream: StreamId::random(),
            records: support::Records::new(number, 0),
            next: 0,
            head: Hash::ZERO,
        }
    }

    /// The records of some more events.
    fn batch(&mut self, made: &mut u64, rare: u64, text_bytes: &mut u64) -> Outcome<Batch> {
        let (first, mut bytes) = (self.next, Vec::new());
        if first == 0 {
            let opened = format!(
                r#"{{"v":1,"source":"kernel","machine_id":"","boot_id":"","host":"{}","predecessor":null}}"#,
                self.name
            );
            self.push(&mut bytes, Kind::StreamOpened, opened.as_bytes());
        }
        for _ in 0..EVENTS_PER_BATCH {
            *made += 1;
            for _ in 0..RECORDS_PER_EVENT {
                let (record_type, mut text) = self.records.next();
                if made.is_multiple_of(rare.max(1)) && record_type == SYSCALL {
                    text = text.replace("key=\"exec\"", "key=\"shadow_watch\"");
                }
                // "type=SYSCALL msg=" and a line feed stand around the record in audit.log.
                *text_bytes += text.len() as u64 + 18;
                let payload = [&record_type.to_be_bytes(), text.as_bytes()].concat();
                self.push(&mut bytes, Kind::Audit, &payload);
            }
        }
        let batch = Batch::prepare(self.stream, first, self.head, &bytes)?;
        self.head = batch.head_after();
        Ok(batch)
    }

    fn push(&mut self, bytes: &mut Vec<u8>, kind: Kind, payload: &[u8]) {
        let header = Header {
            kind,
            flags: 0,
            stream: self.stream,
            sequence: self.next,
            time_ns: 1_732_300_000_000_000_000 + self.next * 500_000,
        };
        entry::push(bytes, &header, payload);
        self.next += 1;
    }
}

const HOSTS: u64 = 4;
/// Events with the rare key.
const RARE: u64 = 100;
const EVENTS_PER_BATCH: usize = 200;
const RECORDS_PER_EVENT: usize = 6;
const CHANNEL_BATCHES: usize = 32;
const SYSCALL: u16 = 1300;
