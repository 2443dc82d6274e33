//! A copy of each stream's entry 0 beside the streams: which boot and source a stream is of must
//! stay known after retention removed the file that holds the entry itself.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use indelible_log::StreamId;
use serde::{Deserialize, Serialize};

use super::layout::Room;
use crate::payload::StreamOpened;

/// The payload of entry 0 and its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) opening: StreamOpened,
    pub(crate) time_ns: u64,
    /// How often the worker had turned to another collector when the stream began; none in a copy of an
    /// older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) turned: Option<u64>,
}

impl Opened {
    pub(crate) fn new(opening: StreamOpened, time_ns: u64, turned: u64) -> Self {
        Self {
            opening,
            time_ns,
            turned: Some(turned),
        }
    }

    /// Writes it durably, before the stream itself exists.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let shown = || format!("cannot write {}", path.display());
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o640)
            .open(path)
            .with_context(shown)?;
        serde_json::to_writer(&mut file, self).with_context(shown)?;
        file.flush()
            .and_then(|()| file.sync_all())
            .with_context(shown)?;
        if let Some(folder) = path.parent() {
            fs::File::open(folder)
                .and_then(|folder| folder.sync_all())
                .with_context(shown)?;
        }
        Ok(())
    }

    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("in {}", path.display()))
    }

    /// The streams that have a copy.
    pub(crate) fn list(room: &Room) -> Result<Vec<StreamId>> {
        let folder = room.openings();
        let items =
            fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        Ok(items
            .filter_map(|item| item.ok()?.file_name().to_str()?.parse().ok())
            .collect())
    }
}
