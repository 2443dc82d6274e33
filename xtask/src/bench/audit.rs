//! The kernel's audit for a bench: one rule for one file, and bursts of events.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indelible_sys::audit::Control;
use indelible_testkit::Kernel;

use super::burst;

/// The kernel's audit, with a rule for one file of the scratch folder.
pub(super) struct Audit {
    kernel: Kernel,
    file: PathBuf,
    rule: Vec<u8>,
}

impl Audit {
    /// `None` where this process may not use the kernel's audit.
    pub(super) fn claim() -> Result<Option<Self>> {
        let Some(kernel) = Kernel::claim("bench") else {
            return Ok(None);
        };
        let file = kernel.path("watched");
        std::fs::write(&file, "watched")?;
        let rule = kernel.compile("-a always,exit -F path={}/watched -F perm=r -F key=bench");
        Ok(Some(Self { kernel, file, rule }))
    }

    /// A scratch folder that another user may pass through.
    pub(super) fn folder(&self) -> &Path {
        self.kernel.folder()
    }

    /// The watched file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Loads the rule until what is returned is dropped.
    pub(super) fn watch(&self) -> Result<Watch<'_>> {
        Control::open()?.add_rule(&self.rule)?;
        Ok(Watch { rule: &self.rule })
    }

    /// Runs a burst of `events` while `daemon` is registered and returns the wall seconds until
    /// the kernel's queue is empty again.
    pub(super) fn burst(&self, events: u64) -> Result<Outcome> {
        let mut control = Control::open()?;
        let lost_before = control.status()?.lost;
        control.add_rule(&self.rule)?;
        let began = Instant::now();
        let outcome = self.watched_burst(&mut control, events);
        control.delete_rule(&self.rule)?;
        outcome?;
        while control.status()?.backlog > 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let lost = control.status()?.lost.wrapping_sub(lost_before);
        Ok(Outcome {
            wall_s: began.elapsed().as_secs_f64(),
            lost,
        })
    }

    /// The kernel can lose a wake-up of its queue and stall the burst for a minute; a record of
    /// ours each 50 ms ends that, for every daemon alike.
    fn watched_burst(&self, control: &mut Control, events: u64) -> Result<()> {
        let mut child = burst::start(&self.file, events)?;
        loop {
            if let Some(status) = child.try_wait()? {
                ensure!(status.success(), "the burst ended with {status}");
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
            control.user_message(USER_TRUSTED_APP, b"op=bench-wake")?;
        }
    }
}

/// A loaded rule.
pub(super) struct Watch<'a> {
    rule: &'a [u8],
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        // The claim deletes what stays.
        let _ = Control::open().and_then(|mut control| control.delete_rule(self.rule));
    }
}

/// What a burst did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) wall_s: f64,
    /// Records that the kernel counts as lost.
    pub(super) lost: u32,
}

/// A daemon under measurement; dropping it kills it.
pub(super) struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts a program; it ends when its standard input does, if it looks at that.
    pub(super) fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start_telling(program, arguments, "error", Stdio::inherit())
    }

    /// The same, with what it says of itself going somewhere.
    pub(super) fn start_telling(
        program: &Path,
        arguments: &[&str],
        level: &str,
        to: Stdio,
    ) -> Result<Self> {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(to)
            .env("INDELIBLE_LOG", level)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { child })
    }

    /// Waits until it is the kernel's audit daemon and auditing is on.
    pub(super) fn wait_until_registered(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            let status = Control::open()?.status()?;
            if status.pid == self.child.id() && status.enabled == 1 {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the daemon did not register")
    }

    /// CPU seconds that its threads used so far.
    pub(super) fn cpu_s(&self) -> Result<f64> {
        cpu_s_of(&self.child.id().to_string())
    }

    /// CPU seconds of the children that it has now.
    pub(super) fn children_cpu_s(&self) -> Result<f64> {
        let pid = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        children.split_whitespace().map(cpu_s_of).sum()
    }

    /// CPU seconds of all its threads, those that have ended included; to 10 ms.
    pub(super) fn process_cpu_s(&self) -> Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // Fields 14 and 15, user and system time; the name before them may hold spaces.
        let (_, fields) = text.rsplit_once(')').context("a line of /proc/PID/stat")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks = ticks.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// The most that it had resident, MiB.
    pub(super) fn memory_max_mib(&self) -> Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("VmHWM")?.parse::<f64>()? / 1024.0)
    }

    /// Waits until it has used hardly any CPU for a while: it has nothing left to do.
    pub(super) fn wait_until_idle(&self) -> Result<()> {
        let mut before = self.cpu_s()?;
        for _ in 0..600 {
            std::thread::sleep(Duration::from_millis(200));
            let now = self.cpu_s()?;
            if now - before < IDLE_CPU_S {
                return Ok(());
            }
            before = now;
        }
        bail!("the daemon does not come to rest")
    }

    /// Asks it to end, by SIGTERM or the end of its input, and waits.
    pub(super) fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cpu_s_of(pid: &str) -> Result<f64> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))?;
    let mut ns = 0u64;
    for task in tasks {
        let text = std::fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        ns += text
            .split(' ')
            .next()
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(0);
    }
    Ok(Duration::from_nanos(ns).as_secs_f64())
}

/// AUDIT_TRUSTED_APP.
const USER_TRUSTED_APP: u16 = 1121;
/// CPU per 200 ms below which a daemon counts as idle.
const IDLE_CPU_S: f64 = 0.004;
