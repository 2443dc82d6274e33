//! Capture: from the audit socket, or from what another program takes from it, to the spool.
//!
//! ```text
//! main thread   waits for signals; executes another program in its place     no filter
//! └ capture     kernel ─ recvmmsg ─▶ batch ─ append ─▶ spool                 confined
//!   └ syncer    fdatasync, so that the reader never waits for the disk       confined
//! ```
//! An upgrade (SIGHUP, `indelible agent upgrade`) keeps process and socket: the reader makes durable
//! what it has read and ends, and the main thread executes what is installed now (docs/adr/007).

mod kernel;
mod reader;
mod syncer;
mod upgrade;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use indelible_log::Kind;
use indelible_sys::audit::{Mode, RECEIVE_BATCH_MAX};
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;
use indelible_sys::lock::FileLock;
use indelible_sys::signals::{Asked, Signals};
use indelible_sys::{process, sandbox};

use super::disk::DiskWatch;
use super::intake::audisp::{PluginLines, SocketLines};
use super::intake::file::FileLines;
use super::intake::{self, Intake};
use super::layout::{Layout, Owner, Room};
use super::signer::Signer;
use super::source_stream::SourceStream;
use super::stopping::Stopping;
use crate::config::disk::DiskConfig;
use crate::config::{Capture, SpoolLimits};
use crate::payload::operator::Action;
use crate::payload::{Gap, GapReason, OperatorAction};
use crate::service;
use kernel::Kernel;
use reader::{Ended, Reader};
use upgrade::{Program, Received};
pub(crate) use upgrade::{Running, ask as ask_to_upgrade};

/// How capture runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) mode: &'a Capture,
    pub(crate) limits: SpoolLimits,
    /// What a site demands when the disk fills up.
    pub(crate) disk: Option<&'a DiskConfig>,
    /// Who may read what capture writes.
    pub(crate) worker: Option<Owner>,
    /// A supervisor started it, and asks it to stop by closing a pipe.
    pub(crate) supervised: bool,
    /// Whether the threads that read are confined.
    pub(crate) sandbox: bool,
}

/// Captures until asked to stop; then drains the socket, gives up the registration, puts
/// `enabled` back and syncs.
pub(crate) fn run(setup: Setup<'_>) -> Result<()> {
    let mut received = Received::take();
    // Before the first thread, so that all of them leave the signals to this one.
    let signals = Signals::block()?;
    let stopping = Stopping::default();
    let stopping = match (setup.supervised, setup.mode.is_on_standard_input()) {
        (false, _) => stopping,
        (true, false) => stopping.or_end_of_input(),
        (true, true) => stopping.or_lost_reader(),
    };
    let room = setup.layout.capture();
    let lock = received
        .lock(&room.lock())
        .with_context(|| format!("capture cannot use the spool {}", room.folder().display()))?;
    if let Some(Owner { gid, .. }) = setup.worker {
        // Files of this group: the worker reads what capture writes.
        process::join_group(gid)?;
    }
    process::forget_startup();
    process::lock_memory();
    match setup.mode {
        Capture::Kernel => from_the_kernel(
            setup,
            Mode::Unicast,
            &room,
            &lock,
            received,
            &signals,
            &stopping,
        ),
        Capture::Observe => from_the_kernel(
            setup,
            Mode::Multicast,
            &room,
            &lock,
            received,
            &signals,
            &stopping,
        ),
        Capture::File(_) | Capture::Audisp(_) => from_others(setup, &room, &signals, &stopping),
    }
}

fn from_the_kernel(
    setup: Setup<'_>,
    mode: Mode,
    room: &Room,
    lock: &FileLock,
    received: Received,
    signals: &Signals,
    stopping: &Stopping,
) -> Result<()> {
    let host = Host::current()?;
    let program = Program::own()?;
    let word = setup.mode.word();
    let mut stream = SourceStream::open(room, &word, &host, setup.limits, realtime_ns())?;
    let was_kept = received.socket.is_some();
    let kernel = match received.socket {
        Some(socket) => Kernel::adopt(socket, mode, received.switched_on)?,
        None => Kernel::open(mode)?,
    };
    upgrade::keep_socket(&kernel);
    process::drop_capabilities(process::CAPTURE_CAPABILITIES)?;
    tracing::info!(stream = %stream.id(), capture = %word, "capturing");
    let (signer, began) = Signer::open(room)?;
    if began {
        stream.signer_began(realtime_ns());
    }
    let handed = received.in_place.clone().unwrap_or_default();
    let mut reader = Reader::new(
        setup.layout,
        host.boot_id,
        stream,
        kernel,
        signer,
        handed.counts,
    );
    reader.disk = setup.disk.map(|disk| DiskWatch::new(setup.layout, disk));
    let running = Running::now(&host);
    if received.in_place.is_some() {
        let detail = format!(
            "version {} took the place of {}",
            running.version, handed.version
        );
        tracing::info!("{detail}");
        reader.push_json(
            Kind::Operator,
            &OperatorAction::seen(&Action::CaptureUpgraded { detail }),
        );
    } else if let Some(crashed) = Running::crashed(room, &host) {
        let gap = Gap::new(
            GapReason::CaptureKilled,
            None,
            killed(crashed.pid, was_kept),
        );
        tracing::warn!("{}", gap.detail);
        reader.push_json(Kind::Gap, &gap);
    }
    running.write(room);
    service::ready(&format!("capturing ({word})"));
    let pause = AtomicBool::new(false);
    loop {
        let read = || {
            if setup.sandbox {
                sandbox::confine_reader()?;
            }
            reader.run(stopping, &pause)
        };
        match wait_for(read, signals, stopping, || ask_to_pause(&program, &pause))? {
            Ended::Stopped => {
                service::stopping();
                upgrade::forget_socket(&reader.kernel);
                Running::remove(room);
                return Ok(());
            }
            Ended::Paused => {
                let error = program.take_over(&reader, lock);
                tracing::error!("the upgrade failed, capture goes on: {error:#}");
            }
        }
    }
}

/// What is missing after a kill.
fn killed(pid: u32, was_kept: bool) -> String {
    if was_kept {
        format!(
            "capture (pid {pid}) was killed; its socket was kept: missing is at most one batch of \
             {RECEIVE_BATCH_MAX} records that it had read and not written"
        )
    } else {
        format!("capture (pid {pid}) was killed, and what the kernel had queued for it is missing")
    }
}

fn ask_to_pause(program: &Program, pause: &AtomicBool) {
    match program.can_start() {
        Ok(()) => pause.store(true, Ordering::Release),
        Err(error) => tracing::error!("no upgrade: {error:#}"),
    }
}

/// Runs `work` in a thread of its own and answers signals meanwhile.
fn wait_for<T: Send>(
    work: impl FnOnce() -> Result<T> + Send,
    signals: &Signals,
    stopping: &Stopping,
    upgrade: impl Fn(),
) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("capture".into())
            .spawn_scoped(scope, work)
            .context("cannot start a thread")?;
        while !thread.is_finished() {
            match signals.wait(LOOK_EVERY) {
                Some(Asked::Stop) => stopping.request(),
                Some(Asked::Upgrade) => upgrade(),
                None => {}
            }
        }
        thread
            .join()
            .unwrap_or_else(|_| anyhow::bail!("the reading thread panicked"))
    })
}

/// The records that another program takes from the kernel: lines of its log or of its dispatcher.
fn from_others(
    setup: Setup<'_>,
    room: &Room,
    signals: &Signals,
    stopping: &Stopping,
) -> Result<()> {
    let host = Host::current()?;
    let word = setup.mode.word();
    let stream = SourceStream::open(room, &word, &host, setup.limits, realtime_ns())?;
    // Its owner may read the log; nothing else is needed.
    process::drop_capabilities(process::NO_CAPABILITIES)?;
    tracing::info!(stream = %stream.id(), capture = %word, "capturing");
    let read = || {
        let intake = lines_of_others(room, setup.mode, stream)?;
        intake::run(setup.layout, room, vec![intake], TICK, stopping)
    };
    wait_for(read, signals, stopping, || {
        // What it reads can be read again: a restart loses nothing.
        tracing::warn!("only capture from the kernel is upgraded in place; restart it instead");
    })
}

fn lines_of_others(room: &Room, mode: &Capture, stream: SourceStream) -> Result<Intake> {
    let source: Box<dyn intake::Source> = match mode {
        Capture::File(path) => {
            return Intake::lasting(room, stream, Kind::Audit, |position| {
                // auditd turns to its new file at once.
                let linger = Duration::ZERO;
                Box::new(FileLines::new(path, WHOLE_LINE, linger, position))
            });
        }
        Capture::Audisp(Some(socket)) => Box::new(SocketLines::new(socket, WHOLE_LINE)),
        _ => Box::new(PluginLines::new(WHOLE_LINE)?),
    };
    Ok(Intake::passing(source, stream, Kind::Audit))
}

/// Type 0 before a whole line of a log.
const WHOLE_LINE: &[u8] = &[0, 0];
/// How often a stream of another program's lines gets a head.
const TICK: Duration = Duration::from_secs(1);
/// How late the end of the reader is seen.
const LOOK_EVERY: Duration = Duration::from_millis(100);
