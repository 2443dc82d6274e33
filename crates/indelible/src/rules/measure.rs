//! What the loaded rules cost every system call of this kernel, measured: a loop of `getppid` in a
//! process that the kernel audits, beside the same loop in one that it does not.
//!
//! Whether a process is audited is decided when it is forked. A `never,task` rule for our own pid
//! stands while the one is forked and is gone when the other is; nobody else's processes match it.

use std::hint::black_box;
use std::io::Write;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use indelible_rules::{Context, NoHost, Rule, parse, words};
use indelible_sys::audit::Control;

use super::host::machine;
use super::kernel::Kernel;

/// Nanoseconds per call, medians of the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measured {
    /// Of a process that is not audited.
    pub(crate) without_ns: f64,
    /// Of one that is, under the loaded rules.
    pub(crate) with_ns: f64,
}

/// Measures the rules that are loaded.
///
/// # Errors
/// Auditing that is off or locked; a kernel or a child that refuses.
pub(crate) fn run() -> Result<Measured> {
    match Control::open()?.status()?.enabled {
        0 => bail!("auditing is off: the loaded rules cost nothing until it is switched on"),
        2 => bail!(
            "the rules are locked until reboot: measuring needs a rule of its own for a moment"
        ),
        _ => {}
    }
    let exempt = Exemption::rule()?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let exemption = Exemption::load(&exempt)?;
        without.push(child_ns()?);
        drop(exemption);
        with.push(child_ns()?);
    }
    Ok(Measured {
        without_ns: median(without),
        with_ns: median(with),
    })
}

/// The loop itself, in a child: prints nanoseconds per call.
pub(crate) fn run_loop() -> Result<()> {
    let began = Instant::now();
    for _ in 0..CALLS {
        black_box(rustix::process::getppid());
    }
    let ns = began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS);
    Ok(writeln!(std::io::stdout(), "{ns}")?)
}

/// A rule that keeps our children from being audited; dropping it deletes it.
struct Exemption {
    /// As it is loaded: the kernel does not keep that it was put first.
    rule: Rule,
}

impl Exemption {
    fn rule() -> Result<Rule> {
        let text = format!("-A task,never -F pid={}", std::process::id());
        let context = Context::new(machine(), &NoHost);
        let line = parse::parse(
            words::split(text.as_bytes(), context.compat),
            None,
            &context,
        );
        line.added()
            .cloned()
            .context("the rule that exempts our children")
    }

    fn load(rule: &Rule) -> Result<Self> {
        Kernel::open()?
            .add(rule)
            .context("cannot exempt our children from auditing")?;
        let rule = Rule {
            prepend: false,
            ..rule.clone()
        };
        Ok(Self { rule })
    }
}

impl Drop for Exemption {
    fn drop(&mut self) {
        let deleted = Kernel::open().map(|mut kernel| kernel.delete(&self.rule));
        if !matches!(deleted, Ok(Ok(()))) {
            eprintln!(
                "cannot delete the rule that exempts pid {}",
                std::process::id()
            );
        }
    }
}

fn child_ns() -> Result<f64> {
    let program = std::env::current_exe().context("cannot find the program itself")?;
    let output = Command::new(program)
        .args(["rules", "cost", "--getppid-loop"])
        .output()
        .context("cannot start the loop")?;
    ensure!(
        output.status.success(),
        "the loop ended with {}",
        output.status
    );
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .context("the loop printed no number")
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Measurements of each kind.
const ROUNDS: usize = 5;
/// System calls of one measurement: about a quarter of a second.
const CALLS: u32 = 2_000_000;
