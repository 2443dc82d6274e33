//! Which blocks of a store can match, by their indexes.

use indelible_log::index::{Blocks, SegmentIndex};
use indelible_log::limits::{BLOCK_ENTRIES, SEGMENT_BLOCKS};
use indelible_log::{EntryRef, Error, LogReader};
use indelible_query::criteria::Window;
use indelible_query::limits::FAR_BYTES;
use indelible_query::terms::{self, TermField, Wants};
use indelible_record::RecordType;

use super::Lines;

pub(super) const BLOCKS: usize = SEGMENT_BLOCKS as usize;

/// A sealed segment, and its index where it has one that can be used.
pub(in crate::search) struct Segment {
    pub(in crate::search) first: u64,
    pub(in crate::search) index: Option<SegmentIndex>,
    /// The blocks in which streams begin, where there is an index.
    openings: Blocks,
}

/// The sealed segments with their indexes, and the first leaf index after them; takes note of where
/// streams come from that begin in them, or began in what was removed.
///
/// # Errors
/// A store that cannot be read.
pub(in crate::search) fn segments(
    reader: &LogReader,
    lines: &mut Lines,
) -> Result<(Vec<Segment>, u64), Error> {
    for entry in reader.carried_openings()? {
        if let Ok(entry) = EntryRef::parse(&entry) {
            lines.note(&entry);
        }
    }
    let (firsts, after) = reader.segments()?;
    let read = |first| Segment::read(reader, first, lines);
    Ok((
        firsts.into_iter().map(read).collect::<Result<_, _>>()?,
        after,
    ))
}

/// What becomes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) place: Place,
    /// Bytes of its lines, roughly.
    pub(super) bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It can match.
    Wanted,
    /// It cannot, and an event that matches can have lines in it.
    Near,
    /// It is of no matter.
    Far,
}

impl Segment {
    /// Reads the index, and where streams come from that begin in the segment. Without an index the
    /// segment is read whole.
    fn read(reader: &LogReader, first: u64, lines: &mut Lines) -> Result<Self, Error> {
        let index = match reader.index(first) {
            Ok(index) => index.filter(|index| terms::had(index.version(), 0).is_some()),
            Err(error) => {
                tell(&error);
                None
            }
        };
        let openings = index.as_ref().map(SegmentIndex::openings);
        match openings {
            Some(Ok(openings)) => {
                let mut begin: Blocks = 0;
                for opening in openings {
                    let block = opening.index.saturating_sub(first) / BLOCK_ENTRIES;
                    begin |= 1 << block.min(SEGMENT_BLOCKS - 1);
                    if let Ok(opened) = serde_json::from_slice(&opening.payload) {
                        lines.opened(opening.stream, opened);
                    }
                }
                return Ok(Self {
                    first,
                    index,
                    openings: begin,
                });
            }
            Some(Err(error)) => tell(&error),
            None => {}
        }
        for block in 0..SEGMENT_BLOCKS {
            let part = reader.block_at(first + block * BLOCK_ENTRIES);
            for (_, entry) in reader.decode(&part)?.iter() {
                if let Ok(entry) = EntryRef::parse(entry) {
                    lines.note(&entry);
                }
            }
        }
        Ok(Self {
            first,
            index: None,
            openings: 0,
        })
    }

    /// The times of a block's records, in ms; none where there are none, or nothing is known.
    fn times_ms(&self, block: usize) -> Option<(u64, u64)> {
        let facts = &self.index.as_ref()?.facts()[block];
        (facts.time_min_ms <= facts.time_max_ms).then_some((facts.time_min_ms, facts.time_max_ms))
    }
}

/// What of an index cannot be used is no reason to show nothing: the entries are still there.
fn tell(error: &Error) {
    eprintln!("{error}; its segment is read whole");
}

/// What becomes of each block.
pub(super) fn of(
    segments: &[Segment],
    wants: &Wants,
    window: Window,
    lines: &Lines,
) -> Vec<[Block; BLOCKS]> {
    let places = Places::of(segments);
    let mut wanted = evaluate(wants, segments, &places, lines);
    for (segment, blocks) in std::iter::zip(segments, &mut wanted) {
        *blocks &= in_window(segment, window);
    }
    let near = places.around(&wanted);
    std::iter::zip(&wanted, &near)
        .enumerate()
        .map(|(segment, (wanted, near))| {
            std::array::from_fn(|block| Block {
                place: match (wanted >> block & 1, near >> block & 1) {
                    (1, _) => Place::Wanted,
                    (_, 1) => Place::Near,
                    _ => Place::Far,
                },
                bytes: places.bytes(segment * BLOCKS + block),
            })
        })
        .collect()
}

/// The blocks to read of several stores that are one log, by their first leaf indexes: what can match and
/// what is near it in the same store. An event's records can stand in two stores where a stream ends in
/// one and its successor begins in the other, so blocks are read in which streams begin, and those of
/// other stores with records of the same time.
pub(super) fn of_several(
    stores: &[&[Segment]],
    mut plans: Vec<Vec<[Block; BLOCKS]>>,
) -> Vec<Vec<u64>> {
    let blocks = |store: usize| {
        let segments = stores[store].iter().enumerate();
        segments
            .flat_map(|(number, segment)| (0..BLOCKS).map(move |block| (number, segment, block)))
    };
    // A search without a condition has no block that is of no matter.
    let leaves_out =
        |plan: &Vec<[Block; BLOCKS]>| plan.iter().flatten().any(|block| block.place == Place::Far);
    if plans.iter().any(leaves_out) {
        for of in 0..stores.len() {
            let begins =
                blocks(of).filter(|(_, segment, block)| segment.openings >> block & 1 == 1);
            for (number, segment, block) in begins {
                read(&mut plans[of][number][block]);
                let Some((min_ms, max_ms)) = segment.times_ms(block) else {
                    continue;
                };
                for other in (0..stores.len()).filter(|other| *other != of) {
                    let overlaps = |segment: &Segment, block| {
                        let times = segment.times_ms(block);
                        times.is_some_and(|(min, max)| min <= max_ms && max >= min_ms)
                    };
                    blocks(other)
                        .filter(|(_, segment, block)| overlaps(segment, *block))
                        .for_each(|(number, _, block)| read(&mut plans[other][number][block]));
                }
            }
        }
    }
    let first = |store: usize| {
        let plan = &plans[store];
        blocks(store)
            .filter(|(number, _, block)| plan[*number][*block].place != Place::Far)
            .map(|(_, segment, block)| segment.first + block as u64 * BLOCK_ENTRIES)
            .collect()
    };
    (0..stores.len()).map(first).collect()
}

/// Has a block read that would be of no matter.
fn read(block: &mut Block) {
    if block.place == Place::Far {
        block.place = Place::Near;
    }
}

/// Whether the records tell when an event is over; none where no index says so.
pub(super) fn ends_events(segments: &[Segment]) -> Option<bool> {
    let index = segments.first()?.index.as_ref()?;
    let ends = [RecordType::PROCTITLE.0, RecordType::EOE.0].map(|number| number.to_string());
    let has = |value: &[u8]| ends.iter().any(|end| end.as_bytes() == value);
    let blocks = index.matching(TermField::Type.number(), &mut |value| has(value));
    blocks.ok().map(|blocks| blocks != 0)
}

fn in_window(segment: &Segment, window: Window) -> Blocks {
    let Some(index) = &segment.index else {
        return Blocks::MAX;
    };
    let mut blocks = 0;
    for (number, facts) in index.facts().iter().enumerate() {
        let overlaps = facts.time_min_ms <= window.until_ms
            && facts.time_max_ms >= window.from_ms
            && facts.time_min_ms <= facts.time_max_ms;
        if overlaps || window == Window::ALL {
            blocks |= 1 << number;
        }
    }
    blocks
}

/// The blocks of each segment in which a record can be that the question wants.
fn evaluate(wants: &Wants, segments: &[Segment], places: &Places, lines: &Lines) -> Vec<Blocks> {
    let each = |of_index: &dyn Fn(&SegmentIndex) -> Result<Blocks, Error>| -> Vec<Blocks> {
        let of_segment = |segment: &Segment| {
            let blocks = segment.index.as_ref().map(of_index);
            match blocks {
                Some(Ok(blocks)) => blocks,
                Some(Err(error)) => {
                    tell(&error);
                    Blocks::MAX
                }
                None => Blocks::MAX,
            }
        };
        segments.iter().map(of_segment).collect()
    };
    match wants {
        Wants::Anything => vec![Blocks::MAX; segments.len()],
        Wants::Nothing => vec![0; segments.len()],
        Wants::Value(field, test) => {
            each(&|index| index.matching(field.number(), &mut |value| test.holds(value)))
        }
        Wants::Node(test) => each(&|index| {
            let named = index.matching(TermField::Node.number(), &mut |value| test.holds(value))?;
            let streams = index.of_streams(|stream| {
                let is_host = |(host, node): (&str, &str)| {
                    test.holds(host.as_bytes()) || test.holds(node.as_bytes())
                };
                lines.host(stream).is_some_and(is_host)
            })?;
            Ok(named | streams)
        }),
        Wants::Serial(serial) => each(&|index| {
            let serials = index.serials()?;
            let holds = |block: &usize| serials.holds(*block, *serial);
            Ok((0..BLOCKS)
                .filter(holds)
                .fold(0, |blocks, block| blocks | 1 << block))
        }),
        Wants::Any(parts) => {
            let mut any = vec![0; segments.len()];
            for part in parts {
                let blocks = evaluate(part, segments, places, lines);
                std::iter::zip(&mut any, blocks).for_each(|(any, blocks)| *any |= blocks);
            }
            any
        }
        Wants::All(parts) => {
            let mut parts = parts.iter();
            let first = parts.next().unwrap_or(&Wants::Anything);
            let mut all = evaluate(first, segments, places, lines);
            for part in parts {
                // The event's other records can be in other blocks.
                let blocks = places.around(&evaluate(part, segments, places, lines));
                std::iter::zip(&mut all, blocks).for_each(|(all, blocks)| *all &= blocks);
            }
            all
        }
    }
}

/// Where blocks stand in the log, in bytes of their lines.
struct Places {
    /// Where each block begins, and where the last one ends.
    at: Vec<u64>,
}

impl Places {
    fn of(segments: &[Segment]) -> Self {
        let mut at = vec![0];
        let mut end = 0;
        for segment in segments {
            for block in 0..BLOCKS {
                let payloads = segment.index.as_ref().map_or(BLOCK_BYTES_USUAL, |index| {
                    u64::from(index.facts()[block].payload_bytes)
                });
                end += payloads + BLOCK_ENTRIES * LINE_HEAD_BYTES;
                at.push(end);
            }
        }
        Self { at }
    }

    fn bytes(&self, block: usize) -> u64 {
        self.at[block + 1] - self.at[block]
    }

    /// The blocks that are within reach of one of these, these included.
    fn around(&self, blocks: &[Blocks]) -> Vec<Blocks> {
        let is_set = |block: usize| blocks[block / BLOCKS] >> (block % BLOCKS) & 1 == 1;
        let all = blocks.len() * BLOCKS;
        let mut around = vec![0; blocks.len()];
        let mut set = |block: usize| around[block / BLOCKS] |= 1 << (block % BLOCKS);
        // Forwards from each, then backwards.
        let mut until = None;
        for block in 0..all {
            if is_set(block) {
                until = Some(self.at[block + 1] + FAR_BYTES);
            }
            if until.is_some_and(|until| self.at[block] <= until) {
                set(block);
            }
        }
        let mut from: Option<u64> = None;
        for block in (0..all).rev() {
            if is_set(block) {
                from = Some(self.at[block].saturating_sub(FAR_BYTES));
            }
            if from.is_some_and(|from| self.at[block + 1] >= from) {
                set(block);
            }
        }
        around
    }
}

/// Of a line, beside the payload: `node=… type=… msg=`.
const LINE_HEAD_BYTES: u64 = 48;
/// Payloads of a block of which nothing is known.
const BLOCK_BYTES_USUAL: u64 = 700 << 10;
