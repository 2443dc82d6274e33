//! The thread that reads the audit socket and writes the spool, waiting for nothing downstream of it.
//!
//! It naps a little before it reads, so that one system call brings many records; the kernel's side
//! of the socket holds 64 MiB meanwhile. What one call brought is written before the next one, so
//! that a kill costs one batch at most.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use indelible_log::Kind;
use indelible_sys::audit::{Mode, RECEIVE_BATCH_MAX, Status};
use indelible_sys::clock::realtime_ns;

use super::kernel::Kernel;
use super::syncer::Syncer;
use crate::agent::disk::{DiskWatch, Due};
use crate::agent::intake::checkpoint_seen;
use crate::agent::kernel_watch;
use crate::agent::layout::Layout;
use crate::agent::signer::Signer;
use crate::agent::source_stream::SourceStream;
use crate::agent::stopping::Stopping;
use crate::config::disk::DiskAction;
use crate::payload::finding::{DISK_SHORT, REGISTRATION_TAKEN};
use crate::payload::{Finding, Gap, GapReason, HostHead, KernelState, RecordsSeen, RulesState};
use crate::service::Watchdog;

/// Reads one audit socket into one stream.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    layout: &'a Layout,
    boot_id: [u8; 16],
    stream: SourceStream,
    pub(super) kernel: Kernel,
    signer: Signer,
    nap: Duration,
    /// Many records came at once since the last lull.
    flooded: bool,
    counts: Counts,
    /// What the kernel said last.
    status: Option<Status>,
    /// The pid of another audit daemon that was reported, so that it is reported once.
    taken_by: u32,
    rules: Option<RulesState>,
    /// When the rules were asked for; `None` where they may have changed since.
    rules_asked_at: Option<Instant>,
    ticked_at: Instant,
    watchdog: Watchdog,
    /// What a site demands when the disk fills up.
    pub(super) disk: Option<DiskWatch>,
}

/// What is counted from the start of capture on, upgrades in place included.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Counts {
    /// Times that the unicast socket was full.
    pub(super) congestion: u64,
    pub(super) records: RecordsSeen,
}

/// Why the reader ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was asked to: the registration is given up, and everything is durable.
    Stopped,
    /// Another program is to take over: everything that was read is durable, the rest waits in the
    /// socket.
    Paused,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        layout: &'a Layout,
        boot_id: [u8; 16],
        stream: SourceStream,
        kernel: Kernel,
        signer: Signer,
        counts: Counts,
    ) -> Self {
        let status = kernel.at_start;
        Self {
            layout,
            boot_id,
            stream,
            kernel,
            signer,
            nap: NAP_MIN,
            flooded: false,
            counts,
            status,
            taken_by: 0,
            rules: None,
            rules_asked_at: None,
            ticked_at: Instant::now(),
            watchdog: Watchdog::of_manager(),
            disk: None,
        }
    }

    /// Reads until it is asked to stop, or to pause where everything that was read can be made
    /// durable; after a pause it can run again.
    pub(super) fn run(&mut self, stopping: &Stopping, pause: &AtomicBool) -> Result<Ended> {
        let mut syncer = Syncer::start(&self.stream);
        loop {
            if stopping.requested() {
                self.finish(&mut syncer)?;
                return Ok(Ended::Stopped);
            }
            if pause.swap(false, Ordering::AcqRel) {
                if self.flush(&mut syncer)? {
                    return Ok(Ended::Paused);
                }
                tracing::error!("no upgrade now: the spool cannot be written");
                syncer = Syncer::start(&self.stream);
            }
            self.step(&mut syncer)?;
        }
    }

    /// What another program goes on counting from.
    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Adds an object of ours.
    pub(super) fn push_json(&mut self, kind: Kind, object: &impl serde::Serialize) {
        self.stream.push_json(kind, object, realtime_ns());
    }

    /// Waits for records or for the next second, whichever comes first.
    fn step(&mut self, syncer: &mut Syncer) -> Result<()> {
        let until_tick = self
            .kernel
            .next_tick
            .saturating_duration_since(Instant::now());
        let wait_max = if self.flooded { LULL } else { WAIT_MAX };
        if self.stream.is_blocked() {
            // The kernel queues meanwhile, and lets system calls wait where that is full.
            std::thread::sleep(BLOCKED_PAUSE);
            self.stream.write()?;
            self.after_write(syncer)?;
        } else if self.kernel.socket.wait(until_tick.min(wait_max))? {
            std::thread::sleep(self.nap);
            let records = self.drain()?;
            self.after_write(syncer)?;
            self.flooded |= records >= NAP_RECORDS;
            self.nap = if records >= NAP_RECORDS {
                NAP_MAX.min(self.nap * 2)
            } else {
                NAP_MIN
            };
        } else if self.flooded {
            self.flooded = false;
            self.kernel.wake_the_kernel();
        }
        if Instant::now() >= self.kernel.next_tick {
            self.kernel.next_tick = Instant::now() + TICK;
            self.tick(syncer)?;
        }
        Ok(())
    }

    /// Takes everything that waits in the socket, up to a bound; one frame per system call.
    fn drain(&mut self) -> Result<usize> {
        let mut records = 0;
        loop {
            let received = self.kernel.socket.receive()?;
            let now_ns = realtime_ns();
            if received.overrun {
                self.overrun(now_ns);
            }
            for message in self.kernel.socket.messages() {
                self.stream.push_record(&message, now_ns);
                self.counts.records.note(message.text);
                if message.kind == CONFIG_CHANGE {
                    // Somebody has just changed something: look now, but not at each of many.
                    self.rules_asked_at = None;
                    let soon = self.ticked_at + TICK_SOON;
                    self.kernel.next_tick = self.kernel.next_tick.min(soon);
                }
            }
            records += received.messages;
            self.stream.write()?;
            let more = received.overrun
                || received.messages >= RECEIVE_BATCH_MAX / 2
                || self.kernel.socket.has_early();
            if !more || records >= DRAIN_RECORDS_MAX || self.stream.is_blocked() {
                return Ok(records);
            }
        }
    }

    fn overrun(&mut self, now_ns: u64) {
        self.counts.congestion += 1;
        if self.kernel.socket.mode() == Mode::Multicast {
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
    fn tick(&mut self, syncer: &mut Syncer) -> Result<()> {
        self.watchdog.alive();
        self.ticked_at = Instant::now();
        let now_ns = realtime_ns();
        self.look_at_the_disk(now_ns);
        self.stream.account_for_drops(now_ns)?;
        let status = self.kernel.status();
        if let Some(status) = &status {
            self.compare(status, now_ns);
        }
        self.ask_for_rules();
        self.signer.renew_if_due();
        let head = HostHead {
            kernel: status.as_ref().map(KernelState::from),
            records: Some(self.counts.records.clone()),
            congestion: self.counts.congestion,
            rules: self.rules.clone(),
            checkpoint: checkpoint_seen(&self.layout.receipts()),
            ..HostHead::of_boot(&self.boot_id)
        };
        self.stream.push_head(head, &mut self.signer, now_ns)?;
        self.after_write(syncer)?;
        self.release()
    }

    /// Does what the site demands of a disk that fills up or fails.
    fn look_at_the_disk(&mut self, now_ns: u64) {
        let Some(disk) = &mut self.disk else { return };
        let Some(state) = disk.state(self.stream.is_full(), !self.stream.is_sound()) else {
            return;
        };
        for due in disk.policy.look(state) {
            match due {
                Due::Entered(level, action) => {
                    let level_word = level.word();
                    let why = format!(
                        "{level_word}: {} bytes of {} are free; {action}",
                        state.free_bytes, state.size_bytes
                    );
                    let finding = Finding::of(&DISK_SHORT, why);
                    tracing::error!(level = level_word, %action, "{}", finding.why);
                    self.stream.push_json(Kind::Finding, &finding, now_ns);
                    if action == DiskAction::Suspend {
                        // What says so is written first, where anything can be.
                        let _ = self.stream.write();
                        self.stream.suspend(true);
                    }
                    if action.runs_a_program()
                        && let Err(error) = disk.ask_the_guard(level)
                    {
                        tracing::error!(level = level_word, %error, "the guard cannot be asked; does it run?");
                    }
                }
                Due::Resume => {
                    tracing::info!("the disk has room again: entries are written again");
                    self.stream.suspend(false);
                }
            }
        }
    }

    /// Has what was written made durable, and learns whether it was.
    fn after_write(&mut self, syncer: &mut Syncer) -> Result<()> {
        if let Some(error) = syncer.take_failure() {
            self.stream.sync_failed(&error);
        }
        syncer.follow(&self.stream);
        syncer.wake()
    }

    /// Holds what the kernel says against what it said before.
    fn compare(&mut self, status: &Status, now_ns: u64) {
        if let Some(before) = self.status.replace(*status) {
            // The counter wraps and can be reset; a reset shows as a smaller value.
            let more = status.lost.wrapping_sub(before.lost);
            if more > 0 && status.lost > before.lost {
                // What a limit of the rate drops has a serial already, so its events are missing too;
                // what finds no room never had one.
                let detail = match status.rate_limit {
                    0 => "the kernel's lost counter rose".to_owned(),
                    limit => format!(
                        "the kernel's lost counter rose; it drops what is above {limit} records a second"
                    ),
                };
                let gap = Gap::new(GapReason::KernelLost, Some(more.into()), detail);
                self.stream.push_json(Kind::Gap, &gap, now_ns);
            }
            for finding in kernel_watch::changes(&before, status) {
                self.report(&finding, now_ns);
            }
        }
        if self.kernel.socket.mode() == Mode::Unicast {
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
        let is_new = self.taken_by != status.pid || status.pid == 0;
        if is_new {
            self.taken_by = status.pid;
            self.report(&Finding::of(&REGISTRATION_TAKEN, &*detail), now_ns);
            self.stream.push_json(
                Kind::Gap,
                &Gap::new(GapReason::RegistrationLost, None, detail),
                now_ns,
            );
        }
        match self.kernel.socket.claim() {
            Ok(()) => tracing::warn!(
                pid = status.pid,
                "another audit daemon was registered; registered again"
            ),
            Err(error) if is_new => tracing::error!(%error, "cannot register again"),
            Err(_) => {}
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
        if let Some(rules) = self.kernel.rules() {
            self.rules_asked_at = Some(Instant::now());
            self.rules = Some(rules);
        }
    }

    fn release(&mut self) -> Result<()> {
        self.stream.follow_turn(self.layout.turned())?;
        match fs::read(self.layout.released_position(self.stream.id())) {
            Ok(bytes) => match <[u8; 8]>::try_from(bytes) {
                Ok(position) => self.stream.release(u64::from_be_bytes(position)),
                Err(_) => Ok(()),
            },
            Err(_) => Ok(()),
        }
    }

    /// Makes everything that was read durable; false where the disk does not take it.
    fn flush(&mut self, syncer: &mut Syncer) -> Result<bool> {
        while self.kernel.socket.has_early() && !self.stream.is_blocked() {
            self.drain()?;
        }
        self.stream.account_for_drops(realtime_ns())?;
        syncer.follow(&self.stream);
        syncer.finish()?;
        if let Some(error) = syncer.take_failure() {
            self.stream.sync_failed(&error);
        }
        Ok(self.stream.pending_bytes() == 0 && self.stream.is_writable())
    }

    fn finish(&mut self, syncer: &mut Syncer) -> Result<()> {
        self.kernel.give_up();
        self.drain()?;
        self.stream.account_for_drops(realtime_ns())?;
        syncer.follow(&self.stream);
        syncer.finish()?;
        if let Some(error) = syncer.take_failure() {
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

/// Longest wait for records: how late a request to stop is seen.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// Silence after a flood that may mean that its source sleeps.
const LULL: Duration = Duration::from_millis(10);
/// Nap before a read when little comes: one event's records arrive within it.
const NAP_MIN: Duration = Duration::from_micros(50);
/// Nap before a read in a flood.
const NAP_MAX: Duration = Duration::from_millis(5);
/// Records in one drain from which on naps grow.
const NAP_RECORDS: usize = 64;
/// Records after which a drain looks at the clock again.
const DRAIN_RECORDS_MAX: usize = 8192;
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
