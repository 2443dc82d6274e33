//! What operators have done to a store: each thing is an entry of the log before it happens.
//!
//! ```text
//! hold, erase, export ─▶ control (a socket beside the store) ─┐
//! retention (a thread)                                        ├▶ writer ─▶ Store::perform
//! HTTP reads                                                  ┘
//! ```
//!
//! Where no collector runs, the commands open the store themselves and do the same.

pub(crate) mod control;
pub(crate) mod hold;
pub(super) mod retention;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::log::Rotation;
use indelible_log::retention::{Erasure, Plan};
use indelible_log::{Kind, Log, LogReader};
use serde::{Deserialize, Serialize};

use super::own_stream::OwnStream;
use crate::payload::operator::Action;
use crate::payload::{OperatorAction, to_bytes};
use hold::{Hold, Holds};

/// What is asked for, by whom.
#[derive(Debug)]
pub(crate) struct Operation {
    /// `uid:N`, `token:NAME`, `collector`.
    pub(crate) principal: String,
    pub(crate) wanted: Wanted,
}

/// The kinds of operations.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// An order of a person.
    Order(Order),
    /// Retention removes the oldest segment.
    Remove { plan: Box<Plan>, reason: String },
}

/// Orders of a person, as they go over the control socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Order {
    /// Holds entries of a host.
    Hold {
        host: String,
        since: Option<String>,
        until: Option<String>,
        reason: String,
    },
    /// Ends a hold.
    Release { hold: String, reason: String },
    /// Erases the payload of an entry.
    Erase { entry: u64, reason: String },
    /// Gives the log a new key.
    RotateKey { reason: String },
    /// Lets a restored log go on; `kept` entries are as they were, or all that are there.
    RestartLog { kept: Option<u64>, reason: String },
    /// Notes something that was done elsewhere.
    Note { action: Action },
}

/// A store with its one writer, for the time of an operation.
pub(crate) struct Store<'a> {
    pub(crate) log: &'a mut Log,
    pub(crate) own: &'a mut OwnStream,
    pub(crate) path: &'a Path,
}

impl Store<'_> {
    /// Declares and does it; what to tell who asked.
    ///
    /// # Errors
    /// What was asked for is refused or failed. After a failed write the log is poisoned.
    pub(crate) fn perform(&mut self, operation: Operation) -> Result<String> {
        let principal = operation.principal.as_str();
        match operation.wanted {
            Wanted::Remove { plan, reason } => {
                let root = self.log.root(plan.to())?;
                self.declare(principal, Some(&reason), &plan.declared(&root))?;
                self.log.remove(&plan)?;
                Ok(format!("removed the entries below {}", plan.to()))
            }
            Wanted::Order(Order::Erase { entry, reason }) => self.erase(principal, entry, &reason),
            Wanted::Order(Order::Hold {
                host,
                since,
                until,
                reason,
            }) => {
                let hold = Hold::new(host, since, until, reason)?;
                let action = hold.added();
                let mut holds = Holds::read(self.path)?;
                holds.check_room()?;
                self.declare(principal, Some(&hold.reason), &action)?;
                let told = format!("holding {}", hold.name);
                holds.add(hold);
                holds.write(self.path)?;
                Ok(told)
            }
            Wanted::Order(Order::Release { hold, reason }) => {
                let mut holds = Holds::read(self.path)?;
                ensure!(holds.remove(&hold), "there is no hold {hold}");
                let action = Action::HoldRemove { hold: hold.clone() };
                self.declare(principal, Some(&reason), &action)?;
                holds.write(self.path)?;
                Ok(format!("released {hold}"))
            }
            Wanted::Order(Order::RotateKey { reason }) => {
                let rotation = self.log.begin_rotation()?;
                self.follow_key(rotation, principal, &reason)?;
                Ok(format!("the log signs with {}", self.log.verifier()))
            }
            Wanted::Order(Order::RestartLog { kept, reason }) => {
                self.restart_log(kept, principal, &reason)
            }
            Wanted::Order(Order::Note { action }) => {
                self.declare(principal, None, &action)?;
                Ok("noted".to_owned())
            }
        }
    }

    fn restart_log(&mut self, kept: Option<u64>, principal: &str, reason: &str) -> Result<String> {
        let restart = self.log.begin_restart(kept).with_context(|| {
            let entries = self.log.checkpoint().size;
            format!(
                "the log cannot be restarted: of its {entries} entries only those can be given up that its \
                 newest key has signed"
            )
        })?;
        self.follow_key(restart, principal, reason)?;
        let keys = self.log.verifier();
        let kept = keys.successions().find_map(|one| one.given_up_beyond);
        Ok(format!(
            "the log goes on from {} entries and signs with {keys}",
            kept.unwrap_or_default()
        ))
    }

    /// Declares a new key and lets it follow.
    fn follow_key(&mut self, rotation: Rotation, principal: &str, reason: &str) -> Result<()> {
        let declared = self.declare(principal, Some(reason), &rotation.declared());
        // Also where the declaration failed: the log then knows that it does not know.
        let finished = self.log.finish_rotation(rotation);
        declared.and(finished.context("cannot put the new key in place"))?;
        self.log.publish()?;
        Ok(())
    }

    fn erase(&mut self, principal: &str, entry: u64, reason: &str) -> Result<String> {
        let dir = RealDir::open(self.path)?;
        self.may_be_erased(dir.clone(), entry)?;
        let erasure = Erasure::of(&*dir, entry)?;
        self.declare(principal, Some(reason), &erasure.declared())?;
        self.log.erase(&erasure)?;
        Ok(format!("erased the payload of entry {entry}"))
    }

    /// Entries that say where streams and hosts stand are never erased, nor is what is held.
    fn may_be_erased(&self, dir: Arc<dyn Dir>, index: u64) -> Result<()> {
        let reader = LogReader::open(dir)?;
        let part = reader.part_at(index)?.filter(|part| part.first() <= index);
        let part = part.with_context(|| format!("there is no entry {index}"))?;
        let decoded = reader.decode(&part)?;
        let Some((_, bytes)) = decoded
            .iter_from(index)
            .next()
            .filter(|(at, _)| *at == index)
        else {
            bail!("entry {index} is erased already");
        };
        let entry = indelible_log::EntryRef::parse(bytes)?;
        let kind = entry.header().kind;
        let is_record = matches!(
            kind,
            Kind::Audit | Kind::Syslog | Kind::Journal | Kind::FileLine | Kind::Context
        );
        ensure!(
            is_record,
            "entry {index} is no record: what proves where streams stand is not erased"
        );
        let stream = self.log.stream(entry.header().stream);
        let peer = stream.map(|stream| stream.peer).unwrap_or_default();
        if let Some(hold) = Holds::read(self.path)?.holding(&peer, entry.header().time_ns) {
            bail!("entry {index} is held by {}: {}", hold.name, hold.reason);
        }
        Ok(())
    }

    /// Puts an entry into the log's own stream, durably.
    fn declare(
        &mut self,
        principal: &str,
        reason: Option<&str>,
        action: &impl Serialize,
    ) -> Result<()> {
        let payload = to_bytes(&OperatorAction::new(principal, reason, action));
        self.own.append(self.log, Kind::Operator, &payload)?;
        self.log
            .commit()
            .context("cannot make an entry of our own durable")?;
        Ok(())
    }
}

/// Opens a store without a collector and performs an order.
fn perform_offline(path: &Path, order: Order) -> Result<String> {
    let shown = path.display();
    let dir = RealDir::open(path).with_context(|| format!("cannot open {shown}"))?;
    let key = super::store_key(path)?.with_context(|| format!("{shown} is no store"))?;
    let mut options = indelible_log::Options::new(key.name());
    options.terms = Some(std::sync::Arc::new(crate::terms::EntryTerms));
    let (mut log, _) =
        Log::open(dir, &options).with_context(|| format!("cannot open the store {shown}"))?;
    let mut own = OwnStream::open(&mut log)?;
    let operation = Operation {
        principal: format!("uid:{}", rustix::process::getuid().as_raw()),
        wanted: Wanted::Order(order),
    };
    let told = Store {
        log: &mut log,
        own: &mut own,
        path,
    }
    .perform(operation)?;
    log.close().context("cannot close the log")?;
    Ok(told)
}
