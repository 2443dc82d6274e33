//! Audit logs as files: one, or those of a folder from the oldest to the newest.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Takes a line without its newline.
pub(super) type TakeLine<'a> = dyn FnMut(&[u8]) -> Result<ControlFlow<()>> + 'a;

/// Gives every line of the log at `path`.
pub(super) fn read(path: &Path, take: &mut TakeLine<'_>) -> Result<ControlFlow<()>> {
    for file in in_order(path)? {
        let flow =
            read_file(&file, take).with_context(|| format!("cannot read {}", file.display()))?;
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn read_file(path: &Path, take: &mut TakeLine<'_>) -> Result<ControlFlow<()>> {
    let mut reader = BufReader::with_capacity(READ_BYTES, File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?
            == 0
        {
            return Ok(ControlFlow::Continue(()));
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() as u64 == LINE_BYTES_MAX {
            // The rest of an endless line is no record of its own.
            reader.skip_until(b'\n')?;
        }
        if take(&line)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

/// The file itself, or `audit.log.N` … `audit.log.1`, `audit.log` of a folder.
pub(crate) fn in_order(path: &Path) -> Result<Vec<PathBuf>> {
    let shown = || format!("cannot list {}", path.display());
    if !fs::metadata(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .is_dir()
    {
        return Ok(vec![path.to_owned()]);
    }
    let mut numbered = Vec::new();
    for item in fs::read_dir(path).with_context(shown)? {
        let item = item.with_context(shown)?;
        let name = item.file_name();
        let Some(rest) = name
            .to_str()
            .and_then(|name| name.strip_prefix("audit.log"))
        else {
            continue;
        };
        let number = match rest.strip_prefix('.').map(str::parse::<u32>) {
            None if rest.is_empty() => 0,
            Some(Ok(number)) => number,
            _ => continue,
        };
        numbered.push((number, item.path()));
    }
    numbered.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    Ok(numbered.into_iter().map(|(_, path)| path).collect())
}

/// Bytes per read.
const READ_BYTES: usize = 1 << 20;
/// Longest line that is kept; a kernel record has at most 8,970 bytes, its enrichment as many.
const LINE_BYTES_MAX: u64 = 1 << 20;
