//! Changing what the kernel holds, all or nothing.
//!
//! What a change starts from and leads to is written down before its first step. A refusal or a
//! signal puts back what was there; after a SIGKILL the next change starts from what was there
//! before the one that was cut short, so it finishes or undoes that one. Settings (`-b`, `-f`,
//! `-r`) are put back after a refusal, but are not in the journal: the kernel takes each at once.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use indelible_rules::apply::{self, Applied, Kernel as _, apply};
use indelible_rules::errno::Errno;
use indelible_rules::file::Source;
use indelible_rules::load::{Desired, undo_settings};
use indelible_rules::plan::{Plan, Step, plan_load};
use indelible_rules::{Control, Rule, Status};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::journal::JournalFolder;
use super::kernel::Kernel;
use super::limits::RESTORE_ROUNDS_MAX;
use super::show::written;

/// The right to change the kernel's rules, held by one process at a time.
#[derive(Debug)]
pub(crate) struct Loader {
    kernel: Kernel,
    journal: JournalFolder,
    stopped: Arc<AtomicBool>,
}

/// Where a change starts.
#[derive(Debug)]
pub(crate) struct Base {
    /// The rules that count as loaded: those before a load that was cut short.
    pub(crate) rules: Vec<Rule>,
    /// The rules that the kernel holds.
    now: Vec<Rule>,
    /// Whether a load was cut short.
    pub(crate) interrupted: bool,
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) kept: usize,
    pub(crate) deleted: usize,
    pub(crate) added: usize,
    /// From the first step to the last: how long the kernel held neither the old nor the new set.
    pub(crate) took: Duration,
}

/// Where the kernel shall get to.
struct Change<'a> {
    plan: Plan,
    wanted: Vec<Rule>,
    sources: Vec<Option<&'a Source>>,
    settings: &'a [Control],
    enable: Option<u32>,
}

impl Loader {
    /// Opens the audit socket, and waits until no other load is under way.
    pub(crate) fn new(journal: &Path) -> Result<Self> {
        let kernel = Kernel::open()?;
        let journal = JournalFolder::lock(journal)?;
        let stopped = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&stopped))?;
        }
        Ok(Self {
            kernel,
            journal,
            stopped,
        })
    }

    /// The state of the audit system.
    pub(crate) fn status(&mut self) -> Result<Status> {
        self.kernel
            .status()
            .context("cannot ask for the audit status")
    }

    /// What a change starts from.
    pub(crate) fn base(&mut self) -> Result<Base> {
        let now = self.rules()?;
        let Some(journal) = self.journal.unfinished()? else {
            return Ok(Base {
                rules: now.clone(),
                now,
                interrupted: false,
            });
        };
        // Rules that neither side of the load knows were added by somebody since: they stay.
        let known: HashSet<Rule> = journal
            .before
            .iter()
            .chain(&journal.wanted)
            .map(Rule::as_listed)
            .collect();
        let foreign = now.iter().filter(|rule| !known.contains(*rule)).cloned();
        Ok(Base {
            rules: journal.before.iter().cloned().chain(foreign).collect(),
            now,
            interrupted: true,
        })
    }

    /// Makes the kernel hold what is desired.
    pub(crate) fn load(&mut self, base: &Base, desired: &Desired) -> Result<Report> {
        let wanted = desired.wanted();
        let change = Change {
            plan: plan_load(&base.now, &wanted)?,
            wanted,
            sources: desired.rules.iter().map(|row| row.1.as_ref()).collect(),
            settings: &desired.settings,
            enable: desired.enable,
        };
        self.carry_out(base, &change)
    }

    /// Makes the kernel hold the rules of the base but for these. Order does not change, so the
    /// rest stays in force all the while.
    pub(crate) fn delete(&mut self, base: &Base, gone: &[Rule]) -> Result<Report> {
        let gone: HashSet<Rule> = gone.iter().map(Rule::as_listed).collect();
        let left = base.rules.iter().filter(|rule| !gone.contains(*rule));
        let wanted: Vec<Rule> = left.cloned().collect();
        let plan = if base.interrupted {
            plan_load(&base.now, &wanted)?
        } else {
            let steps: Vec<Step> = base
                .now
                .iter()
                .filter(|rule| gone.contains(*rule))
                .map(|rule| Step::Delete(rule.clone()))
                .collect();
            Plan {
                kept: wanted.len(),
                wanted_at: vec![None; steps.len()],
                steps,
            }
        };
        let change = Change {
            plan,
            sources: vec![None; wanted.len()],
            wanted,
            settings: &[],
            enable: None,
        };
        self.carry_out(base, &change)
    }

    fn carry_out(&mut self, base: &Base, change: &Change<'_>) -> Result<Report> {
        let status = self.status()?;
        let is_nothing = change.plan.is_empty()
            && change.settings.is_empty()
            && change.enable.is_none_or(|value| value == status.enabled);
        if is_nothing {
            self.journal.end()?;
            return Ok(Report::new(&change.plan, Duration::ZERO));
        }
        if status.is_locked() {
            bail!(indelible_sys::Error::Locked);
        }
        self.journal.begin(&base.rules, &change.wanted)?;
        let start = Instant::now();
        match self.step(change) {
            Ok(()) => {
                let took = start.elapsed();
                self.journal.end()?;
                Ok(Report::new(&change.plan, took))
            }
            Err(refusal) => Err(self.take_back(base, change, &status, refusal)),
        }
    }

    /// Settings, rules, then `-e`: it may lock the rest.
    fn step(&mut self, change: &Change<'_>) -> Result<()> {
        for setting in change.settings {
            self.set(setting)?;
        }
        let mut kernel = UntilStopped {
            kernel: &mut self.kernel,
            stopped: Some(&self.stopped),
        };
        match apply(&change.plan, &mut kernel) {
            Applied::Done => {}
            Applied::Restored(refusal)
            | Applied::Stuck {
                refused: refusal, ..
            } => {
                if kernel.stopped.is_none() {
                    bail!("stopped by a signal");
                }
                let source = refusal.wanted_at.and_then(|at| change.sources[at]);
                let step = &change.plan.steps[refusal.step];
                return Err(refused(step, source, refusal.errno));
            }
        }
        match change.enable {
            Some(value) => self.set(&Control::Enable(value)),
            None => Ok(()),
        }
    }

    /// Puts back what was there before; the error says whether that worked.
    fn take_back(
        &mut self,
        base: &Base,
        change: &Change<'_>,
        before: &Status,
        refusal: anyhow::Error,
    ) -> anyhow::Error {
        let settings = undo_settings(before, change.settings);
        let restored = self
            .restore(&base.rules)
            .and_then(|()| settings.iter().try_for_each(|setting| self.set(setting)))
            .and_then(|()| self.journal.end());
        match restored {
            Ok(()) => refusal.context("nothing was loaded, the rules stand as they were"),
            Err(error) => anyhow!(
                "{refusal:#}; and the rules from before could not all be put back: {error:#}"
            ),
        }
    }

    /// Plans anew from what is loaded: a load that was cut short before this one, and steps back
    /// that were refused, leave something else than this change began with. A rule that does not
    /// come back keeps no other from coming back.
    fn restore(&mut self, before: &[Rule]) -> Result<()> {
        let mut outcome = Ok(());
        for _ in 0..RESTORE_ROUNDS_MAX {
            let plan = plan_load(&self.rules()?, before)?;
            if plan.is_empty() {
                return Ok(());
            }
            outcome = Err(anyhow!("another program keeps changing the rules"));
            for step in &plan.steps {
                if let Err(errno) = self.kernel.carry_out(step) {
                    outcome = Err(refused(step, None, errno));
                }
            }
        }
        outcome
    }

    fn set(&mut self, setting: &Control) -> Result<()> {
        self.kernel
            .set(setting)
            .map(|_| ())
            .with_context(|| format!("the kernel refused the setting {setting:?}"))
    }

    fn rules(&mut self) -> Result<Vec<Rule>> {
        self.kernel.rules().context("cannot list the loaded rules")
    }
}

/// The kernel, until a signal comes: one step is then refused, which takes the plan back, and the
/// steps back are not.
struct UntilStopped<'a> {
    kernel: &'a mut Kernel,
    /// `None` once the signal was heeded.
    stopped: Option<&'a AtomicBool>,
}

impl apply::Kernel for UntilStopped<'_> {
    fn carry_out(&mut self, step: &Step) -> Result<(), Errno> {
        if self
            .stopped
            .take_if(|stopped| stopped.load(Ordering::Relaxed))
            .is_some()
        {
            return Err(INTERRUPTED);
        }
        self.kernel.carry_out(step)
    }
}

impl Report {
    fn new(plan: &Plan, took: Duration) -> Self {
        let is_add = |step: &&Step| matches!(step, Step::Add(_));
        let added = plan.steps.iter().filter(is_add).count();
        Self {
            kept: plan.kept,
            deleted: plan.steps.len() - added,
            added,
            took,
        }
    }
}

fn refused(step: &Step, source: Option<&Source>, errno: Errno) -> anyhow::Error {
    let (verb, rule) = match step {
        Step::Add(rule) => ("add", rule),
        Step::Delete(rule) => ("delete", rule),
    };
    let line = written(rule);
    let line = line.escape_ascii();
    let place = source.map_or(String::new(), |Source { file, line }| {
        format!("{file}:{line}: ")
    });
    let number = errno.0;
    anyhow!("{place}the kernel refused to {verb} `{line}`: {errno} (errno {number})")
}

/// `EINTR`
const INTERRUPTED: Errno = Errno(4);
