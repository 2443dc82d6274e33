//! Entries of a collector's store: audit records, syslog messages, journal entries, lines of files.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indelible_detect::ssh::{Engine, LineId};
use indelible_log::dir::RealDir;
use indelible_log::{EntryRef, Kind, LogReader, StreamId};

use super::entry::EntryLook;
use super::feed::Feed;
use crate::payload::StreamOpened;

/// The entries of a store that can tell of sshd.
pub(super) struct StoreFeed {
    path: PathBuf,
    reader: LogReader,
    next: u64,
    /// Entries of the part that is being read, with their leaf indexes.
    part: VecDeque<(u64, Vec<u8>)>,
    hosts: HashMap<StreamId, Vec<u8>>,
    file: u32,
    look: EntryLook,
    is_due: bool,
    ended: bool,
}

impl StoreFeed {
    pub(super) fn open(path: &Path, channel: u32, names: &mut Vec<String>) -> Result<Self> {
        let shown = || format!("cannot read the store {}", path.display());
        let dir = RealDir::open(path).with_context(shown)?;
        let file = u32::try_from(names.len()).unwrap_or(u32::MAX);
        names.push(path.display().to_string());
        let reader = LogReader::open(dir).with_context(shown)?;
        let mut hosts = HashMap::new();
        for entry in reader.carried_openings().with_context(shown)? {
            note_host(&mut hosts, &EntryRef::parse(&entry).with_context(shown)?);
        }
        Ok(Self {
            path: path.to_owned(),
            reader,
            next: 0,
            part: VecDeque::new(),
            hosts,
            file,
            look: EntryLook::new(channel),
            is_due: false,
            ended: false,
        })
    }

    /// The next entry of a kind that can tell of sshd.
    fn entry(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        let path = self.path.clone();
        let shown = || format!("cannot read the store {}", path.display());
        loop {
            if let Some(found) = self.part.pop_front() {
                return Ok(Some(found));
            }
            let Some(part) = self.reader.part_at(self.next).with_context(shown)? else {
                return Ok(None);
            };
            let decoded = self.reader.decode(&part).with_context(shown)?;
            for (index, bytes) in decoded.iter_from(self.next) {
                let entry = EntryRef::parse(bytes).with_context(shown)?;
                match entry.header().kind {
                    Kind::StreamOpened => note_host(&mut self.hosts, &entry),
                    Kind::Audit => self.part.push_back((index, bytes.to_vec())),
                    Kind::Syslog | Kind::Journal | Kind::FileLine
                        if memchr::memmem::find(entry.payload(), b"sshd").is_some()
                            || entry.payload().starts_with(b"type=") =>
                    {
                        self.part.push_back((index, bytes.to_vec()));
                    }
                    _ => {}
                }
            }
            self.next = part.end();
        }
    }

    fn look(&mut self, index: u64, bytes: &[u8]) -> Result<bool> {
        let entry = EntryRef::parse(bytes).with_context(|| format!("entry {index}"))?;
        let at = LineId {
            file: self.file,
            line: index,
        };
        let host = self.hosts.get(&entry.header().stream);
        Ok(self
            .look
            .entry(at, &entry, host.map_or(&b""[..], Vec::as_slice)))
    }
}

impl Feed for StoreFeed {
    fn time_ms(&self) -> Option<u64> {
        self.is_due.then(|| self.look.due.time_ms())
    }

    fn give(&mut self, engine: &mut Engine) {
        self.look.due.give(engine);
    }

    fn advance(&mut self) -> Result<()> {
        self.is_due = false;
        while let Some((index, bytes)) = self.entry()? {
            self.is_due = self.look(index, &bytes)?;
            if self.is_due {
                return Ok(());
            }
        }
        if !std::mem::replace(&mut self.ended, true) {
            self.is_due = self.look.due.finish();
        }
        Ok(())
    }
}

/// Takes note of the host of a stream that begins.
fn note_host(hosts: &mut HashMap<StreamId, Vec<u8>>, entry: &EntryRef<'_>) {
    if let Ok(opened) = serde_json::from_slice::<StreamOpened>(entry.payload()) {
        hosts.insert(entry.header().stream, plain_host(&opened.host));
    }
}

/// A host's name, as far as a name may go: anything else could forge the rest of a line.
pub(super) fn plain_host(host: &str) -> Vec<u8> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    host.bytes()
        .map(|byte| if allowed(byte) { byte } else { b'?' })
        .collect()
}
