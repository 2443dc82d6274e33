//! The kernel's part: whether its audit can be used, and one rule for one folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use indelible_rules::{Context, NoHost, kernel, parse, words};
use indelible_sys::audit::{Control, RestoreStatus};
use indelible_sys::process;

use crate::rules::machine;

/// The key of the demonstration's rule.
pub(super) const KEY: &str = "indelible_demo";

/// Whether the kernel's audit can be used here.
#[derive(Debug)]
pub(super) enum Availability {
    /// With this way of capture.
    Usable(&'static str),
    /// For this reason.
    Not(String),
}

/// As the audit daemon, or beside one that runs.
pub(super) fn availability() -> Result<Availability> {
    if !process::may_control_audit() {
        return Ok(Availability::Not(
            "this user may not use the kernel's audit".into(),
        ));
    }
    let status = match Control::open().and_then(|mut control| control.status()) {
        Ok(status) => status,
        Err(error) => return Ok(Availability::Not(error.to_string())),
    };
    if status.enabled == 2 {
        return Ok(Availability::Not(
            "the audit rules are locked until reboot".into(),
        ));
    }
    // The kernel keeps the pid of a daemon that died: one that lives is another matter.
    let registered = status.pid != 0 && Path::new(&format!("/proc/{}", status.pid)).exists();
    Ok(Availability::Usable(if registered {
        "observe"
    } else {
        "kernel"
    }))
}

/// A folder under one audit rule. Dropping it removes the rule and puts the status back.
#[derive(Debug)]
pub(super) struct WatchedFolder {
    folder: PathBuf,
    text: String,
    rule: Vec<u8>,
    unicast: bool,
    _restore: RestoreStatus,
}

impl WatchedFolder {
    pub(super) fn new(folder: &Path, mode: &str) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let text = format!(
            "-a always,exit -F dir={} -F perm=r -F key={KEY}",
            folder.display()
        );
        let rule = compile(&text)?;
        let restore = RestoreStatus::new()?;
        let mut control = Control::open()?;
        control
            .add_rule(&rule)
            .context("cannot load the demonstration's rule")?;
        Ok(Self {
            folder: folder.to_owned(),
            text,
            rule,
            unicast: mode == "kernel",
            _restore: restore,
        })
    }

    /// The rule, as auditctl takes it.
    pub(super) fn rule_text(&self) -> &str {
        &self.text
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether another daemon has the records first.
    pub(super) fn is_observed(&self) -> bool {
        !self.unicast
    }

    /// Whether auditing is on and, for the unicast mode, a daemon is registered that lives.
    pub(super) fn is_captured(&self) -> bool {
        let status = Control::open().and_then(|mut control| control.status());
        status.is_ok_and(|status| {
            let registered =
                Path::new(&format!("/proc/{}", status.pid)).exists() && status.pid != 0;
            status.enabled != 0 && (registered || !self.unicast)
        })
    }
}

impl Drop for WatchedFolder {
    fn drop(&mut self) {
        // The status is restored after this, by the field's own drop.
        if let Err(error) = Control::open().and_then(|mut control| control.delete_rule(&self.rule))
        {
            eprintln!("cannot delete the rule `{}`: {error}", self.text);
        }
    }
}

fn compile(text: &str) -> Result<Vec<u8>> {
    let context = Context::new(machine(), &NoHost);
    let line = parse::parse(
        words::split(text.as_bytes(), context.compat),
        None,
        &context,
    );
    let rule = line
        .added()
        .with_context(|| format!("not a rule: {text}"))?;
    Ok(kernel::encode(rule)?)
}
