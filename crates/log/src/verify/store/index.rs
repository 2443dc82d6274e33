//! Block indexes: each must be the one that its segment's entries give.

use crate::error::{Error, Result};
use crate::index::{Builder, SegmentIndex};
use crate::limits::SEGMENT_ENTRIES;

use super::super::report::ProblemKind;
use super::StoreVerifier;
use super::files::index_path;

impl<'a> StoreVerifier<'a> {
    /// Collects what the index of a segment must hold, where that is known.
    pub(super) fn index_builder(&self, number: u64) -> Option<Builder<'a>> {
        let terms = self.terms?;
        Some(Builder::new(terms, number * SEGMENT_ENTRIES))
    }

    /// Holds the index of a segment to what its entries give.
    pub(super) fn index(&mut self, number: u64, expect: &Builder<'_>) -> Result<()> {
        // Of a segment that is broken nobody can say what its index must be.
        if !expect.is_whole() {
            return Ok(());
        }
        let path = index_path(number);
        // An index is a view: a crash may have come before it was written.
        if !self.files.indexes.contains(&number) {
            self.account.report.unindexed += 1;
            return Ok(());
        }
        let found = SegmentIndex::open(self.dir, number * SEGMENT_ENTRIES).and_then(|index| {
            index
                .map(|index| Ok((index.sections()?, index)))
                .transpose()
        });
        let (found, index) = match found {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(()),
            Err(Error::Damaged { offset, what, .. }) => {
                self.problem(ProblemKind::Index, &path, offset, what);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let Some(sections) = expect.sections_of(index.version()) else {
            let detail = "it was made by another version; `indelible reindex` makes it anew";
            self.problem(ProblemKind::Index, &path, VERSION_OFFSET, detail);
            return Ok(());
        };
        if index.facts() != expect.facts() || found != sections {
            let field = std::iter::zip(&found, &sections).find(|(found, must)| found != must);
            let detail = match field {
                Some((_, (field, ..))) if index.facts() == expect.facts() => {
                    format!("field {field} is not what the segment's entries give")
                }
                _ => "it is not what the segment's entries give".to_owned(),
            };
            self.problem(ProblemKind::Index, &path, 0, detail);
        }
        Ok(())
    }
}

const VERSION_OFFSET: u64 = 16;
