//! A host: a spool, a receipt store and the sender of the process that runs now.

use std::collections::VecDeque;
use std::time::Duration;

use indelible_wire::native::{
    Checkpoint, Finding, Receipt, Sender, SenderAction, SenderConfig, StreamId, Supply,
};

use crate::model::log::{Log, verify};
use crate::model::random::Random;
use crate::model::spool::Spool;

pub(super) struct Host {
    /// Name in its certificate.
    pub(super) peer: String,
    pub(super) spool: Spool,
    /// Durable: the checkpoint of the newest stored receipt.
    pub(super) held: Checkpoint,
    pub(super) sender: Sender,
    /// Connection that stands.
    pub(super) connection: Option<u32>,
    pub(super) reconnect_at: Option<Duration>,
    /// Receipt whose fsync is under way.
    storing: Option<Receipt>,
    /// Reads under way.
    needs: VecDeque<(StreamId, u64)>,
    pub(super) findings: Vec<Finding>,
    pub(super) hangs_up: bool,
}

impl Host {
    pub(super) fn new(peer: String, random: &mut Random) -> Self {
        let mut spool = Spool::new();
        spool.open_stream(random);
        spool.sync();
        let mut host = Self {
            peer,
            spool,
            held: Checkpoint::NONE,
            sender: new_sender(Checkpoint::NONE, random),
            connection: None,
            reconnect_at: None,
            storing: None,
            needs: VecDeque::new(),
            findings: Vec::new(),
            hangs_up: false,
        };
        host.start_process(Duration::ZERO, random);
        host
    }

    /// The process begins anew with what is on the disk.
    pub(super) fn start_process(&mut self, now: Duration, random: &mut Random) {
        self.sender = new_sender(self.held, random);
        self.connection = None;
        self.hangs_up = false;
        self.storing = None;
        self.needs.clear();
        self.reconnect_at = Some(now + Duration::from_millis(random.below(500)));
        for stream in self.spool.streams.keys() {
            self.sender
                .stream_available(now, self.spool.spooled(*stream))
                .expect("few streams");
        }
    }

    pub(super) fn crash_host(&mut self, now: Duration, random: &mut Random) {
        self.spool.crash_host();
        self.spool.open_stream(random);
        self.start_process(now, random);
    }

    pub(super) fn write_entries(&mut self, now: Duration, random: &mut Random) {
        let current = self.spool.current();
        let stream = match random.below(12) {
            0 if self.spool.streams.len() < 12 => self.spool.open_stream(random),
            _ => current[random.below(current.len() as u64) as usize],
        };
        for _ in 0..random.below(30) {
            let payload = random.next().to_be_bytes();
            let payload = payload.repeat(1 + random.below(12) as usize);
            self.spool.append(stream, &payload);
        }
        self.announce(now, stream);
    }

    /// Retention deletes what is released; whole streams of earlier boots too.
    pub(super) fn retain(&mut self, now: Duration, random: &mut Random) {
        let current = self.spool.current();
        let mut gone = Vec::new();
        for (stream, spooled) in &mut self.spool.streams {
            let end = spooled.released.min(spooled.entries.len() as u64);
            spooled.oldest += random.below(end.saturating_sub(spooled.oldest) + 1);
            if !current.contains(stream) && spooled.released >= spooled.entries.len() as u64 {
                gone.push(*stream);
            }
        }
        for stream in gone {
            self.spool.streams.remove(&stream);
            self.sender.withdraw(stream);
        }
        for stream in self.spool.streams.keys().copied().collect::<Vec<_>>() {
            self.announce(now, stream);
        }
    }

    pub(super) fn announce(&mut self, now: Duration, stream: StreamId) {
        let spooled = self.spool.spooled(stream);
        self.sender
            .stream_available(now, spooled)
            .expect("few streams");
    }

    /// Does what the sender asks; what touches the disk takes until a later call.
    pub(super) fn act(&mut self, now: Duration, log: &Log, random: &mut Random) {
        if random.one_in(2) {
            self.finish_disk_work(now, random);
        }
        while let Some(action) = self.sender.poll() {
            match action {
                SenderAction::Need { stream, first, .. } => self.needs.push_back((stream, first)),
                SenderAction::VerifyCheckpoint { old, growth, .. } => {
                    self.sender.checkpoint_verified(now, verify(&old, &growth));
                }
                // The collector of the simulation has one key.
                SenderAction::KeyShown(key) => panic!("{key}"),
                SenderAction::CheckHead(position) => {
                    let head = self.spool.head(position.stream, position.next);
                    let same = head == Some(position.head);
                    self.sender.head_checked(now, position.stream, same);
                }
                SenderAction::Store(receipt) => {
                    check_receipt(&receipt, log);
                    self.storing = Some(receipt);
                }
                SenderAction::Released { stream, next } => {
                    assert!(
                        next <= log.durable_next(stream),
                        "released before it was committed"
                    );
                    // The spool of a withdrawn stream is gone.
                    if let Some(spooled) = self.spool.streams.get(&stream) {
                        assert!(
                            next <= spooled.released,
                            "released without a stored receipt"
                        );
                    }
                }
                SenderAction::Finding(finding) => self.findings.push(finding),
                SenderAction::Disconnect { .. } => self.hangs_up = true,
                SenderAction::Reconnect { after } => self.reconnect_at = Some(now + after),
            }
        }
    }

    fn finish_disk_work(&mut self, now: Duration, random: &mut Random) {
        if let Some(receipt) = self.storing.take() {
            self.held = receipt.checkpoint;
            for moved in &receipt.streams {
                if let Some(spooled) = self.spool.streams.get_mut(&moved.stream) {
                    assert!(moved.next > spooled.released, "receipts go forward");
                    spooled.released = moved.next;
                }
            }
            self.sender.receipt_stored(now);
        }
        while let Some((stream, first)) = self.needs.pop_front() {
            match self.spool.read(stream, first, 1 + random.below(20)) {
                Some(read) => self.sender.batch(
                    now,
                    &Supply {
                        stream,
                        first,
                        entries: read.entries,
                        head_before: read.head_before,
                        head_after: read.head_after,
                        raw: &read.raw,
                    },
                ),
                None => self.sender.unreadable(stream),
            }
        }
    }
}

/// A receipt is evidence: everything in it must be true of the durable log.
fn check_receipt(receipt: &Receipt, log: &Log) {
    let committed = log.committed as u64;
    assert!(
        receipt.checkpoint.size <= committed,
        "receipt of what is not durable"
    );
    for moved in &receipt.streams {
        assert!(moved.next <= log.durable_next(moved.stream));
        for leaves in &moved.leaves {
            for index in leaves.first..leaves.end() {
                let leaf = &log.leaves[index as usize];
                assert_eq!(leaf.stream, moved.stream);
                assert!(leaf.sequence < moved.next);
            }
        }
    }
}

fn new_sender(held: Checkpoint, random: &mut Random) -> Sender {
    Sender::new(SenderConfig {
        machine_id: [1; 16],
        boot_id: [2; 16],
        held,
        level: 1,
        seed: random.next(),
    })
}
