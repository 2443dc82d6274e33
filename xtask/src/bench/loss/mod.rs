//! The loss table: what arrives of the same messages while receivers and senders are killed, disks
//! fill up and links break; ours over native and RELP, beside rsyslog over TCP and RELP.

mod proxy;
mod sides;

use std::time::{Duration, Instant};

use anyhow::Result;

use super::report::Report;
use crate::shell;
use proxy::Proxy;
use sides::{Kind, Receiver, Sender};

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Loss",
        &format!(
            "{MESSAGES} lines of a file (rsyslog over RELP {MESSAGES_RELP}, because omrelp is slow), read by the agent's file source or \
             by imfile, to a receiver behind a proxy of ours. rsyslog has a disk-assisted queue, retry −1, \
             saveOnShutdown and a checkpoint for each message batch of 100; its receiver writes through omfile. \
             Something happens when a tenth has arrived; then until everything is there, or nothing more came \
             for {} s. Lost: numbers that never arrived; twice: arrivals beyond the first.",
            QUIET.as_secs()
        ),
    );
    shell::run(shell::command("cargo", &["build", "--release", "--quiet"]))?;
    for kind in Kind::ALL {
        if !kind.is_installed() {
            report.line(&format!("{}: not measured: not installed", kind.name()));
            continue;
        }
        for row in Row::ALL {
            let figure = measure(kind, row)?;
            report.line(&format!(
                "{}, {}: {} lost, {} came twice, {:.0} s",
                kind.name(),
                row.name(),
                figure.lost,
                figure.twice,
                figure.took.as_secs_f64()
            ));
        }
    }
    Ok(())
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Nothing,
    ReceiverKilled,
    ReceiverStopped,
    SenderKilled,
    BothKilled,
    DiskFull,
    LinkCut,
    SlowLink,
}

impl Row {
    const ALL: [Self; 8] = [
        Self::Nothing,
        Self::ReceiverKilled,
        Self::ReceiverStopped,
        Self::SenderKilled,
        Self::BothKilled,
        Self::DiskFull,
        Self::LinkCut,
        Self::SlowLink,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing happens",
            Self::ReceiverKilled => "receiver kill -9 and back after 3 s",
            Self::ReceiverStopped => "receiver stopped 3 s, then killed",
            Self::SenderKilled => "sender kill -9 with a backlog",
            Self::BothKilled => "both killed",
            Self::DiskFull => "sender's disk full for 10 s",
            Self::LinkCut => "link cut for 30 s",
            Self::SlowLink => "50 ms round trip",
        }
    }
}

struct Figure {
    lost: usize,
    twice: usize,
    took: Duration,
}

fn measure(kind: Kind, row: Row) -> Result<Figure> {
    let messages = kind.messages();
    let folder = tempfile::tempdir()?;
    let mut receiver = Receiver::new(kind, folder.path())?;
    receiver.start()?;
    let round_trip = if row == Row::SlowLink {
        ROUND_TRIP
    } else {
        Duration::ZERO
    };
    let proxy = Proxy::start(receiver.address(), round_trip)?;
    let mut sender = Sender::new(kind, folder.path(), &proxy.address, messages)?;
    let began = Instant::now();
    sender.start()?;
    wait_for_progress(&receiver, messages / 10)?;
    match row {
        Row::Nothing | Row::SlowLink => {}
        Row::ReceiverKilled => {
            receiver.kill()?;
            std::thread::sleep(AWAY);
            receiver.start()?;
        }
        Row::ReceiverStopped => {
            receiver.signal("STOP")?;
            std::thread::sleep(AWAY);
            receiver.kill()?;
            receiver.start()?;
        }
        Row::SenderKilled => {
            proxy.cut();
            std::thread::sleep(AWAY);
            sender.kill()?;
            proxy.mend();
            sender.start()?;
        }
        Row::BothKilled => {
            receiver.kill()?;
            sender.kill()?;
            std::thread::sleep(AWAY);
            receiver.start()?;
            sender.start()?;
        }
        Row::DiskFull => {
            let full = sender.fill_disk()?;
            std::thread::sleep(FULL);
            std::fs::remove_file(full)?;
        }
        Row::LinkCut => {
            proxy.cut();
            std::thread::sleep(CUT);
            proxy.mend();
        }
    }
    // Until everything is there, or nothing more comes.
    let (mut seen, mut moved_at) = (0, Instant::now());
    let mut ended = Instant::now();
    while moved_at.elapsed() < QUIET && began.elapsed() < ROW_MAX {
        let now = receiver.progress()?;
        if now > seen {
            (seen, moved_at) = (now, Instant::now());
            ended = moved_at;
        }
        if seen >= messages && sides::distinct(&receiver.numbers()?) >= messages {
            break;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    drop(sender);
    receiver.stop()?;
    let numbers = receiver.numbers()?;
    let distinct = sides::distinct(&numbers);
    Ok(Figure {
        lost: messages - distinct,
        twice: numbers.len() - distinct,
        took: ended - began,
    })
}

fn wait_for_progress(receiver: &Receiver, messages: usize) -> Result<()> {
    let deadline = Instant::now() + ROW_MAX;
    while receiver.progress()? < messages {
        anyhow::ensure!(Instant::now() < deadline, "nothing arrives");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Messages of a row.
const MESSAGES: usize = 400_000;
const MESSAGES_RELP: usize = 40_000;
/// How long a killed or stopped receiver is away.
const AWAY: Duration = Duration::from_secs(3);
const FULL: Duration = Duration::from_secs(10);
const CUT: Duration = Duration::from_secs(30);
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// After so long without an arrival nothing more is expected; the waits of both senders are shorter.
const QUIET: Duration = Duration::from_secs(35);
/// The longest that a row may take.
const ROW_MAX: Duration = Duration::from_secs(240);
const LOOK_EVERY: Duration = Duration::from_millis(500);
