//! Encoding 1.
use super::Entries;
use crate::entry::EntryRef;
use crate::hash::Hash;
pub(super) fn encode(_entries: &[EntryRef<'_>], _leaves: &[Hash]) -> Option<Vec<u8>> {
    None
}
pub(super) fn decode(_raw: &[u8], _entries: usize) -> Result<Entries, &'static str> {
    Err("columns are unknown")
}
