//! Damaged lines, for standard error: once per kind, with the first one's place and their number.

use std::fs::File;
use std::io::Read;

use anyhow::Result;
use indelible_query::limits::LINE_BYTES_MAX;
use indelible_query::scan::{Damage, DamageKind};

use super::feed::Place;

/// What was wrong with the lines of all sources.
#[derive(Debug, Default)]
pub(super) struct Damages {
    kinds: Vec<Kind>,
}

#[derive(Debug)]
struct Kind {
    kind: DamageKind,
    count: u64,
    /// The first one's piece, its offset there and how many lines lie before it there.
    first: (Place, u64, u64),
}

/// The damage of a piece, and how many lines lie before the first of each kind in it.
#[derive(Debug, Default)]
pub(super) struct PieceDamage {
    spots: Vec<(DamageKind, u64, u64, u64)>,
}

impl PieceDamage {
    pub(super) fn of(damage: &Damage, text: &[u8]) -> Self {
        let spot = |kind| {
            let spot = damage.spot(kind)?;
            let before = &text[..spot.first as usize];
            let lines = memchr::memchr_iter(b'\n', before).count() as u64;
            Some((kind, spot.count, spot.first, lines))
        };
        Self {
            spots: DamageKind::ALL.into_iter().filter_map(spot).collect(),
        }
    }
}

impl Damages {
    /// Takes note of a piece's damage; pieces come in order.
    pub(super) fn add(&mut self, place: &Place, damage: PieceDamage) {
        for (kind, count, first, lines) in damage.spots {
            match self.kinds.iter_mut().find(|known| known.kind == kind) {
                Some(known) => known.count += count,
                None => self.kinds.push(Kind {
                    kind,
                    count,
                    first: (place.clone(), first, lines),
                }),
            }
        }
    }

    /// What was damaged, a line per kind.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |kind: &Kind| {
            let what = match kind.kind {
                DamageKind::NoStamp => "no audit record".to_owned(),
                DamageKind::TooLong => format!("longer than {LINE_BYTES_MAX} bytes, cut"),
            };
            let (place, first, lines) = &kind.first;
            let path = place.path.display();
            let offset = place.offset + first;
            let line = match line_number(place) {
                Ok(before) => format!("line {}, ", before + lines + 1),
                // Who cannot read the log again can still find the offset.
                Err(_) => String::new(),
            };
            let more = match kind.count {
                1 => String::new(),
                count => format!(" (and {} more such lines)", count - 1),
            };
            format!("{path}: {line}offset {offset}: {what}{more}")
        };
        self.kinds.iter().map(line).collect()
    }
}

/// Lines before a piece.
fn line_number(place: &Place) -> Result<u64> {
    if let Some(line) = place.line {
        return Ok(line);
    }
    let mut file = File::open(&*place.path)?.take(place.offset);
    let mut buffer = vec![0; READ_BYTES];
    let mut lines = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(lines),
            read => lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64,
        }
    }
}

/// Bytes per read.
const READ_BYTES: usize = 256 << 10;
