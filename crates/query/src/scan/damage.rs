//! Damaged lines: counted by kind, the first of each located.

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// It has no `audit(time:serial)`, so that it cannot be told what it belongs to.
    NoStamp,
    /// It is longer than [`crate::limits::LINE_BYTES_MAX`] and was cut.
    TooLong,
}

/// Lines of one kind of damage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// How many.
    pub count: u64,
    /// Offset of the first in its text, in bytes.
    pub first: u64,
}

/// The damaged lines of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    no_stamp: Spot,
    too_long: Spot,
}

impl DamageKind {
    /// All kinds.
    pub const ALL: [DamageKind; 2] = [DamageKind::NoStamp, DamageKind::TooLong];
}

impl Damage {
    /// Takes note of a line at an offset.
    pub fn note(&mut self, kind: DamageKind, at: u64) {
        let spot = match kind {
            DamageKind::NoStamp => &mut self.no_stamp,
            DamageKind::TooLong => &mut self.too_long,
        };
        if spot.count == 0 {
            spot.first = at;
        }
        spot.count += 1;
    }

    /// The lines of a kind; none where there are none.
    pub fn spot(&self, kind: DamageKind) -> Option<Spot> {
        let spot = match kind {
            DamageKind::NoStamp => self.no_stamp,
            DamageKind::TooLong => self.too_long,
        };
        (spot.count > 0).then_some(spot)
    }
}
