//! Segments of a log: blocks, their headers, and the entries in them.

use crate::block::{BLOCK_HEADER_BYTES, BlockHeader, Entries, unpack};
use crate::entry::{EntryRef, stored_leaf};
use crate::error::Result;
use crate::hash::leaf_hash;
use crate::limits::{BLOCK_ENTRIES, SEGMENT_BLOCKS, SEGMENT_ENTRIES};

use super::super::account::Place;
use super::super::report::ProblemKind;
use super::super::source::Source;
use super::super::tree::Frontier;
use super::StoreVerifier;
use super::files::segment_path;

impl StoreVerifier<'_> {
    /// A segment whose write-ahead file is gone: its entries enter the account.
    pub(super) fn segment(&mut self, number: u64) -> Result<()> {
        let path = segment_path(number);
        let mut index = self.index_builder(number);
        self.blocks(number, |verifier, block, entries, header_at| {
            let first = verifier.account.size();
            if let Some(index) = &mut index {
                let entries = entries.iter().flat_map(EntryRef::parse_stored);
                entries.for_each(|entry| index.push(&entry));
            }
            let mut damaged = None;
            for at in 0..entries.len() {
                let bytes = entries.bytes(at);
                let place = Place {
                    file: &path,
                    offset: header_at,
                };
                let leaf = verifier.account.take_stored(place, bytes);
                if !entries.check_holds(at, &leaf) && damaged.is_none() {
                    damaged = Some((first + at as u64, bytes.to_vec()));
                }
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
        match index {
            Some(index) => self.index(number, &index),
            None => Ok(()),
        }
    }

    /// A segment whose write-ahead file is still there: both must say the same.
    pub(super) fn segment_beside_wal(&mut self, number: u64) -> Result<()> {
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
            let damaged = |at: &usize| !entries.check_holds(*at, &stored_leaf(entries.bytes(*at)));
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
            .filter_map(|bytes| Some(EntryRef::parse_stored(bytes).ok()?.header().time_ns))
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

const SEGMENT_HEADER_BYTES: usize = 24;
