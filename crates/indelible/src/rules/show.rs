//! Rules, faults and differences as a person or a program reads them.

use anyhow::Result;
use clap::ValueEnum;
use indelible_rules::compile::{compile, hexadecimal};
use indelible_rules::file::{Entry, Source};
use indelible_rules::load::Desired;
use indelible_rules::plan::Difference;
use indelible_rules::text::{self, Dialect, Listing};
use indelible_rules::{Mask, Rule, Severity, cost, kernel};

use super::host::machine;
use super::measure::Measured;
use crate::terminal::Output;

pub(crate) use indelible_rules::auditctl::has_key;

/// How a rule is printed, one line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuleForm {
    /// The kernel's numbers, a JSON object
    Json,
    /// The kernel's bytes in hexadecimal
    Hex,
    /// The line that reads back as the rule
    Text,
}

/// A rule as a line of output.
pub(crate) fn rule(rule: &Rule, source: Option<&Source>, form: RuleForm) -> Result<Vec<u8>> {
    let mut line = match form {
        RuleForm::Json => serde_json::to_vec(&compile(&as_written(rule), source))?,
        RuleForm::Hex => hexadecimal(&kernel::encode(rule)?).into_bytes(),
        RuleForm::Text => written(rule),
    };
    line.push(b'\n');
    Ok(line)
}

/// The kernel reports "all system calls" as a list of them, without the highest numbers.
fn as_written(rule: &Rule) -> Rule {
    let mut rule = rule.clone();
    if rule.syscalls.is_all() {
        rule.syscalls = Mask::all();
    }
    rule
}

/// A rule as a line that reads back as the same rule.
pub(super) fn written(rule: &Rule) -> Vec<u8> {
    let listing = Listing {
        dialect: Dialect::Native,
        machine: machine(),
        interpret: None,
    };
    text::line(rule, &listing)
}

/// Shows the faults of all lines on stderr; whether there is an error among them.
pub(crate) fn faults(entries: &[Entry]) -> bool {
    let mut errors = false;
    for fault in entries.iter().flat_map(Entry::diagnostics) {
        errors |= fault.severity == Severity::Error;
        eprintln!("{fault}");
    }
    errors
}

/// Says which lines have no part in a load.
pub(crate) fn left_out(desired: &Desired) {
    for Source { file, line } in &desired.ignored {
        eprintln!("{file}:{line}: warning: has no part in a load, left out");
    }
    for (Source { file, line }, first) in &desired.repeated {
        let first = first.as_ref().map_or("loaded already".to_owned(), |first| {
            format!("the same rule as {}:{}", first.file, first.line)
        });
        eprintln!("{file}:{line}: warning: {first}");
    }
}

/// `-` before what is loaded only, `+` before what the files want only.
pub(crate) fn difference(found: &Difference, loaded: &[Rule], desired: &Desired) -> Result<()> {
    let mut output = Output::stdout();
    let mut print = |sign: &str, rule: &Rule| -> Result<()> {
        let line = [sign.as_bytes(), &written(rule), b"\n"].concat();
        Ok(output.write(&line)?)
    };
    for &at in &found.extra {
        print("- ", &loaded[at])?;
    }
    for &at in &found.missing {
        print("+ ", &desired.rules[at].0)?;
    }
    output.flush()?;
    if found.reordered {
        eprintln!("the rules that both have stand in another order");
    }
    Ok(())
}

/// What the loaded rules cost, as it was measured.
pub(crate) fn measured(measured: &Measured, count: usize) -> Result<()> {
    let Measured {
        without_ns,
        with_ns,
    } = measured;
    let mut output = Output::stdout();
    let added_ns = with_ns - without_ns;
    let line = format!(
        "{added_ns:>6.1} ns  on every system call, {count} rules, measured: getppid takes \
         {with_ns:.1} ns in a process that is audited, {without_ns:.1} ns in one that is not\n"
    );
    output.write(line.as_bytes())?;
    Ok(output.flush()?)
}

/// The estimate for each rule, and for all of them.
pub(crate) fn cost(rules: &[Rule]) -> Result<()> {
    let mut output = Output::stdout();
    for rule in rules {
        let head = format!("{:>6} ns  ", cost::of_rule(rule).as_ns());
        output.write(&[head.as_bytes(), &written(rule), b"\n"].concat())?;
    }
    let (count, total) = (rules.len(), cost::of_set(rules).as_ns());
    let line = format!("{total:>6} ns  on every system call, {count} rules, estimated\n");
    output.write(line.as_bytes())?;
    Ok(output.flush()?)
}
