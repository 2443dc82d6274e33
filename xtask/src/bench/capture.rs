//! CPU per event of auditd, of capture alone, and of capture and worker sending over TLS.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::audit::{Audit, Daemon, Outcome};
use super::report::{Report, median};
use crate::shell;

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Capture",
        &format!(
            "{EVENTS} five-record events (opens of a watched file in a loop; default backlog and wait \
             time) at full speed, {ROUNDS} rounds of each in turn. auditd runs with Debian's shipped \
             auditd.conf, only its log file elsewhere. \"Agent\" is capture and worker, sending over \
             TLS to a collector on the same machine, whose CPU is not counted."
        ),
    );
    let Some(audit) = Audit::claim()? else {
        report.line("not measured: no CAP_AUDIT_CONTROL here");
        return Ok(());
    };
    shell::run(shell::command("cargo", &["build", "--release", "--quiet"]))?;
    let mut figures = Figures::default();
    for round in 0..ROUNDS {
        if Path::new(AUDITD).exists() {
            figures.auditd.push(auditd(&audit, round)?);
        }
        figures.capture.push(capture(&audit, round)?);
        figures.agent.push(agent(&audit, round)?);
    }
    figures.report(report);
    Ok(())
}

#[derive(Default)]
struct Figures {
    auditd: Vec<Figure>,
    capture: Vec<Figure>,
    agent: Vec<Figure>,
}

/// One round.
struct Figure {
    cpu_s: f64,
    outcome: Outcome,
}

impl Figures {
    fn report(&self, report: &mut Report) {
        let peer = cpu(&self.auditd);
        for (name, figures) in [
            ("auditd", &self.auditd),
            ("capture alone", &self.capture),
            ("agent (capture + worker, TLS)", &self.agent),
        ] {
            if figures.is_empty() {
                report.line(&format!("{name}: not measured: not installed"));
                continue;
            }
            let cpu = cpu(figures);
            let lost: u32 = figures.iter().map(|figure| figure.outcome.lost).sum();
            let wall: Vec<f64> = figures.iter().map(|figure| figure.outcome.wall_s).collect();
            report.line(&format!(
                "{name}: {cpu:.2} CPU s per 100,000 events ({:.3} × auditd), burst taken in {:.1} s, {lost} lost",
                cpu / peer,
                median(&wall),
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

fn auditd(audit: &Audit, round: usize) -> Result<Figure> {
    let folder = audit.folder().join(format!("auditd-{round}"));
    fs::create_dir_all(folder.join("plugins.d"))?;
    let shipped = fs::read_to_string("/etc/audit/auditd.conf").context("auditd's configuration")?;
    let log = format!("log_file = {}", folder.join("audit.log").display());
    let lines = shipped.lines().map(|line| {
        if line.starts_with("log_file") {
            log.as_str()
        } else {
            line
        }
    });
    fs::write(
        folder.join("auditd.conf"),
        lines.collect::<Vec<_>>().join("\n") + "\n",
    )?;
    let config = folder.to_string_lossy();
    let daemon = Daemon::start(Path::new(AUDITD), &["-n", "-s", "enable", "-c", &config])?;
    let figure = measure(audit, &[&daemon])?;
    daemon.stop()?;
    Ok(figure)
}

fn capture(audit: &Audit, round: usize) -> Result<Figure> {
    let ours = Ours::new(audit, &format!("capture-{round}"))?;
    let capture = ours.role("capture")?;
    let figure = measure(audit, &[&capture])?;
    capture.stop()?;
    Ok(figure)
}

fn agent(audit: &Audit, round: usize) -> Result<Figure> {
    let ours = Ours::new(audit, &format!("agent-{round}"))?;
    let collector = ours.collector()?;
    let capture = ours.role("capture")?;
    let worker = ours.role("worker")?;
    let figure = measure(audit, &[&capture, &worker])?;
    for daemon in [capture, worker, collector] {
        daemon.stop()?;
    }
    Ok(figure)
}

/// The first daemon is the one that registers.
fn measure(audit: &Audit, daemons: &[&Daemon]) -> Result<Figure> {
    daemons
        .first()
        .context("no daemon")?
        .wait_until_registered()?;
    let sum = || {
        daemons
            .iter()
            .map(|daemon| daemon.cpu_s())
            .sum::<Result<f64>>()
    };
    daemons
        .iter()
        .try_for_each(|daemon| daemon.wait_until_idle())?;
    let before = sum()?;
    let outcome = audit.burst(EVENTS)?;
    daemons
        .iter()
        .try_for_each(|daemon| daemon.wait_until_idle())?;
    Ok(Figure {
        cpu_s: sum()? - before,
        outcome,
    })
}

/// Our program, its folders and its collector's address.
struct Ours {
    program: PathBuf,
    spool: String,
    store: String,
    pki: String,
    address: String,
}

impl Ours {
    fn new(audit: &Audit, name: &str) -> Result<Self> {
        let folder = audit.folder().join(name);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let program = shell::target().join("release/indelible");
        let ours = Self {
            program,
            spool: path("agent"),
            store: path("collector"),
            pki: path("pki"),
            address: TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string(),
        };
        let issued = shell::succeeds(
            &ours.program.to_string_lossy(),
            &["pki", "issue", "--dir", &ours.pki, "bench"],
        );
        ensure!(issued, "cannot make certificates");
        Ok(ours)
    }

    fn role(&self, role: &str) -> Result<Daemon> {
        let words = [
            "agent",
            "--spool",
            &self.spool,
            "--collector",
            &self.address,
            "--pki",
            &self.pki,
            "--name",
            "bench",
            "--supervised",
            "--role",
            role,
        ];
        Daemon::start(&self.program, &words)
    }

    fn collector(&self) -> Result<Daemon> {
        let words = [
            "collector",
            "--store",
            &self.store,
            "--native",
            &self.address,
            "--pki",
            &self.pki,
            "--supervised",
        ];
        let collector = Daemon::start(&self.program, &words)?;
        for _ in 0..500 {
            if Path::new(&self.pki).join("log.vkey").exists() {
                return Ok(collector);
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        anyhow::bail!("the collector did not start")
    }
}

const EVENTS: u64 = 100_000;
const ROUNDS: usize = 3;
const AUDITD: &str = "/sbin/auditd";
