//! Syslog over TCP and RELP: CPU per message, messages per second and memory, beside rsyslog.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indelible_wire::relp::{Client, ClientAction};

use super::audit::Daemon;
use super::report::{Report, median};
use crate::shell;

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Syslog",
        &format!(
            "{MESSAGES} messages of {MESSAGE_BYTES} bytes over {CONNECTIONS} connections from a generator on \
             the same machine, {ROUNDS} rounds of each daemon in turn; RELP with a window of {WINDOW}. rsyslog \
             writes a file through omfile and keeps neither durability nor proof; the collector commits to its \
             log with `fdatasync`, tree and signed checkpoints, and answers RELP after it."
        ),
    );
    shell::run(shell::command("cargo", &["build", "--release", "--quiet"]))?;
    for (name, load) in [("syslog TCP", Load::Lines), ("RELP", Load::Relp)] {
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(collector(load)?);
            if Path::new(RSYSLOGD).exists() {
                peer.push(rsyslogd(load)?);
            }
        }
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
enum Load {
    Lines,
    Relp,
}

/// One round.
struct Figure {
    cpu_us: f64,
    per_second: f64,
    memory_mib: f64,
}

fn line(report: &mut Report, name: &str, figures: &[Figure]) {
    let of = |part: fn(&Figure) -> f64| median(&figures.iter().map(part).collect::<Vec<_>>());
    report.line(&format!(
        "{name}: {:.2} µs of CPU per message, {:.0} messages/s taken, {:.0} MiB at most",
        of(|figure| figure.cpu_us),
        of(|figure| figure.per_second),
        of(|figure| figure.memory_mib),
    ));
}

fn collector(load: Load) -> Result<Figure> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("store");
    let (address, native) = (free_address()?, free_address()?);
    let receiver = match load {
        Load::Lines => "--syslog-tcp",
        Load::Relp => "--relp",
    };
    let store_text = store.to_string_lossy();
    let words = [
        "collector",
        "--supervised",
        "--store",
        &store_text,
        "--native",
        &native,
        receiver,
        &address,
    ];
    let program = shell::target().join("release/indelible");
    let figure = measure(load, &address, Daemon::start(&program, &words)?)?;
    let checkpoint = fs::read_to_string(store.join("checkpoint"))?;
    let size: usize = checkpoint.lines().nth(1).context("a checkpoint")?.parse()?;
    ensure!(size > MESSAGES, "only {size} entries are stored");
    Ok(figure)
}

fn rsyslogd(load: Load) -> Result<Figure> {
    let folder = tempfile::tempdir()?;
    let address = free_address()?;
    let (host, port) = address.split_once(':').context("an address")?;
    let file = folder.path().join("messages");
    let module = match load {
        Load::Lines => "imtcp",
        Load::Relp => "imrelp",
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
    let words = [
        "-n",
        "-f",
        &conf.to_string_lossy(),
        "-i",
        &pid.to_string_lossy(),
    ];
    let figure = measure(load, &address, Daemon::start(Path::new(RSYSLOGD), &words)?)?;
    let stored = fs::read(&file)?
        .iter()
        .filter(|byte| **byte == b'\n')
        .count();
    ensure!(
        stored >= MESSAGES,
        "only {stored} messages are in rsyslog's file"
    );
    Ok(figure)
}

fn measure(load: Load, address: &str, daemon: Daemon) -> Result<Figure> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        ensure!(Instant::now() < deadline, "nobody listens on {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
    daemon.wait_until_idle()?;
    let (before, began) = (daemon.process_cpu_s()?, Instant::now());
    std::thread::scope(|scope| {
        let send = |_| {
            scope.spawn(|| match load {
                Load::Lines => send_lines(address),
                Load::Relp => send_relp(address),
            })
        };
        let senders: Vec<_> = (0..CONNECTIONS).map(send).collect();
        senders
            .into_iter()
            .try_for_each(|sender| match sender.join() {
                Ok(sent) => sent,
                Err(_) => bail!("a sender panicked"),
            })
    })?;
    let wall_s = began.elapsed().as_secs_f64();
    daemon.wait_until_idle()?;
    let cpu_s = daemon.process_cpu_s()? - before;
    let memory_mib = daemon.memory_max_mib()?;
    daemon.stop()?;
    Ok(Figure {
        cpu_us: cpu_s * 1e6 / MESSAGES as f64,
        per_second: MESSAGES as f64 / wall_s,
        memory_mib,
    })
}

fn send_lines(address: &str) -> Result<()> {
    let mut chunk = Vec::new();
    while chunk.len() < CHUNK_BYTES {
        chunk.extend_from_slice(&message());
        chunk.push(b'\n');
    }
    let in_chunk = chunk.len() / (MESSAGE_BYTES + 1);
    let mut stream = TcpStream::connect(address)?;
    let mut left = MESSAGES / CONNECTIONS;
    while left > 0 {
        let count = left.min(in_chunk);
        stream.write_all(&chunk[..count * (MESSAGE_BYTES + 1)])?;
        left -= count;
    }
    Ok(())
}

fn send_relp(address: &str) -> Result<()> {
    let message = message();
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let began = Instant::now();
    let mut client = Client::new(Duration::ZERO, WINDOW);
    let (mut to_send, mut answered) = (MESSAGES / CONNECTIONS, 0);
    let mut buffer = vec![0; 64 << 10];
    while answered < MESSAGES / CONNECTIONS {
        while to_send > 0 && client.send(began.elapsed(), &message) {
            to_send -= 1;
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

/// As rsyslog forwards it by default.
fn message() -> Vec<u8> {
    let mut message = b"<13>Oct 11 22:14:15 web1 program[1234]: ".to_vec();
    message.extend(
        (0..)
            .map(|at| b"some words of a message "[at % 24])
            .take(MESSAGE_BYTES - message.len()),
    );
    message
}

fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

const RSYSLOGD: &str = "/usr/sbin/rsyslogd";
const MESSAGES: usize = 800_000;
const MESSAGE_BYTES: usize = 264;
const CONNECTIONS: usize = 8;
const WINDOW: usize = 128;
const ROUNDS: usize = 3;
const CHUNK_BYTES: usize = 16 << 10;
