//! Making an index from the entries of a segment, in their order.

use std::collections::BTreeMap;

use crate::codec::push_varint;
use crate::entry::{EntryRef, Kind, StreamId};
use crate::limits::{BLOCK_ENTRIES, SEGMENT_ENTRIES};

use super::values::Values;
use super::{
    BLOCKS, BlockFacts, Blocks, FIELD_MIN, MAGIC, OPENINGS, SECTION_BYTES, SERIALS, STREAMS, Terms,
};

/// Takes the 65,536 entries of a segment and gives its index.
#[derive(Debug)]
pub struct Builder<'t> {
    terms: &'t dyn Terms,
    first: u64,
    entries: u64,
    facts: [BlockFacts; BLOCKS],
    /// Serials of the block at hand.
    serials: Vec<u32>,
    serials_section: Vec<u8>,
    openings: Vec<u8>,
    streams: BTreeMap<StreamId, Blocks>,
    fields: Fields,
}

/// Where [`Terms`] tell what they find.
#[derive(Debug)]
pub struct Found<'b> {
    block: Blocks,
    facts: &'b mut BlockFacts,
    serials: &'b mut Vec<u32>,
    fields: &'b mut Fields,
}

/// The values of each field, from [`FIELD_MIN`] on.
#[derive(Debug, Default)]
struct Fields(Vec<Values>);

impl Fields {
    fn of(&mut self, field: u8) -> &mut Values {
        assert!(
            field >= FIELD_MIN,
            "fields below {FIELD_MIN} are the index's own"
        );
        let at = usize::from(field - FIELD_MIN);
        if at >= self.0.len() {
            self.0.resize_with(at + 1, Values::default);
        }
        &mut self.0[at]
    }

    /// The fields that something was said of.
    fn iter(&self) -> impl Iterator<Item = (u8, &Values)> {
        (FIELD_MIN..=u8::MAX)
            .zip(&self.0)
            .filter(|(_, values)| !values.is_empty())
    }
}

impl Found<'_> {
    /// A value of a field.
    ///
    /// # Panics
    /// Where the field is below [`FIELD_MIN`].
    pub fn value(&mut self, field: u8, value: &[u8]) {
        self.fields.of(field).add(value, self.block);
    }

    /// The block may hold any value of a field.
    ///
    /// # Panics
    /// Where the field is below [`FIELD_MIN`].
    pub fn any(&mut self, field: u8) {
        self.fields.of(field).open |= self.block;
    }

    /// Time (ms since 1970) and serial of a record, and whether it waits for others of its event.
    pub fn record(&mut self, time_ms: u64, serial: u32, waits: bool) {
        self.message(time_ms);
        if self.serials.last() != Some(&serial) {
            self.serials.push(serial);
        }
        if waits {
            self.facts.waiting = (time_ms, serial);
        }
    }

    /// Time of a message, which is nothing but itself.
    pub fn message(&mut self, time_ms: u64) {
        self.facts.time_min_ms = self.facts.time_min_ms.min(time_ms);
        self.facts.time_max_ms = self.facts.time_max_ms.max(time_ms);
    }
}

impl<'t> Builder<'t> {
    /// A builder for the segment that begins at index `first`.
    pub fn new(terms: &'t dyn Terms, first: u64) -> Self {
        Self {
            terms,
            first,
            entries: 0,
            facts: [BlockFacts::NONE; BLOCKS],
            serials: Vec::new(),
            serials_section: Vec::new(),
            openings: Vec::new(),
            streams: BTreeMap::new(),
            fields: Fields::default(),
        }
    }

    /// Takes the next entry; those beyond the segment are left.
    pub fn push(&mut self, entry: &EntryRef<'_>) {
        if self.entries >= SEGMENT_ENTRIES {
            return;
        }
        let number = (self.entries / BLOCK_ENTRIES) as usize;
        let block = 1 << number;
        let header = entry.header();
        *self.streams.entry(header.stream).or_default() |= block;
        if header.kind == Kind::StreamOpened && !entry.is_erased() {
            let payload = entry.payload();
            self.openings
                .extend_from_slice(&(self.entries as u32).to_be_bytes());
            self.openings.extend_from_slice(&header.stream.0);
            self.openings
                .extend_from_slice(&(payload.len() as u16).to_be_bytes());
            self.openings.extend_from_slice(payload);
        }
        // Of an erased entry nothing may be known.
        if !entry.is_erased() {
            self.terms(number, entry);
        }
        self.entries += 1;
        if self.entries.is_multiple_of(BLOCK_ENTRIES) {
            self.end_block();
        }
    }

    fn terms(&mut self, number: usize, entry: &EntryRef<'_>) {
        let facts = &mut self.facts[number];
        facts.payload_bytes = facts
            .payload_bytes
            .saturating_add(entry.payload().len() as u32);
        let mut found = Found {
            block: 1 << number,
            facts,
            serials: &mut self.serials,
            fields: &mut self.fields,
        };
        self.terms.of(entry, &mut found);
    }

    fn end_block(&mut self) {
        self.serials.sort_unstable();
        self.serials.dedup();
        push_varint(&mut self.serials_section, self.serials.len() as u64);
        let mut before = 0;
        for serial in self.serials.drain(..) {
            push_varint(&mut self.serials_section, u64::from(serial - before));
            before = serial;
        }
    }

    /// The index; none where entries are missing.
    pub fn finish(self) -> Option<Vec<u8>> {
        let sections = self.sections()?;
        let (facts, first, version) = (self.facts, self.first, self.terms.version());
        let stored: Vec<Vec<u8>> = sections
            .iter()
            .map(|(_, _, raw)| {
                zstd::bulk::compress(raw, COMPRESSION_LEVEL)
                    .expect("compressing to memory cannot fail")
            })
            .collect();
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&version.to_be_bytes());
        out.extend_from_slice(&(sections.len() as u16).to_be_bytes());
        for block in &facts {
            out.extend_from_slice(&block.time_min_ms.to_be_bytes());
            out.extend_from_slice(&block.time_max_ms.to_be_bytes());
            out.extend_from_slice(&block.waiting.0.to_be_bytes());
            out.extend_from_slice(&block.waiting.1.to_be_bytes());
            out.extend_from_slice(&block.payload_bytes.to_be_bytes());
        }
        for ((field, open, raw), stored) in std::iter::zip(&sections, &stored) {
            let mut section = [0; SECTION_BYTES];
            section[0] = *field;
            section[2..4].copy_from_slice(&open.to_be_bytes());
            section[4..8].copy_from_slice(&(raw.len() as u32).to_be_bytes());
            section[8..12].copy_from_slice(&(stored.len() as u32).to_be_bytes());
            section[12..].copy_from_slice(&crc32c::crc32c(stored).to_be_bytes());
            out.extend_from_slice(&section);
        }
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_be_bytes());
        stored
            .iter()
            .for_each(|stored| out.extend_from_slice(stored));
        Some(out)
    }

    /// The sections that an index of a version must have; none of a version that is of no use.
    pub(crate) fn sections_of(&self, version: u16) -> Option<Vec<SectionOf>> {
        self.terms.had(version, FIELD_MIN)?;
        let mut sections = self.sections()?;
        let had = |field| field < FIELD_MIN || self.terms.had(version, field) == Some(true);
        sections.retain(|(field, ..)| had(*field));
        Some(sections)
    }

    /// Whether no entry is missing.
    pub(crate) fn is_whole(&self) -> bool {
        self.entries == SEGMENT_ENTRIES
    }

    /// Each section; none where entries are missing. What `verify` compares: how these bytes are
    /// compressed is no matter of the entries.
    fn sections(&self) -> Option<Vec<SectionOf>> {
        if !self.is_whole() {
            return None;
        }
        let mut streams = Vec::new();
        for (id, blocks) in &self.streams {
            streams.extend_from_slice(&id.0);
            streams.extend_from_slice(&blocks.to_be_bytes());
        }
        let mut sections = vec![
            (OPENINGS, 0, self.openings.clone()),
            (STREAMS, 0, streams),
            (SERIALS, 0, self.serials_section.clone()),
        ];
        for (field, values) in self.fields.iter() {
            sections.push((field, values.open, values.encode()));
        }
        Some(sections)
    }

    pub(crate) fn facts(&self) -> &[BlockFacts; BLOCKS] {
        &self.facts
    }
}

/// Field, open blocks and bytes of a section.
type SectionOf = (u8, Blocks, Vec<u8>);

/// Sorted and front-coded, the values come out hardly smaller at higher levels.
const COMPRESSION_LEVEL: i32 = 3;
