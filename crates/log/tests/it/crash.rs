//! Crashes, full disks and failing syncs, at every point where one can strike.
//!
//! What must hold: the log (or spool) has a prefix of what was appended, which includes all that
//! was acknowledged; it verifies; and it can be appended to.

use indelible_log::dir::{Fault, SimDir};
use indelible_log::log::Sealing;
use indelible_log::note::Checkpoint;
use indelible_log::spool::{SpoolOptions, SpoolReader, SpoolWriter};
use indelible_log::verify::{Verdict, VerifyOptions, verify_spool, verify_store};
use indelible_log::{Error, Log, LogReader, Options};

use crate::make::{Random, Sender, number};

fn options() -> Options {
    Options {
        sealing: Sealing::Inline,
        terms: Some(std::sync::Arc::new(crate::make::TextTerms)),
        ..Options::new("log.example/crash")
    }
}

/// A collector with senders that go on where the log says.
struct World {
    disk: SimDir,
    random: Random,
    /// What was acknowledged last.
    acknowledged: Checkpoint,
    batch_max: u64,
    /// Seed, for messages.
    seed: u64,
}

impl World {
    fn new(seed: u64, batch_max: u64) -> Self {
        let disk = SimDir::new(seed);
        Self {
            disk,
            random: Random(seed),
            acknowledged: Checkpoint::NONE,
            batch_max,
            seed,
        }
    }

    /// Opens the log and works with it until a fault ends it or the rounds are over.
    fn life(&mut self, rounds: u64) -> Result<(), Error> {
        let (mut log, _) = Log::open(self.disk.dir(), &options())?;
        let acknowledged = self.acknowledged;
        assert!(
            log.checkpoint().size >= acknowledged.size,
            "seed {}: lost entries",
            self.seed
        );
        if acknowledged.size > 0 {
            let root = log.root(acknowledged.size)?;
            assert_eq!(root, acknowledged.root, "seed {}: other entries", self.seed);
        }
        for _ in 0..rounds {
            let mut senders = self.senders(&log);
            for _ in 0..self.random.below(3) {
                let sender = &mut senders[self.random.below(3) as usize];
                let batch = sender.batch(1 + self.random.below(self.batch_max));
                log.append(&batch, "peer").unwrap();
            }
            match log.commit() {
                Ok(commit) => self.acknowledged = commit.checkpoint,
                // A full disk passes; nothing is lost by trying again.
                Err(Error::NoSpace { .. }) => self.retry(&mut log)?,
                Err(error) => {
                    assert!(
                        matches!(log.commit(), Err(Error::Poisoned)),
                        "seed {}",
                        self.seed
                    );
                    return Err(error);
                }
            }
            if self.random.below(4) == 0 {
                match log.publish() {
                    Ok(_) | Err(Error::NoSpace { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn retry(&mut self, log: &mut Log) -> Result<(), Error> {
        for _ in 0..20 {
            match log.commit() {
                Ok(commit) => {
                    self.acknowledged = commit.checkpoint;
                    return Ok(());
                }
                Err(Error::NoSpace { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        panic!("seed {}: the disk has space again", self.seed);
    }

    fn senders(&self, log: &Log) -> [Sender; 3] {
        [1, 2, 3].map(|id| {
            let mut sender = Sender::new(id);
            if let Some(state) = log.stream(sender.stream) {
                (sender.next, sender.head) = (state.next, state.head);
            }
            sender
        })
    }

    fn verify(&self) {
        let report = verify_store(&self.disk.dir(), &VerifyOptions::default()).unwrap();
        assert_ne!(
            report.verdict(),
            Verdict::Broken,
            "seed {}: {report:#?}",
            self.seed
        );
        assert!(
            report.entries >= self.acknowledged.size,
            "seed {}: {report:?}",
            self.seed
        );
    }
}

fn log_survives(seed: u64, batch_max: u64, rounds: u64, operations: u64) {
    let mut world = World::new(seed, batch_max);
    for _ in 0..4 {
        let fault = match world.random.below(4) {
            0 => Fault::NoSpace,
            1 => Fault::SyncFails,
            _ => Fault::PowerOff,
        };
        world
            .disk
            .set_fault(1 + world.random.below(operations), fault);
        // Any error ends this life, as it would end the process.
        let _ = world.life(rounds);
        if world.disk.is_off() || world.random.below(4) > 0 {
            world.disk.crash();
        }
        if world.acknowledged.size > 0 {
            world.verify();
        }
    }
    world.disk.crash();
    world
        .life(3)
        .unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
    world.verify();
}

#[test]
fn the_log_survives_crashes_anywhere() {
    for seed in 0..1_500 {
        log_survives(seed, 6, 8, 60);
    }
}

/// `INDELIBLE_CRASHES` lives; `cargo xtask soak crashes` tries 300, which takes minutes.
#[test]
fn the_log_survives_crashes_while_it_seals() {
    let (first, lives) = (
        number("INDELIBLE_SEED", 10_000),
        number("INDELIBLE_CRASHES", 3),
    );
    for seed in first..first + lives {
        log_survives(seed, 15_000, 8, 110);
    }
}

fn spool_survives(seed: u64) {
    let disk = SimDir::new(seed);
    let mut random = Random(seed);
    let options = SpoolOptions {
        file_bytes: 3_000,
        history_bytes: 4_000,
    };
    let stream = Sender::new(7).stream;
    let mut synced = 0;
    for life in 0..5 {
        let fault = match random.below(4) {
            0 => Fault::NoSpace,
            1 => Fault::SyncFails,
            _ => Fault::PowerOff,
        };
        disk.clear_fault();
        if life < 4 {
            disk.set_fault(1 + random.below(60), fault);
        }
        let mut live = || -> Result<(), Error> {
            let (mut writer, _) = SpoolWriter::open(&disk.dir(), stream, options)?;
            assert!(writer.next() >= synced, "seed {seed}: lost entries");
            let mut sender = Sender::new(7);
            sender.encoded(writer.next());
            assert_eq!(writer.head(), sender.head, "seed {seed}: other entries");
            let handle = writer.sync_handle();
            synced = handle.synced();
            for _ in 0..12 {
                let before = sender.clone();
                match writer.append(&sender.encoded(1 + random.below(5)).0) {
                    Ok(_) => {}
                    Err(Error::NoSpace { .. }) => sender = before,
                    Err(error) => return Err(error),
                }
                if random.below(3) == 0 {
                    synced = handle.sync()?;
                    assert_eq!(synced, writer.next());
                }
                if random.below(6) == 0 {
                    writer.release(synced)?;
                }
            }
            Ok(())
        };
        let ended = live();
        assert!(life < 4 || ended.is_ok(), "seed {seed}: {ended:?}");
        if disk.is_off() || random.below(4) > 0 {
            disk.crash();
        }
        let report = verify_spool(&disk.dir()).unwrap();
        assert_ne!(
            report.verdict(),
            Verdict::Broken,
            "seed {seed}: {report:#?}"
        );
        if synced > 0 {
            let mut reader = SpoolReader::open(&disk.dir(), stream).unwrap();
            reader
                .seek(synced)
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }
}

#[test]
fn the_spool_survives_crashes_anywhere() {
    for seed in 0..1_500 {
        spool_survives(seed);
    }
}

#[test]
fn a_reader_sees_the_same_before_and_after_sealing() {
    let mut world = World::new(1, 1);
    let disk = world.disk.clone();
    let (mut log, _) = Log::open(disk.dir(), &options()).unwrap();
    let reader = LogReader::open(disk.dir()).unwrap();
    assert_eq!(
        (reader.end().unwrap(), reader.part_at(0).unwrap()),
        (0, None)
    );
    let mut sender = world.senders(&log)[0].clone();
    for _ in 0..13 {
        log.append(&sender.batch(5_000), "peer").unwrap();
        log.commit().unwrap();
    }
    let before = reader.parts(0, u64::MAX).unwrap();
    assert_eq!((before.len(), reader.end().unwrap()), (13, 65_000));
    log.append(&sender.batch(5_000), "peer").unwrap();
    log.commit().unwrap();
    let after = reader.parts(0, u64::MAX).unwrap();
    assert_eq!((after.len(), reader.end().unwrap()), (17, 70_000));
    // Parts that were found before sealing can still be read.
    for part in before.iter().chain(&after) {
        let decoded = reader.decode(part).unwrap();
        assert_eq!(decoded.iter().count() as u64, part.end() - part.first());
        for (index, entry) in decoded.iter().step_by(97) {
            assert_eq!(entry, sender.entry(index));
        }
    }
    assert_eq!(
        reader.decode(&after[0]).unwrap().iter_from(4_095).count(),
        1
    );
    let times = reader.times(&after[0]).unwrap().unwrap();
    assert!(times.0 < times.1);
    world.acknowledged = log.close().unwrap();
    world.verify();
}
