//! Durable ingest: agents, syslog over TCP and RELP, the last two beside rsyslog. CPU per message,
//! messages per second, and the most memory.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indelible_testkit::{free_port, get};
use indelible_wire::relp::{Client, ClientAction};

use super::audit::Daemon;
use super::report::{Report, median};
use crate::shell;

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Ingest",
        &format!(
            "{MESSAGES} messages that become entries of {ENTRY_BYTES} bytes, no two alike in {DISTINCT}, from the \
             same machine, {ROUNDS} rounds of each daemon in turn. The collector's rate counts until all are \
             under a signed checkpoint, after `fdatasync`, with tree and index; its CPU until the last full \
             segment is compressed. Native: {AGENTS} agents whose spools are filled send over TLS; their own \
             CPU, which includes reading, compressing and storing receipts, is beside. Syslog TCP and RELP \
             (window {WINDOW}): {CONNECTIONS} connections. rsyslog writes a file through omfile and keeps \
             neither durability nor proof; its rate counts until the file has all."
        ),
    );
    shell::run(shell::command("cargo", &["build", "--release", "--quiet"]))?;
    let load = Lines::new();
    let native: Vec<Figure> = (0..ROUNDS).map(|_| native()).collect::<Result<_>>()?;
    line(report, "native, collector", &native);
    for protocol in [Protocol::Syslog, Protocol::Relp] {
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(collector(protocol, &load)?);
            if Path::new(RSYSLOGD).exists() {
                peer.push(rsyslogd(protocol, &load)?);
            }
        }
        let name = protocol.name();
        line(report, &format!("{name}, collector"), &ours);
        if peer.is_empty() {
            report.line(&format!("{name}, rsyslog: not measured: not installed"));
        } else {
            line(report, &format!("{name}, rsyslog"), &peer);
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Syslog,
    Relp,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Syslog => "syslog TCP",
            Self::Relp => "RELP",
        }
    }
}

/// One round.
struct Figure {
    cpu_us: f64,
    per_second: f64,
    memory_mib: f64,
    /// Of the agents that sent, per message.
    senders_cpu_us: Option<f64>,
}

fn line(report: &mut Report, name: &str, figures: &[Figure]) {
    let of = |part: fn(&Figure) -> f64| median(&figures.iter().map(part).collect::<Vec<_>>());
    let senders: Vec<f64> = figures
        .iter()
        .filter_map(|figure| figure.senders_cpu_us)
        .collect();
    let senders = match senders.is_empty() {
        true => String::new(),
        false => format!(" (agents: {:.2} µs)", median(&senders)),
    };
    let most = figures.iter().map(|figure| figure.memory_mib);
    report.line(&format!(
        "{name}: {:.2} µs of CPU per message{senders}, {:.0} messages/s, {:.0} MiB at most",
        of(|figure| figure.cpu_us),
        of(|figure| figure.per_second),
        most.fold(0.0, f64::max),
    ));
}

/// A collector under measurement.
struct Collector {
    folder: tempfile::TempDir,
    daemon: Daemon,
    http: String,
    native: String,
}

impl Collector {
    fn start(options: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let (http, native) = (free_address(), free_address());
        let (store, pki) = (path("store"), path("pki"));
        let all = [
            "collector",
            "--supervised",
            "--store",
            &store,
            "--pki",
            &pki,
        ];
        let all = [&all[..], &["--native", &native, "--http", &http], options].concat();
        let daemon = Daemon::start(&program(), &all)?;
        wait_for_listener(&http)?;
        daemon.wait_until_idle()?;
        Ok(Self {
            folder,
            daemon,
            http,
            native,
        })
    }

    /// Waits until so many entries are under a checkpoint.
    fn wait_for(&self, entries: usize) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = get(&self.http, "/pending-checkpoint", None);
            let note = String::from_utf8_lossy(&answer.body).into_owned();
            let size = note.lines().nth(1).and_then(|size| size.parse().ok());
            if size.unwrap_or(0) >= entries {
                return Ok(());
            }
            ensure!(Instant::now() < until, "entries are missing: {note}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What `send` costs, from its start until all messages are durable and sealed.
    fn measure(&self, send: impl FnOnce() -> Result<()>) -> Result<Figure> {
        let (before, began) = (self.daemon.process_cpu_s()?, Instant::now());
        send()?;
        self.wait_for(MESSAGES)?;
        let wall_s = began.elapsed().as_secs_f64();
        self.daemon.wait_until_idle()?;
        let cpu_s = self.daemon.process_cpu_s()? - before;
        let memory_mib = self.daemon.memory_max_mib()?;
        Ok(Figure::new(cpu_s, wall_s, memory_mib))
    }

    fn stop(self) -> Result<()> {
        self.daemon.stop()
    }
}

impl Figure {
    fn new(cpu_s: f64, wall_s: f64, memory_mib: f64) -> Self {
        Self {
            cpu_us: cpu_s * 1e6 / MESSAGES as f64,
            per_second: MESSAGES as f64 / wall_s,
            memory_mib,
            senders_cpu_us: None,
        }
    }
}

fn collector(protocol: Protocol, load: &Lines) -> Result<Figure> {
    let address = free_address();
    let receiver = match protocol {
        Protocol::Syslog => "--syslog-tcp",
        Protocol::Relp => "--relp",
    };
    let collector = Collector::start(&[receiver, &address])?;
    wait_for_listener(&address)?;
    let figure = collector.measure(|| send(protocol, &address, load))?;
    collector.stop()?;
    Ok(figure)
}

/// Agents that have taken in all there is before the collector can be reached.
fn native() -> Result<Figure> {
    let collector = Collector::start(&[])?;
    let agents: Vec<Agent> = (0..AGENTS)
        .map(|number| Agent::filled(&collector, number))
        .collect::<Result<_>>()?;
    let mut senders = Vec::new();
    let mut figure = collector.measure(|| {
        for agent in &agents {
            senders.push(agent.start(&collector.native)?);
        }
        Ok(())
    })?;
    let mut cpu_s = 0.0;
    for sender in senders {
        cpu_s += sender.process_cpu_s()?;
        sender.stop()?;
    }
    collector.stop()?;
    figure.senders_cpu_us = Some(cpu_s * 1e6 / MESSAGES as f64);
    Ok(figure)
}

/// An agent with a spool of its own.
struct Agent {
    name: String,
    config: String,
    pki: String,
}

impl Agent {
    /// Lets an agent take in its part of the records while its collector is away.
    fn filled(collector: &Collector, number: usize) -> Result<Self> {
        let name = format!("host{number}");
        let folder = collector.folder.path().join(&name);
        fs::create_dir_all(&folder)?;
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let pki = collector.folder.path().join("pki");
        let agent = Self {
            config: path("agent.toml"),
            pki: pki.to_string_lossy().into_owned(),
            name,
        };
        let (spool, log) = (path("spool"), path("audit.log"));
        let config = format!("spool = {spool:?}\ncapture = \"file:{log}\"\ncontext = false\n");
        fs::write(&agent.config, config)?;
        fs::write(&log, records(number))?;
        let words = ["pki", "issue", "--dir", &agent.pki, &agent.name];
        let issued = shell::succeeds(&program().to_string_lossy(), &words);
        ensure!(issued, "cannot make certificates");
        let capture = agent.role("capture", &free_address())?;
        let wanted = (MESSAGES / AGENTS * ENTRY_BYTES) as u64;
        let until = Instant::now() + PATIENCE;
        while bytes_below(&Path::new(&spool).join("capture/streams")) < wanted {
            ensure!(Instant::now() < until, "the spool is not filled in time");
            std::thread::sleep(Duration::from_millis(50));
        }
        capture.wait_until_idle()?;
        capture.stop()?;
        Ok(agent)
    }

    /// Starts what sends.
    fn start(&self, collector: &str) -> Result<Daemon> {
        self.role("worker", collector)
    }

    fn role(&self, role: &str, collector: &str) -> Result<Daemon> {
        let words = ["agent", "--supervised", "--config", &self.config];
        let to = ["--collector", collector, "--pki", &self.pki];
        let who = ["--name", &self.name, "--role", role];
        Daemon::start(&program(), &[&words[..], &to, &who].concat())
    }
}

fn bytes_below(folder: &Path) -> u64 {
    let Ok(items) = fs::read_dir(folder) else {
        return 0;
    };
    let bytes = |item: fs::DirEntry| match item.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&item.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    items.flatten().map(bytes).sum()
}

fn rsyslogd(protocol: Protocol, load: &Lines) -> Result<Figure> {
    let folder = tempfile::tempdir()?;
    let address = free_address();
    let (host, port) = address.split_once(':').context("an address")?;
    let file = folder.path().join("messages");
    let module = match protocol {
        Protocol::Syslog => "imtcp",
        Protocol::Relp => "imrelp",
    };
    let config = format!(
        "module(load=\"{module}\")\n\
         input(type=\"{module}\" address=\"{host}\" port=\"{port}\" ruleset=\"r\")\n\
         $WorkDirectory {}\n\
         ruleset(name=\"r\") {{ action(type=\"omfile\" file=\"{}\") }}\n",
        folder.path().display(),
        file.display(),
    );
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::write(path("conf"), config)?;
    let (conf, pid) = (path("conf"), path("pid"));
    let (conf, pid) = (conf.to_string_lossy(), pid.to_string_lossy());
    let daemon = Daemon::start(Path::new(RSYSLOGD), &["-n", "-f", &conf, "-i", &pid])?;
    wait_for_listener(&address)?;
    daemon.wait_until_idle()?;
    let (before, began) = (daemon.process_cpu_s()?, Instant::now());
    send(protocol, &address, load)?;
    // Without the priority, which the file does not hold; it writes what it has every few KiB.
    let almost = (MESSAGES * (MESSAGE_BYTES - PRIORITY.len()) - WRITTEN_LATE_BYTES) as u64;
    let until = Instant::now() + PATIENCE;
    while fs::metadata(&file).map_or(0, |file| file.len()) < almost {
        ensure!(
            Instant::now() < until,
            "messages are missing in rsyslog's file"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let wall_s = began.elapsed().as_secs_f64();
    daemon.wait_until_idle()?;
    let cpu_s = daemon.process_cpu_s()? - before;
    let memory_mib = daemon.memory_max_mib()?;
    daemon.stop()?;
    let lines = fs::read(&file)?
        .iter()
        .filter(|byte| **byte == b'\n')
        .count();
    ensure!(
        lines >= MESSAGES,
        "only {lines} messages are in rsyslog's file"
    );
    Ok(Figure::new(cpu_s, wall_s, memory_mib))
}

fn wait_for_listener(address: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        ensure!(Instant::now() < deadline, "nobody listens on {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn send(protocol: Protocol, address: &str, load: &Lines) -> Result<()> {
    std::thread::scope(|scope| {
        let send = |number| {
            scope.spawn(move || match protocol {
                Protocol::Syslog => send_lines(address, load, number),
                Protocol::Relp => send_relp(address, load, number),
            })
        };
        let senders: Vec<_> = (0..CONNECTIONS).map(send).collect();
        senders
            .into_iter()
            .try_for_each(|sender| match sender.join() {
                Ok(sent) => sent,
                Err(_) => bail!("a sender panicked"),
            })
    })
}

fn send_lines(address: &str, load: &Lines, number: usize) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let (mut left, mut at) = (MESSAGES / CONNECTIONS, number * DISTINCT / CONNECTIONS);
    while left > 0 {
        let count = left.min(CHUNK_MESSAGES).min(DISTINCT - at);
        stream.write_all(load.some(at, count))?;
        left -= count;
        at = (at + count) % DISTINCT;
    }
    Ok(())
}

fn send_relp(address: &str, load: &Lines, number: usize) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let began = Instant::now();
    let mut client = Client::new(Duration::ZERO, WINDOW);
    let (mut to_send, mut answered) = (MESSAGES / CONNECTIONS, 0);
    let mut at = number * DISTINCT / CONNECTIONS;
    let mut buffer = vec![0; 64 << 10];
    while answered < MESSAGES / CONNECTIONS {
        while to_send > 0 && client.send(began.elapsed(), &load.some(at, 1)[..MESSAGE_BYTES]) {
            to_send -= 1;
            at = (at + 1) % DISTINCT;
        }
        if let Some(out) = client.transmit() {
            stream.write_all(&out)?;
        }
        let count = stream.read(&mut buffer)?;
        ensure!(count > 0, "the server closed the connection");
        client.received(&buffer[..count]);
        while let Some(action) = client.poll() {
            match action {
                ClientAction::Answered(messages) => answered += messages,
                ClientAction::Disconnect { why } => bail!("{why}"),
            }
        }
    }
    Ok(())
}

/// Messages as rsyslog forwards them, one per line.
struct Lines(Vec<u8>);

impl Lines {
    fn new() -> Self {
        let mut random = Random(1);
        let mut bytes = Vec::with_capacity(DISTINCT * (MESSAGE_BYTES + 1));
        for number in 0..DISTINCT {
            let (second, pid) = (number / 400 % 60, 1_000 + random.below(900));
            let host = random.below(12);
            let program = ["sshd", "sudo", "cron", "nginx", "postfix/smtpd"][random.below(5)];
            let begin = format!("{PRIORITY}Oct 11 22:14:{second:02} web{host} {program}[{pid}]: ");
            fill(&mut bytes, &mut random, &begin, MESSAGE_BYTES);
        }
        Self(bytes)
    }

    /// So many lines from this one on.
    fn some(&self, from: usize, count: usize) -> &[u8] {
        &self.0[from * (MESSAGE_BYTES + 1)..][..count * (MESSAGE_BYTES + 1)]
    }
}

/// One agent's part of the messages, as auditd writes records.
fn records(agent: usize) -> Vec<u8> {
    let mut random = Random(2 + agent as u64);
    // Behind the header of an entry and the number of a record's type.
    let line_bytes = ENTRY_BYTES - ENTRY_HEADER_BYTES - 2;
    let mut bytes = Vec::new();
    for serial in 0..MESSAGES / AGENTS {
        let (second, ms) = (1_700_000_000 + serial / 5_000, serial / 5 % 1_000);
        let (pid, auid) = (1_000 + random.below(30_000), 1_000 + random.below(5));
        let begin = format!(
            "type=USER_CMD msg=audit({second}.{ms:03}:{serial}): pid={pid} uid={auid} auid={auid} ses=3 \
             msg='cwd=\"/home/user\" exe=\"/usr/bin/sudo\" terminal=pts/0 res=success cmd="
        );
        fill(&mut bytes, &mut random, &begin, line_bytes);
    }
    bytes
}

/// A line of exactly so many bytes and its end: `begin`, words and numbers.
fn fill(bytes: &mut Vec<u8>, random: &mut Random, begin: &str, len: usize) {
    let from = bytes.len();
    bytes.extend_from_slice(begin.as_bytes());
    while bytes.len() - from < len {
        let word = WORDS[random.below(WORDS.len())];
        bytes.extend_from_slice(word.as_bytes());
        if random.below(3) == 0 {
            bytes.extend_from_slice(random.below(100_000).to_string().as_bytes());
        }
        bytes.push(b' ');
    }
    bytes.truncate(from + len);
    bytes.push(b'\n');
}

/// SplitMix64: the same figures with each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

fn program() -> PathBuf {
    shell::target().join("release/indelible")
}

fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

const RSYSLOGD: &str = "/usr/sbin/rsyslogd";
/// A little less than 25 segments.
const MESSAGES: usize = 1_600_000;
const ENTRY_BYTES: usize = 300;
const ENTRY_HEADER_BYTES: usize = 36;
const MESSAGE_BYTES: usize = ENTRY_BYTES - ENTRY_HEADER_BYTES;
const PRIORITY: &str = "<13>";
/// Messages until they come again: as many as a segment holds.
const DISTINCT: usize = 65_536;
const CHUNK_MESSAGES: usize = 60;
const CONNECTIONS: usize = 8;
const AGENTS: usize = 4;
const WINDOW: usize = 128;
const ROUNDS: usize = 3;
/// What rsyslog may write only when it is idle or ends.
const WRITTEN_LATE_BYTES: usize = 256 << 10;
const PATIENCE: Duration = Duration::from_secs(120);
const WORDS: &[&str] = &[
    "accepted",
    "from",
    "port",
    "session",
    "opened",
    "closed",
    "for",
    "user",
    "by",
    "uid=",
    "pid=",
    "GET",
    "/index.html",
    "/var/lib/app/data-",
    "status=",
    "bytes=",
    "in",
    "ms",
    "connection",
    "to",
    "failed",
    "password",
    "invalid",
    "request",
    "id=",
    "10.0.",
    "192.168.",
    "ssh2",
    "client",
    "lost",
    "after",
    "DATA",
    "queue",
    "removed",
    "message-id=",
    "started",
    "unit",
    "service",
    "job",
    "done",
];
