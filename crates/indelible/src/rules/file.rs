//! One file of rules, with what its permissions say about who may have written it.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use indelible_rules::limits::FILE_BYTES_MAX;
use indelible_rules::system::RulesFile;
use rustix::fs::OFlags;

/// Opens and reads a file; what is not a regular file has no bytes.
pub(super) fn open(path: &Path) -> io::Result<RulesFile> {
    // A named pipe without a writer would hold up a blocking open for good.
    let file = File::options()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    let mut content = Vec::new();
    if metadata.is_file() {
        let read = file
            .take(FILE_BYTES_MAX as u64 + 1)
            .read_to_end(&mut content)?;
        if read > FILE_BYTES_MAX {
            return Err(io::Error::other(format!(
                "longer than {FILE_BYTES_MAX} bytes"
            )));
        }
    }
    Ok(RulesFile {
        mode: metadata.mode(),
        uid: metadata.uid(),
        content,
    })
}

/// As [`open`], for a file whose rules are to be loaded: auditctl's refusals hold, since whoever
/// can write the file decides what is recorded.
pub(super) fn open_trusted(path: &Path) -> io::Result<RulesFile> {
    let file = open(path)?;
    let name = path.as_os_str().as_encoded_bytes();
    match file.refusal(name) {
        Some(refusal) => Err(io::Error::other(refusal.replacen("Error - ", "", 1))),
        None => Ok(file),
    }
}
