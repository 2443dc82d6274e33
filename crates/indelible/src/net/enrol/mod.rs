//! Enrolment: how a host gets its certificate, and a new one before that ends.
//!
//! Over TLS 1.3 on the collector's native port, with an application protocol of its own; one line of
//! JSON each way. A new host shows a token and knows the collector by the hash of its authority; a host
//! that renews shows its certificate. The private key never leaves the host.
//!
//! ```text
//! host      {"v":1,"csr":PEM,"name":NAME,"token":SECRET}      token: null where a certificate is shown
//! collector {"v":1,"certificate":PEM,"authority":PEM,"log_key":VKEY}  or  {"v":1,"refused":WHY}
//! ```

pub(crate) mod client;
pub(crate) mod identity;
pub(crate) mod server;
pub(crate) mod token;

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What the host asks.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    v: u8,
    csr: String,
    name: String,
    token: Option<String>,
}

/// What the collector answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Answer {
    Granted {
        v: u8,
        certificate: String,
        authority: String,
        log_key: String,
    },
    Refused {
        v: u8,
        refused: String,
    },
}

async fn write_line<S: AsyncWrite + Unpin>(stream: &mut S, message: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.flush().await?;
    Ok(())
}

async fn read_line<S, T>(stream: &mut S) -> Result<T>
where
    S: AsyncRead + Unpin,
    T: DeserializeOwned,
{
    let mut line = Vec::new();
    loop {
        let byte = stream.read_u8().await.context("the other side hung up")?;
        if byte == b'\n' {
            break;
        }
        line.push(byte);
        ensure!(
            line.len() <= LINE_BYTES_MAX,
            "a line of more than {LINE_BYTES_MAX} bytes"
        );
    }
    serde_json::from_slice(&line).context("not a message of enrolment")
}

/// The application protocol.
pub(crate) const ALPN: &[u8] = b"indelible-enrol/1";
/// Longest line.
const LINE_BYTES_MAX: usize = 64 << 10;
