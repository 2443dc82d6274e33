//! The outputs' own stream: what an output left out or could not have becomes a gap entry there, and
//! goes to the collector and to every output as all entries do.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use indelible_log::Kind;
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;

use crate::agent::layout::Layout;
use crate::agent::source_stream::SourceStream;
use crate::config::SpoolLimits;
use crate::payload::Gap;

/// The stream, opened when there is something to say.
#[derive(Clone, Debug)]
pub(super) struct Notes(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    layout: Layout,
    limits: SpoolLimits,
    stream: Option<SourceStream>,
}

impl Notes {
    pub(super) fn new(layout: &Layout, limits: SpoolLimits) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            layout: layout.clone(),
            limits,
            stream: None,
        })))
    }

    /// Writes a gap entry durably. Where the disk takes nothing it waits in the stream's memory.
    pub(super) fn gap(&self, gap: &Gap) -> Result<()> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ns = realtime_ns();
        if inner.stream.is_none() {
            let host = Host::current()?;
            let room = inner.layout.outputs();
            let opened = SourceStream::open(&room, SOURCE, &host, inner.limits, now_ns)?;
            inner.stream = Some(opened);
        }
        let Some(stream) = &mut inner.stream else {
            return Ok(());
        };
        stream.push_json(Kind::Gap, gap, now_ns);
        stream.account_for_drops(now_ns)?;
        if let Err(error) = stream.sync_handle().sync() {
            stream.sync_failed(&error);
        }
        Ok(())
    }
}

/// The stream's source, as its entry 0 says.
const SOURCE: &str = "outputs";
