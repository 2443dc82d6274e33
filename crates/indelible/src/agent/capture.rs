//! Capture: from the audit socket to the spool, waiting for nothing downstream of it.
//!
//! One thread reads and writes, one syncs. The reader naps a little before it reads, so that one
//! system call brings many records; the kernel's side of the socket holds 64 MiB meanwhile.

use std::fs;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::Kind;
use indelible_log::spool::SyncHandle;
use indelible_sys::audit::{CaptureSocket, Control, Mode, RECEIVE_BATCH_MAX, Status, StatusChange};
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;
use indelible_sys::lock::FileLock;
use indelible_sys::process;

use super::intake::audisp::{PluginLines, SocketLines};
use super::intake::file::FileLines;
use super::intake::{self, Intake};
use super::layout::{Layout, Owner, Room};
use super::source_stream::SourceStream;
use super::stopping::Stopping;
use crate::config::Capture;
use crate::payload::{Gap, GapReason, HostHead};

/// Captures until asked to stop; then drains the socket, gives up the registration, puts
/// `enabled` back and syncs.
pub(crate) fn run(
    layout: &Layout,
    mode: &Capture,
    worker: Option<Owner>,
    stopping: &Stopping,
) -> Result<()> {
    let room = layout.capture();
    let _lock = FileLock::try_now(&room.lock())
        .with_context(|| format!("capture cannot use the spool {}", room.folder().display()))?;
    if let Some(Owner { gid, .. }) = worker {
        // Files of this group: the worker reads what capture writes.
        process::join_group(gid)?;
    }
    process::lock_memory();
    let host = Host::current()?;
    let stream = SourceStream::open(&room, &mode.word(), &host, realtime_ns())?;
    let source = match mode {
        Capture::Kernel => Source::open(Mode::Unicast)?,
        Capture::Observe => Source::open(Mode::Multicast)?,
        Capture::File(_) | Capture::Audisp(_) => {
            let intake = records_of_others(&room, mode, stream)?;
            // Its owner may read the log; nothing else is needed.
            process::drop_capabilities(process::NO_CAPABILITIES)?;
            return intake::run(layout, vec![intake], stopping);
        }
    };
    process::drop_capabilities(process::CAPTURE_CAPABILITIES)?;
    tracing::info!(stream = %stream.id(), capture = %mode.word(), "capturing");
    let syncer = Syncer::start(stream.sync_handle());
    let mut capture = CaptureLoop {
        layout,
        stream,
        source,
        syncer,
        nap: NAP_MIN,
        flooded: false,
        overruns: 0,
        lost: None,
    };
    while !stopping.requested() {
        capture.step()?;
    }
    capture.finish()
}

/// The records that another program takes from the kernel: lines of its log or of its dispatcher.
fn records_of_others(room: &Room, mode: &Capture, stream: SourceStream) -> Result<Intake> {
    tracing::info!(stream = %stream.id(), capture = %mode.word(), "capturing");
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

struct CaptureLoop<'a> {
    layout: &'a Layout,
    stream: SourceStream,
    source: Source,
    syncer: Syncer,
    nap: Duration,
    /// Many records came at once since the last lull.
    flooded: bool,
    overruns: u64,
    /// The kernel's counter when it was last seen.
    lost: Option<u32>,
}

impl CaptureLoop<'_> {
    /// Waits for records or for the next second, whichever comes first.
    fn step(&mut self) -> Result<()> {
        let until_tick = self
            .source
            .next_tick
            .saturating_duration_since(Instant::now());
        let wait_max = if self.flooded { LULL } else { WAIT_MAX };
        if self.source.socket.wait(until_tick.min(wait_max))? {
            std::thread::sleep(self.nap);
            let records = self.drain()?;
            self.flooded |= records >= NAP_RECORDS;
            self.nap = if records >= NAP_RECORDS {
                NAP_MAX.min(self.nap * 2)
            } else {
                NAP_MIN
            };
        } else if self.flooded {
            self.flooded = false;
            self.source.wake_the_kernel();
        }
        if Instant::now() >= self.source.next_tick {
            self.source.next_tick = Instant::now() + TICK;
            self.tick()?;
        }
        Ok(())
    }

    /// Takes everything that waits in the socket; one frame per so many bytes.
    fn drain(&mut self) -> Result<usize> {
        let mut records = 0;
        loop {
            let received = self.source.socket.receive()?;
            let now_ns = realtime_ns();
            if received.overrun {
                self.overrun(now_ns);
            }
            for message in self.source.socket.messages() {
                self.stream.push_record(&message, now_ns);
            }
            records += received.messages;
            let more = received.overrun || received.messages >= RECEIVE_BATCH_MAX / 2;
            if !more || self.stream.pending_bytes() >= FRAME_BYTES_WANTED {
                self.stream.write()?;
            }
            if !more || records >= DRAIN_RECORDS_MAX {
                self.stream.write()?;
                self.syncer.wake()?;
                return Ok(records);
            }
        }
    }

    fn overrun(&mut self, now_ns: u64) {
        self.overruns += 1;
        if self.source.socket.mode() == Mode::Multicast {
            let gap = Gap::new(
                GapReason::SocketOverrun,
                None,
                "the multicast socket was full",
            );
            self.stream.push_json(Kind::Gap, &gap, now_ns);
        }
    }

    /// Once a second: what the kernel says of itself becomes a host head, and gaps.
    fn tick(&mut self) -> Result<()> {
        let now_ns = realtime_ns();
        self.stream.account_for_drops(now_ns)?;
        let Some(status) = self.source.status() else {
            return Ok(());
        };
        if let Some(before) = self.lost.replace(status.lost) {
            // The counter wraps and can be reset; a reset shows as a smaller value.
            let more = status.lost.wrapping_sub(before);
            if more > 0 && status.lost > before {
                let gap = Gap::new(
                    GapReason::KernelLost,
                    Some(more.into()),
                    "the kernel's lost counter rose",
                );
                self.stream.push_json(Kind::Gap, &gap, now_ns);
            }
        }
        if self.source.socket.mode() == Mode::Unicast && status.pid != std::process::id() {
            self.claim_again(&status, now_ns);
        }
        // Entries before the head are written first, so that it can name the chain.
        self.stream.write()?;
        let spool = self.stream.spool();
        let head = HostHead::new(spool.next(), spool.head(), &status, self.overruns);
        self.stream.push_json(Kind::HostHead, &head, now_ns);
        self.stream.write()?;
        self.syncer.wake()?;
        self.release()
    }

    fn claim_again(&mut self, status: &Status, now_ns: u64) {
        let detail = format!("the kernel's audit daemon was pid {}", status.pid);
        self.stream.push_json(
            Kind::Gap,
            &Gap::new(GapReason::RegistrationLost, None, detail),
            now_ns,
        );
        match self.source.socket.claim() {
            Ok(()) => tracing::warn!(
                pid = status.pid,
                "another audit daemon was registered; registered again"
            ),
            Err(error) => tracing::error!(%error, "cannot register again"),
        }
    }

    fn release(&mut self) -> Result<()> {
        match fs::read(self.layout.released_position(self.stream.id())) {
            Ok(bytes) => match <[u8; 8]>::try_from(bytes) {
                Ok(position) => self.stream.release(u64::from_be_bytes(position)),
                Err(_) => Ok(()),
            },
            Err(_) => Ok(()),
        }
    }

    fn finish(mut self) -> Result<()> {
        self.source.give_up();
        self.drain()?;
        self.stream.account_for_drops(realtime_ns())?;
        self.syncer.finish()?;
        tracing::info!(next = self.stream.spool().next(), "capture stopped");
        Ok(())
    }
}

/// The sockets to the kernel.
struct Source {
    socket: CaptureSocket,
    /// A second socket for requests; absent without CAP_AUDIT_CONTROL.
    control: Option<Control>,
    /// Set where we switched auditing on.
    switched_on: bool,
    next_tick: Instant,
}

impl Source {
    fn open(mode: Mode) -> Result<Self> {
        let mut control = Control::open().ok();
        let socket = match mode {
            Mode::Unicast => CaptureSocket::register()?,
            Mode::Multicast => CaptureSocket::observe()?,
        };
        let mut switched_on = false;
        if mode == Mode::Unicast
            && let Some(control) = &mut control
            && control.status()?.enabled == 0
        {
            control.set(StatusChange::Enabled(1))?;
            switched_on = true;
        }
        Ok(Self {
            socket,
            control,
            switched_on,
            next_tick: Instant::now(),
        })
    }

    fn status(&mut self) -> Option<Status> {
        match self.control.as_mut()?.status() {
            Ok(status) => Some(status),
            Err(error) => {
                tracing::warn!(%error, "cannot ask for the audit status");
                None
            }
        }
    }

    /// Has the kernel write one record, so that its queue wakes whoever waits for room in it.
    ///
    /// A system call that finds the backlog full goes to sleep for up to `backlog_wait_time` (60 s by
    /// default). If the queue drains between its look and its sleep, nothing wakes it until another
    /// record is queued (kernel/audit.c, `audit_log_start`): with one busy process, a minute's halt.
    fn wake_the_kernel(&mut self) {
        if self.socket.mode() == Mode::Unicast
            && let Some(control) = &mut self.control
            && let Err(error) = control.user_message(USER_TRUSTED_APP, WAKE)
        {
            tracing::debug!(%error, "cannot wake the kernel's queue");
        }
    }

    /// Switches auditing off again if it was off, and gives up the registration.
    fn give_up(&mut self) {
        let Some(control) = &mut self.control else {
            return;
        };
        if self.switched_on
            && let Err(error) = control.set(StatusChange::Enabled(0))
        {
            tracing::warn!(%error, "cannot switch auditing off again");
        }
        if self.socket.mode() == Mode::Unicast
            && let Err(error) = control.set(StatusChange::Pid(0))
        {
            tracing::warn!(%error, "cannot give up the registration");
        }
    }
}

/// The thread that syncs, so that the reader never waits for the disk.
struct Syncer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Syncer {
    fn start(handle: SyncHandle) -> Self {
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::spawn(move || sync_when_woken(&handle, &woken));
        Self {
            wake: Some(wake),
            thread: Some(thread),
        }
    }

    /// Asks for a sync; fails if an earlier one did.
    fn wake(&mut self) -> Result<()> {
        let Some(wake) = &self.wake else {
            return Ok(());
        };
        // Full means that a wake-up waits already.
        match wake.try_send(()) {
            Ok(()) | Err(std::sync::mpsc::TrySendError::Full(())) => Ok(()),
            Err(std::sync::mpsc::TrySendError::Disconnected(())) => self.finish(),
        }
    }

    /// Syncs what is left and ends.
    fn finish(&mut self) -> Result<()> {
        self.wake = None;
        match self.thread.take() {
            Some(thread) => thread
                .join()
                .unwrap_or_else(|_| anyhow::bail!("the syncing thread panicked")),
            None => Ok(()),
        }
    }
}

fn sync_when_woken(handle: &SyncHandle, woken: &Receiver<()>) -> Result<()> {
    // A failed sync is final: the process ends, and the next one reads what the disk really holds.
    while woken.recv().is_ok() {
        handle.sync().context("cannot sync the spool")?;
        std::thread::sleep(SYNC_EVERY);
    }
    handle.sync().context("cannot sync the spool")?;
    Ok(())
}

/// Type 0 before a whole line of a log.
const WHOLE_LINE: &[u8] = &[0, 0];
/// Longest wait for records: how late a request to stop is seen.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// Silence after a flood that may mean that its source sleeps.
const LULL: Duration = Duration::from_millis(10);
/// AUDIT_TRUSTED_APP: the type for messages whose text is a program's own affair.
const USER_TRUSTED_APP: u16 = 1121;
/// What that record says.
const WAKE: &[u8] = b"op=indelible-wake res=success";
/// Nap before a read when little comes: one event's records arrive within it.
const NAP_MIN: Duration = Duration::from_micros(200);
/// Nap before a read in a flood.
const NAP_MAX: Duration = Duration::from_millis(5);
/// Records in one drain from which on naps grow.
const NAP_RECORDS: usize = 64;
/// Records after which a drain looks at the clock again.
const DRAIN_RECORDS_MAX: usize = 8192;
/// Bytes of one frame in a flood.
const FRAME_BYTES_WANTED: usize = 256 << 10;
/// How often the kernel's status is asked for.
const TICK: Duration = Duration::from_secs(1);
/// Shortest time between two syncs.
const SYNC_EVERY: Duration = Duration::from_millis(20);
