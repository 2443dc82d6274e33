//! What is held against the entries while they are read: the heads of hosts, and the account of what
//! hosts emitted.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use indelible_log::head::{HeadCheck, HeadSummary};
use indelible_log::verify::{Inspect, Inspector, Problem, ProblemKind, Report};
use indelible_log::{EntryRef, Hash};

use crate::account::{Account, Books};

/// The checks of one verification.
#[derive(Debug)]
pub(crate) struct Checks(Arc<Mutex<Both>>);

#[derive(Debug)]
struct Both {
    heads: HeadCheck,
    books: Option<Books>,
}

/// What they gave.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) heads: HeadSummary,
    /// Where it was asked for.
    pub(crate) account: Option<Account>,
}

impl Checks {
    /// The checks of heads, and the account where it is asked for.
    pub(crate) fn new(completeness: bool) -> Self {
        Self(Arc::new(Mutex::new(Both {
            heads: HeadCheck::default(),
            books: completeness.then(Books::default),
        })))
    }

    /// Takes note of the streams that began in what the store removed. A file that cannot be read is
    /// the verification's to report.
    pub(crate) fn carried(&self, store: &Path) {
        let mut both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(books) = &mut both.books {
            let _ = books.carried(store);
        }
    }

    /// For the verification.
    pub(crate) fn inspector(&self) -> Inspector {
        Inspector::new(self.0.clone())
    }

    /// Closes the account, and adds to the report what can only be said at the end. `of` says what
    /// was read: `store`, `spool` or `log`.
    pub(crate) fn finish(self, report: &mut Report, of: &'static str) -> Checked {
        let mut both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let heads = both.heads.summary();
        for problem in &heads.problems {
            report.problem(Problem::new(ProblemKind::HostHead, "", 0, problem));
        }
        Checked {
            heads,
            account: both.books.take().map(|books| books.close(of)),
        }
    }
}

impl Inspect for Both {
    fn entry(&mut self, entry: &EntryRef<'_>, head_before: Option<Hash>) -> Option<String> {
        if let Some(books) = &mut self.books {
            books.enter(entry);
        }
        self.heads.entry(entry, head_before)
    }
}
