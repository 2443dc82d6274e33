//! Syslog over one connection, plain or TLS: there is nothing to answer.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use indelible_wire::syslog::{FrameError, Framer, Framing, Piece};
use tokio::io::AsyncRead;
use tokio::time::sleep;

use super::intake::{Credit, Gathering, Intake};
use super::limits::{GATHER, GATHER_BYTES};
use super::read::read_with;
use super::streams::PeerStream;
use super::unfinished::{Progress, Unfinished};
use super::{Shared, stopped};
use crate::payload::{Gap, GapReason};

/// Serves one connection to its end.
pub(super) async fn serve<S: AsyncRead + Unpin>(
    mut stream: S,
    shared: &Shared,
    own: Arc<PeerStream>,
    source: SocketAddr,
    framing: Option<Framing>,
) -> Result<()> {
    let mut lines = Lines {
        intake: Intake::new(shared, own, Some(source), None),
        framer: Framer::new(framing),
    };
    let ended = lines.receive(&mut stream, shared).await;
    lines.finish(source, &ended)?;
    ended.map(drop)
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By its peer.
    Orderly,
    /// By us.
    Stopped,
}

struct Lines {
    intake: Intake,
    framer: Framer,
}

/// What became of the bytes of a read.
enum Read {
    Taken(Result<Progress>),
    /// There was no room at once.
    Waiting(Vec<u8>),
}

impl Lines {
    async fn receive<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        shared: &Shared,
    ) -> Result<End> {
        let mut stopping = shared.stopping.clone();
        let mut unfinished = Unfinished::new(shared, self.intake.stream());
        loop {
            let read = read_with(stream, |bytes| match self.intake.try_credit(bytes.len()) {
                Some(credit) => Read::Taken(self.take(credit, bytes)),
                None => Read::Waiting(bytes.to_vec()),
            });
            let read = tokio::select! {
                read = read => read.context("the connection broke")?,
                () = unfinished.expired() => bail!("a message was not finished in time"),
                () = stopped(&mut stopping) => return Ok(End::Stopped),
            };
            let progress = match read {
                None => return Ok(End::Orderly),
                Some(Read::Taken(taken)) => taken?,
                Some(Read::Waiting(bytes)) => {
                    let credit = self.intake.credit(bytes.len()).await?;
                    self.take(credit, &bytes)?
                }
            };
            unfinished.note(progress)?;
            let pause = self
                .intake
                .stream()
                .pace(progress.messages, progress.read_bytes);
            if !pause.is_zero() {
                tokio::select! {
                    () = sleep(pause) => {}
                    () = stopped(&mut stopping) => return Ok(End::Stopped),
                }
            }
            if progress.read_bytes < GATHER_BYTES {
                sleep(GATHER).await;
            }
        }
    }

    fn take(&mut self, credit: Credit, bytes: &[u8]) -> Result<Progress> {
        let framer = &mut self.framer;
        let (mut messages, mut framed, mut input) = (0, Ok(()), bytes);
        self.intake.take(Some(credit), |gathering| {
            loop {
                match framer.next(&mut input) {
                    Ok(Some(piece)) => messages += keep(gathering, piece),
                    Ok(None) => break,
                    Err(error) => {
                        framed = Err(error);
                        break;
                    }
                }
            }
        })?;
        framed?;
        Ok(Progress {
            read_bytes: bytes.len(),
            messages,
            is_inside: self.framer.is_inside(),
            held_bytes: self.framer.pending_bytes(),
        })
    }

    /// Keeps what was not finished, and says so where a peer's framing broke.
    fn finish(&mut self, source: SocketAddr, ended: &Result<End>) -> Result<()> {
        let framer = &mut self.framer;
        self.intake.take(None, |gathering| {
            let orderly = matches!(ended, Ok(End::Orderly));
            while let Some(piece) = framer.finish(orderly) {
                keep(gathering, piece);
            }
            if let Err(error) = ended
                && error.is::<FrameError>()
            {
                let detail = format!("{source}: {error}");
                gathering.gap(&Gap::new(GapReason::FramingLost, None, detail));
            }
        })
    }
}

/// Stores a piece; the number of messages that it completes.
fn keep(gathering: &mut Gathering<'_>, piece: Piece<'_>) -> usize {
    match piece {
        Piece::Message { bytes, finished } => gathering.message(bytes, finished),
        Piece::PartsEnd { finished } => gathering.parts_end(finished),
        Piece::Part(bytes) => {
            gathering.part(bytes);
            return 0;
        }
    }
    1
}
