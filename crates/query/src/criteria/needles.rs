//! Byte strings by which lines are found before anything is parsed.

/// Byte strings of which every event that matches holds at least one in one of its records: at
/// least one, and none of them empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needles(Vec<Vec<u8>>);

impl Needles {
    /// These strings; none where one is empty (it stands everywhere) or there are none, or more than
    /// [`crate::limits::NEEDLES_MAX`].
    pub fn any_of(mut needles: Vec<Vec<u8>>) -> Option<Self> {
        needles.sort();
        needles.dedup();
        let useful = !needles.is_empty()
            && needles.len() <= crate::limits::NEEDLES_MAX
            && needles.iter().all(|needle| !needle.is_empty());
        useful.then_some(Self(needles))
    }

    /// The forms in which part of a value stands in a record that the kernel wrote: as it is, and in
    /// upper-case hexadecimal, which it takes where a value holds a blank, a quote, a control byte
    /// or one beyond ASCII (`audit_log_untrustedstring`).
    pub fn value(part: &[u8]) -> Option<Self> {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let hexadecimal = part
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| DIGITS[usize::from(digit)])
            .collect();
        Self::any_of(vec![part.to_vec(), hexadecimal])
    }

    /// These and those: for a filter that matches if one of two does.
    pub fn or(self, other: Self) -> Option<Self> {
        Self::any_of(self.0.into_iter().chain(other.0).collect())
    }

    /// The better of two sets of which each is sufficient: for a filter that matches if both do. A
    /// set is as good as its shortest string is long.
    pub fn better(self, other: Self) -> Self {
        match self.shortest() >= other.shortest() {
            true => self,
            false => other,
        }
    }

    /// The strings, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    fn shortest(&self) -> usize {
        self.0.iter().map(Vec::len).min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let set = |needles: &[&str]| Needles::any_of(needles.iter().map(|n| (*n).into()).collect());
        assert_eq!(set(&[]), None);
        assert_eq!(set(&["a", ""]), None);
        assert_eq!(Needles::value(b"Az"), set(&["Az", "417A"]));
        let (short, long) = (set(&["a", "long"]).unwrap(), set(&["longer"]).unwrap());
        assert_eq!(short.clone().better(long.clone()), long);
        assert_eq!(short.or(long), set(&["a", "long", "longer"]));
    }
}
