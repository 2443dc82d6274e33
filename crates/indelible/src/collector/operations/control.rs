//! The way of orders to a running collector: a socket beside its store, for its own user and root.
//!
//! One line of JSON each way: an [`Order`], then `{"v":1,"done":TEXT}` or `{"v":1,"refused":TEXT}`.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::fd::AsRawFd;
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Operation, Order, Wanted, perform_offline};
use crate::collector::writer;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    v: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    done: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// A bound socket.
pub(in crate::collector) struct Control {
    listener: UnixListener,
    path: PathBuf,
    requests: Sender<writer::Request>,
}

impl Control {
    /// Binds the socket of a store whose one writer we are.
    pub(in crate::collector) fn bind(
        store: &Path,
        requests: Sender<writer::Request>,
    ) -> Result<Self> {
        let path = path(store);
        let shown = path.display();
        // What a collector that was killed left behind.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {shown}"));
            }
            _ => {}
        }
        let listener = in_folder(&path, |path| UnixListener::bind(path))
            .with_context(|| format!("cannot listen on {shown}"))?;
        let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, only_owner)
            .with_context(|| format!("cannot protect {shown}"))?;
        Ok(Self {
            listener,
            path,
            requests,
        })
    }

    /// Answers one order after the other until the collector stops.
    pub(in crate::collector) async fn run(self, mut stopping: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stopping.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    if let Err(error) = self.serve(stream).await {
                        tracing::warn!("an order was not answered: {error:#}");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept an order");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        let _ = std::fs::remove_file(&self.path);
    }

    async fn serve(&self, stream: UnixStream) -> Result<()> {
        let uid = stream.peer_cred().context("nobody asks")?.uid();
        let (read, mut write) = stream.into_split();
        let mut line = Vec::new();
        let mut limited = tokio::io::BufReader::new(read.take(LINE_BYTES_MAX));
        timeout(LINE_MAX, limited.read_until(b'\n', &mut line))
            .await
            .context("no order in time")??;
        let told = match serde_json::from_slice::<Order>(&line) {
            Ok(order) => self.perform(uid, order).await?,
            Err(error) => Err(format!("the order cannot be read: {error}")),
        };
        let (done, refused) = match told {
            Ok(done) => (Some(done), None),
            Err(why) => (None, Some(why)),
        };
        let answer = Answer {
            v: 1,
            done,
            refused,
        };
        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        timeout(LINE_MAX, write.write_all(&text))
            .await
            .context("the answer was not read")??;
        Ok(())
    }

    async fn perform(&self, uid: u32, order: Order) -> Result<Result<String, String>> {
        let (reply, answer) = channel();
        let operation = Operation {
            principal: format!("uid:{uid}"),
            wanted: Wanted::Order(order),
        };
        self.requests
            .send(writer::Request::operation(operation, reply))
            .context("the log's writer has stopped")?;
        let answer = tokio::task::spawn_blocking(move || answer.recv()).await?;
        answer.context("the log's writer has stopped")
    }
}

/// Has an order performed: by the store's running collector, or here where none runs.
///
/// # Errors
/// What was asked for is refused, or failed.
pub(crate) fn order(store: &Path, order: Order) -> Result<String> {
    let path = path(store);
    match in_folder(&path, StdStream::connect) {
        Ok(stream) => ask(stream, &order),
        Err(error) => match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
                perform_offline(store, order)
            }
            _ => Err(error).with_context(|| format!("cannot connect to {}", path.display())),
        },
    }
}

/// Tells a running collector of something that was done; whether one runs.
///
/// # Errors
/// It did not take the note.
pub(crate) fn note_if_running(store: &Path, note: &Order) -> Result<bool> {
    match in_folder(&path(store), StdStream::connect) {
        Ok(stream) => ask(stream, note).map(|_| true),
        Err(_) => Ok(false),
    }
}

fn ask(mut stream: StdStream, order: &Order) -> Result<String> {
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    let mut text = serde_json::to_vec(order)?;
    text.push(b'\n');
    ensure!(
        (text.len() as u64) < LINE_BYTES_MAX,
        "the order is too long"
    );
    stream.write_all(&text)?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE_BYTES_MAX))
        .read_line(&mut line)
        .context("the collector does not answer")?;
    let answer: Answer = serde_json::from_str(&line).context("the collector's answer")?;
    match (answer.done, answer.refused) {
        (Some(done), _) => Ok(done),
        (None, why) => bail!(why.unwrap_or_else(|| "the collector refused".to_owned())),
    }
}

/// Beside the store, as a copy of a store should hold no socket.
fn path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".control");
    name.into()
}

/// Calls with a short path to the same file: the address of a socket has 108 bytes.
fn in_folder<T>(
    path: &Path,
    then: impl FnOnce(PathBuf) -> std::io::Result<T>,
) -> std::io::Result<T> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(parent, flags, Mode::empty())?;
    let mut short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    short.push(path.file_name().unwrap_or_default());
    then(short)
}

/// Longest order or answer.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// How long an order may take to come, and its answer to be read.
const LINE_MAX: Duration = Duration::from_secs(5);
/// How long an order may take to be performed: erasing writes a segment.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// How long to wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
