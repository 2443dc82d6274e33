//! Capture: from the audit socket to the spool, waiting for nothing downstream of it.
//!
//! One thread reads and writes, one syncs. The reader naps a little before it reads, so that one
//! system call brings many records; the kernel's side of the socket holds 64 MiB meanwhile.

use std::fs;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{Context, SHA256};
use indelible_log::Kind;
use indelible_log::spool::SyncHandle;
use indelible_sys::audit::{CaptureSocket, Control, Mode, RECEIVE_BATCH_MAX, Status, StatusChange};
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;
use indelible_sys::lock::FileLock;
use indelible_sys::process;

use super::intake::audisp::{PluginLines, SocketLines};
use super::intake::file::FileLines;
use super::intake::{self, Intake, checkpoint_seen};
use super::kernel_watch;
use super::layout::{Layout, Owner, Room};
use super::signer::Signer;
use super::source_stream::SourceStream;
use super::stopping::Stopping;
use crate::config::{Capture, SpoolLimits};
use crate::payload::finding::REGISTRATION_TAKEN;
use crate::payload::{
    Finding, Gap, GapReason, HostHead, KernelState, RecordsSeen, RulesState, hex,
};
use crate::service::{self, Watchdog};

/// Captures until asked to stop; then drains the socket, gives up the registration, puts
/// `enabled` back and syncs.
pub(crate) fn run(
    layout: &Layout,
    mode: &Capture,
    limits: SpoolLimits,
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
    let stream = SourceStream::open(&room, &mode.word(), &host, limits, realtime_ns())?;
    let source = match mode {
        Capture::Kernel => Source::open(Mode::Unicast)?,
        Capture::Observe => Source::open(Mode::Multicast)?,
        Capture::File(_) | Capture::Audisp(_) => {
            let intake = records_of_others(&room, mode, stream)?;
            // Its owner may read the log; nothing else is needed.
            process::drop_capabilities(process::NO_CAPABILITIES)?;
            return intake::run(layout, &room, vec![intake], TICK, stopping);
        }
    };
    process::drop_capabilities(process::CAPTURE_CAPABILITIES)?;
    tracing::info!(stream = %stream.id(), capture = %mode.word(), "capturing");
    let (signer, began) = Signer::open(&room)?;
    let mut stream = stream;
    if began {
        stream.signer_began(realtime_ns());
    }
    let syncer = Syncer::start(&stream);
    let mut capture = CaptureLoop {
        layout,
        boot_id: host.boot_id,
        stream,
        source,
        signer,
        syncer,
        nap: NAP_MIN,
        flooded: false,
        overruns: 0,
        seen: RecordsSeen::default(),
        status: None,
        taken_by: 0,
        rules: None,
        rules_asked_at: None,
        ticked_at: Instant::now(),
        watchdog: Watchdog::of_manager(),
    };
    service::ready(&format!("capturing ({})", mode.word()));
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
    boot_id: [u8; 16],
    stream: SourceStream,
    source: Source,
    signer: Signer,
    syncer: Syncer,
    nap: Duration,
    /// Many records came at once since the last lull.
    flooded: bool,
    overruns: u64,
    seen: RecordsSeen,
    /// What the kernel said last.
    status: Option<Status>,
    /// The pid of another audit daemon that was reported, so that it is reported once.
    taken_by: u32,
    rules: Option<RulesState>,
    /// When the rules were asked for; `None` where they may have changed since.
    rules_asked_at: Option<Instant>,
    ticked_at: Instant,
    watchdog: Watchdog,
}

impl CaptureLoop<'_> {
    /// Waits for records or for the next second, whichever comes first.
    fn step(&mut self) -> Result<()> {
        let until_tick = self
            .source
            .next_tick
            .saturating_duration_since(Instant::now());
        let wait_max = if self.flooded { LULL } else { WAIT_MAX };
        if self.stream.is_blocked() {
            // The kernel queues meanwhile, and lets system calls wait where that is full.
            std::thread::sleep(BLOCKED_PAUSE);
            self.stream.write()?;
            self.after_write()?;
        } else if self.source.socket.wait(until_tick.min(wait_max))? {
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
                self.seen.note(message.text);
                if message.kind == CONFIG_CHANGE {
                    // Somebody has just changed something: look now, but not at each of many.
                    self.rules_asked_at = None;
                    let soon = self.ticked_at + TICK_SOON;
                    self.source.next_tick = self.source.next_tick.min(soon);
                }
            }
            records += received.messages;
            let more = received.overrun || received.messages >= RECEIVE_BATCH_MAX / 2;
            if !more || self.stream.pending_bytes() >= FRAME_BYTES_WANTED {
                self.stream.write()?;
            }
            if !more || records >= DRAIN_RECORDS_MAX {
                self.stream.write()?;
                self.after_write()?;
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

    /// Once a second, and soon after a change: what the kernel says of itself becomes a signed head,
    /// findings and gaps.
    fn tick(&mut self) -> Result<()> {
        self.watchdog.alive();
        self.ticked_at = Instant::now();
        let now_ns = realtime_ns();
        self.stream.account_for_drops(now_ns)?;
        let status = self.source.status();
        if let Some(status) = &status {
            self.compare(status, now_ns);
        }
        self.ask_for_rules();
        self.signer.renew_if_due();
        let head = HostHead {
            kernel: status.as_ref().map(KernelState::from),
            records: Some(self.seen.clone()),
            congestion: self.overruns,
            rules: self.rules.clone(),
            checkpoint: checkpoint_seen(&self.layout.receipts()),
            ..HostHead::of_boot(&self.boot_id)
        };
        self.stream.push_head(head, &mut self.signer, now_ns)?;
        self.after_write()?;
        self.release()
    }

    /// Has what was written made durable, and learns whether it was.
    fn after_write(&mut self) -> Result<()> {
        if let Some(error) = self.syncer.take_failure() {
            self.stream.sync_failed(&error);
        }
        self.syncer.follow(&self.stream);
        self.syncer.wake()
    }

    /// Holds what the kernel says against what it said before.
    fn compare(&mut self, status: &Status, now_ns: u64) {
        if let Some(before) = self.status.replace(*status) {
            // The counter wraps and can be reset; a reset shows as a smaller value.
            let more = status.lost.wrapping_sub(before.lost);
            if more > 0 && status.lost > before.lost {
                let gap = Gap::new(
                    GapReason::KernelLost,
                    Some(more.into()),
                    "the kernel's lost counter rose",
                );
                self.stream.push_json(Kind::Gap, &gap, now_ns);
            }
            for finding in kernel_watch::changes(&before, status) {
                self.report(&finding, now_ns);
            }
        }
        if self.source.socket.mode() == Mode::Unicast {
            if status.pid == std::process::id() {
                self.taken_by = 0;
            } else {
                self.claim_again(status, now_ns);
            }
        }
    }

    fn report(&mut self, finding: &Finding, now_ns: u64) {
        tracing::warn!(id = finding.id, why = finding.why, "finding");
        self.stream.push_json(Kind::Finding, finding, now_ns);
    }

    fn claim_again(&mut self, status: &Status, now_ns: u64) {
        let detail = format!("the kernel's audit daemon is pid {}", status.pid);
        if self.taken_by != status.pid || status.pid == 0 {
            self.taken_by = status.pid;
            self.report(&Finding::of(&REGISTRATION_TAKEN, &*detail), now_ns);
            self.stream.push_json(
                Kind::Gap,
                &Gap::new(GapReason::RegistrationLost, None, detail),
                now_ns,
            );
        }
        match self.source.socket.claim() {
            Ok(()) => tracing::warn!(
                pid = status.pid,
                "another audit daemon was registered; registered again"
            ),
            Err(error) => tracing::error!(%error, "cannot register again"),
        }
    }

    /// Asks for the rules where they may have changed, or after a minute.
    fn ask_for_rules(&mut self) {
        if self
            .rules_asked_at
            .is_some_and(|at| at.elapsed() < RULES_EVERY)
        {
            return;
        }
        if let Some(rules) = self.source.rules() {
            self.rules_asked_at = Some(Instant::now());
            self.rules = Some(rules);
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
        service::stopping();
        self.source.give_up();
        self.drain()?;
        self.stream.account_for_drops(realtime_ns())?;
        self.syncer.follow(&self.stream);
        self.syncer.finish()?;
        if let Some(error) = self.syncer.take_failure() {
            anyhow::bail!("cannot sync the spool: {error}");
        }
        anyhow::ensure!(
            self.stream.pending_bytes() == 0,
            "the spool could not be written: the last entries are lost"
        );
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

    fn rules(&mut self) -> Option<RulesState> {
        let rules = match self.control.as_mut()?.rules() {
            Ok(rules) => rules,
            Err(error) => {
                tracing::warn!(%error, "cannot ask for the rules");
                return None;
            }
        };
        let mut hash = Context::new(&SHA256);
        for rule in &rules {
            hash.update(&u32::try_from(rule.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(rule);
        }
        Some(RulesState {
            count: rules.len() as u64,
            sha256: hex(hash.finish().as_ref()),
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
    shared: Arc<Mutex<Synced>>,
    /// Of the stream's files.
    generation: u64,
}

struct Synced {
    handle: SyncHandle,
    /// A failed sync is final for its handle: the stream must be opened again.
    failure: Option<String>,
}

impl Syncer {
    fn start(stream: &SourceStream) -> Self {
        let (wake, woken) = sync_channel(1);
        let shared = Arc::new(Mutex::new(Synced {
            handle: stream.sync_handle(),
            failure: None,
        }));
        let theirs = shared.clone();
        let thread = std::thread::spawn(move || {
            sync_when_woken(&theirs, &woken);
            Ok(())
        });
        Self {
            wake: Some(wake),
            thread: Some(thread),
            shared,
            generation: stream.generation(),
        }
    }

    /// Goes on with the stream's present files.
    fn follow(&mut self, stream: &SourceStream) {
        if stream.generation() != self.generation {
            self.generation = stream.generation();
            lock(&self.shared).handle = stream.sync_handle();
        }
    }

    /// Why a sync failed, once.
    fn take_failure(&mut self) -> Option<String> {
        lock(&self.shared).failure.take()
    }

    /// Asks for a sync.
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

fn sync_when_woken(shared: &Mutex<Synced>, woken: &Receiver<()>) {
    let sync = || {
        // Not under the lock: a sync takes long, and the reader must not wait for it.
        let handle = lock(shared).handle.clone();
        match handle.sync() {
            // The answer for files that were opened again meanwhile says nothing.
            Ok(_) | Err(indelible_log::Error::Poisoned) => {}
            Err(error) => lock(shared).failure = Some(error.to_string()),
        }
    };
    while woken.recv().is_ok() {
        sync();
        std::thread::sleep(SYNC_EVERY);
    }
    sync();
}

fn lock(shared: &Mutex<Synced>) -> MutexGuard<'_, Synced> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
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
/// How soon after a change it is asked for, at the earliest.
const TICK_SOON: Duration = Duration::from_millis(50);
/// How often the rules are asked for without a sign of a change.
const RULES_EVERY: Duration = Duration::from_secs(60);
/// AUDIT_CONFIG_CHANGE: somebody has changed rules or settings.
const CONFIG_CHANGE: u16 = 1305;
/// How often a blocked spool is tried again.
const BLOCKED_PAUSE: Duration = Duration::from_millis(50);
/// Shortest time between two syncs.
const SYNC_EVERY: Duration = Duration::from_millis(20);
