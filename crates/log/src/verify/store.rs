//! A collector's store, file by file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::block::{BLOCK_HEADER_BYTES, BlockHeader, Entries, unpack};
use crate::codec::Cursor;
use crate::dir::{Dir, TEMPORARY, join, read_small};
use crate::entry::{EntryRef, StreamId};
use crate::error::{Error, Result};
use crate::hash::{Hash, leaf_hash};
use crate::limits::{BLOCK_ENTRIES, SEGMENT_BLOCKS, SEGMENT_ENTRIES, TEXT_BYTES_MAX};
use crate::note::{Checkpoint, SigningKey, VerifierKey};
use crate::tile::{TILE_BYTES, TILE_WIDTH, Tile};

use super::account::{Account, Place, Stream};
use super::inspect::Inspector;
use super::report::{ProblemKind, Report, TornTail};
use super::source::Source;
use super::tree::Frontier;
use super::wal::{
    Body, Form, Frame, Header, Row, peer_name, read_frame, read_header, search_frames, take_entries,
};

/// What a verifier knows besides the store.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// The log's key, where it is known from elsewhere; otherwise the store's own `log.vkey` is
    /// believed.
    pub verifier: Option<VerifierKey>,
    /// The newest checkpoint that is known from elsewhere.
    pub known_checkpoint: Option<Checkpoint>,
    /// Whether the private key may be absent, as in a copy for auditors.
    pub without_private_key: bool,
    /// What else is held against the entries.
    pub inspector: Option<Inspector>,
}

/// Verifies a store. It should have no writer meanwhile, or be a copy.
///
/// # Errors
/// Only what keeps it from being read; what is broken is in the report.
pub fn verify_store(dir: &Arc<dyn Dir>, options: &VerifyOptions) -> Result<Report> {
    let files = Files::list(&**dir)?;
    let mut verifier = StoreVerifier {
        dir: &**dir,
        files,
        account: Account::of_log(options.inspector.clone()),
        key: None,
        durable: 0,
        last_signed: None,
    };
    verifier.keys(options)?;
    let published = verifier.published()?;
    let known = options.known_checkpoint;
    verifier.durable = published
        .iter()
        .chain(&known)
        .map(|checkpoint| checkpoint.size)
        .max()
        .unwrap_or(0);
    verifier.watch(
        published
            .iter()
            .chain(&known)
            .map(|checkpoint| checkpoint.size),
    )?;
    verifier.account.note_root();
    verifier.entries()?;
    verifier.upper_tiles()?;
    for (checkpoint, file) in [(published, CHECKPOINT), (known, "the known checkpoint")] {
        if let Some(checkpoint) = checkpoint {
            verifier.hold_to(&checkpoint, file, 0);
        }
    }
    let mut report = verifier.account.report;
    report.unknown_files = verifier.files.unknown.into_iter().collect();
    Ok(report)
}

/// All files of a store.
#[derive(Debug, Default)]
struct Files {
    segments: BTreeSet<u64>,
    wals: BTreeSet<u64>,
    tiles: BTreeMap<String, Tile>,
    texts: BTreeSet<String>,
    unknown: BTreeSet<String>,
}

impl Files {
    fn list(dir: &dyn Dir) -> Result<Self> {
        let mut files = Self::default();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for item in dir.list(&folder).map_err(Error::io("list", &folder))? {
                let path = join(&folder, &item.name);
                if item.is_dir {
                    folders.push(path);
                } else {
                    files.sort_in(path, item.len);
                }
            }
        }
        Ok(files)
    }

    fn sort_in(&mut self, path: String, len: u64) {
        let numbered = |prefix: &str, suffix: &str| -> Option<u64> {
            let digits = path.strip_prefix(prefix)?.strip_suffix(suffix)?;
            let first: u64 = digits.parse().ok()?;
            let exact = format!("{first:020}") == digits && first.is_multiple_of(SEGMENT_ENTRIES);
            exact.then_some(first / SEGMENT_ENTRIES)
        };
        if let Some(number) = numbered("segments/", ".seg") {
            self.segments.insert(number);
        } else if let Some(number) = numbered("wal/", ".wal") {
            self.wals.insert(number);
        } else if let Some(tile) = Tile::parse_full(&path).filter(|tile| tile.level > 0) {
            self.tiles.insert(path, tile);
        } else if TEXTS.contains(&path.as_str()) {
            self.texts.insert(path);
        } else if !(path == LOCK && len == 0 || path.ends_with(TEMPORARY)) {
            self.unknown.insert(path);
        }
    }
}

struct StoreVerifier<'a> {
    dir: &'a dyn Dir,
    files: Files,
    account: Account,
    key: Option<VerifierKey>,
    /// Size of the newest checkpoint that is known to be durable.
    durable: u64,
    /// The checkpoint whose signature was checked last.
    last_signed: Option<(Checkpoint, bool)>,
}

impl StoreVerifier<'_> {
    fn problem(&mut self, kind: ProblemKind, file: &str, offset: u64, detail: impl Into<String>) {
        self.account.problem(kind, file, offset, detail);
    }

    fn missing(&mut self, file: &str) {
        self.problem(ProblemKind::FileMissing, file, 0, "the file is missing");
    }

    fn keys(&mut self, options: &VerifyOptions) -> Result<()> {
        let stored = match self.text(VERIFIER)? {
            Some(text) => {
                let key = line(&text).and_then(|line| VerifierKey::parse(line).ok());
                if key.is_none() {
                    self.problem(ProblemKind::Key, VERIFIER, 0, "it is not a verifier key");
                }
                key
            }
            None => None,
        };
        self.key = options.verifier.clone().or_else(|| stored.clone());
        if stored.is_some() && stored != self.key {
            self.problem(
                ProblemKind::Key,
                VERIFIER,
                0,
                "it is not the key that is known",
            );
        }
        if options.without_private_key && !self.files.texts.contains(KEY) {
            return Ok(());
        }
        let Some(text) = self.text(KEY)? else {
            return Ok(());
        };
        let private = line(&text).and_then(|line| SigningKey::parse(line).ok());
        match private {
            Some(private)
                if Some(private.verifier()) == self.key.as_ref() || self.key.is_none() => {}
            Some(_) => self.problem(
                ProblemKind::Key,
                KEY,
                0,
                "it does not belong to the verifier key",
            ),
            None => self.problem(ProblemKind::Key, KEY, 0, "it is not a signing key"),
        }
        Ok(())
    }

    fn published(&mut self) -> Result<Option<Checkpoint>> {
        let Some(text) = self.text(CHECKPOINT)? else {
            return Ok(None);
        };
        let Some(key) = &self.key else {
            return Ok(None);
        };
        match key.open_note(&text) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(error) => {
                self.problem(ProblemKind::Checkpoint, CHECKPOINT, 0, error.to_string());
                Ok(None)
            }
        }
    }

    /// Reads a text file; one that is missing or no text is a problem.
    fn text(&mut self, path: &str) -> Result<Option<String>> {
        if !self.files.texts.contains(path) {
            self.missing(path);
            return Ok(None);
        }
        match read_small(self.dir, path, TEXT_BYTES_MAX) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                self.problem(
                    ProblemKind::Checkpoint,
                    path,
                    TEXT_BYTES_MAX as u64,
                    "it is too long",
                );
                Ok(None)
            }
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    /// Collects the sizes of all checkpoints, so that the roots there are noted on the way.
    fn watch(&mut self, sizes: impl Iterator<Item = u64>) -> Result<()> {
        let mut watched: BTreeSet<u64> = sizes.collect();
        for number in &self.files.wals {
            let source = Source::open(self.dir, &wal_path(*number))?;
            search_frames(&source, Form::Log, 0, |frame| {
                watched.extend(frame.checkpoint().map(|checkpoint| checkpoint.size));
                false
            })?;
        }
        self.account.watched = watched;
        Ok(())
    }

    fn entries(&mut self) -> Result<()> {
        let last_wal = self.files.wals.last().copied();
        let last_segment = self.files.segments.last().copied();
        let Some(last) = last_wal.max(last_segment) else {
            self.missing(&wal_path(0));
            return Ok(());
        };
        let present = self.files.segments.len() + self.files.wals.len();
        if last > present as u64 + HOLE_SEGMENTS_MAX {
            self.missing(&segment_path(present as u64));
            return Ok(());
        }
        for number in 0..=last {
            let sealed = self.files.segments.contains(&number);
            if self.files.wals.contains(&number) {
                self.wal(number, number == last && !sealed)?;
                if sealed {
                    self.segment_beside_wal(number)?;
                }
            } else if sealed {
                self.segment(number)?;
            } else {
                self.missing(&segment_path(number));
                self.account.skip_to((number + 1) * SEGMENT_ENTRIES);
            }
            if self.account.size() == (number + 1) * SEGMENT_ENTRIES {
                let nodes = self.account.level_1.clone();
                let range = number * SEGMENT_ENTRIES..(number + 1) * SEGMENT_ENTRIES;
                self.tile(Tile::full(1, number), &nodes, range)?;
            }
        }
        if last_wal != Some(last) {
            self.missing(&wal_path(last + 1));
        }
        self.account.report.entries = self.account.readable();
        Ok(())
    }

    /// A write-ahead file. The newest one may end in a torn tail.
    fn wal(&mut self, number: u64, newest: bool) -> Result<()> {
        let (first, end) = (number * SEGMENT_ENTRIES, (number + 1) * SEGMENT_ENTRIES);
        let source = Source::open(self.dir, &wal_path(number))?;
        let mut at = match read_header(&source)? {
            Some(Header {
                first: found,
                body: Body::Log(rows),
                len,
            }) if found == first => {
                self.compare_streams(&source.path, rows);
                len
            }
            _ => {
                self.problem(
                    ProblemKind::FileHeader,
                    &source.path,
                    0,
                    "the header is not as it was written",
                );
                match self.next_frame(&source, 0)? {
                    Some(at) => at,
                    None => source.len,
                }
            }
        };
        while at < source.len {
            let size = self.account.size();
            let frame = read_frame(&source, Form::Log, at)?
                .filter(|frame| frame.first == size && frame.end() <= end);
            let payload = match &frame {
                Some(frame) => frame.payload(&source)?,
                None => None,
            };
            match (frame, payload) {
                (Some(frame), Some((payload, true))) => {
                    self.frame(&source, &frame, &payload, true);
                    at = frame.next_at();
                }
                _ if newest && self.is_tail(&source, at)? => {
                    let len_bytes = source.len - at;
                    self.account.report.torn_tail = Some(TornTail {
                        file: source.path.clone(),
                        offset: at,
                        len_bytes,
                    });
                    break;
                }
                (Some(frame), Some((payload, false))) => {
                    self.frame(&source, &frame, &payload, false);
                    at = frame.next_at();
                }
                (frame, _) => {
                    let what = match frame {
                        Some(_) => "a frame is cut short",
                        None => "no frame stands where one must",
                    };
                    self.problem(ProblemKind::Frame, &source.path, at, what);
                    match self.next_frame(&source, at + 1)? {
                        Some(next) => at = next,
                        None => break,
                    }
                }
            }
        }
        self.finish_wal(&source, newest, end);
        Ok(())
    }

    /// Finds the next frame that can follow, and enters what is between as unknown.
    fn next_frame(&mut self, source: &Source, from: u64) -> Result<Option<u64>> {
        let size = self.account.size();
        let end = (size / SEGMENT_ENTRIES + 1) * SEGMENT_ENTRIES;
        let mut next: Option<Frame> = None;
        search_frames(source, Form::Log, from, |frame| {
            // Text in a record may look like a frame: only a whole one that fits counts.
            let fits = frame.first >= size && frame.end() <= end;
            let whole = fits && matches!(frame.payload(source), Ok(Some((_, true))));
            if whole {
                next = Some(frame);
            }
            whole
        })?;
        Ok(next.map(|frame| {
            self.account.skip_to(frame.first);
            frame.at
        }))
    }

    fn finish_wal(&mut self, source: &Source, newest: bool, end: u64) {
        if newest {
            return;
        }
        if self.account.size() < end && self.account.report.problems.is_empty() {
            let detail = format!("it ends before entry {}", end - 1);
            self.problem(ProblemKind::Truncated, &source.path, source.len, detail);
        }
        self.account.skip_to(end);
    }

    /// Whether what is broken at an offset of the newest file stands above all that is known to
    /// have been durable: by the published checkpoint, or by one in a later frame's seal.
    fn is_tail(&mut self, source: &Source, at: u64) -> Result<bool> {
        let size = self.account.size();
        let mut durable = self.durable;
        let key = self.key.as_ref();
        search_frames(source, Form::Log, at + 1, |frame| {
            if let (Some(checkpoint), Some(key)) = (frame.checkpoint(), key)
                && checkpoint.size > durable.max(size)
                && key.verify(checkpoint)
            {
                durable = checkpoint.size;
            }
            false
        })?;
        Ok(durable <= size)
    }

    fn frame(&mut self, source: &Source, frame: &Frame, payload: &[u8], whole: bool) {
        if let Some(checkpoint) = frame.checkpoint() {
            self.hold_to(checkpoint, &source.path, frame.at);
        }
        let (openings, entries) = payload.split_at(frame.openings_len());
        let base = frame.payload_at + openings.len() as u64;
        let damaged = take_entries(&mut self.account, source, base, entries, frame.end());
        let begun = std::mem::take(&mut self.account.begun);
        if damaged {
            return;
        }
        let opened = parse_openings(openings).filter(|_| whole);
        let peers = opened.unwrap_or_default();
        if !whole || peers.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>() != begun {
            let detail = "the names of the streams that begin here are not as they were written";
            self.problem(ProblemKind::Frame, &source.path, frame.payload_at, detail);
        }
        for (id, peer) in peers {
            self.account
                .streams
                .entry(id)
                .and_modify(|stream| stream.peer = Some(peer));
        }
    }

    /// Compares a file's stream table with the account; takes from it what is unknown.
    fn compare_streams(&mut self, path: &str, rows: Vec<Row>) {
        self.account.begun.clear();
        let complete = rows.len() == self.account.streams.len();
        let mut differing = (!complete && self.account.known(0..self.account.size()))
            .then(|| "it does not have all streams, or too many".to_owned());
        for Row {
            id,
            next,
            head,
            peer,
        } in rows
        {
            let row = Stream {
                next,
                head: Some(head),
                peer: Some(peer),
            };
            match self.account.streams.get_mut(&id) {
                Some(stream) => {
                    let agrees =
                        stream.head.is_none() || (stream.next, stream.head) == (next, row.head);
                    let same_peer = stream.peer.is_none() || stream.peer == row.peer;
                    if !agrees || !same_peer {
                        differing = Some(format!("stream {id} does not stand as the table says"));
                    }
                    *stream = row;
                }
                None => {
                    self.account.streams.insert(id, row);
                }
            }
        }
        if let Some(detail) = differing {
            self.problem(ProblemKind::Streams, path, TABLE_OFFSET, detail);
        }
    }

    /// Holds the tree to a checkpoint that stands at an offset of a file.
    fn hold_to(&mut self, checkpoint: &Checkpoint, file: &str, offset: u64) {
        let Some(key) = &self.key else { return };
        let signed = match self.last_signed {
            Some((last, signed)) if last == *checkpoint => signed,
            _ => key.verify(checkpoint),
        };
        let again = self.last_signed.replace((*checkpoint, signed)) == Some((*checkpoint, signed));
        if !signed {
            if !again {
                self.problem(
                    ProblemKind::Checkpoint,
                    file,
                    offset,
                    "it is not signed by the log's key",
                );
            }
        } else if checkpoint.size > self.account.size() {
            let found = self.account.size();
            let detail = format!(
                "{} entries were durable and only {found} are here",
                checkpoint.size
            );
            self.problem(ProblemKind::Truncated, file, offset, detail);
        } else if let Some(root) = self.account.root(checkpoint.size) {
            if root != checkpoint.root {
                let detail = format!(
                    "the first {} entries have root {root}, not {}",
                    checkpoint.size, checkpoint.root
                );
                self.problem(ProblemKind::Root, file, offset, detail);
            } else if self
                .account
                .report
                .checkpoint
                .is_none_or(|newest| newest.size <= checkpoint.size)
            {
                self.account.report.checkpoint = Some(*checkpoint);
            }
        }
    }

    /// A segment whose write-ahead file is gone: its entries enter the account.
    fn segment(&mut self, number: u64) -> Result<()> {
        let path = segment_path(number);
        self.blocks(number, |verifier, block, entries, header_at| {
            let first = verifier.account.size();
            let mut damaged = None;
            for at in 0..entries.len() {
                let bytes = entries.bytes(at);
                let leaf = leaf_hash(bytes);
                if !entries.check_holds(at, &leaf) && damaged.is_none() {
                    damaged = Some((first + at as u64, bytes.to_vec()));
                }
                verifier.account.take(
                    Place {
                        file: &path,
                        offset: header_at,
                    },
                    bytes,
                    leaf,
                );
            }
            if let Some((index, bytes)) = damaged {
                let place = Place {
                    file: &path,
                    offset: header_at,
                };
                let detail = "its bytes do not give the hash that is stored with its block";
                verifier
                    .account
                    .entry_problem(ProblemKind::Entry, place, index, &bytes, detail);
            } else if verifier.account.block_roots.last() != Some(&block.root) {
                let detail = "the root in the header is not that of the entries";
                verifier.problem(ProblemKind::Block, &path, header_at, detail);
            }
        })?;
        self.account.skip_to((number + 1) * SEGMENT_ENTRIES);
        Ok(())
    }

    /// A segment whose write-ahead file is still there: both must say the same.
    fn segment_beside_wal(&mut self, number: u64) -> Result<()> {
        let path = segment_path(number);
        let first = number * SEGMENT_ENTRIES;
        self.blocks(number, |verifier, block, entries, header_at| {
            let mut tree = Frontier::default();
            entries
                .iter()
                .for_each(|entry| tree.push(leaf_hash(entry), |_, _| {}));
            let at = (block.first - first) / BLOCK_ENTRIES;
            let known = verifier
                .account
                .known(block.first..block.first + BLOCK_ENTRIES);
            let expect = verifier.account.block_roots[at as usize];
            if tree.root() != block.root || known && expect != block.root {
                let detail = "its entries are not those of the write-ahead file";
                verifier.problem(ProblemKind::Block, &path, header_at, detail);
            }
        })
    }

    /// Walks the blocks of a segment and hands on those that are whole.
    fn blocks(
        &mut self,
        number: u64,
        mut whole: impl FnMut(&mut Self, &BlockHeader, &Entries, u64),
    ) -> Result<()> {
        let path = segment_path(number);
        let source = Source::open(self.dir, &path)?;
        if source.read_exact(0, SEGMENT_HEADER_BYTES)? != Some(segment_header(number)) {
            self.problem(
                ProblemKind::FileHeader,
                &path,
                0,
                "the header is not as it was written",
            );
        }
        let mut at = SEGMENT_HEADER_BYTES as u64;
        for block in 0..SEGMENT_BLOCKS {
            let first = number * SEGMENT_ENTRIES + block * BLOCK_ENTRIES;
            let Some(header) = read_block_header(&source, at, first)? else {
                let detail = format!("no block of entry {first} stands where it must");
                self.problem(ProblemKind::Block, &path, at, detail);
                return Ok(());
            };
            let payload_at = at + BLOCK_HEADER_BYTES as u64;
            let stored = source.read(payload_at, header.stored_len as usize)?;
            let entries = unpack(&header, &stored);
            let times = entries.as_ref().ok().and_then(times);
            match entries {
                Ok(entries) if header.covers(&stored) => {
                    if times != Some((header.time_min_ns, header.time_max_ns)) {
                        let detail = "the time range in the header is not that of the entries";
                        self.problem(ProblemKind::Block, &path, at, detail);
                    }
                    whole(self, &header, &entries, at);
                }
                entries => {
                    self.damaged_block(&path, at, first, entries.ok().as_ref());
                    if self.account.size() == first {
                        self.account.skip_to(first + BLOCK_ENTRIES);
                    }
                }
            }
            at = payload_at + u64::from(header.stored_len);
        }
        if at != source.len {
            self.problem(
                ProblemKind::Block,
                &path,
                at,
                "bytes follow the last block, or it is cut short",
            );
        }
        Ok(())
    }

    /// Names the first damaged entry where the block can still be unpacked, otherwise the block.
    fn damaged_block(&mut self, path: &str, at: u64, first: u64, entries: Option<&Entries>) {
        let damaged = entries.and_then(|entries| {
            let damaged = |at: &usize| !entries.check_holds(*at, &leaf_hash(entries.bytes(*at)));
            Some((entries, (0..entries.len()).find(damaged)?))
        });
        match damaged {
            Some((entries, number)) => {
                let place = Place {
                    file: path,
                    offset: at,
                };
                let detail =
                    "its block is damaged, and its bytes do not give the hash stored there";
                let index = first + number as u64;
                self.account.entry_problem(
                    ProblemKind::Entry,
                    place,
                    index,
                    entries.bytes(number),
                    detail,
                );
            }
            None => {
                let last = first + BLOCK_ENTRIES - 1;
                let detail =
                    format!("the block of entries {first} to {last} is not as it was written");
                self.problem(ProblemKind::Block, path, at, detail);
            }
        }
    }

    fn upper_tiles(&mut self) -> Result<()> {
        let upper = std::mem::take(&mut self.account.upper);
        for (level, nodes) in (2..).zip(&upper) {
            for (index, nodes) in (0..).zip(nodes.chunks_exact(TILE_WIDTH as usize)) {
                let tile = Tile::full(level, index);
                let span = TILE_WIDTH.pow(level + 1);
                self.tile(tile, nodes, index * span..(index + 1) * span)?;
            }
        }
        for path in std::mem::take(&mut self.files.tiles).into_keys() {
            self.problem(ProblemKind::Tile, &path, 0, "the tree has no such tile yet");
        }
        Ok(())
    }

    /// Compares a tile with the nodes that the entries of `range` give.
    fn tile(&mut self, tile: Tile, nodes: &[Hash], range: std::ops::Range<u64>) -> Result<()> {
        let path = tile.path();
        if self.files.tiles.remove(&path).is_none() {
            // Tiles are put in place before the write-ahead file goes.
            if !self.files.wals.contains(&(range.end / SEGMENT_ENTRIES - 1)) {
                self.missing(&path);
            }
            return Ok(());
        }
        let source = Source::open(self.dir, &path)?;
        let bytes = source.read(0, TILE_BYTES + 1)?;
        if bytes.len() != TILE_BYTES {
            self.problem(
                ProblemKind::Tile,
                &path,
                bytes.len() as u64,
                "it has another length",
            );
        } else if self.account.known(range) {
            let differs = bytes
                .chunks_exact(32)
                .zip(nodes)
                .position(|(found, node)| found != node.0);
            if let Some(at) = differs {
                let detail = "a hash is not that of the entries below it";
                self.problem(ProblemKind::Tile, &path, at as u64 * 32, detail);
            }
        }
        Ok(())
    }
}

/// The only line of a text.
fn line(text: &str) -> Option<&str> {
    text.strip_suffix('\n').filter(|line| !line.contains('\n'))
}

fn parse_openings(bytes: &[u8]) -> Option<Vec<(StreamId, String)>> {
    let mut cursor = Cursor(bytes);
    let mut openings = Vec::new();
    while !cursor.is_empty() {
        openings.push((StreamId(cursor.array()?), peer_name(&mut cursor)?));
    }
    Some(openings)
}

fn read_block_header(source: &Source, at: u64, first: u64) -> Result<Option<BlockHeader>> {
    let bytes = source.read_exact(at, BLOCK_HEADER_BYTES)?;
    let header = bytes.and_then(|bytes| BlockHeader::parse(bytes.first_chunk()?));
    Ok(header.filter(|header| header.first == first && u64::from(header.entries) == BLOCK_ENTRIES))
}

fn times(entries: &Entries) -> Option<(u64, u64)> {
    let times = || {
        entries
            .iter()
            .filter_map(|bytes| Some(EntryRef::parse(bytes).ok()?.header().time_ns))
    };
    Some((times().min()?, times().max()?))
}

fn segment_header(number: u64) -> Vec<u8> {
    let mut header = b"INDLSEG1".to_vec();
    header.extend_from_slice(&(number * SEGMENT_ENTRIES).to_be_bytes());
    header.extend_from_slice(&16u32.to_be_bytes());
    let crc = crc32c::crc32c(&header);
    header.extend_from_slice(&crc.to_be_bytes());
    header
}

fn segment_path(number: u64) -> String {
    format!("segments/{:020}.seg", number * SEGMENT_ENTRIES)
}

fn wal_path(number: u64) -> String {
    format!("wal/{:020}.wal", number * SEGMENT_ENTRIES)
}

/// Missing segments beyond which a file's name is not believed.
const HOLE_SEGMENTS_MAX: u64 = 1_024;
const KEY: &str = "key";
const VERIFIER: &str = "log.vkey";
const CHECKPOINT: &str = "checkpoint";
const LOCK: &str = "lock";
const TEXTS: [&str; 3] = [KEY, VERIFIER, CHECKPOINT];
const SEGMENT_HEADER_BYTES: usize = 24;
/// Where the stream table begins in a write-ahead header.
const TABLE_OFFSET: u64 = 24;
