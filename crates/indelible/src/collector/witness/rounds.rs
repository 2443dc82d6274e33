//! Rounds: one checkpoint at a time is offered to all witnesses, until enough have signed it.
//!
//! All are asked about the same one, because signatures of different checkpoints do not add up. A
//! round is over when everybody has answered, or a moment after there were enough answers; a slow
//! witness misses rounds, and holds up nobody.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::dir::replace;
use indelible_log::published::{Published, WITNESSED};
use indelible_log::{Checkpoint, Kind};
use tokio::sync::watch;

use super::super::http::Metrics;
use super::super::writer::{Request, Wanted};
use super::Store;
use super::alarm::Alarm;
use super::asked::{Asked, Outcome};
use super::policy::Policy;
use crate::payload::to_bytes;

/// All witnesses, and the round at hand.
pub(super) struct Rounds {
    published: Arc<Published>,
    store: Store,
    policy: Policy,
    witnesses: Vec<Asked>,
    outcomes: Receiver<(usize, Outcome)>,
    metrics: Arc<Metrics>,
    round: Option<Round>,
    halted: Option<Alarm>,
}

struct Round {
    checkpoint: Checkpoint,
    began: Instant,
    /// Signature lines, by witness.
    lines: Vec<Option<String>>,
    /// When there were enough of them.
    met: Option<Instant>,
    /// Lines under the note that was published last.
    shown: usize,
}

impl Rounds {
    pub(super) fn new(
        published: Arc<Published>,
        store: Store,
        policy: Policy,
        witnesses: Vec<Asked>,
        outcomes: Receiver<(usize, Outcome)>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            published,
            store,
            policy,
            witnesses,
            outcomes,
            metrics,
            round: None,
            halted: None,
        }
    }

    /// The first round, which ends when all have answered, at the latest at `until`. Answers what
    /// contradicts the store, if anything does.
    pub(super) fn first(&mut self, until: Instant) -> Result<Option<Alarm>> {
        self.step(Instant::now())?;
        while self.halted.is_none() && self.witnesses.iter().any(Asked::is_busy) {
            let left = until.saturating_duration_since(Instant::now());
            match self.outcomes.recv_timeout(left) {
                Ok((number, outcome)) => self.took(number, outcome),
                Err(_) => break,
            }
        }
        self.show()?;
        Ok(self.halted.clone())
    }

    /// Round after round, until the collector stops. What contradicts the store becomes an entry.
    pub(super) fn run(mut self, requests: &Sender<Request>, stopping: &watch::Receiver<bool>) {
        let mut told = false;
        while !*stopping.borrow() && stopping.has_changed().is_ok() {
            match self.outcomes.recv_timeout(TICK) {
                Ok((number, outcome)) => self.took(number, outcome),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if let Some(alarm) = self.halted.as_ref().filter(|_| !told) {
                told = true;
                let entry = Wanted::Own(vec![(Kind::Finding, to_bytes(&alarm.finding()))]);
                if requests.send(Request::unanswered(entry)).is_err() {
                    return;
                }
            }
            if let Err(error) = self.step(Instant::now()).and_then(|()| self.show()) {
                tracing::warn!("cannot have the checkpoint witnessed: {error:#}");
                std::thread::sleep(PAUSE_AFTER_ERROR);
            }
        }
    }

    /// Begins a round where one is due, and asks whoever has not signed.
    fn step(&mut self, now: Instant) -> Result<()> {
        if self.halted.is_some() {
            return Ok(());
        }
        if self.is_over(now) {
            let newest = self.published.checkpoint()?;
            let same = |round: &Round| round.checkpoint == newest;
            if newest.size > 0 && !self.round.as_ref().is_some_and(same) {
                self.round = Some(Round {
                    checkpoint: newest,
                    began: now,
                    lines: vec![None; self.witnesses.len()],
                    met: None,
                    shown: 0,
                });
            }
        }
        let Some(round) = &self.round else {
            return Ok(());
        };
        for (witness, line) in self.witnesses.iter_mut().zip(&round.lines) {
            if line.is_none() && witness.may_be_asked(now) {
                witness.offer(round.checkpoint);
            }
        }
        Ok(())
    }

    fn is_over(&self, now: Instant) -> bool {
        let Some(round) = &self.round else {
            return true;
        };
        if now < round.began + ROUND_MIN {
            return false;
        }
        let waited = round.met.is_some_and(|met| now >= met + GRACE);
        waited || !self.witnesses.iter().any(Asked::is_busy) || now >= round.began + ROUND_MAX
    }

    fn took(&mut self, number: usize, outcome: Outcome) {
        let (now, witness) = (Instant::now(), &mut self.witnesses[number]);
        match outcome {
            Outcome::Cosigned(checkpoint, line) => {
                witness.answered();
                if let Some(round) = &mut self.round
                    && round.checkpoint == checkpoint
                {
                    round.lines[number] = Some(line);
                    if self.policy.is_met(round.lines.iter().map(Option::is_some)) {
                        round.met.get_or_insert(now);
                    }
                }
            }
            Outcome::Failed(why) => {
                self.metrics.witness_failures.inc();
                if witness.failed(now, jitter()) {
                    tracing::warn!(witness = witness.name, "does not cosign: {why}");
                }
            }
            Outcome::Alarm(alarm) => {
                witness.answered();
                self.metrics.publishing_halted.set(1);
                let proven = alarm.is_proven();
                tracing::error!(proven, "publishing is halted: {}", alarm.why());
                self.halted.get_or_insert(*alarm);
            }
        }
    }

    /// Puts a cosigned checkpoint in place, and again when more have signed it.
    fn show(&mut self) -> Result<()> {
        let Some(round) = self.round.as_mut().filter(|_| self.halted.is_none()) else {
            return Ok(());
        };
        let lines: Vec<&str> = round.lines.iter().flatten().map(String::as_str).collect();
        if round.met.is_none() || lines.len() == round.shown {
            return Ok(());
        }
        let note = round.checkpoint.to_note(&self.published.key()) + &lines.concat();
        replace(&*self.store, "", WITNESSED, note.as_bytes())
            .with_context(|| format!("cannot write {WITNESSED}"))?;
        round.shown = lines.len();
        self.metrics.witnessed_size.set(round.checkpoint.size);
        Ok(())
    }
}

/// Between 0 and 1; without randomness the pauses are as long as they may be.
fn jitter() -> f64 {
    let mut bytes = [u8::MAX; 2];
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    f64::from(u16::from_be_bytes(bytes)) / f64::from(u16::MAX)
}

/// How often is looked for what is to be done.
const TICK: Duration = Duration::from_millis(50);
/// Rounds are as far apart as publications at least.
const ROUND_MIN: Duration = Duration::from_millis(500);
/// How long slower witnesses may still sign a checkpoint that enough have signed.
const GRACE: Duration = Duration::from_millis(500);
/// How long a checkpoint waits for signatures before a newer one is tried.
const ROUND_MAX: Duration = Duration::from_secs(15);
/// After the store could not be read or written.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
