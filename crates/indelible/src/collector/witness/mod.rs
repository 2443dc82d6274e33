//! Witnesses of the log: each checkpoint that the writer publishes is offered to all of them, and
//! what enough of them have cosigned is what the log shows to others.
//!
//! ```text
//! writer ─▶ file `checkpoint`, the pending head
//!               │ each second
//!           rounds ─▶ a thread per witness ─HTTP─▶ add-checkpoint
//!               ▲────── cosignatures ──────┘
//!               └─▶ file `checkpoint.witnessed`, shown as /checkpoint
//! ```
//!
//! Nothing here holds up the writer: a witness that is slow, away or wrong delays what is shown,
//! never what is acknowledged. A witness that knows more of the log than the store holds, or
//! another history, ends the publishing; where it proves that at the start, the collector refuses
//! to start.

mod alarm;
mod asked;
mod policy;
mod rounds;

use std::sync::mpsc::Sender;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::published::Published;
use indelible_log::witness::{Witness, WitnessKey};
use tokio::sync::watch;

use super::http::Metrics;
use super::writer::Request;
use crate::config::CollectorConfig;
use crate::config::witnesses::WitnessConfig;
use crate::net::http::{Client, Credentials};
use asked::Asked;
use policy::Policy;
use rounds::Rounds;

/// The witnesses of a configuration, asked once, and ready to be asked for ever.
pub(super) struct Witnesses(Rounds);

impl Witnesses {
    /// Asks all witnesses about the newest checkpoint of the store, for at most [`FIRST_WAIT`].
    /// Nothing where none is configured.
    ///
    /// # Errors
    /// A configuration that makes no sense, files that cannot be read, and a witness that proves
    /// that the store was rolled back or rewritten.
    pub(super) fn ask(config: &CollectorConfig, metrics: Arc<Metrics>) -> Result<Option<Self>> {
        if config.witness.is_empty() {
            ensure!(
                config.witness_quorum.is_none(),
                "a quorum of witnesses without witnesses"
            );
            return Ok(None);
        }
        let policy = Policy::new(&config.witness, config.witness_quorum)?;
        let dir = RealDir::open(&config.store)?;
        let published = Arc::new(Published::open(dir.clone()).context("cannot read the store")?);
        let (outcomes, received) = mpsc::channel();
        let mut asked = Vec::new();
        for (number, witness) in config.witness.iter().enumerate() {
            let (name, tasks) = start(number, witness, &published, outcomes.clone())?;
            asked.push(Asked::new(name, tasks));
        }
        let mut rounds = Rounds::new(published, dir, policy, asked, received, metrics);
        if let Some(alarm) = rounds.first(Instant::now() + FIRST_WAIT)?
            && alarm.is_proven()
        {
            bail!(
                "{}; {}",
                alarm.why(),
                "restore the newest copy, or see what happened to the log before anything is added"
            );
        }
        Ok(Some(Self(rounds)))
    }

    /// Goes on asking in a thread of its own until the collector stops.
    pub(super) fn start(
        self,
        requests: Sender<Request>,
        stopping: watch::Receiver<bool>,
    ) -> Result<()> {
        thread::Builder::new()
            .name("witnesses".into())
            .spawn(move || self.0.run(&requests, &stopping))?;
        Ok(())
    }
}

/// Starts the thread that talks to one witness.
fn start(
    number: usize,
    config: &WitnessConfig,
    published: &Arc<Published>,
    outcomes: Sender<(usize, asked::Outcome)>,
) -> Result<(String, mpsc::Sender<indelible_log::Checkpoint>)> {
    let key = WitnessKey::parse(&config.key)
        .with_context(|| format!("in the key of the witness {}", config.url))?;
    let url = config.url.trim_end_matches('/').to_owned();
    ensure!(
        url.starts_with("http://") || url.starts_with("https://"),
        "the URL of witness {} is neither http nor https",
        key.name()
    );
    let credentials = Credentials {
        ca: config.ca.as_deref(),
        ..Credentials::default()
    };
    let client = Client::new(credentials, Some(CALL_TIMEOUT))?;
    let name = key.name().to_owned();
    // It will tell the size that it knows; what it signed last is the best guess.
    let witness = Witness::new(key.clone(), cosigned_size(published, &key));
    let (tasks, received) = mpsc::channel();
    let published = published.clone();
    thread::Builder::new()
        .name(format!("witness-{number}"))
        .spawn(move || {
            asked::Conversation::new(witness, url, client, published)
                .run(number, &received, &outcomes);
        })?;
    Ok((name, tasks))
}

/// The size of the last cosigned checkpoint where this witness signed it, else 0.
fn cosigned_size(published: &Published, key: &WitnessKey) -> u64 {
    let cosigned = published.witnessed_note().ok().and_then(|note| {
        let ours = published.key();
        let checkpoint = ours.open_note(&note).ok()?;
        key.open_note(ours.name(), &checkpoint, &note).ok()?;
        Some(checkpoint.size)
    });
    cosigned.unwrap_or(0)
}

/// A store's folder, for the one file that is written here.
type Store = Arc<dyn Dir>;

/// How long the start waits for the witnesses.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// How long one call of a witness may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
