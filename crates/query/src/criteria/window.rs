//! A range of time.

use indelible_record::Stamp;

/// From a time to a time, both included: milliseconds since 1970-01-01 UTC. As ausearch's `-ts`
/// and `-te`, where `-te` names a second, give `..=999` there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first millisecond.
    pub from_ms: u64,
    /// The last millisecond.
    pub until_ms: u64,
}

impl Window {
    /// All of time.
    pub const ALL: Window = Window {
        from_ms: 0,
        until_ms: u64::MAX,
    };

    /// Whether the stamp lies in it. What has no stamp lies in none but [`Window::ALL`].
    pub fn holds(&self, stamp: Option<Stamp>) -> bool {
        match stamp {
            Some(stamp) => (self.from_ms..=self.until_ms).contains(&stamp.ms()),
            None => *self == Window::ALL,
        }
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::ALL
    }
}
