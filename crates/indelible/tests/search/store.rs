//! A store of several hosts and segments: what is found is the same with block indexes and without
//! them, only sooner.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use indelible_log::dir::RealDir;
use indelible_log::limits::SEGMENT_ENTRIES;
use indelible_log::log::Sealing;
use indelible_log::{
    Batch, EntryRef, Hash, Header, Kind, Log, LogReader, Options, StreamId, entry,
};

/// One stream, and what of it is not in the log yet.
struct Host {
    stream: StreamId,
    name: &'static str,
    next: u64,
    head: Hash,
    waiting: Vec<u8>,
    first: u64,
}

impl Host {
    fn new(id: u8, name: &'static str) -> Self {
        Self::after(id, name, "null")
    }

    /// A stream with a predecessor, as JSON.
    fn after(id: u8, name: &'static str, predecessor: &str) -> Self {
        let mut host = Self {
            stream: StreamId([id; 16]),
            name,
            next: 0,
            head: Hash::ZERO,
            waiting: Vec::new(),
            first: 0,
        };
        let opened = format!(
            r#"{{"v":1,"source":"kernel","machine_id":"","boot_id":"","host":"{name}","peer":"{name}","predecessor":{predecessor}}}"#
        );
        host.push(Kind::StreamOpened, 1_700_000_000_000, opened.as_bytes());
        host
    }

    fn push(&mut self, kind: Kind, ms: u64, payload: &[u8]) {
        let header = Header {
            kind,
            flags: 0,
            stream: self.stream,
            sequence: self.next,
            time_ns: ms * 1_000_000,
        };
        entry::push(&mut self.waiting, &header, payload);
        self.next += 1;
    }

    fn record(&mut self, record_type: u16, ms: u64, serial: u32, text: &str) {
        self.captured(ms, record_type, ms, serial, text);
    }

    /// A record that was captured at a time of its own.
    fn captured(&mut self, at_ms: u64, record_type: u16, ms: u64, serial: u32, text: &str) {
        let stamp = format!("audit({}.{:03}:{serial}): ", ms / 1000, ms % 1000);
        let payload = [
            &record_type.to_be_bytes(),
            stamp.as_bytes(),
            text.as_bytes(),
        ]
        .concat();
        self.push(Kind::Audit, at_ms, &payload);
    }

    fn context(&mut self, ms: u64, serial: u32, pid: u32) {
        let of_process = serde_json::json!({
            "v": 1, "boot_id": "", "time_ms": ms, "serial": serial,
            "read": {"stream": "", "sequence": 0},
            "process": {"pid": pid}, "unit": format!("{}-{serial}.service", self.name),
        });
        self.push(Kind::Context, ms, of_process.to_string().as_bytes());
    }

    fn send<'l>(&mut self, logs: impl Iterator<Item = &'l mut Log>) {
        let batch = Batch::prepare(self.stream, self.first, self.head, &self.waiting).unwrap();
        for log in logs {
            log.append(&batch, self.name).unwrap();
        }
        (self.head, self.first) = (batch.head_after(), self.next);
        self.waiting.clear();
    }
}

/// Events of three hosts over two segments and what is not sealed: most of them alike, a few of each
/// kind that is looked for, some of them apart by more than a block.
pub(crate) fn fill(store: &Path) {
    let mut logs = [open(store)];
    fill_some(&mut logs, |_, _, _| true);
    for log in logs {
        log.close().unwrap();
    }
}

fn open(store: &Path) -> Log {
    let options = Options {
        sealing: Sealing::Inline,
        ..Options::new("log.example/search")
    };
    Log::open(RealDir::create(store).unwrap(), &options)
        .unwrap()
        .0
}

/// The same in several logs, the first of which gets all: `takes(log, host, round)` says which of the
/// others get a host's part of a round.
fn fill_some(logs: &mut [Log], takes: impl Fn(usize, usize, usize) -> bool) {
    let mut hosts = [
        Host::new(1, "web1"),
        Host::new(2, "web2"),
        Host::new(3, "db1"),
    ];
    let mut late: Vec<(usize, usize, u64, u32)> = Vec::new();
    let mut serial = 100;
    let mut round = 0;
    while logs[0].checkpoint().size < 2 * SEGMENT_ENTRIES + 3_000 {
        for (number, host) in hosts.iter_mut().enumerate() {
            for _ in 0..200 {
                serial += 1;
                let ms = 1_700_000_000_000 + u64::from(serial) * 100;
                let rare = serial % 9_973 == 0;
                let (key, exe) = match rare {
                    true => ("shadow_watch", "/usr/local/bin/odd"),
                    false => ("files", "/usr/bin/cat"),
                };
                host.record(1300, ms, serial, &format!(
                    "arch=c000003e syscall={} success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=1 ppid=1 pid={} \
                     auid={} uid=0 gid=0 euid=0 ses=1 comm=\"cat\" exe=\"{exe}\" key=\"{key}\"",
                    if serial % 7_919 == 0 { 87 } else { 257 },
                    300 + serial % 5_000,
                    if serial % 8_111 == 0 { 4242 } else { 1000 },
                ));
                host.record(1307, ms, serial, "cwd=\"/\"");
                if rare || serial % 1_009 == 0 {
                    host.context(ms, serial, 300 + serial % 5_000);
                }
                let path = format!(
                    "item=0 name=\"/srv/{}\" inode=1 nametype=NORMAL",
                    serial % 30_000
                );
                if serial % 6_007 == 0 {
                    // Its other records come a block later, with another event's key between.
                    late.push((number, round + 5, ms, serial));
                    continue;
                }
                host.record(1302, ms, serial, &path);
                host.record(1327, ms, serial, "proctitle=636174");
                if serial % 5_003 == 0 {
                    let text = "pid=9 uid=0 auid=4242 ses=1 msg='op=login acct=\"eve\" exe=\"/sbin/x\" \
                                hostname=gate addr=192.0.2.77 terminal=t res=failed'";
                    host.record(1112, ms, serial, text);
                }
                if serial % 4_001 == 0 {
                    let text = format!("<34>1 - relay su {serial} - - refused {serial}");
                    host.push(Kind::Syslog, ms, text.as_bytes());
                }
            }
            late.retain(|(of, due, ms, serial)| {
                let is_due = *of == number && *due <= round;
                if is_due {
                    host.record(
                        1302,
                        *ms,
                        *serial,
                        "item=0 name=\"/srv/late\" inode=1 nametype=NORMAL",
                    );
                    host.record(1327, *ms, *serial, "proctitle=636174");
                }
                !is_due
            });
            let logs = logs.iter_mut().enumerate();
            let taken = logs.filter(|(log, _)| *log == 0 || takes(*log, number, round));
            host.send(taken.map(|(_, log)| log));
        }
        for log in logs.iter_mut() {
            log.commit().unwrap();
        }
        round += 1;
    }
}

fn run(command: &str, store: &Path, words: &[&str]) -> (String, String) {
    run_over(command, &[store], words)
}

fn run_over(command: &str, stores: &[&Path], words: &[&str]) -> (String, String) {
    let stores = stores
        .iter()
        .flat_map(|store| [Path::new("--store"), store]);
    let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .arg(command)
        .args(stores)
        .args(words)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() < Some(2),
        "{command} {words:?}: {said}"
    );
    (String::from_utf8(output.stdout).unwrap(), said)
}

pub(crate) const QUESTIONS: [&[&str]; 24] = [
    &["-k", "shadow", "--format", "ndjson"],
    &["-p", "5273", "--format", "json"],
    &["-k", "files", "--limit", "9000", "--format", "ndjson"],
    &["-k", "shadow"],
    &["-k", "shadow_watch", "-w", "-n", "web1"],
    &["-k", "shadow", "--since", "2023-11-14T22:30:00Z"],
    &[
        "--since",
        "2023-11-14T23:00:00Z",
        "--until",
        "2023-11-14T23:01:00Z",
    ],
    &["-f", "/srv/late"],
    &["-k", "files", "-f", "/srv/late"],
    &["-x", "odd", "-f", "/srv/1"],
    &["-sc", "87", "--arch", "x86_64"],
    &["-ul", "4242"],
    &["-m", "USER_LOGIN"],
    &["-m", "USER_LOGIN", "-n", "db1", "-hn", "gate"],
    &["-hn", "gate", "--raw"],
    &["-a", "12014"],
    &["-p", "3456", "-n", "web2"],
    &["-c", "su"],
    &["--text", "refused 4001"],
    &["--where", "app = su and pid = 8002"],
    &["--where", "exe ~ \"*odd\" and not success or auid = 4242"],
    &["--where", "type = USER_LOGIN and addr in 192.0.2.0/24"],
    &["--where", "syscall = unlink and path ~ /srv.[0-9]+7$/"],
    &["-k", "nothing"],
];

/// Operator actions in a store.
pub(crate) fn actions(store: &Path) -> Vec<serde_json::Value> {
    let reader = LogReader::open(RealDir::open(store).unwrap()).unwrap();
    let (mut next, mut actions) = (0, Vec::new());
    while let Some(part) = reader.part_at(next).unwrap() {
        for (_, bytes) in reader.decode(&part).unwrap().iter_from(next) {
            let entry = EntryRef::parse(bytes).unwrap();
            if entry.header().kind == Kind::Operator {
                actions.push(serde_json::from_slice(entry.payload()).unwrap());
            }
        }
        next = part.end();
    }
    actions
}

/// What two logs hold between them, some of it both, is found as if one had it all: a host in one, a host
/// in both, a host whose stream was begun in one and is whole in the other, and an event whose stream
/// ended in one while its successor began in the other.
#[test]
fn two_stores_are_searched_as_one_log() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["whole", "first", "second"].map(|name| folder.path().join(name));
    let mut logs = paths.each_ref().map(|path| open(path));
    let (ms, serial) = (1_700_000_000_000, 7);
    let mut before = Host::new(8, "mail1");
    before.record(
        1300,
        ms,
        serial,
        "arch=c000003e syscall=257 success=yes exit=0 items=1 ppid=1 pid=77 auid=0 uid=0 gid=0 \
         euid=0 ses=1 comm=\"cat\" exe=\"/bin/cat\" key=\"split\"",
    );
    before.record(1307, ms, serial, "cwd=\"/\"");
    let predecessor = format!(r#"{{"id":"{}","next":3,"head":""}}"#, before.stream);
    let mut after = Host::after(9, "mail1", &predecessor);
    after.captured(
        ms + 1,
        1302,
        ms,
        serial,
        "item=0 name=\"/srv/split\" inode=1 nametype=NORMAL",
    );
    after.captured(ms + 1, 1327, ms, serial, "proctitle=636174");
    let [whole, first, second] = &mut logs;
    before.send([&mut *whole, first].into_iter());
    after.send([whole, second].into_iter());
    fill_some(&mut logs, |log, host, round| match (log, host) {
        (1, 0 | 1) | (2, 1 | 2) => true,
        (1, 2) => round < 30,
        _ => false,
    });
    for log in logs {
        log.close().unwrap();
    }
    let [whole, first, second] = paths.each_ref().map(|path| &**path);
    for store in [whole, first, second] {
        run("reindex", store, &[]);
    }
    let several = [second, first];
    let more: [&[&str]; 5] = [
        &["-k", "split", "--format", "ndjson"],
        &["-f", "/srv/split", "--raw"],
        &["-k", "shadow", "--reverse"],
        &["--count"],
        &["--findings"],
    ];
    for words in QUESTIONS.iter().chain(&more) {
        let (expect, _) = run("search", whole, words);
        let (got, _) = run_over("search", &several, words);
        // A message and an event of the same millisecond have no order.
        let has_messages = expect.contains(" refused ");
        let lines = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            if has_messages {
                lines.sort_unstable();
            }
            lines
        };
        let (got, expect) = (lines(&got), lines(&expect));
        let differs = std::iter::zip(&got, &expect).find(|(got, expect)| got != expect);
        assert!(
            got == expect,
            "{words:?}: {} lines, not {}: {differs:?}",
            got.len(),
            expect.len()
        );
    }
    let (split, _) = run_over("search", &several, more[0]);
    let split: serde_json::Value = serde_json::from_str(&split).unwrap();
    assert_eq!(split["records"].as_array().unwrap().len(), 4, "{split}");
    // One of them alone has less.
    for store in several {
        assert!(run("search", store, more[0]).0 != run("search", whole, more[0]).0);
        assert!(run("search", store, &["--count"]).0 != run("search", whole, &["--count"]).0);
    }
    let reports: [&[&str]; 4] = [
        &[],
        &["keys", "--summary"],
        &["users", "--format", "csv"],
        &["timeline", "--format", "json"],
    ];
    for words in reports {
        let (expect, _) = run("report", whole, words);
        let (got, _) = run_over("report", &several, words);
        assert!(got == expect && !got.is_empty(), "{words:?}");
    }
    let (logs, _) = run_over("report", &several, &["logs", "--format", "csv"]);
    assert_eq!(logs.lines().count(), 3, "{logs}");
    // By the indexes what cannot match stays packed, but for the beginnings of streams.
    let bytes = |words: &[&str]| -> u64 {
        let words = [words, &["--debug", "--count"]].concat();
        let said = run_over("search", &several, &words).1;
        let line = said.lines().find(|line| line.starts_with("read ")).unwrap();
        let (_, rest) = line.split_once(" lines, ").unwrap();
        let (bytes, _) = rest.split_once(" bytes").unwrap();
        bytes.replace(',', "").parse().unwrap()
    };
    let (all, some) = (bytes(&["-k", "files"]), bytes(&["-k", "nothing"]));
    println!("{some} of {all} bytes were read");
    assert!(some < all / 3 * 2);
}

#[test]
fn a_store_is_searched_the_same_with_indexes_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    fill(&store);
    let answers = || QUESTIONS.map(|words| run("search", &store, words).0);
    let without = answers();
    for (words, answer) in QUESTIONS.iter().zip(&without) {
        assert_eq!(answer.is_empty(), words.contains(&"nothing"), "{words:?}");
    }
    for answer in &without[..3] {
        assert!(answer.contains(r#""context":{"v":1"#));
    }
    let (written, _) = run("reindex", &store, &[]);
    assert_eq!(written, "2 written, 0 kept\n");
    for ((words, expect), got) in QUESTIONS.iter().zip(&without).zip(answers()) {
        assert!(
            got == *expect,
            "{words:?}: {} and {} bytes",
            expect.len(),
            got.len()
        );
    }
    let pieces = |words: &[&str]| -> u64 {
        let said = run("search", &store, &[words, &["--debug", "--count"]].concat()).1;
        let line = said.lines().find(|line| line.starts_with("read ")).unwrap();
        let (_, rest) = line.split_once(" in ").unwrap();
        rest.split(' ').next().unwrap().parse().unwrap()
    };
    let (all, some) = (pieces(&["-k", "files"]), pieces(&["-k", "shadow"]));
    println!("{some} of {all} pieces were read");
    assert!(all >= 32 && some < all / 2);
    assert!(pieces(&["-k", "nothing"]) <= all - 32);

    // A damaged index is told, and passed over.
    let index = store.join(format!("segments/{SEGMENT_ENTRIES:020}.idx"));
    let mut bytes = fs::read(&index).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&index, bytes).unwrap();
    fs::write(store.join(format!("segments/{:020}.idx", 0)), "x").unwrap();
    for (words, expect) in QUESTIONS.iter().zip(&without).take(7) {
        let (got, said) = run("search", &store, words);
        assert!(got == *expect, "{words:?}");
        assert!(said.contains("its segment is read whole"), "{said}");
    }
    assert_eq!(run("reindex", &store, &[]).0, "2 written, 0 kept\n");
}
