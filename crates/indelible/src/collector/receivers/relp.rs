//! RELP over one connection, plain or TLS: a message is answered when a commit has made it
//! durable.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use indelible_wire::native::AppendResult;
use indelible_wire::relp::{Received, Server};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep_until, timeout};

use super::intake::{Credit, Intake};
use super::limits::{GATHER, GATHER_BYTES, GREETING_MAX, WRITE_MAX};
use super::read::read_with;
use super::streams::PeerStream;
use super::unfinished::{Progress, Unfinished};
use super::{Shared, stopped};
use crate::collector::writer::Answer;

/// Serves one connection to its end.
pub(super) async fn serve<S>(
    stream: S,
    shared: &Shared,
    own: Arc<PeerStream>,
    source: SocketAddr,
) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (answers_in, answers) = unbounded_channel();
    let session = Session {
        intake: Intake::new(shared, own, Some(source), Some(answers_in)),
        server: Server::default(),
        answers,
        appended: VecDeque::new(),
    };
    session.run(stream, shared).await
}

struct Session {
    intake: Intake,
    server: Server,
    answers: UnboundedReceiver<Answer>,
    /// Messages of each batch that the log has taken, and the size of the log that makes them
    /// durable; oldest first.
    appended: VecDeque<(usize, u64)>,
}

/// What became of the bytes of a read.
enum Read {
    Taken(Result<Progress>),
    /// There was no room at once.
    Waiting(Vec<u8>),
}

impl Session {
    async fn run<S>(mut self, mut stream: S, shared: &Shared) -> Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut newest = shared.newest.clone();
        let mut stopping = shared.stopping.clone();
        let mut unfinished = Unfinished::new(shared, self.intake.stream());
        let greeting_by = Instant::now() + GREETING_MAX;
        // Nothing is read before this time, so that messages gather.
        let mut gather_until = None;
        let mut is_stopping = false;
        loop {
            if let Some(out) = self.server.transmit() {
                let written = timeout(WRITE_MAX, write(&mut stream, &out)).await;
                written
                    .context("the client does not read our answers")?
                    .context("the connection broke")?;
            }
            if self.server.ended().is_some() {
                // The client may have gone already.
                let _ = timeout(WRITE_MAX, stream.shutdown()).await;
                return Ok(());
            }
            let wants_bytes = self.server.wants_bytes() && gather_until.is_none();
            let is_open = self.server.is_open();
            let read = read_with(&mut stream, |bytes| {
                match self.intake.try_credit(bytes.len()) {
                    Some(credit) => {
                        Read::Taken(take(&mut self.server, &mut self.intake, credit, bytes))
                    }
                    None => Read::Waiting(bytes.to_vec()),
                }
            });
            let mut progress = None;
            tokio::select! {
                read = read, if wants_bytes => match read.context("the connection broke")? {
                    None => return Ok(()),
                    Some(Read::Taken(taken)) => progress = Some(taken?),
                    Some(Read::Waiting(bytes)) => {
                        let credit = self.intake.credit(bytes.len()).await?;
                        progress = Some(take(&mut self.server, &mut self.intake, credit, &bytes)?);
                    }
                },
                Some(answer) = self.answers.recv() => self.answered(answer)?,
                changed = newest.changed() => changed.context("the log's writer has stopped")?,
                () = sleep_until(gather_until.unwrap_or_else(Instant::now)), if gather_until.is_some() => {
                    gather_until = None;
                }
                () = sleep_until(greeting_by), if !is_open => bail!("no open in time"),
                () = unfinished.expired() => bail!("a message was not finished in time"),
                () = stopped(&mut stopping), if !is_stopping => {
                    is_stopping = true;
                    self.server.shut_down();
                }
            }
            if let Some(progress) = progress {
                unfinished.note(progress)?;
                let pause = self
                    .intake
                    .stream()
                    .pace(progress.messages, progress.read_bytes);
                if !pause.is_zero() {
                    gather_until = Some(Instant::now() + pause);
                }
                // A client that sends one message at a time waits for its answer.
                if gather_until.is_none()
                    && progress.messages > GATHER_MESSAGES_MIN
                    && progress.read_bytes < GATHER_BYTES
                {
                    gather_until = Some(Instant::now() + GATHER);
                }
            }
            while let Ok(answer) = self.answers.try_recv() {
                self.answered(answer)?;
            }
            self.settle(newest.borrow_and_update().size);
        }
    }

    fn answered(&mut self, answer: Answer) -> Result<()> {
        match answer {
            Answer::Appended(AppendResult::Accepted { log_size, .. }) => {
                self.appended.push_back((self.intake.answered(), log_size));
                Ok(())
            }
            _ => bail!("the log refused entries of our own"),
        }
    }

    /// Answers what is durable in a log of this size.
    fn settle(&mut self, size: u64) {
        let mut messages = 0;
        while let Some((count, log_size)) = self.appended.front()
            && *log_size <= size
        {
            messages += count;
            self.appended.pop_front();
        }
        if messages > 0 {
            self.server.durable(messages);
        }
    }
}

fn take(
    server: &mut Server,
    intake: &mut Intake,
    credit: Credit,
    bytes: &[u8],
) -> Result<Progress> {
    let mut messages = 0;
    intake.take(Some(credit), |gathering| {
        server.received(bytes, &mut |received| match received {
            Received::Message(message) => {
                gathering.message(message, true);
                messages += 1;
            }
            Received::Part(part) => gathering.part(part),
            Received::PartsEnd => {
                gathering.parts_end(true);
                messages += 1;
            }
        });
    })?;
    Ok(Progress {
        read_bytes: bytes.len(),
        messages,
        is_inside: server.is_inside(),
        held_bytes: server.pending_bytes(),
    })
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Messages in one read from which on a client is taken to send many at a time.
const GATHER_MESSAGES_MIN: usize = 4;
