//! A log over HTTP, as tlog-tiles shows it, and what a witness holds of it.

use std::io;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indelible_log::hash::sha256;
use indelible_log::verify::Shown;
use indelible_log::{Checkpoint, VerifierKey};

use crate::net::http::{Client, Credentials};

/// A log's address.
#[derive(Debug)]
pub(crate) struct Remote {
    client: Client,
    url: String,
}

impl Remote {
    /// A log below a URL.
    pub(crate) fn new(url: &str, credentials: Credentials<'_>) -> Result<Self> {
        Ok(Self {
            client: Client::new(credentials, Some(CALL_TIMEOUT))?,
            url: url.trim_end_matches('/').to_owned(),
        })
    }
}

impl Remote {
    /// The log's key as it shows it; none where it shows none that can be read.
    ///
    /// # Errors
    /// When it cannot be asked for.
    pub(crate) fn key(&mut self) -> Result<Option<VerifierKey>> {
        let text = self.get("log.vkey", NOTE_BYTES_MAX as usize)?;
        let text = text.and_then(|text| String::from_utf8(text).ok());
        Ok(text.and_then(|text| VerifierKey::parse(text.trim_end()).ok()))
    }
}

impl Shown for Remote {
    fn get(&mut self, path: &str, max: usize) -> io::Result<Option<Vec<u8>>> {
        let answer = self
            .client
            .get(&format!("{}/{path}", self.url))
            .map_err(|error| io::Error::other(format!("{error:#}")))?;
        match answer.status {
            200 => {
                let bytes = answer.bytes(max as u64);
                bytes
                    .map(Some)
                    .map_err(|error| io::Error::other(format!("{error:#}")))
            }
            404 => Ok(None),
            401 | 403 => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "a token for reading is needed (--token-file FILE)",
            )),
            status => Err(io::Error::other(format!("status {status}"))),
        }
    }
}

/// The newest checkpoint of the log with this key that a witness has signed, from the witness; also one that
/// a restart of the log has given up.
pub(crate) fn witnessed_checkpoint(
    url: &str,
    credentials: Credentials<'_>,
    key: &VerifierKey,
) -> Result<Checkpoint> {
    let client = Client::new(credentials, Some(CALL_TIMEOUT))?;
    let origin = sha256(key.name().as_bytes());
    let url = format!("{}/{origin}/checkpoint", url.trim_end_matches('/'));
    let answer = client.get(&url)?;
    ensure!(answer.status == 200, "{url}: status {}", answer.status);
    let note = String::from_utf8(answer.bytes(NOTE_BYTES_MAX)?).context("it is no text")?;
    key.open_any_note(&note)
        .with_context(|| format!("in {url}"))
}

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const NOTE_BYTES_MAX: u64 = 64 << 10;
