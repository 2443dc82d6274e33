//! Starts capture and worker where no service manager does, and starts a worker that died again.
//!
//! After the start it needs no privileges and keeps none: it becomes the worker's user. So it
//! cannot start capture again, and ends when capture does; the kernel keeps queueing meanwhile.

use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indelible_sys::process;
use signal_hook::consts::{SIGCHLD, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::layout::{Layout, Owner};

/// How the two processes are started.
#[derive(Clone, Debug)]
pub(crate) struct Roles {
    pub(crate) capture: Vec<String>,
    /// `None` where nothing is sent anywhere.
    pub(crate) worker: Option<Vec<String>>,
}

/// Runs both until SIGTERM or SIGINT: capture stops first and flushes, then the worker sends the
/// rest for a few seconds.
pub(crate) fn run(layout: &Layout, roles: &Roles, worker_user: Option<Owner>) -> Result<()> {
    layout.create(worker_user)?;
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGCHLD]).context("cannot handle signals")?;
    let mut capture = Supervised::start(&roles.capture)?;
    let mut worker = roles
        .worker
        .as_ref()
        .map(|words| Supervised::start(words))
        .transpose()?;
    if let Some(Owner { uid, gid }) = worker_user {
        process::drop_to_user(uid, gid)?;
    }
    for signal in signals.forever() {
        if signal != SIGCHLD {
            break;
        }
        if let Some(status) = capture.ended()? {
            if let Some(worker) = worker {
                worker.stop()?;
            }
            bail!("capture ended by itself ({status}); see its messages above");
        }
        if let (Some(running), Some(words)) = (&mut worker, &roles.worker)
            && let Some(status) = running.ended()?
        {
            tracing::warn!(%status, "the worker ended; starting it again");
            if running.started.elapsed() < RESTART_QUICKLY_AFTER {
                // One that cannot even start must not spin.
                std::thread::sleep(RESTART_PAUSE);
            }
            worker = Some(Supervised::start(words)?);
        }
    }
    capture.stop()?;
    worker.map_or(Ok(()), Supervised::stop)
}

/// A child that ends when its standard input does.
struct Supervised {
    child: Child,
    input: Option<ChildStdin>,
    started: Instant,
}

impl Supervised {
    fn start(words: &[String]) -> Result<Self> {
        let program = std::env::current_exe().context("cannot find the program itself")?;
        let mut child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start a process of the agent")?;
        let input = child.stdin.take();
        Ok(Self {
            child,
            input,
            started: Instant::now(),
        })
    }

    fn ended(&mut self) -> Result<Option<std::process::ExitStatus>> {
        self.child
            .try_wait()
            .context("cannot wait for a process of the agent")
    }

    /// Closes its input and waits; it bounds its own time.
    fn stop(mut self) -> Result<()> {
        self.input = None;
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
/// The pause before another is.
const RESTART_PAUSE: Duration = Duration::from_millis(90);
