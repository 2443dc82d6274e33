//! A log that we wrote, judged by `signed_note` and `tlog_tiles`, implementations of the same
//! specifications by others.
//!
//! They verify the signature of each checkpoint, read every tile that they ask for and check it
//! against the signed root, and check our proofs of inclusion and of consistency.

use std::sync::Arc;

use indelible_log::dir::{Dir, RealDir};
use indelible_log::hash::{Hash as OurHash, chain_head, leaf_hash};
use indelible_log::published::Published;
use indelible_log::tile::Tile as OurTile;
use indelible_log::{
    Batch, Checkpoint as OurCheckpoint, Header, Kind, Log, Options, StreamId, entry,
};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint, Error, Hash, HashReader, Tile, TileHashReader, TileReader, check_record,
    check_tree, record_hash, stored_hash_index,
};

/// Sizes at which checkpoints are published: around tiles, segments, and in between.
const SIZES: [u64; 8] = [1, 255, 256, 300, 65_536, 65_537, 70_000, 140_001];

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = RealDir::create(folder.path()).expect("a folder");
    let published = write(dir);
    let mut counts = Counts::default();
    for (checkpoint, note) in &published.checkpoints {
        judge(&published, checkpoint, note, &mut counts);
    }
    println!(
        "signed_note 0.2 and tlog_tiles 0.2 accept {} checkpoints, {} proofs of inclusion, {} of \
         consistency, {} hashes through {} tiles of ours; {} forged proofs refused",
        counts.checkpoints,
        counts.inclusions,
        counts.consistencies,
        counts.hashes,
        counts.tiles.get(),
        counts.refused
    );
}

#[derive(Default)]
struct Counts {
    checkpoints: u32,
    inclusions: u32,
    consistencies: u32,
    hashes: u32,
    tiles: std::cell::Cell<usize>,
    refused: u32,
}

/// What was published, and the reader of it.
struct Shown {
    log: Published,
    checkpoints: Vec<(OurCheckpoint, String)>,
}

fn write(dir: Arc<dyn Dir>) -> Shown {
    let (mut log, _) = Log::open(dir.clone(), &Options::new("log.example/oracle")).expect("a log");
    let stream = StreamId([7; 16]);
    let (mut next, mut head) = (0, OurHash::ZERO);
    let mut checkpoints = Vec::new();
    for size in SIZES {
        while next < size {
            let end = size.min(next + 10_000);
            let (mut bytes, before, first) = (Vec::new(), head, next);
            for sequence in first..end {
                let header = Header {
                    kind: if sequence == 0 {
                        Kind::StreamOpened
                    } else {
                        Kind::Syslog
                    },
                    flags: 0,
                    stream,
                    sequence,
                    time_ns: 1_700_000_000_000_000_000 + sequence,
                };
                let payload = match sequence {
                    0 => b"{\"v\":1}".to_vec(),
                    _ => format!("message {sequence}").into_bytes(),
                };
                let start = bytes.len();
                entry::push(&mut bytes, &header, &payload);
                head = chain_head(&head, &leaf_hash(&bytes[start + 2..]));
            }
            let batch = Batch::prepare(stream, first, before, &bytes).expect("a batch");
            log.append(&batch, "host").expect("appended");
            log.commit().expect("committed");
            next = end;
        }
        let checkpoint = log.publish().expect("published");
        checkpoints.push((checkpoint, checkpoint.to_note(log.verifier())));
    }
    log.close().expect("closed");
    Shown {
        log: Published::open(dir).expect("a reader"),
        checkpoints,
    }
}

fn judge(shown: &Shown, ours: &OurCheckpoint, note: &str, counts: &mut Counts) {
    let verifier = StandardVerifier::new(&shown.log.key().to_string()).expect("our key");
    let note = Note::from_bytes(note.as_bytes()).expect("our note");
    let (verified, others) = note
        .verify(&VerifierList::new(vec![Box::new(verifier)]))
        .expect("our signature");
    assert_eq!((verified.len(), others.len()), (1, 0));
    let theirs = Checkpoint::from_bytes(note.text()).expect("our checkpoint");
    assert_eq!(
        (theirs.size(), theirs.origin()),
        (ours.size, "log.example/oracle")
    );
    counts.checkpoints += 1;

    let root = *theirs.hash();
    let tiles = Tiles {
        shown,
        size: ours.size,
        read: &counts.tiles,
    };
    let reader = TileHashReader::new(ours.size, root, &tiles);
    let indexes: Vec<u64> = (0..50)
        .map(|number| number * 7_919 % ours.size)
        .chain([0, ours.size - 1])
        .collect();
    for index in indexes {
        let entry = shown.log.entry(index).expect("an entry");
        let proof = shown.log.prove(index, ours).expect("a proof");
        let proof: Vec<Hash> = proof.hashes.iter().map(|hash| Hash(hash.0)).collect();
        check_record(&proof, ours.size, root, index, record_hash(&entry)).expect("our proof");
        counts.inclusions += 1;
        let forged = check_record(&proof, ours.size, root, index, record_hash(b"forged"));
        assert!(forged.is_err());
        counts.refused += 1;
        let stored = stored_hash_index(0, index);
        let hash = reader.read_hashes(&[stored]).expect("our tiles")[0];
        assert_eq!(hash, record_hash(&entry));
        counts.hashes += 1;
    }
    for (older, _) in shown
        .checkpoints
        .iter()
        .filter(|(older, _)| older.size <= ours.size)
    {
        let proof = shown
            .log
            .consistency(older.size, ours.size)
            .expect("a proof");
        let proof: Vec<Hash> = proof.iter().map(|hash| Hash(hash.0)).collect();
        check_tree(&proof, ours.size, root, older.size, Hash(older.root.0)).expect("our proof");
        counts.consistencies += 1;
        let forged = check_tree(&proof, ours.size, root, older.size, record_hash(b"forged"));
        assert!(forged.is_err());
        counts.refused += 1;
    }
}

/// Our tiles, as their reader asks for them.
struct Tiles<'a> {
    shown: &'a Shown,
    size: u64,
    read: &'a std::cell::Cell<usize>,
}

impl TileReader for Tiles<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        self.read.set(self.read.get() + tiles.len());
        let read = |tile: &Tile| {
            let tile = OurTile {
                level: u32::from(tile.level()),
                index: tile.level_index(),
                width: u64::from(tile.width()),
            };
            let bytes = self.shown.log.tile(tile, self.size).expect("a tile");
            bytes.expect("a tile that exists")
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}
