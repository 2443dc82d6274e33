//! What earlier processes left of a source's streams, and where the next one begins.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_log::StreamId;
use indelible_log::dir::Dir;
use indelible_log::spool::{SpoolReader, SpoolWriter};
use indelible_sys::host::Host;

use crate::agent::layout::Room;
use crate::agent::opened::Opened;
use crate::config::SpoolLimits;
use crate::payload::{Predecessor, StreamOpened};

/// Opens a new stream; answers also where the copy of its opening stands.
pub(super) fn begin(
    room: &Room,
    streams: &Arc<dyn Dir>,
    source: &str,
    host: &Host,
    limits: SpoolLimits,
    predecessor: Option<Predecessor>,
    now_ns: u64,
) -> Result<(SpoolWriter, PathBuf)> {
    let id = StreamId::random();
    let path = room.opened(id);
    let opening = StreamOpened::new(source, host, predecessor);
    Opened::new(opening, now_ns, room.turned()).save(&path)?;
    let (spool, _) =
        SpoolWriter::open(streams, id, limits.options()).context("cannot open the spool")?;
    Ok((spool, path))
}

/// What earlier runs of capture left.
pub(super) struct Past {
    /// This boot's stream of the same source.
    pub(super) current: Option<StreamId>,
    pub(super) predecessor: Option<Predecessor>,
}

impl Past {
    pub(super) fn read(
        room: &Room,
        streams: &Arc<dyn Dir>,
        source: &str,
        boot_id: &str,
    ) -> Result<Self> {
        let mut past = Self {
            current: None,
            predecessor: None,
        };
        let mut newest_ns = 0;
        for id in Opened::list(room)? {
            let Ok(opened) = Opened::load(&room.opened(id)) else {
                continue;
            };
            if opened.opening.source != source || opened.time_ns < newest_ns {
                continue;
            }
            newest_ns = opened.time_ns;
            past.current = (opened.opening.boot_id == boot_id).then_some(id);
            past.predecessor = ending(streams, id).ok();
        }
        if past.current.is_some() {
            past.predecessor = None;
        }
        Ok(past)
    }
}

fn ending(streams: &Arc<dyn Dir>, id: StreamId) -> Result<Predecessor> {
    let mut reader = SpoolReader::open(streams, id)?;
    let (_, next) = reader.bounds()?;
    reader.seek(next)?;
    Ok(Predecessor::new(id, next, reader.head()))
}
