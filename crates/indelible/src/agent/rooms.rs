//! The streams of several rooms, beside those who write them: which are new, and which are gone.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_log::StreamId;
use indelible_log::dir::{Dir, RealDir};
use indelible_log::spool::SpoolReader;

use super::layout::Room;

/// Rooms that are looked into again and again.
#[derive(Debug)]
pub(crate) struct Rooms {
    rooms: Vec<(Room, Arc<dyn Dir>)>,
    known: BTreeSet<StreamId>,
}

/// A stream with a file in it, at its oldest entry.
#[derive(Debug)]
pub(crate) struct Discovered<'a> {
    pub(crate) room: &'a Room,
    /// The folder that holds the stream's.
    pub(crate) folder: &'a Arc<dyn Dir>,
    pub(crate) id: StreamId,
    pub(crate) reader: SpoolReader,
}

impl Rooms {
    /// # Errors
    /// One cannot be opened.
    pub(crate) fn open(rooms: impl IntoIterator<Item = Room>) -> Result<Self> {
        let open = |room: Room| {
            let folder = room.streams();
            let shown = || format!("cannot open {}", folder.display());
            let dir: Arc<dyn Dir> = RealDir::open(&folder).with_context(shown)?;
            Ok((room, dir))
        };
        Ok(Self {
            rooms: rooms.into_iter().map(open).collect::<Result<_>>()?,
            known: BTreeSet::new(),
        })
    }

    /// The folders in which streams appear.
    pub(crate) fn folders(&self) -> impl Iterator<Item = PathBuf> {
        self.rooms.iter().map(|(room, _)| room.streams())
    }

    /// Gives each stream that was not there at the last look, and answers those that are gone since:
    /// their writer needed the room.
    ///
    /// # Errors
    /// Those of the disk, and of who takes the streams.
    pub(crate) fn look(
        &mut self,
        mut found: impl FnMut(Discovered<'_>) -> Result<()>,
    ) -> Result<Vec<StreamId>> {
        let mut listed = BTreeSet::new();
        for (room, folder) in &self.rooms {
            for id in SpoolReader::streams(&**folder).context("cannot list the spool")? {
                listed.insert(id);
                if self.known.contains(&id) {
                    continue;
                }
                // A folder without a file yet is seen at the next look.
                let Ok(reader) = SpoolReader::open(folder, id) else {
                    continue;
                };
                found(Discovered {
                    room,
                    folder,
                    id,
                    reader,
                })?;
                self.known.insert(id);
            }
        }
        let gone = self.known.difference(&listed).copied().collect();
        self.known.retain(|id| listed.contains(id));
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use indelible_log::spool::{SpoolOptions, SpoolWriter};

    use super::*;
    use crate::agent::layout::Layout;

    #[test]
    fn streams_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(folder.path());
        layout.create(None).unwrap();
        let streams: Arc<dyn Dir> = RealDir::open(layout.sources().streams()).unwrap();
        let mut rooms = Rooms::open(layout.present_rooms()).unwrap();
        let look = |rooms: &mut Rooms| {
            let mut new = Vec::new();
            let gone = rooms.look(|stream| {
                new.push(stream.id);
                Ok(())
            });
            (new, gone.unwrap())
        };
        let id = StreamId::random();
        // A folder alone is no stream yet.
        streams.create_dir(&id.to_string()).unwrap();
        assert_eq!(look(&mut rooms), (vec![], vec![]));
        drop(SpoolWriter::open(&streams, id, SpoolOptions::default()).unwrap());
        assert_eq!(look(&mut rooms), (vec![id], vec![]));
        assert_eq!(look(&mut rooms), (vec![], vec![]));
        std::fs::remove_dir_all(layout.sources().streams().join(id.to_string())).unwrap();
        assert_eq!(look(&mut rooms), (vec![], vec![id]));
    }
}
