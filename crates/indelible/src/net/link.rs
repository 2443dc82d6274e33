//! One TLS connection as two tasks and two bounded queues, so that a sans-IO peer can be driven
//! from one `select!` without a write ever keeping it from reading.

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use std::time::Duration;

/// A running connection. Dropping it ends both tasks and closes the socket.
#[derive(Debug)]
pub(crate) struct Link {
    /// Bytes from the peer; closed at the end of the connection.
    pub(crate) received: Receiver<Vec<u8>>,
    frames: Option<Sender<Vec<u8>>>,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl Link {
    /// Starts the two tasks over a stream whose handshake is done.
    pub(crate) fn start<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (mut read, mut write) = tokio::io::split(stream);
        let (bytes, received) = mpsc::channel(READS_QUEUED_MAX);
        let (frames, mut outgoing) = mpsc::channel::<Vec<u8>>(FRAMES_QUEUED_MAX);
        let reader = tokio::spawn(async move {
            loop {
                let mut buffer = Vec::with_capacity(READ_BYTES);
                match read.read_buf(&mut buffer).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) if bytes.send(buffer).await.is_err() => return,
                    Ok(_) => {}
                }
            }
        });
        let writer = tokio::spawn(async move {
            while let Some(frame) = outgoing.recv().await {
                if write.write_all(&frame).await.is_err() {
                    return;
                }
                if outgoing.is_empty() && write.flush().await.is_err() {
                    return;
                }
            }
            // Says goodbye in TLS too, so that the peer can tell an end from a cut.
            let _ = write.shutdown().await;
        });
        Self {
            received,
            frames: Some(frames),
            reader,
            writer,
        }
    }

    /// The queue of frames to the peer.
    pub(crate) fn frames(&self) -> Option<&Sender<Vec<u8>>> {
        self.frames.as_ref()
    }

    /// Writes what is queued and the last frames, each for at most a second, and closes.
    pub(crate) async fn close(mut self, last: impl Iterator<Item = Vec<u8>>) -> Result<()> {
        if let Some(frames) = self.frames.take() {
            for frame in last.take(LAST_FRAMES_MAX) {
                if !matches!(timeout(CLOSE_TIMEOUT, frames.send(frame)).await, Ok(Ok(()))) {
                    break;
                }
            }
        }
        timeout(CLOSE_TIMEOUT, &mut self.writer).await??;
        Ok(())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

/// Bytes per read: several TLS records.
const READ_BYTES: usize = 64 << 10;
/// Reads that may wait for the peer's machine.
const READS_QUEUED_MAX: usize = 4;
/// Frames that may wait for the socket.
const FRAMES_QUEUED_MAX: usize = 2;
/// Frames that are still written when a connection ends.
const LAST_FRAMES_MAX: usize = 64;
/// How long one of them, and the end of the writer, may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
