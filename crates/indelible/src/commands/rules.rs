//! `indelible rules`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use indelible_rules::control::feature;
use indelible_rules::file::Entry;
use indelible_rules::{End, Rule, load, plan};
use indelible_sys::process;

use crate::exit;
use crate::rules::load::{Loader, Report};
use crate::rules::show::{self, RuleForm};
use crate::rules::{Folder, Given, Input, Kernel, Reading, Trust, check, measure, pack, volume};
use crate::search::Source;
use crate::terminal::Output;

/// Write, check and load audit rules
///
/// Rules are given as files, as folders of *.rules files, or as the words of one rule the way
/// auditctl takes them: `indelible rules load -w /etc/shadow -p wa -k shadow_watch`.
#[derive(Debug, Args)]
pub(super) struct Rules {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Read rules and say what is wrong with them
    Check(Given),
    /// Show rules as the kernel takes them
    Compile {
        #[command(flatten)]
        given: Given,
        /// Form of the output
        #[arg(long, value_enum, value_name = "FORM", default_value_t = RuleForm::Json)]
        format: RuleForm,
    },
    /// Merge a folder of rule files into one file
    Merge {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
        /// The merged file; the one before is kept as FILE.prev
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Only say whether the merged file would change, by exit code 1
        #[arg(long)]
        check: bool,
    },
    /// Load rules: all of them, or none
    ///
    /// Lines take effect on what is loaded: a file that is to replace everything begins with -D,
    /// as auditctl's files do. Rules that stand already are kept; on a refusal, or a signal, what
    /// was loaded is put back.
    Load {
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        place: Place,
    },
    /// List the loaded rules
    List {
        /// Only rules with a key that contains this
        #[arg(short, long, value_name = "KEY")]
        key: Option<String>,
        /// Form of the output
        #[arg(long, value_enum, value_name = "FORM", default_value_t = RuleForm::Text)]
        format: RuleForm,
    },
    /// Compare the loaded rules with files
    Diff(Given),
    /// Delete rules; the others stay in force all the while
    Delete {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        place: Place,
    },
    /// Look for rules that do not record what they seem to, or cost more than they need to
    Lint(check::Lint),
    /// Estimate what rules cost every system call, measure it, or tell which keys fill a log
    Cost {
        /// Measure the loaded rules on this kernel: `getppid` in a process that is audited, beside
        /// one that is not
        #[arg(long, conflicts_with_all = ["log", "store", "spool", "words"])]
        measure: bool,
        /// The loop that is measured
        #[arg(long, hide = true)]
        getppid_loop: bool,
        /// Audit log, or folder of them, to tell the share of each key of; may be given again
        #[arg(long, value_name = "FILE", conflicts_with = "words")]
        log: Vec<PathBuf>,
        /// The same of a collector's store
        #[arg(long, value_name = "DIR", conflicts_with = "words")]
        store: Vec<PathBuf>,
        /// The same of a host's spool
        #[arg(long, value_name = "DIR", conflicts_with = "words")]
        spool: Vec<PathBuf>,
        #[command(flatten)]
        reading: Reading,
        /// Files, folders, or the words of one rule; what is loaded if not given
        #[arg(value_name = "FILE|RULE")]
        words: Vec<OsString>,
    },
    /// Rule sets by purpose
    #[command(subcommand)]
    Pack(pack::Action),
}

/// Rules that are to go.
#[derive(Debug, Args)]
struct Which {
    #[command(flatten)]
    reading: Reading,
    /// All rules
    #[arg(long, conflicts_with_all = ["key", "words"])]
    all: bool,
    /// Rules with a key that contains this
    #[arg(long, value_name = "KEY", conflicts_with = "words")]
    key: Option<String>,
    /// Files, folders, or the words of one rule
    #[arg(
        required_unless_present_any = ["all", "key"],
        value_name = "FILE|RULE"
    )]
    words: Vec<OsString>,
}

/// Where a load keeps what it needs to be finished or undone.
#[derive(Debug, Args)]
struct Place {
    /// Folder of the journal
    #[arg(long, value_name = "DIR", default_value = "/run/indelible")]
    journal: PathBuf,
}

impl Rules {
    pub(super) fn run(self) -> Result<u8> {
        match self.action {
            Action::Check(given) => check::run(&given.read()?),
            Action::Compile { given, format } => compile(&given, format),
            Action::Merge {
                folder,
                output,
                check,
            } => merge(folder, output, check),
            Action::Load { given, place } => load_rules(&given, &place.journal),
            Action::List { key, format } => list(key, format),
            Action::Diff(given) => diff(&given),
            Action::Delete { which, place } => delete(&which, &place.journal),
            Action::Lint(lint) => lint.run(),
            Action::Cost {
                getppid_loop: true, ..
            } => {
                measure::run_loop()?;
                Ok(exit::DONE)
            }
            Action::Cost { measure: true, .. } => {
                show::measured(&measure::run()?, loaded()?.len())?;
                Ok(exit::DONE)
            }
            Action::Cost {
                log,
                store,
                spool,
                reading,
                words,
                ..
            } => {
                let logs = log.into_iter().map(Source::Files);
                let stores = store.into_iter().map(Source::store);
                let spools = spool.into_iter().map(Source::Spool);
                let sources: Vec<_> = logs.chain(stores).chain(spools).collect();
                match sources.is_empty() {
                    true => cost(reading, &words),
                    false => volume::run(&sources),
                }
            }
            Action::Pack(action) => action.run(&Reading::default().context(feature::ALL)),
        }
    }
}

fn compile(given: &Given, format: RuleForm) -> Result<u8> {
    let input = given.read()?;
    let faults = show::faults(&input.entries);
    let mut output = Output::stdout();
    for entry in &input.entries {
        let source = (!input.is_from_arguments()).then_some(&entry.source);
        if let Some(rule) = entry.rule() {
            output.write(&show::rule(rule, source, format)?)?;
        }
    }
    output.flush()?;
    Ok(if faults { exit::ERROR } else { exit::DONE })
}

fn merge(folder: Option<PathBuf>, output: Option<PathBuf>, check: bool) -> Result<u8> {
    let system = Folder::of_the_system();
    let folder = Folder {
        sources: folder.unwrap_or(system.sources),
        merged: output.unwrap_or(system.merged),
    };
    let (from, to) = (folder.sources.display(), folder.merged.display());
    let files = folder
        .read()
        .with_context(|| format!("cannot read the rules in {from}"))?;
    let content = folder.merge(&files).content;
    if folder.installed().is_some_and(|now| now == content) {
        eprintln!("{to} is up to date");
        return Ok(exit::DONE);
    }
    if check {
        eprintln!("{to} differs from the rules in {from}");
        return Ok(exit::NOTHING);
    }
    folder
        .install(&content)
        .with_context(|| format!("cannot write {to}"))?;
    let count = files.len();
    eprintln!("merged {count} files into {to}");
    Ok(exit::DONE)
}

fn load_rules(given: &Given, journal: &Path) -> Result<u8> {
    let mut loader = loader(journal)?;
    let cx = given.reading.context(loader.status()?.features);
    let input = Input::read(&given.words, &cx, Trust::Root)?;
    if show::faults(&input.entries) {
        bail!("nothing was loaded: mend these lines first");
    }
    let base = loader.base()?;
    say_interrupted(base.interrupted);
    let desired = load::desired(&base.rules, &input.entries);
    show::left_out(&desired);
    let report = loader.load(&base, &desired)?;
    say(&report);
    Ok(exit::DONE)
}

fn delete(which: &Which, journal: &Path) -> Result<u8> {
    let mut loader = loader(journal)?;
    let base = loader.base()?;
    say_interrupted(base.interrupted);
    let gone: Vec<Rule> = if which.words.is_empty() {
        let key = which.key.as_deref().map(Into::into);
        let rules = base.rules.iter();
        rules
            .filter(|rule| show::has_key(rule, key.as_ref()))
            .cloned()
            .collect()
    } else {
        let cx = which.reading.context(loader.status()?.features);
        let input = Input::read(&which.words, &cx, Trust::Anybody)?;
        if show::faults(&input.entries) {
            bail!("nothing was deleted: mend these lines first");
        }
        let named = |entry: &Entry| match &entry.line.end {
            End::Add(rule) | End::Delete(rule) => Some(rule.clone()),
            _ => None,
        };
        input.entries.iter().filter_map(named).collect()
    };
    let report = loader.delete(&base, &gone)?;
    say(&report);
    Ok(if report.deleted == 0 {
        exit::NOTHING
    } else {
        exit::DONE
    })
}

fn list(key: Option<String>, format: RuleForm) -> Result<u8> {
    let key = key.map(Into::into);
    let rules = loaded()?;
    let mut output = Output::stdout();
    let mut none = true;
    for rule in rules
        .iter()
        .filter(|rule| show::has_key(rule, key.as_ref()))
    {
        none = false;
        output.write(&show::rule(rule, None, format)?)?;
    }
    output.flush()?;
    if none {
        eprintln!("no such rules are loaded");
        return Ok(exit::NOTHING);
    }
    Ok(exit::DONE)
}

fn diff(given: &Given) -> Result<u8> {
    let input = given.read()?;
    if show::faults(&input.entries) {
        bail!("these lines cannot be compared");
    }
    let desired = load::desired(&[], &input.entries);
    show::left_out(&desired);
    let loaded = loaded()?;
    let difference = plan::diff(&loaded, &desired.wanted());
    show::difference(&difference, &loaded, &desired)?;
    Ok(if difference.is_empty() {
        exit::DONE
    } else {
        exit::NOTHING
    })
}

fn cost(reading: Reading, words: &[OsString]) -> Result<u8> {
    let rules = if words.is_empty() {
        loaded()?
    } else {
        let cx = reading.context(feature::ALL);
        let input = Input::read(words, &cx, Trust::Anybody)?;
        show::faults(&input.entries);
        load::desired(&[], &input.entries).wanted()
    };
    show::cost(&rules)?;
    Ok(exit::DONE)
}

fn loaded() -> Result<Vec<Rule>> {
    let mut kernel = Kernel::open()?;
    kernel.rules().context("cannot list the loaded rules")
}

fn loader(journal: &Path) -> Result<Loader> {
    if !process::may_control_audit() {
        bail!("changing audit rules needs CAP_AUDIT_CONTROL: run it as root");
    }
    Loader::new(journal)
}

fn say_interrupted(interrupted: bool) {
    if interrupted {
        eprintln!("an earlier load was cut short: starting from the rules before it");
    }
}

fn say(report: &Report) {
    let Report {
        kept,
        deleted,
        added,
        took,
    } = report;
    let took_ms = took.as_secs_f64() * 1e3;
    eprintln!("{kept} rules kept, {deleted} deleted, {added} added in {took_ms:.1} ms");
}
