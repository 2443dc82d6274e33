//! What a log shows to others, against the tree in the writer's memory.

use std::sync::Arc;

use indelible_log::dir::{Dir, SimDir};
use indelible_log::hash::{Hash, leaf_hash};
use indelible_log::merkle::{self, Levels, Nodes};
use indelible_log::published::{LogProof, LogProofError, Published};
use indelible_log::tile::Tile;
use indelible_log::{Log, Options};

use crate::make::{Random, Sender};

/// A log of `size` entries, closed, and all its leaves.
fn log_of(size: u64) -> (Arc<dyn Dir>, Vec<Hash>, Sender) {
    let dir: Arc<dyn Dir> = Arc::new(SimDir::new(1));
    let (mut log, _) = Log::open(dir.clone(), &Options::new("example.org/log")).unwrap();
    let mut sender = Sender::new(1);
    let written = sender.clone();
    let mut rest = size;
    while rest > 0 {
        let batch = rest.min(10_000);
        log.append(&sender.batch(batch), "h").unwrap();
        log.commit().unwrap();
        rest -= batch;
    }
    log.close().unwrap();
    let leaves = (0..size)
        .map(|index| leaf_hash(&written.entry(index)))
        .collect();
    (dir, leaves, written)
}

#[test]
fn every_tile_and_bundle_of_a_log_with_segments() {
    let size = 70_000;
    let (dir, leaves, sender) = log_of(size);
    let published = Published::open(dir).unwrap();
    assert_eq!(published.checkpoint().unwrap().size, size);
    let levels: Levels = leaves.iter().copied().collect();
    for tile in Tile::of_size(size) {
        let bytes = published.tile(tile, size).unwrap().unwrap();
        let expect: Vec<u8> = (0..tile.width)
            .flat_map(|at| {
                levels
                    .node(8 * tile.level, 256 * tile.index + at)
                    .unwrap()
                    .0
            })
            .collect();
        assert!(bytes == expect, "{}", tile.path());
    }
    for (index, width) in [(0, 256), (255, 256), (256, 1), (273, 112)] {
        let bundle = published.bundle(index, width, size).unwrap().unwrap();
        let mut expect = Vec::new();
        for at in 256 * index..256 * index + width {
            let entry = sender.entry(at);
            expect.extend_from_slice(&(entry.len() as u16).to_be_bytes());
            expect.extend_from_slice(&entry);
        }
        assert!(bundle == expect, "{index}");
    }
    assert_eq!(published.bundle(273, 113, size).unwrap(), None);
    for beyond in [
        Tile {
            level: 0,
            index: 273,
            width: 113,
        },
        Tile {
            level: 1,
            index: 1,
            width: 18,
        },
        Tile {
            level: 3,
            index: 0,
            width: 1,
        },
        Tile {
            level: 0,
            index: u64::MAX,
            width: 1,
        },
        Tile {
            level: 0,
            index: 0,
            width: 0,
        },
    ] {
        assert_eq!(published.tile(beyond, size).unwrap(), None, "{beyond:?}");
    }
}

#[test]
fn proofs_hold_and_prove_nothing_else() {
    let size = 66_000;
    let (dir, leaves, sender) = log_of(size);
    let published = Published::open(dir).unwrap();
    let checkpoint = published.checkpoint().unwrap();
    let levels: Levels = leaves.iter().copied().collect();
    let mut random = Random(7);
    for index in [0, 65_535, 65_536, size - 1]
        .into_iter()
        .chain((0..20).map(|_| random.below(size)))
    {
        let proof = published.prove(index, &checkpoint).unwrap();
        assert_eq!(
            proof.hashes,
            merkle::inclusion(&levels, index, size).unwrap()
        );
        let entry = published.entry(index).unwrap();
        assert_eq!(entry, sender.entry(index));
        let text = proof.to_text(&published.key());
        let read = LogProof::parse(&text, &published.key()).unwrap();
        assert_eq!(read, proof);
        read.verify(&entry, &published.key()).unwrap();
        let mut other = entry.clone();
        other[40] ^= 1;
        let refused = read.verify(&other, &published.key());
        assert_eq!(refused, Err(LogProofError::Entry));
        for line in [1, 2] {
            // A changed index or hash.
            let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
            lines[line] = match line {
                1 => format!("index {}", (index + 1) % size),
                _ => "A".repeat(43) + "=",
            };
            let changed = LogProof::parse(&lines.join("\n"), &published.key());
            assert!(changed.unwrap().verify(&entry, &published.key()).is_err());
        }
    }
    for old in [1, 65_535, 65_536, 65_900] {
        let proof = published.consistency(old, size).unwrap();
        assert_eq!(proof, merkle::consistency(&levels, old, size).unwrap());
    }
    assert!(published.consistency(1, size + 1).is_err());
    assert!(published.prove(size, &checkpoint).is_err());
    assert!(published.entry(size).is_err());
}

#[test]
fn a_log_that_grows_meanwhile() {
    let dir: Arc<dyn Dir> = Arc::new(SimDir::new(1));
    let (mut log, _) = Log::open(dir.clone(), &Options::new("example.org/log")).unwrap();
    let mut sender = Sender::new(1);
    log.append(&sender.batch(300), "h").unwrap();
    log.commit().unwrap();
    log.publish().unwrap();
    let published = Published::open(dir).unwrap();
    let first = published.checkpoint().unwrap();
    for _ in 0..7 {
        log.append(&sender.batch(10_000), "h").unwrap();
        log.commit().unwrap();
    }
    // Committed but not yet published: not shown.
    assert_eq!(published.checkpoint().unwrap(), first);
    log.publish().unwrap();
    let second = published.checkpoint().unwrap();
    let proof = published.consistency(first.size, second.size).unwrap();
    merkle::verify_consistency(first.size, &first.root, second.size, &second.root, &proof).unwrap();
    let entry = published.entry(299).unwrap();
    for checkpoint in [first, second] {
        let proof = published.prove(299, &checkpoint).unwrap();
        proof.verify(&entry, &published.key()).unwrap();
    }
}
