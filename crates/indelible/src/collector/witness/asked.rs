//! One witness: the thread that talks to it, and what the rounds know of it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use anyhow::Result;
use indelible_log::Checkpoint;
use indelible_log::hash::sha256;
use indelible_log::published::Published;
use indelible_log::witness::{ANSWER_BYTES_MAX, Cosignature, Offer, Verdict, Witness, WitnessKey};

use super::alarm::Alarm;
use crate::net::http::Client;

/// What came of asking a witness.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The checkpoint, and its signature line.
    Cosigned(Checkpoint, String),
    /// To be tried again later: why.
    Failed(String),
    /// The store is not what the witness knows.
    Alarm(Box<Alarm>),
}

/// A witness as the rounds see it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) name: String,
    tasks: Sender<Checkpoint>,
    busy: bool,
    failures: u32,
    again_at: Option<Instant>,
}

impl Asked {
    pub(super) fn new(name: String, tasks: Sender<Checkpoint>) -> Self {
        Self {
            name,
            tasks,
            busy: false,
            failures: 0,
            again_at: None,
        }
    }

    /// Whether its answer is outstanding.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Whether it may be asked now.
    pub(super) fn may_be_asked(&self, now: Instant) -> bool {
        !self.busy && self.again_at.is_none_or(|again| now >= again)
    }

    pub(super) fn offer(&mut self, checkpoint: Checkpoint) {
        // Its thread lives as long as this sender.
        self.busy = self.tasks.send(checkpoint).is_ok();
    }

    /// It answered well.
    pub(super) fn answered(&mut self) {
        self.busy = false;
        self.failures = 0;
        self.again_at = None;
    }

    /// It did not; whether that is news.
    pub(super) fn failed(&mut self, now: Instant, jitter: f64) -> bool {
        self.busy = false;
        let doubled = BACK_OFF_MIN * 2u32.pow(self.failures.min(BACK_OFF_DOUBLINGS));
        self.again_at = Some(now + doubled.mul_f64(0.5 + jitter / 2.0));
        self.failures = self.failures.saturating_add(1);
        self.failures == 1
    }
}

/// The thread's side.
pub(super) struct Conversation {
    witness: Witness,
    url: String,
    client: Client,
    published: Arc<Published>,
}

impl Conversation {
    pub(super) fn new(
        witness: Witness,
        url: String,
        client: Client,
        published: Arc<Published>,
    ) -> Self {
        Self {
            witness,
            url,
            client,
            published,
        }
    }

    /// Offers what is asked for until nobody asks any more.
    pub(super) fn run(
        mut self,
        number: usize,
        tasks: &Receiver<Checkpoint>,
        outcomes: &Sender<(usize, Outcome)>,
    ) {
        for checkpoint in tasks {
            let outcome = self
                .ask(checkpoint)
                .unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
            if outcomes.send((number, outcome)).is_err() {
                return;
            }
        }
    }

    fn ask(&mut self, checkpoint: Checkpoint) -> Result<Outcome> {
        for _ in 0..OFFERS_MAX {
            let offer = self.witness.offer(checkpoint);
            let verdict = self.send(&offer)?;
            let key = self.witness.key();
            return Ok(match verdict {
                Verdict::Again => continue,
                Verdict::Cosigned(cosignature) => cosigned(key, checkpoint, cosignature),
                Verdict::Refused(why) => Outcome::Failed(why),
                Verdict::Ahead { size } => {
                    self.alarm(Alarm::ahead(key.name(), size, &checkpoint), &checkpoint)
                }
                Verdict::Inconsistent { old_size } => {
                    let alarm = Alarm::inconsistent(key.name(), old_size, &checkpoint);
                    self.alarm(alarm, &checkpoint)
                }
            });
        }
        Ok(Outcome::Failed("it names another size each time".into()))
    }

    fn send(&mut self, offer: &Offer) -> Result<Verdict> {
        let (from, to) = (offer.old_size, offer.checkpoint.size);
        let proof = self.published.consistency(from, to)?;
        let body = offer.to_body(&proof, &offer.checkpoint.to_note(&self.published.key()));
        let url = format!("{}/add-checkpoint", self.url);
        let answer = self
            .client
            .post(&url, "text/plain; charset=utf-8", body.as_bytes())?;
        let (status, media_type) = (answer.status, answer.media_type.clone());
        let body = answer.bytes(ANSWER_BYTES_MAX)?;
        let key = self.published.key();
        let origin = key.name();
        Ok(self
            .witness
            .answered(origin, offer, status, &media_type, &body))
    }

    /// Asks the witness for the checkpoint that it signed, which would prove what it says.
    fn alarm(&self, alarm: Alarm, offered: &Checkpoint) -> Outcome {
        let origin = sha256(self.published.key().name().as_bytes());
        let shown = self
            .client
            .get(&format!("{}/{origin}/checkpoint", self.url))
            .ok()
            .filter(|answer| answer.status == 200)
            .and_then(|answer| answer.bytes(ANSWER_BYTES_MAX).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let key = self.published.key();
        let theirs = shown.as_ref().and_then(|note| key.open_any_note(note).ok());
        if let Some(theirs) = theirs
            && key.gave_up(&theirs).is_some()
        {
            return Outcome::Failed(format!(
                "it holds a checkpoint of {} entries that the restart of the log has given up: who runs it \
                 must let it begin anew with this log",
                theirs.size
            ));
        }
        Outcome::Alarm(Box::new(alarm.with_evidence(
            &self.published,
            offered,
            shown,
        )))
    }
}

fn cosigned(key: &WitnessKey, checkpoint: Checkpoint, cosignature: Cosignature) -> Outcome {
    Outcome::Cosigned(checkpoint, key.line(&cosignature))
}

/// Offers of one checkpoint: the first may name a wrong size, and the size may move once more.
const OFFERS_MAX: usize = 3;
/// The first pause after a failure; each one doubles it, up to 64 s.
const BACK_OFF_MIN: Duration = Duration::from_secs(1);
const BACK_OFF_DOUBLINGS: u32 = 6;
