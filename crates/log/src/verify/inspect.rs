//! Checks of what entries say: the verification knows where every stream stands, the caller knows
//! what the payloads mean.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::entry::EntryRef;
use crate::hash::Hash;

/// What else is held against the entries, as they are read in order.
pub trait Inspect: Debug + Send {
    /// Looks at one entry. `head_before` is the chain head of its stream before it, where all
    /// entries before it could be read. The answer is a problem.
    fn entry(&mut self, entry: &EntryRef<'_>, head_before: Option<Hash>) -> Option<String>;
}

/// An [`Inspect`] that a caller keeps hold of.
#[derive(Clone, Debug)]
pub struct Inspector(Arc<Mutex<dyn Inspect>>);

impl Inspector {
    /// Shares the inspection with the verification.
    pub fn new(inspect: Arc<Mutex<dyn Inspect>>) -> Self {
        Self(inspect)
    }

    pub(super) fn inspect(&self) -> MutexGuard<'_, dyn Inspect + 'static> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
