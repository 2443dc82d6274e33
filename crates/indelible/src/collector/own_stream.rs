//! The collector's own stream in its log: time marks each second, and what else it has to say.

use anyhow::{Context, Result};
use indelible_log::log::{LOCAL_PEER, LocalStream};
use indelible_log::{Appended, Kind, Log, StreamId};
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;

use crate::payload::{StreamOpened, TimeMark, to_bytes};

/// The stream, and where the log stood at its last time mark.
#[derive(Debug)]
pub(crate) struct OwnStream {
    stream: LocalStream,
    marked_size: u64,
}

impl OwnStream {
    /// Goes on with the log's own stream, or opens it.
    pub(crate) fn open(log: &mut Log) -> Result<Self> {
        let resumed = log.streams().find(|state| state.peer == LOCAL_PEER);
        let stream = match &resumed {
            Some(state) => LocalStream::resume(state),
            None => LocalStream::new(StreamId::random()),
        };
        let mut own = Self {
            stream,
            marked_size: log.checkpoint().size,
        };
        if resumed.is_none() {
            let opened = StreamOpened::new("collector", &Host::current()?, None);
            own.append(log, Kind::StreamOpened, &to_bytes(&opened))?;
            log.commit().context("cannot write to the log")?;
        }
        Ok(own)
    }

    /// The stream's id.
    pub(crate) fn id(&self) -> StreamId {
        self.stream.id()
    }

    /// Appends a time mark if the log has grown by anything else since the last one.
    pub(crate) fn mark(&mut self, log: &mut Log) -> Result<bool> {
        let size = log.checkpoint().size;
        if size == self.marked_size {
            return Ok(false);
        }
        self.append(
            log,
            Kind::TimeMark,
            &to_bytes(&TimeMark::new(realtime_ns(), size)),
        )?;
        self.marked_size = size + 1;
        Ok(true)
    }

    /// Appends entries, at least one.
    pub(crate) fn entries(
        &mut self,
        log: &mut Log,
        entries: &[(Kind, Vec<u8>)],
    ) -> Result<Appended> {
        for (kind, payload) in entries {
            self.stream.push(*kind, 0, realtime_ns(), payload);
        }
        let batch = self.stream.take().context("entries of our own")?;
        log.append(&batch, LOCAL_PEER)
            .context("the log refused entries of our own")
    }

    /// Appends an entry; it is durable with the next commit.
    pub(crate) fn append(&mut self, log: &mut Log, kind: Kind, payload: &[u8]) -> Result<()> {
        self.stream.push(kind, 0, realtime_ns(), payload);
        let batch = self.stream.take().context("an entry of our own")?;
        log.append(&batch, LOCAL_PEER)
            .context("the log refused an entry of our own")?;
        Ok(())
    }
}
