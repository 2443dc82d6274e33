//! The units of systemd around a migration, through systemctl.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

/// How a unit stood.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    unit: String,
    enabled: bool,
    active: bool,
}

/// How units stand; those that are not installed are neither.
pub(crate) fn states(units: &[&str]) -> Vec<State> {
    units
        .iter()
        .map(|unit| State {
            unit: (*unit).to_owned(),
            enabled: asks("is-enabled", unit),
            active: asks("is-active", unit),
        })
        .collect()
}

/// Stops auditd and keeps it from starting again. Its unit refuses to be stopped by hand, so the
/// process is asked.
pub(crate) fn stop_auditd() -> Result<()> {
    let unit = "auditd.service";
    if asks("is-enabled", unit) {
        run(&["disable", unit])?;
    }
    if !asks("is-active", unit) {
        return Ok(());
    }
    run(&["kill", "--signal=SIGTERM", unit])?;
    let deadline = Instant::now() + STOP_MAX;
    while asks("is-active", unit) {
        ensure!(
            Instant::now() < deadline,
            "auditd still runs after {} s",
            STOP_MAX.as_secs()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Starts the agent as it is configured now.
pub(crate) fn start_agent(restart_rsyslog: bool) -> Result<()> {
    if restart_rsyslog {
        run(&["try-restart", "rsyslog.service"])?;
    }
    run(&["daemon-reload"])?;
    run(&["enable", "indelible-agent.service"])?;
    run(&[
        "restart",
        "indelible-capture.service",
        "indelible-worker.service",
        "indelible-rules.service",
        "indelible-agent.service",
    ])?;
    Ok(())
}

/// Stops the agent so that auditd can take the kernel's records again; what is not there does not
/// matter.
pub(crate) fn stop_agent() {
    for unit in ["indelible-agent", "indelible-rules", "indelible-capture"] {
        // A unit that is not installed cannot be stopped, and need not be.
        let _ = run(&["stop", &format!("{unit}.service")]);
    }
}

/// Puts units back as they stood.
pub(crate) fn restore(states: &[State], restart_rsyslog: bool) -> Result<()> {
    run(&["daemon-reload"])?;
    for state in states {
        let unit = state.unit.as_str();
        match (state.enabled, asks("is-enabled", unit)) {
            (true, false) => run(&["enable", unit])?,
            (false, true) => run(&["disable", unit])?,
            _ => {}
        }
    }
    if restart_rsyslog {
        run(&["try-restart", "rsyslog.service"])?;
    }
    for state in states {
        let unit = state.unit.as_str();
        match (state.active, asks("is-active", unit)) {
            (true, false) => run(&["start", unit])?,
            (false, true) => run(&["stop", unit])?,
            // It read the other configuration until now.
            (true, true) if unit.starts_with("indelible-") => run(&["restart", unit])?,
            _ => {}
        }
    }
    Ok(())
}

fn asks(question: &str, unit: &str) -> bool {
    Command::new("systemctl")
        .args(["--quiet", question, unit])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn run(words: &[&str]) -> Result<()> {
    let output = Command::new("systemctl")
        .args(words)
        .stdin(Stdio::null())
        .output()
        .context("systemctl cannot be started")?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("systemctl {}: {}", words.join(" "), said.trim())
}

/// How long auditd may take to stop.
const STOP_MAX: Duration = Duration::from_secs(20);
