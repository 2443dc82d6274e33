//! Starts capture and worker where no service manager does, and starts a worker that died again.
//!
//! After the start it needs no privileges and keeps none: it becomes the worker's user. So it
//! cannot start capture again, and ends when capture does; the kernel keeps queueing meanwhile.

use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indelible_sys::process;
use signal_hook::consts::{SIGCHLD, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::layout::{Layout, Owner};
use super::lent::Lent;

/// How the two processes are started.
#[derive(Debug)]
pub(crate) struct Roles {
    pub(crate) capture: Vec<String>,
    /// This process's standard input carries the records: capture gets it, and the end of its
    /// standard output instead asks it to stop.
    pub(crate) records_on_input: bool,
    /// `None` where nothing else of this host is read.
    pub(crate) sources: Option<Vec<String>>,
    /// `None` where nothing is looked for.
    pub(crate) detections: Option<Vec<String>>,
    /// Processes with privileges that this one gives up: as the reader of sources, they are not started
    /// again.
    pub(crate) helpers: Vec<Vec<String>>,
    /// `None` where nothing is sent anywhere.
    pub(crate) worker: Option<Vec<String>>,
    /// What the worker may not read itself.
    pub(crate) lent: Option<Lent>,
}

/// Runs both until SIGTERM or SIGINT: capture stops first and flushes, then the worker sends the
/// rest for a few seconds.
pub(crate) fn run(layout: &Layout, roles: &Roles, worker_user: Option<Owner>) -> Result<()> {
    layout.create(worker_user)?;
    // Its path now: an upgrade puts another file there, and this one has none then.
    let program = std::env::current_exe().context("cannot find the program itself")?;
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGCHLD]).context("cannot handle signals")?;
    let mut capture = Supervised::start(&program, &roles.capture, roles.records_on_input)?;
    let start = |words: &Option<Vec<String>>| {
        let started = words
            .as_ref()
            .map(|words| Supervised::start(&program, words, false));
        started.transpose()
    };
    let mut sources = start(&roles.sources)?;
    let helpers = roles.helpers.iter();
    let mut helpers: Vec<Supervised> = helpers
        .map(|words| Supervised::start(&program, words, false))
        .collect::<Result<_>>()?;
    let mut detections = start(&roles.detections)?;
    let start_worker = |words: &[String]| {
        let start = || Supervised::start(&program, words, false);
        match &roles.lent {
            Some(lent) => lent.to(start),
            None => start(),
        }
    };
    let mut worker = roles.worker.as_deref().map(start_worker).transpose()?;
    if let Some(Owner { uid, gid }) = worker_user {
        process::drop_to_user(uid, gid)?;
    }
    crate::service::ready("capture and worker run");
    let mut restarts = Restarts::default();
    let mut restart_at = None;
    for signal in signals.forever() {
        if signal != SIGCHLD {
            break;
        }
        if let Some(status) = capture.ended()? {
            for other in [sources, detections, worker]
                .into_iter()
                .flatten()
                .chain(helpers)
            {
                other.stop()?;
            }
            if roles.records_on_input && status.success() {
                // auditd closed the plugin's input: it stops.
                return Ok(());
            }
            bail!("capture ended by itself ({status}); see its messages above");
        }
        if let Some(running) = &mut sources
            && let Some(status) = running.ended()?
        {
            // As capture, it needs privileges that this process does not have any more.
            tracing::error!(%status, "the reader of sources ended; start the agent again");
            sources = None;
        }
        let mut kept = Vec::new();
        for mut helper in helpers {
            match helper.ended()? {
                Some(status) => {
                    tracing::error!(%status, "a helper ended; start the agent again");
                }
                None => kept.push(helper),
            }
        }
        helpers = kept;
        if let (Some(running), Some(words)) = (&mut detections, &roles.detections)
            && let Some(status) = running.ended()?
        {
            tracing::warn!(%status, "the detections ended; starting them again");
            if running.started.elapsed() < RESTART_QUICKLY_AFTER {
                std::thread::sleep(RESTART_PAUSE);
            }
            detections = Some(Supervised::start(&program, words, false)?);
        }
        if let (Some(running), Some(words)) = (&mut worker, &roles.worker)
            && let Some(status) = running.ended()?
        {
            let pause = restarts.pause(running.started.elapsed());
            if !restarts.is_repeated() {
                tracing::warn!(%status, "the worker ended; starting it again");
            } else if restarts.is_news() {
                tracing::error!(
                    %status,
                    "the worker cannot start, see its messages above; it is tried again every {} s at most",
                    RESTART_PAUSE_MAX.as_secs()
                );
            }
            worker = None;
            if pause.is_zero() {
                worker = Some(start_worker(words)?);
            } else {
                wake_after(pause);
                restart_at = Some(Instant::now() + pause);
            }
        }
        if let (None, Some(words)) = (&worker, &roles.worker)
            && restart_at.is_some_and(|at| Instant::now() >= at)
        {
            restart_at = None;
            worker = Some(start_worker(words)?);
        }
    }
    crate::service::stopping();
    capture.stop()?;
    // The worker last: it sends what the others leave.
    let others = helpers.into_iter().map(Some);
    for other in others.chain([sources, detections, worker]).flatten() {
        other.stop()?;
    }
    Ok(())
}

/// How often the worker ended soon after its start, one time after the other.
#[derive(Debug, Default)]
struct Restarts {
    in_a_row: u32,
}

impl Restarts {
    /// How long to wait before it is started again: one that ran is back at once, one that cannot
    /// even start must not spin.
    fn pause(&mut self, ran: Duration) -> Duration {
        if ran >= RESTART_QUICKLY_AFTER {
            self.in_a_row = 0;
            return Duration::ZERO;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        let doubled = RESTART_PAUSE.saturating_mul(1 << (self.in_a_row - 1).min(16));
        doubled.min(RESTART_PAUSE_MAX)
    }

    fn is_repeated(&self) -> bool {
        self.in_a_row > 1
    }

    /// Whether it has just become so: it is said once.
    fn is_news(&self) -> bool {
        self.in_a_row == 2
    }
}

/// Has the loop over signals look again after a while, as the end of a child would.
fn wake_after(pause: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(pause);
        // A process can always signal itself.
        let _ = rustix::process::kill_process(
            rustix::process::getpid(),
            rustix::process::Signal::CHILD,
        );
    });
}

/// A child that ends when its standard input does.
struct Supervised {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
    started: Instant,
}

impl Supervised {
    fn start(program: &Path, words: &[String], input_is_taken: bool) -> Result<Self> {
        let mut command = Command::new(program);
        if input_is_taken {
            command.stdin(Stdio::inherit()).stdout(Stdio::piped());
        } else {
            command.stdin(Stdio::piped());
        }
        let mut child = command
            .args(words)
            .spawn()
            .context("cannot start a process of the agent")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        Ok(Self {
            child,
            input,
            output,
            started: Instant::now(),
        })
    }

    fn ended(&mut self) -> Result<Option<std::process::ExitStatus>> {
        self.child
            .try_wait()
            .context("cannot wait for a process of the agent")
    }

    /// Closes its input (or the other end of its output) and waits; it bounds its own time.
    fn stop(mut self) -> Result<()> {
        self.input = None;
        self.output = None;
        let status = self
            .child
            .wait()
            .context("cannot wait for a process of the agent")?;
        if !status.success() {
            tracing::warn!(%status, "a process of the agent failed while stopping");
        }
        Ok(())
    }
}

/// A worker that ran at least this long is started again at once.
const RESTART_QUICKLY_AFTER: Duration = Duration::from_millis(500);
/// The pause before another is; it doubles each time.
const RESTART_PAUSE: Duration = Duration::from_millis(90);
/// The longest pause.
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_cannot_start_is_tried_less_and_less_often() {
        let mut restarts = Restarts::default();
        assert_eq!(restarts.pause(Duration::from_secs(9)), Duration::ZERO);
        let mut said = 0;
        let mut waited = Duration::ZERO;
        for _ in 0..100 {
            waited += restarts.pause(Duration::from_millis(5));
            said += u32::from(restarts.is_news());
        }
        assert_eq!(said, 1);
        assert!(waited > Duration::from_secs(90 * 30), "{waited:?}");
        assert_eq!(restarts.pause(RESTART_QUICKLY_AFTER), Duration::ZERO);
        assert!(!restarts.is_repeated());
    }
}
