//! Log files: groups of rotated ones in order, plain or compressed, line by line.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use indelible_detect::ssh::journal::Entry;
use indelible_detect::ssh::line;
use indelible_detect::ssh::{Calendar, Channel, Engine, LineId};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::feed::{Due, Feed};

/// Files that go on from one another: `auth.log.2.gz`, `auth.log.1`, `auth.log`.
pub(super) struct Group {
    parts: VecDeque<Part>,
}

enum Part {
    File(PathBuf),
    Stream(String, Box<dyn Read>),
}

impl Group {
    /// A stream that cannot be read twice.
    pub(super) fn stream(name: &str, stream: Box<dyn Read>) -> Self {
        Self {
            parts: VecDeque::from([Part::Stream(name.to_owned(), stream)]),
        }
    }
}

/// What to read where nothing is named: standard input where that is a pipe; else the usual logs,
/// or the journal where there are none.
pub(super) fn usual() -> Result<(Vec<PathBuf>, bool)> {
    let is_pipe = rustix::fs::fstat(io::stdin()).is_ok_and(|status| {
        rustix::fs::FileType::from_raw_mode(status.st_mode) == rustix::fs::FileType::Fifo
    });
    if is_pipe && !io::stdin().is_terminal() {
        return Ok((vec![PathBuf::from(STANDARD_INPUT)], false));
    }
    let mut paths = Vec::new();
    for folder in USUAL_FOLDERS {
        let listed = list(Path::new(folder)).unwrap_or_default();
        paths.extend(listed.into_iter().filter(|path| is_usual(path)));
    }
    let has_text = paths.iter().any(|path| base_name(path).0 != "audit.log");
    if paths.is_empty() && !Path::new(JOURNAL).exists() {
        anyhow::bail!(
            "no log of sshd in {}; name files, --store or --journal",
            USUAL_FOLDERS.join(", ")
        );
    }
    let shown: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let journal = (!has_text).then(|| "the journal".to_owned());
    let shown: Vec<String> = shown.into_iter().chain(journal).collect();
    eprintln!("reading {}", shown.join(" "));
    Ok((paths, !has_text))
}

/// The files of these paths, folders expanded, put into groups; each group oldest first.
pub(super) fn groups(paths: &[PathBuf]) -> Result<Vec<Group>> {
    let mut groups: BTreeMap<(PathBuf, String), Vec<(Age, PathBuf)>> = BTreeMap::new();
    let mut all = Vec::new();
    for path in paths {
        if path.as_os_str() == STANDARD_INPUT {
            all.push(Group::stream("standard input", Box::new(io::stdin())));
            continue;
        }
        let status =
            fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        let files = if status.is_dir() {
            of_folder(path)?
        } else {
            vec![path.clone()]
        };
        for file in files {
            let (base, age) = base_name(&file);
            let folder = file.parent().unwrap_or(Path::new("")).to_owned();
            groups.entry((folder, base)).or_default().push((age, file));
        }
    }
    for (_, mut files) in groups {
        files.sort();
        files.dedup();
        let parts = files
            .into_iter()
            .map(|(_, path)| Part::File(path))
            .collect();
        all.push(Group { parts });
    }
    Ok(all)
}

/// The logs of sshd in a folder; every file where none has a usual name.
fn of_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = list(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let usual: Vec<PathBuf> = files
        .iter()
        .filter(|path| is_usual(path))
        .cloned()
        .collect();
    Ok(if usual.is_empty() { files } else { usual })
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for item in fs::read_dir(folder)? {
        let path = item?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn is_usual(path: &Path) -> bool {
    USUAL_NAMES.contains(&base_name(path).0.as_str())
}

/// How old a file of a group is: sorts the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    /// `-YYYYMMDD…`
    Dated(String),
    /// `.N`, negative so that a greater N is older.
    Numbered(i64),
    Newest,
}

/// A file's name without what rotation put behind it, and what that says of its age.
fn base_name(path: &Path) -> (String, Age) {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let name = COMPRESSED
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name);
    if let Some((base, number)) = name.rsplit_once('.')
        && let Ok(number) = number.parse::<u32>()
    {
        return (base.to_owned(), Age::Numbered(-i64::from(number)));
    }
    if let Some((base, date)) = name.rsplit_once('-')
        && date.len() >= 8
        && date.bytes().all(|byte| byte.is_ascii_digit())
    {
        return (base.to_owned(), Age::Dated(date.to_owned()));
    }
    (name.to_owned(), Age::Newest)
}

/// The lines of a group.
pub(super) struct FileFeed {
    rest: VecDeque<Part>,
    first_file: u32,
    opened: u32,
    reader: Option<Box<dyn BufRead>>,
    /// The last change of the file that is being read, local seconds since 1970.
    newest_local_s: i64,
    zone: Zone,
    line: u64,
    /// The file is in the journal's export format.
    is_export: bool,
    due: Due,
    is_due: bool,
    ended: bool,
}

impl FileFeed {
    /// Takes the names of its files into `names`, which line ids refer to.
    pub(super) fn open(group: Group, channel: u32, names: &mut Vec<String>) -> Result<Self> {
        let first_file = u32::try_from(names.len()).unwrap_or(u32::MAX);
        names.extend(group.parts.iter().map(|part| match part {
            Part::File(path) => path.display().to_string(),
            Part::Stream(name, _) => name.clone(),
        }));
        Ok(Self {
            rest: group.parts,
            first_file,
            opened: 0,
            reader: None,
            newest_local_s: 0,
            zone: Zone::system(),
            line: 0,
            is_export: false,
            due: Due::new(Channel(channel)),
            is_due: false,
            ended: false,
        })
    }

    /// Opens the next file; no where there is none.
    fn next_file(&mut self) -> Result<bool> {
        let Some(part) = self.rest.pop_front() else {
            return Ok(false);
        };
        let now = SystemTime::now();
        let (name, stream, changed): (String, Box<dyn Read>, SystemTime) = match part {
            Part::Stream(name, stream) => (name, stream, now),
            Part::File(path) => {
                let changed = fs::metadata(&path).and_then(|status| status.modified());
                let text = crate::search::files::text(&path)?;
                (path.display().to_string(), text, changed.unwrap_or(now))
            }
        };
        let changed_s = changed
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        self.newest_local_s = self
            .zone
            .to_local(i64::try_from(changed_s).unwrap_or(i64::MAX));
        let mut reader = BufReader::with_capacity(READ_BYTES, stream);
        let start = reader.fill_buf()?;
        self.is_export = start.starts_with(b"__CURSOR=");
        let first = start.split(|byte| *byte == b'\n').next();
        let is_bare = line::is_bare(
            first.unwrap_or_default(),
            &Calendar {
                newest_local_s: self.newest_local_s,
                to_utc: &|local_s| self.zone.to_utc(local_s),
            },
        );
        if is_bare {
            eprintln!(
                "{name} holds sshd's messages alone, as `sshd -E` writes them: without times, and a client can forge lines of it"
            );
        }
        self.due.set_bare(is_bare);
        self.reader = Some(Box::new(reader));
        self.opened += 1;
        self.line = 0;
        Ok(true)
    }

    /// Reads a line, or an entry of the export format, into the buffer; no at the end.
    fn read(&mut self) -> Result<bool> {
        loop {
            if let Some(reader) = &mut self.reader {
                let buffer = self.due.buffer();
                let found = match self.is_export {
                    true => super::text::read_entry(reader, buffer)?,
                    false => super::text::read_line(reader, buffer)?,
                };
                if found {
                    self.line += 1;
                    return Ok(true);
                }
                self.reader = None;
            }
            if !self.next_file()? {
                return Ok(false);
            }
        }
    }
}

impl Feed for FileFeed {
    fn time_ms(&self) -> Option<u64> {
        self.is_due.then(|| self.due.time_ms())
    }

    fn give(&mut self, engine: &mut Engine) {
        self.due.give(engine);
    }

    fn advance(&mut self) -> Result<()> {
        self.is_due = false;
        while self.read()? {
            let at = LineId {
                file: self.first_file + self.opened - 1,
                line: self.line,
            };
            let zone = &self.zone;
            let to_utc = |local_s| zone.to_utc(local_s);
            let calendar = Calendar {
                newest_local_s: self.newest_local_s,
                to_utc: &to_utc,
            };
            self.is_due = match self.is_export {
                true => self
                    .due
                    .look_journal(at, |text| Some(Entry::from_export(text))),
                false => self.due.look(at, &calendar),
            };
            if self.is_due {
                return Ok(());
            }
        }
        if !std::mem::replace(&mut self.ended, true) {
            self.is_due = self.due.finish();
        }
        Ok(())
    }
}

/// This host's time zone, with the offset of the last hour that was asked for at hand.
pub(super) struct Zone {
    zone: TimeZone,
    known: Cell<(i64, i64)>,
}

impl Zone {
    pub(super) fn system() -> Self {
        Self {
            zone: TimeZone::system(),
            known: Cell::new((i64::MIN, 0)),
        }
    }

    /// A civil time, read as if it were UTC, in UTC.
    pub(super) fn to_utc(&self, local_s: i64) -> i64 {
        let hour = local_s.div_euclid(3_600);
        let (known, offset_s) = self.known.get();
        if known == hour {
            return local_s - offset_s;
        }
        let civil = Timestamp::from_second(local_s).map(|time| TimeZone::UTC.to_datetime(time));
        let utc_s = civil
            .ok()
            .and_then(|civil: DateTime| Some(self.zone.to_timestamp(civil).ok()?.as_second()));
        let utc_s = utc_s.unwrap_or(local_s);
        self.known.set((hour, local_s - utc_s));
        utc_s
    }

    pub(super) fn to_local(&self, utc_s: i64) -> i64 {
        let offset_s =
            Timestamp::from_second(utc_s).map_or(0, |time| self.zone.to_offset(time).seconds());
        utc_s + i64::from(offset_s)
    }
}

const STANDARD_INPUT: &str = "-";
const USUAL_FOLDERS: [&str; 2] = ["/var/log", "/var/log/audit"];
const USUAL_NAMES: [&str; 6] = [
    "auth.log",
    "authlog",
    "secure",
    "sshd.log",
    "audit.log",
    "auth",
];
const JOURNAL: &str = "/var/log/journal";
const COMPRESSED: [&str; 3] = [".gz", ".xz", ".zst"];
/// Bytes per read.
const READ_BYTES: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_go_from_the_oldest_to_the_newest() {
        let mut names = [
            "auth.log",
            "auth.log.10.gz",
            "auth.log.1",
            "auth.log.2.xz",
            "auth.log-20251201",
            "auth.log-20261101.zst",
        ]
        .map(|name| (base_name(Path::new(name)), name));
        names.sort();
        assert!(names.iter().all(|((base, _), _)| base == "auth.log"));
        assert_eq!(
            names.map(|(_, name)| name),
            [
                "auth.log-20251201",
                "auth.log-20261101.zst",
                "auth.log.10.gz",
                "auth.log.2.xz",
                "auth.log.1",
                "auth.log"
            ]
        );
    }
}
