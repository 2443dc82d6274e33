//! The process that reads this host's other sources: files, the journal, syslog sockets, the
//! kernel's messages. Each becomes a stream of its own, in a room of its own (docs/adr/006).
//!
//! What needs rights is opened first: sockets are bound and `/dev/kmsg` is opened, then everything
//! is given up but the right to read files.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::Kind;
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;
use indelible_sys::lock::FileLock;
use indelible_sys::process;

use super::intake::connections::Connections;
use super::intake::datagrams::Datagrams;
use super::intake::file::FileLines;
use super::intake::journal::Journal;
use super::intake::kmsg::KernelMessages;
use super::intake::{self, Intake, Source};
use super::layout::{Layout, Owner, Room};
use super::source_stream::SourceStream;
use super::stopping::Stopping;
use crate::config::{SourceConfig, SpoolLimits};

/// Reads all sources until asked to stop.
pub(crate) fn run(
    layout: &Layout,
    sources: &[SourceConfig],
    limits: SpoolLimits,
    worker: Option<Owner>,
    stopping: &Stopping,
) -> Result<()> {
    let room = layout.sources();
    let _lock = FileLock::try_now(&room.lock()).with_context(|| {
        format!(
            "the reader of sources cannot use the spool {}",
            room.folder().display()
        )
    })?;
    if let Some(Owner { gid, .. }) = worker {
        process::join_group(gid)?;
    }
    let mut opener = Opener {
        room: room.clone(),
        host: Host::current()?,
        limits,
        globs: Vec::new(),
        known: BTreeSet::new(),
        looked_at: Instant::now(),
    };
    let opened: Vec<Opened> = sources.iter().map(open).collect::<Result<_>>()?;
    process::drop_capabilities(process::SOURCES_CAPABILITIES)?;
    let mut intakes = Vec::new();
    for (source, opened) in sources.iter().zip(opened) {
        intakes.extend(opener.intake(source, opened)?);
    }
    intakes.extend(opener.new_files()?);
    let more = move || {
        if opener.looked_at.elapsed() < LOOK_EVERY {
            return Ok(Vec::new());
        }
        opener.looked_at = Instant::now();
        opener.new_files()
    };
    intake::run_with(layout, &room, intakes, IDLE_HEADS_EVERY, stopping, more)
}

/// What was opened before the rights were given up.
enum Opened {
    Nothing,
    Datagrams(Datagrams),
    Connections(Connections),
    KernelMessages(File),
}

fn open(source: &SourceConfig) -> Result<Opened> {
    Ok(match source {
        SourceConfig::Files(_) | SourceConfig::Journal => Opened::Nothing,
        SourceConfig::Unix(path) => Opened::Datagrams(Datagrams::bind_unix(path)?),
        SourceConfig::Udp(address) => Opened::Datagrams(Datagrams::bind_udp(*address)?),
        SourceConfig::Tcp(address) => Opened::Connections(Connections::bind(*address)?),
        SourceConfig::Kmsg => Opened::KernelMessages(KernelMessages::open(Path::new(KMSG))?),
    })
}

/// Makes streams of sources.
struct Opener {
    room: Room,
    host: Host,
    limits: SpoolLimits,
    /// Patterns of files, looked through from time to time.
    globs: Vec<String>,
    known: BTreeSet<PathBuf>,
    looked_at: Instant,
}

impl Opener {
    fn intake(&mut self, source: &SourceConfig, opened: Opened) -> Result<Option<Intake>> {
        let passing =
            |source: Box<dyn Source>, stream| Some(Intake::passing(source, stream, Kind::Syslog));
        let word = source.word();
        Ok(match opened {
            Opened::Datagrams(socket) => passing(Box::new(socket), self.stream(&word)?),
            Opened::Connections(sockets) => passing(Box::new(sockets), self.stream(&word)?),
            Opened::KernelMessages(file) => {
                let stream = self.stream(&word)?;
                Some(Intake::lasting(
                    &self.room,
                    stream,
                    Kind::Syslog,
                    |position| Box::new(KernelMessages::new(file, position)),
                )?)
            }
            Opened::Nothing => match source {
                SourceConfig::Journal => {
                    let stream = self.stream(&word)?;
                    Some(Intake::lasting(
                        &self.room,
                        stream,
                        Kind::Journal,
                        |position| Box::new(Journal::new(position)),
                    )?)
                }
                SourceConfig::Files(pattern) => {
                    self.globs.push(pattern.clone());
                    None
                }
                _ => None,
            },
        })
    }

    fn stream(&self, word: &str) -> Result<SourceStream> {
        let stream = SourceStream::open(&self.room, word, &self.host, self.limits, realtime_ns())?;
        tracing::info!(stream = %stream.id(), source = word, "reading");
        Ok(stream)
    }

    /// Files that match and are not read yet.
    fn new_files(&mut self) -> Result<Vec<Intake>> {
        let mut found = BTreeSet::new();
        for pattern in &self.globs {
            // A pattern was checked when the configuration was read.
            let paths = glob::glob(pattern).into_iter().flatten().flatten();
            found.extend(paths.filter(|path| path.is_file()).take(FILES_MAX));
        }
        let logs = found.into_iter().filter(|path| !is_rotated(path));
        let mut intakes = Vec::new();
        for path in logs {
            if self.known.len() >= FILES_MAX || !self.known.insert(path.clone()) {
                continue;
            }
            let stream = self.stream(&format!("file:{}", path.display()))?;
            intakes.push(Intake::lasting(
                &self.room,
                stream,
                Kind::FileLine,
                |position| Box::new(FileLines::new(&path, b"", LINGER, position)),
            )?);
        }
        Ok(intakes)
    }
}

/// Whether rotation made the file of another one, by its name: `x.1`, `x-20261125`, `x.2.gz`. The name
/// alone decides, because between two renames there is no `x`.
fn is_rotated(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let compressed = [".gz", ".xz", ".bz2", ".zst", ".lz4"];
    if compressed.iter().any(|ending| name.ends_with(ending)) {
        return true;
    }
    name.rsplit_once(['.', '-'])
        .is_some_and(|(_, end)| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit()))
}

const KMSG: &str = "/dev/kmsg";
/// How often patterns are looked through.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a renamed file may still be written to after its successor: the workers of one daemon
/// do not turn to the new file together.
const LINGER: Duration = Duration::from_secs(1);
/// How often a stream that does not grow gets a head.
const IDLE_HEADS_EVERY: Duration = Duration::from_secs(60);
/// Files that are read at a time.
const FILES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_are_no_logs_of_their_own() {
        for name in ["auth.log.1", "x-20261125", "a.gz", "x.2.xz"] {
            assert!(is_rotated(&Path::new("/v").join(name)), "{name}");
        }
        for name in ["auth.log", "access-2.log", "x", "app-20261125.log", "x."] {
            assert!(!is_rotated(&Path::new("/v").join(name)), "{name}");
        }
    }
}
