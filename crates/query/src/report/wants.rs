//! Which facts of an event a report reads. What it does not read is not looked for, and does not
//! make an event malformed.

/// A set of facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wants(u16);

impl Wants {
    pub(crate) const AUID: Wants = Wants(1);
    pub(crate) const UID: Wants = Wants(1 << 1);
    pub(crate) const SESSION: Wants = Wants(1 << 2);
    pub(crate) const TERMINAL: Wants = Wants(1 << 3);
    pub(crate) const HOST: Wants = Wants(1 << 4);
    pub(crate) const COMM: Wants = Wants(1 << 5);
    pub(crate) const EXE: Wants = Wants(1 << 6);
    pub(crate) const FILE: Wants = Wants(1 << 7);
    pub(crate) const KEY: Wants = Wants(1 << 8);
    pub(crate) const ACCT: Wants = Wants(1 << 9);
    pub(crate) const CONTEXT: Wants = Wants(1 << 10);
    pub(crate) const TYPED: Wants = Wants(1 << 11);

    /// The set of these bits.
    pub(crate) const fn from_bits(bits: u16) -> Wants {
        Wants(bits)
    }

    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    /// Whether `fact` is in it; whether one of several is.
    pub(crate) fn has(self, fact: Wants) -> bool {
        self.0 & fact.0 != 0
    }
}
