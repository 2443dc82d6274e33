//! `detect deleted`: programs that run from files that are gone.
//!
//! ```text
//! /proc ─ look (each process, all cores) ─▶ candidates ─ digest, packages ─▶ judge ─▶ findings
//!                                                                              └─ describe, recover
//! ```
//! Almost every process ends at its first two `stat` calls: the inode that runs stands at its path.
//! Only for the others are mounts, packages and bytes looked at.

mod candidate;
mod describe;
mod digest;
mod dpkg;
mod limits;
mod look;
mod packages;
mod recover;
mod rpm;
mod show;

use std::collections::HashMap;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context, Result};
use indelible_detect::deleted::{Facts, Finding, Verdict, judge};
use indelible_sys::proc::{FileId, Process, boot_time_s, ticks_per_second};

use candidate::{Candidate, What};
use describe::Described;
use digest::Digests;
use packages::Packages;
pub(crate) use show::{json, table};

/// What to look at, and what to do with what is found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// These processes only; all where empty.
    pub(crate) pids: Vec<u32>,
    /// Folder for copies of the files that run.
    pub(crate) recover: Option<PathBuf>,
    /// Whether libraries are looked at as well as executables and scripts.
    pub(crate) libraries: bool,
}

/// The answer.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Processes that were looked at, threads of the kernel among them.
    pub(crate) scanned: u64,
    /// Processes that may not be looked at.
    pub(crate) denied: u64,
    /// Highest score first.
    pub(crate) findings: Vec<Found>,
}

/// A finding, and the process that it is about.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) what: What,
    /// Text of the link, or path of the script or library.
    pub(crate) path: Vec<u8>,
    pub(crate) finding: Finding,
    pub(crate) process: Described,
    /// Bytes of the file.
    pub(crate) size: u64,
    /// SHA-256 of the file that runs, in hexadecimal; none where it could not be read.
    pub(crate) sha256: Option<String>,
    /// Where its copy is.
    pub(crate) recovered: Option<PathBuf>,
}

/// Looks at every process.
///
/// # Errors
/// /proc cannot be read, or the folder for copies cannot be written.
pub(crate) fn scan(settings: &Settings) -> Result<Report> {
    let clock = Clock::read()?;
    let processes = match settings.pids.as_slice() {
        [] => Process::all().context("cannot list /proc")?,
        pids => pids.iter().map(|pid| Process { pid: *pid }).collect(),
    };
    let mut report = Report {
        scanned: processes.len() as u64,
        ..Report::default()
    };
    let candidates = look_at_all(&processes, settings.libraries, &mut report);
    let digests = digest_each(&candidates);
    let packages = Packages::of(&candidates, &digests);
    let mut recovery = settings
        .recover
        .as_deref()
        .map(recover::Recovery::into)
        .transpose()?;
    for candidate in candidates {
        let digests = digests.get(&candidate.image);
        let Some(finding) = judge_one(&candidate, digests, &packages, clock) else {
            continue;
        };
        // The process may have ended, and its number be another's by now.
        if candidate.process.start_ticks().ok() != Some(candidate.start_ticks) {
            continue;
        }
        let mut found = Found {
            what: candidate.what,
            finding,
            process: Described::of(&candidate, clock),
            size: candidate.size,
            sha256: digests.map(|digests| crate::payload::hex(&digests.sha256)),
            path: candidate.link.clone(),
            recovered: None,
        };
        if let Some(recovery) = &mut recovery {
            found.recovered = recovery.copy(&candidate, &found)?;
        }
        report.findings.push(found);
    }
    if let Some(recovery) = recovery {
        recovery.finish()?;
    }
    report
        .findings
        .sort_by_key(|found| (std::cmp::Reverse(found.finding.score), found.process.pid));
    Ok(report)
}

/// Turns clock ticks after the boot into times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    boot_s: u64,
    ticks_per_second: u64,
}

impl Clock {
    fn read() -> Result<Self> {
        Ok(Self {
            boot_s: boot_time_s()?,
            ticks_per_second: ticks_per_second().max(1),
        })
    }

    /// Seconds since 1970.
    pub(crate) fn time_s(self, ticks: u64) -> u64 {
        self.boot_s + ticks / self.ticks_per_second
    }
}

/// Spreads the processes over the cores.
fn look_at_all(processes: &[Process], libraries: bool, report: &mut Report) -> Vec<Candidate> {
    let threads = thread::available_parallelism().map_or(1, |count| count.get());
    let share = processes.len().div_ceil(threads).max(1);
    let parts: Vec<look::Looked> = thread::scope(|scope| {
        let running: Vec<_> = processes
            .chunks(share)
            .map(|part| scope.spawn(move || look::all(part, libraries)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default())
            .collect()
    });
    let mut candidates = Vec::new();
    for part in parts {
        report.denied += part.denied;
        candidates.extend(part.candidates);
    }
    candidates
}

/// Reads each file once, however many processes run it.
fn digest_each(candidates: &[Candidate]) -> HashMap<FileId, Digests> {
    let mut digests = HashMap::new();
    for candidate in candidates {
        if !digests.contains_key(&candidate.image)
            && let Some(found) = candidate
                .open()
                .ok()
                .and_then(|file| Digests::of(file).ok())
        {
            digests.insert(candidate.image, found);
        }
    }
    digests
}

fn judge_one(
    candidate: &Candidate,
    digests: Option<&Digests>,
    packages: &Packages,
    clock: Clock,
) -> Option<Finding> {
    let role = match candidate.what {
        What::Executable => indelible_detect::deleted::Role::Executable,
        What::Library => indelible_detect::deleted::Role::Library,
        What::Script | What::MissingScript => return Some(candidate.script_finding()),
    };
    let owner = packages.owner(candidate, digests);
    judge(&Facts {
        role,
        link: &candidate.link,
        image: candidate.place(),
        links: candidate.links,
        literal: candidate.literal,
        unmarked: candidate.unmarked,
        mounted: candidate.mounted,
        started_s: clock.time_s(candidate.start_ticks),
        owner: owner.as_ref(),
        twin: digests.and_then(|digests| packages.twin(digests)),
    })
}

/// Which findings make the command end with 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailOn {
    /// Any finding.
    Any,
    /// Any but programs that an upgrade left behind.
    Suspicious,
    /// This score or more.
    Score(u8),
}

impl FailOn {
    /// Whether the finding counts.
    pub(crate) fn catches(self, finding: &Finding) -> bool {
        match self {
            Self::Any => true,
            Self::Suspicious => finding.verdict.is_suspicious(),
            Self::Score(least) => finding.score >= least,
        }
    }
}

impl std::str::FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "any" => Ok(Self::Any),
            "suspicious" => Ok(Self::Suspicious),
            score => score
                .parse()
                .map(Self::Score)
                .map_err(|_| "expected any, suspicious, or a score from 0 to 100".into()),
        }
    }
}

/// The word that says how many findings there are of each verdict.
fn counted(findings: &[Found]) -> Vec<(Verdict, usize)> {
    let mut counts: Vec<(Verdict, usize)> = Vec::new();
    for found in findings {
        match counts
            .iter_mut()
            .find(|(verdict, _)| *verdict == found.finding.verdict)
        {
            Some((_, count)) => *count += 1,
            None => counts.push((found.finding.verdict, 1)),
        }
    }
    counts.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    counts
}
