//! What the agent costs beside auditd and rsyslog, how fast it takes what the kernel has, what it
//! needs of memory, and how soon an event is safe.

mod latency;
mod ours;
mod peers;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indelible_sys::audit::{CaptureSocket, Control, StatusChange};

use super::audit::{Audit, Daemon, Outcome};
use super::burst;
use super::report::{Report, median};
use crate::shell;
use ours::{Ours, position};
use peers::Rsyslog;

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Agent",
        &format!(
            "{EVENTS} five-record events (opens of a watched file in a loop; default backlog and wait \
             time) at full speed, {ROUNDS} rounds of each in turn; CPU seconds of all processes, but not \
             of the collector or of who reads rsyslog's TCP. auditd runs with Debian's shipped auditd.conf, \
             only its files elsewhere; \"with syslog\" adds its syslog plugin as shipped and rsyslogd, which \
             forwards over TCP. The agent sends over TLS to a collector on the same machine. The bare sink \
             calls recvmmsg and throws away what it gets. Latency is from the end of the system call to \
             the receipt stored on the host, which the collector gives when the event is durable there."
        ),
    );
    let Some(audit) = Audit::claim()? else {
        report.line("not measured: no CAP_AUDIT_CONTROL here");
        return Ok(());
    };
    shell::run(shell::command("cargo", &["build", "--release", "--quiet"]))?;
    let mut figures = Figures::default();
    for round in 0..ROUNDS {
        if Path::new(peers::AUDITD).exists() {
            figures.auditd.push(auditd(&audit, round)?);
            figures.syslog.extend(syslog(&audit, round)?);
        }
        figures.sink.push(sink(&audit)?);
        figures.capture.push(capture(&audit, round)?);
        figures.plain.push(agent(&audit, round, false)?);
        figures.described.push(agent(&audit, round, true)?);
    }
    figures.report(report);
    paced(&audit, report)?;
    latency::run(&audit, report)
}

#[derive(Default)]
struct Figures {
    auditd: Vec<Figure>,
    syslog: Vec<Figure>,
    sink: Vec<Figure>,
    capture: Vec<Figure>,
    plain: Vec<Figure>,
    described: Vec<Figure>,
}

/// One round.
struct Figure {
    cpu_s: f64,
    outcome: Outcome,
    /// Seconds from the end of the burst until the collector had all of it.
    caught_up_s: Option<f64>,
}

impl Figures {
    fn report(&self, report: &mut Report) {
        let (auditd, syslog) = (cpu(&self.auditd), cpu(&self.syslog));
        let sink = speed(&self.sink);
        for (name, figures, peer) in [
            ("auditd", &self.auditd, None),
            ("auditd with syslog", &self.syslog, Some(("auditd", auditd))),
            ("bare sink", &self.sink, None),
            ("capture alone", &self.capture, Some(("auditd", auditd))),
            (
                "agent without context",
                &self.plain,
                Some(("auditd", auditd)),
            ),
            (
                "agent with context",
                &self.described,
                Some(("auditd with syslog", syslog)),
            ),
        ] {
            if figures.is_empty() {
                report.line(&format!("{name}: not measured here"));
                continue;
            }
            let own = cpu(figures);
            let beside = peer.map_or_else(String::new, |(peer, cpu)| {
                format!(" ({:.3} × {peer})", own / cpu)
            });
            let lost: u32 = figures.iter().map(|figure| figure.outcome.lost).sum();
            let speed = speed(figures);
            let caught_up: Vec<f64> = figures.iter().filter_map(|f| f.caught_up_s).collect();
            let caught_up = match caught_up.is_empty() {
                true => String::new(),
                false => format!(", all at the collector {:.1} s later", median(&caught_up)),
            };
            report.line(&format!(
                "{name}: {own:.2} CPU s per 100,000 events{beside}, {speed:.0} events/s ({:.2} × the sink), {lost} lost{caught_up}",
                speed / sink,
            ));
        }
    }
}

/// Median CPU seconds per 100,000 events.
fn cpu(figures: &[Figure]) -> f64 {
    let cpu: Vec<f64> = figures
        .iter()
        .map(|figure| figure.cpu_s * 100_000.0 / EVENTS as f64)
        .collect();
    median(&cpu)
}

/// Median events per second that were taken.
fn speed(figures: &[Figure]) -> f64 {
    let speeds: Vec<f64> = figures
        .iter()
        .map(|figure| EVENTS as f64 / figure.outcome.wall_s)
        .collect();
    median(&speeds)
}

fn auditd(audit: &Audit, round: usize) -> Result<Figure> {
    let daemon = peers::auditd(audit, &format!("auditd-{round}"), false)?;
    let figure = measure(audit, &[&daemon], None)?;
    daemon.stop()?;
    Ok(figure)
}

fn syslog(audit: &Audit, round: usize) -> Result<Option<Figure>> {
    let Some(rsyslog) = Rsyslog::start(audit, &format!("rsyslog-{round}"))? else {
        return Ok(None);
    };
    let auditd = peers::auditd(audit, &format!("auditd-syslog-{round}"), true)?;
    let figure = measure(audit, &[&auditd, &rsyslog.daemon], None)?;
    auditd.stop()?;
    rsyslog.stop()?;
    Ok(Some(figure))
}

/// The least that anybody can do: read and forget.
fn sink(audit: &Audit) -> Result<Figure> {
    let mut control = Control::open()?;
    let was = control.status()?.enabled;
    let mut socket = CaptureSocket::register()?;
    control.set(StatusChange::Enabled(1))?;
    let stop = Arc::new(AtomicBool::new(false));
    let reading = {
        let stop = stop.clone();
        std::thread::spawn(move || -> Result<f64> {
            let mut bytes = 0usize;
            while !stop.load(Ordering::Acquire) {
                if socket.wait(Duration::from_millis(50))? {
                    while socket.receive()?.messages > 0 {
                        bytes += socket
                            .messages()
                            .map(|message| message.text.len())
                            .sum::<usize>();
                    }
                }
            }
            ensure!(bytes > 0, "the sink got nothing");
            own_cpu_s()
        })
    };
    let outcome = audit.burst(EVENTS);
    stop.store(true, Ordering::Release);
    let cpu_s = reading.join().ok().context("the sink panicked")??;
    control.set(StatusChange::Enabled(was))?;
    control.set(StatusChange::Pid(0))?;
    Ok(Figure {
        cpu_s,
        outcome: outcome?,
        caught_up_s: None,
    })
}

/// CPU seconds of the thread that asks.
fn own_cpu_s() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let ns: u64 = text.split(' ').next().context("schedstat")?.parse()?;
    Ok(Duration::from_nanos(ns).as_secs_f64())
}

fn capture(audit: &Audit, round: usize) -> Result<Figure> {
    let ours = Ours::new(audit, &format!("capture-{round}"), false)?;
    let capture = ours.role("capture")?;
    let figure = measure(audit, &[&capture], None)?;
    capture.stop()?;
    Ok(figure)
}

fn agent(audit: &Audit, round: usize, context: bool) -> Result<Figure> {
    let ours = Ours::new(audit, &format!("agent-{context}-{round}"), context)?;
    let collector = ours.collector()?;
    let capture = ours.role("capture")?;
    let worker = ours.role("worker")?;
    let figure = measure(audit, &[&capture, &worker], Some(&ours))?;
    for daemon in [capture, worker, collector] {
        daemon.stop()?;
    }
    Ok(figure)
}

/// The first daemon is the one that registers.
fn measure(audit: &Audit, daemons: &[&Daemon], ours: Option<&Ours>) -> Result<Figure> {
    daemons
        .first()
        .context("no daemon")?
        .wait_until_registered()?;
    let sum = || {
        daemons
            .iter()
            .map(|daemon| Ok(daemon.cpu_s()? + daemon.children_cpu_s()?))
            .sum::<Result<f64>>()
    };
    daemons
        .iter()
        .try_for_each(|daemon| daemon.wait_until_idle())?;
    let before = sum()?;
    let outcome = audit.burst(EVENTS)?;
    let caught_up_s = ours.map(caught_up).transpose()?;
    daemons
        .iter()
        .try_for_each(|daemon| daemon.wait_until_idle())?;
    Ok(Figure {
        cpu_s: sum()? - before,
        outcome,
        caught_up_s,
    })
}

/// Seconds until receipts cover all records of the burst.
fn caught_up(ours: &Ours) -> Result<f64> {
    let released = ours.released()?;
    let began = Instant::now();
    while position(&released) < EVENTS * RECORDS_PER_EVENT {
        if began.elapsed() > CATCH_UP_MAX {
            bail!("the collector has not got everything in time");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(began.elapsed().as_secs_f64())
}

/// Memory at a steady rate.
fn paced(audit: &Audit, report: &mut Report) -> Result<()> {
    let ours = Ours::new(audit, "paced", true)?;
    let collector = ours.collector()?;
    let capture = ours.role("capture")?;
    let worker = ours.role("worker")?;
    capture.wait_until_registered()?;
    let times = audit.folder().join("paced-times");
    let rule = audit.watch()?;
    let began = Instant::now();
    let mut child = burst::start_paced(audit.file(), PACED_EVENTS, PACED_PER_SECOND, &times)?;
    let status = child.wait()?;
    let took_s = began.elapsed().as_secs_f64();
    drop(rule);
    ensure!(status.success(), "the burst ended with {status}");
    let (capture_mib, worker_mib) = (capture.memory_max_mib()?, worker.memory_max_mib()?);
    report.line(&format!(
        "memory at {:.0} events/s for {took_s:.0} s: capture {capture_mib:.1} MiB, worker {worker_mib:.1} MiB, \
         together {:.1} MiB resident at most",
        PACED_EVENTS as f64 / took_s,
        capture_mib + worker_mib
    ));
    for daemon in [capture, worker, collector] {
        daemon.stop()?;
    }
    Ok(())
}

const EVENTS: u64 = 100_000;
const ROUNDS: usize = 3;
/// SYSCALL, CWD, PATH, PROCTITLE, EOE.
const RECORDS_PER_EVENT: u64 = 5;
/// How long the collector may take after a burst.
const CATCH_UP_MAX: Duration = Duration::from_secs(60);
const PACED_EVENTS: u64 = 100_000;
const PACED_PER_SECOND: u64 = 10_000;
