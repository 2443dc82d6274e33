//! A recorded event in a spool, for users who may not use the kernel's audit.

use std::path::Path;

use anyhow::{Context, Result};
use indelible_sys::audit::Message;
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;

use crate::agent::layout::Layout;
use crate::agent::source_stream::SourceStream;
use crate::config::SpoolLimits;

/// What the kernel sent when this demonstration ran as root: one message per line, its type first.
const RECORDED: &str = include_str!("recorded.txt");

/// Writes the recorded messages into a spool in `folder`, as capture would have.
pub(super) fn write_spool(folder: &Path) -> Result<()> {
    let layout = Layout::at(&folder.join("agent"));
    layout.create(None)?;
    let now_ns = realtime_ns();
    let mut stream = SourceStream::open(
        &layout.capture(),
        "replay",
        &Host::current()?,
        SpoolLimits::default(),
        now_ns,
    )?;
    for line in RECORDED.lines() {
        let (kind, text) = line
            .split_once(' ')
            .context("a recorded line without a type")?;
        let message = Message {
            kind: kind.parse()?,
            text: text.as_bytes(),
            truncated: false,
        };
        stream.push_record(&message, now_ns);
    }
    stream.write()?;
    stream.sync_handle().sync()?;
    Ok(())
}
