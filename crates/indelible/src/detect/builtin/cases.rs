//! Cases: records, and what has to be found in them.
//!
//! ```toml
//! [inodes]                    # optional: what is known of the host
//! "/var/log" = "08:01 131074" # device and number, as in records
//! "/etc/shadow" = "08:01 131080 0100640" # and the mode of a file
//!
//! [[case]]
//! name = "the log is emptied by a redirection"
//! expect = ["log-clearing"]   # none for what is benign
//! records = '''
//! type=SYSCALL msg=audit(1700000000.001:1): …
//! '''
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use indelible_detect::builtin::{self, Engine, Finding, Tuning};
use indelible_query::criteria::Filter;
use indelible_query::expr::Where;
use indelible_record::{Assembler, Event, Record, Settings, Stamp};
use serde::Deserialize;

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cases {
    /// The detection that the benign cases look like.
    pub(super) detection: Option<String>,
    /// Which inodes files and folders are.
    #[serde(default)]
    inodes: BTreeMap<String, String>,
    #[serde(rename = "case")]
    pub(super) cases: Vec<Case>,
}

/// A case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// Ids of the detections that have to find something, and no others.
    pub(super) expect: Vec<String>,
    /// A record per line.
    records: String,
}

/// Reads a file of cases.
///
/// # Errors
/// A file that cannot be read, is too long, is no such TOML, or names detections that do not exist.
pub(super) fn read(path: &Path) -> Result<Cases> {
    let shown = || format!("cannot read {}", path.display());
    let mut text = String::new();
    let file = File::open(path).with_context(shown)?;
    file.take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .with_context(shown)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        bail!("{} is longer than {FILE_BYTES_MAX} bytes", path.display());
    }
    let cases: Cases =
        toml::from_str(&text).with_context(|| format!("{} is no file of cases", path.display()))?;
    let expected = cases.cases.iter().flat_map(|case| &case.expect);
    for id in expected.chain(&cases.detection) {
        if builtin::all().iter().all(|about| about.id != id) {
            bail!(
                "{}: {id:?} is no detection; `detect list` names them",
                path.display()
            );
        }
    }
    Ok(cases)
}

impl Cases {
    /// All detections, knowing what the file tells of the host.
    pub(super) fn engine(&self) -> Result<Engine> {
        let mut engine = match Engine::new(&[], &Tuning::default()) {
            Ok(engine) => engine,
            Err(why) => bail!(why),
        };
        for (path, place) in &self.inodes {
            let (dev, number, mode) = inode(place).with_context(|| {
                format!("{path:?} is not a device, a number and perhaps a mode: {place:?}")
            })?;
            engine.knows(None, (dev.as_bytes(), number), path.as_bytes(), mode);
        }
        Ok(engine)
    }
}

/// `DEV NUMBER [MODE]`
fn inode(text: &str) -> Option<(&str, u64, Option<u32>)> {
    let mut words = text.split(' ');
    let (dev, number) = (words.next()?, words.next()?.parse().ok()?);
    let mode = match words.next() {
        Some(mode) => Some(u32::from_str_radix(mode, 8).ok()?),
        None => None,
    };
    words.next().is_none().then_some((dev, number, mode))
}

impl Case {
    /// The findings of all detections in the case's events, and which of their events are not
    /// among the detection's own candidates (there should be none).
    pub(super) fn run(&self, mut engine: Engine) -> Result<(Vec<Finding>, Vec<String>)> {
        let events = self.events();
        if events.iter().all(|event| event.stamp().is_none()) {
            bail!("{:?} has no records with a stamp", self.name);
        }
        let mut found = Vec::new();
        for event in &events {
            engine.event(event.stamp().map_or(0, Stamp::ms), event, &mut found);
        }
        engine.tick(u64::MAX, &mut found);
        let mut outside = Vec::new();
        for finding in &found {
            let candidates = Where::parse(finding.about.candidates)?;
            let event = events
                .iter()
                .find(|event| event.stamp() == finding.stamps.last().copied());
            if !event.is_some_and(|event| candidates.matches(event)) {
                outside.push(finding.about.id.to_owned());
            }
        }
        Ok((found, outside))
    }

    fn events(&self) -> Vec<Event> {
        let mut assembler = Assembler::new(Settings::FILE);
        let mut events = Vec::new();
        for line in self.records.lines().filter(|line| !line.trim().is_empty()) {
            events.extend(assembler.push(0, &Record::parse(line.as_bytes())));
        }
        events.extend(assembler.finish());
        events
    }
}

const FILE_BYTES_MAX: u64 = 16 << 20;
