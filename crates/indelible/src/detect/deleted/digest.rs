//! Digests of a file, both in one reading.

use std::fs::File;
use std::io::{self, Read};

use aws_lc_rs::digest::{Context, SHA256};
use md5::{Digest, Md5};

use super::limits;

/// What identifies the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) sha256: [u8; 32],
    /// dpkg knows files by nothing better; a match is a hint, never the proof of anything alone.
    pub(crate) md5: [u8; 16],
}

impl Digests {
    /// Reads the file to its end.
    ///
    /// # Errors
    /// It cannot be read, or is larger than the limit.
    pub(crate) fn of(file: File) -> io::Result<Self> {
        if file.metadata()?.len() > limits::IMAGE_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let (mut sha256, mut md5) = (Context::new(&SHA256), Md5::new());
        let mut file = file.take(limits::IMAGE_BYTES_MAX);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            sha256.update(&buffer[..count]);
            md5.update(&buffer[..count]);
        }
        let mut found = Self {
            sha256: [0; 32],
            md5: md5.finalize().into(),
        };
        found.sha256.copy_from_slice(sha256.finish().as_ref());
        Ok(found)
    }
}

const BUFFER_BYTES: usize = 256 << 10;
