//! Audit logs as files: one, or those of a folder from the oldest to the newest; plain, or
//! compressed, which their first bytes tell.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The file itself, or `audit.log.N` … `audit.log.1`, `audit.log` of a folder, compressed ones
/// (`audit.log.3.gz`) among them.
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
        let rest = ENDINGS
            .iter()
            .find_map(|ending| rest.strip_suffix(ending))
            .unwrap_or(rest);
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

/// A log that was opened.
pub(super) enum Opened {
    /// It can be read anywhere; its length in bytes.
    Plain(File, u64),
    /// It can be read once, from front to back.
    Stream(Box<dyn Read + Send>),
}

/// Opens a log.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn open(path: &Path) -> Result<Opened> {
    let shown = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(shown)?;
    let status = file.metadata().with_context(shown)?;
    let mut head = Vec::new();
    (&mut file)
        .take(HEAD_BYTES)
        .read_to_end(&mut head)
        .with_context(shown)?;
    let compression = Compression::of(&head);
    if status.is_file() && compression.is_none() {
        return Ok(Opened::Plain(file, status.len()));
    }
    let whole = io::Cursor::new(head).chain(file);
    Ok(Opened::Stream(match compression {
        None => Box::new(whole),
        Some(Compression::Gzip) => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        Some(Compression::Zstd) => {
            Box::new(zstd::stream::read::Decoder::new(whole).with_context(shown)?)
        }
        Some(Compression::Xz) => Box::new(lzma_rust2::XzReader::new_mem_limit(
            whole,
            true,
            XZ_MEMORY_KIB_MAX,
        )),
    }))
}

/// The text of a log, unpacked, from front to back.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn text(path: &Path) -> Result<Box<dyn Read + Send>> {
    Ok(match open(path)? {
        Opened::Plain(mut file, _) => {
            // Its first bytes were looked at.
            file.rewind()
                .with_context(|| format!("cannot read {}", path.display()))?;
            Box::new(file)
        }
        Opened::Stream(stream) => stream,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
    Xz,
}

impl Compression {
    fn of(head: &[u8]) -> Option<Self> {
        [
            (Self::Gzip, &[0x1f, 0x8b][..]),
            (Self::Zstd, &[0x28, 0xb5, 0x2f, 0xfd]),
            (Self::Xz, &[0xfd, b'7', b'z', b'X', b'Z', 0]),
        ]
        .into_iter()
        .find(|(_, magic)| head.starts_with(magic))
        .map(|(compression, _)| compression)
    }
}

/// What the names of compressed files end in.
const ENDINGS: [&str; 3] = [".gz", ".zst", ".xz"];
/// Memory for a dictionary: `xz -9` needs 64 MiB.
const XZ_MEMORY_KIB_MAX: u32 = 80 << 10;
/// Bytes that tell how a file is compressed.
const HEAD_BYTES: u64 = 6;
