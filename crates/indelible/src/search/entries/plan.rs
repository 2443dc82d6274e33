//! Which blocks of a store can match, by their indexes.

use std::thread;

use indelible_log::index::{Blocks, SegmentIndex};
use indelible_log::limits::{BLOCK_ENTRIES, SEGMENT_BLOCKS};
use indelible_log::{EntryRef, Error, LogReader, StreamId};
use indelible_query::criteria::Window;
use indelible_query::limits::FAR_BYTES;
use indelible_query::terms::{self, TermField, Wants};
use indelible_record::RecordType;

use super::{Lines, opening};
use crate::payload::StreamOpened;

pub(super) const BLOCKS: usize = SEGMENT_BLOCKS as usize;

/// A sealed segment, and its index where it has one that can be used.
pub(in crate::search) struct Segment {
    pub(in crate::search) first: u64,
    pub(in crate::search) index: Option<SegmentIndex>,
    /// The blocks in which streams begin, where there is an index.
    openings: Blocks,
}

/// The sealed segments with their indexes, and the first leaf index after them; takes note of where
/// streams come from that begin in them, or began in what was removed. Of segments without records in
/// the window hardly more will be asked.
///
/// # Errors
/// A store that cannot be read.
pub(in crate::search) fn segments(
    reader: &LogReader,
    window: Window,
    lines: &mut Lines,
) -> Result<(Vec<Segment>, u64), Error> {
    for entry in reader.carried_openings()? {
        if let Ok(entry) = EntryRef::parse(&entry) {
            lines.note(&entry);
        }
    }
    let (firsts, after) = reader.segments()?;
    let mut segments = Vec::with_capacity(firsts.len());
    let is_wanted = |index: &SegmentIndex| in_window(Some(index), window) != 0;
    let read = on_every_core(&firsts, |firsts| {
        let indexes = reader.indexes(firsts, &is_wanted);
        let read = std::iter::zip(firsts, indexes);
        read.map(|(first, index)| Segment::of(reader, *first, index))
            .collect()
    });
    for read in read {
        let (segment, openings) = read?;
        for (stream, opened) in openings {
            lines.opened(stream, opened);
        }
        segments.push(segment);
    }
    Ok((segments, after))
}

/// What becomes of each of many things, in their order; `work` takes a run of them.
fn on_every_core<T: Sync, R: Send>(things: &[T], work: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let each = things.len().div_ceil(threads).max(THINGS_PER_THREAD_MIN);
    let (here, others) = things.split_at(each.min(things.len()));
    let work = &work;
    thread::scope(|scope| {
        let others: Vec<_> = others
            .chunks(each)
            .map(|chunk| scope.spawn(move || work(chunk)))
            .collect();
        let mut done = work(here);
        for other in others {
            match other.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    })
}

/// A stream, and where it comes from.
type Origin = (StreamId, StreamOpened);

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
    /// The segment with its index, and where streams come from that begin in it. Without an index the
    /// segment is read whole.
    fn of(
        reader: &LogReader,
        first: u64,
        index: Result<Option<SegmentIndex>, Error>,
    ) -> Result<(Self, Vec<Origin>), Error> {
        let index = match index {
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
                let mut origins = Vec::new();
                for opening in openings {
                    let block = opening.index.saturating_sub(first) / BLOCK_ENTRIES;
                    begin |= 1 << block.min(SEGMENT_BLOCKS - 1);
                    if let Ok(opened) = serde_json::from_slice(&opening.payload) {
                        origins.push((opening.stream, opened));
                    }
                }
                let segment = Self {
                    first,
                    index,
                    openings: begin,
                };
                return Ok((segment, origins));
            }
            Some(Err(error)) => tell(&error),
            None => {}
        }
        let mut origins = Vec::new();
        for block in 0..SEGMENT_BLOCKS {
            let part = reader.block_at(first + block * BLOCK_ENTRIES);
            for (_, entry) in reader.decode(&part)?.iter() {
                origins.extend(EntryRef::parse(entry).ok().as_ref().and_then(opening));
            }
        }
        let segment = Self {
            first,
            index: None,
            openings: 0,
        };
        Ok((segment, origins))
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
    let in_window: Vec<Blocks> = segments
        .iter()
        .map(|segment| in_window(segment.index.as_ref(), window))
        .collect();
    let mut wanted = evaluate(wants, segments, &in_window, &places, lines);
    for (blocks, in_window) in std::iter::zip(&mut wanted, &in_window) {
        *blocks &= in_window;
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

fn in_window(index: Option<&SegmentIndex>, window: Window) -> Blocks {
    let Some(index) = index else {
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

/// The blocks of each segment in which a record can be that the question wants. Segments without a block in
/// the window are not asked: all records of an event have its time.
fn evaluate(
    wants: &Wants,
    segments: &[Segment],
    in_window: &[Blocks],
    places: &Places,
    lines: &Lines,
) -> Vec<Blocks> {
    type OfIndex<'a> = &'a (dyn Fn(&SegmentIndex) -> Result<Blocks, Error> + Sync);
    let each = |of_index: OfIndex<'_>| -> Vec<Blocks> {
        let of_segment = |number: &usize| {
            if in_window[*number] == 0 {
                return 0;
            }
            match segments[*number].index.as_ref().map(of_index) {
                Some(Ok(blocks)) => blocks,
                Some(Err(error)) => {
                    tell(&error);
                    Blocks::MAX
                }
                None => Blocks::MAX,
            }
        };
        let numbers: Vec<usize> = (0..segments.len()).collect();
        on_every_core(&numbers, |numbers| numbers.iter().map(of_segment).collect())
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
                let blocks = evaluate(part, segments, in_window, places, lines);
                std::iter::zip(&mut any, blocks).for_each(|(any, blocks)| *any |= blocks);
            }
            any
        }
        Wants::All(parts) => {
            let mut parts = parts.iter();
            let first = parts.next().unwrap_or(&Wants::Anything);
            let mut all = evaluate(first, segments, in_window, places, lines);
            for part in parts {
                // The event's other records can be in other blocks.
                let blocks = places.around(&evaluate(part, segments, in_window, places, lines));
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

/// Fewer than these are done sooner than a thread is started.
const THINGS_PER_THREAD_MIN: usize = 32;
/// Of a line, beside the payload: `node=… type=… msg=`.
pub(super) const LINE_HEAD_BYTES: u64 = 48;
/// Payloads of a block of which nothing is known.
const BLOCK_BYTES_USUAL: u64 = 700 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_on_every_core_stays_in_order() {
        for count in [0, 1, 31, 32, 33, 65, 1_000] {
            let numbers: Vec<u64> = (0..count).collect();
            let doubled = on_every_core(&numbers, |numbers| {
                numbers.iter().map(|number| number * 2).collect()
            });
            let expect: Vec<u64> = numbers.iter().map(|number| number * 2).collect();
            assert_eq!(doubled, expect);
        }
    }
}
