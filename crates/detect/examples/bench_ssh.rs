//! Lines per second of `detect ssh`, beside the line of shell that it replaces, on the same file.
//!
//! `cargo run --release -p indelible-detect --example bench_ssh -- DIR [MiB]`

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use indelible_detect::ssh::{Calendar, Channel, Engine, LineId, Report, Settings, line};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: bench_ssh DIR [MiB]")?;
    let mebibytes: u64 = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let path = Path::new(&folder).join("bench-auth.log");
    write_log(&path, mebibytes << 20)?;
    let (mut shell, mut ours) = (Vec::new(), Vec::new());
    let mut told = None;
    let (mut shell_cpu, mut ours_cpu) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        let before = cpu()?;
        shell.push(one_liner(&path)?);
        let start = Instant::now();
        told = Some(detect(&path)?);
        ours.push(start.elapsed());
        let after = cpu()?;
        ours_cpu += after.0.saturating_sub(before.0);
        shell_cpu += after.1.saturating_sub(before.1);
    }
    let (shell_cpu, ours_cpu) = (shell_cpu / ROUNDS, ours_cpu / ROUNDS);
    fs::remove_file(&path)?;
    let (report, lines) = told.ok_or("no round")?;
    let (shell, ours) = (median(shell), median(ours));
    println!(
        "{mebibytes} MiB, {lines} lines ({} of sshd, {} sources)",
        report.lines.sshd,
        report.sources.len()
    );
    println!(
        "grep | awk | sort | uniq: {:.2} s, {:.2} CPU seconds",
        shell.as_secs_f64(),
        shell_cpu.as_secs_f64()
    );
    println!(
        "ours: {:.2} s, {:.2} CPU seconds, {:.2} million lines per CPU second ({:.2} × the shell's CPU time)",
        ours.as_secs_f64(),
        ours_cpu.as_secs_f64(),
        lines as f64 / 1e6 / ours_cpu.as_secs_f64(),
        ours_cpu.as_secs_f64() / shell_cpu.as_secs_f64()
    );
    Ok(())
}

/// A log as a server on the internet has it: mostly one attack or another, some cron.
fn write_log(path: &Path, bytes: u64) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut written = 0;
    let mut number = 0u64;
    while written < bytes {
        number += 1;
        let second = number / 20;
        let stamp = format!(
            "2026-11-{:02}T{:02}:{:02}:{:02}.{:06}+00:00 web1",
            1 + second / 86_400 % 28,
            second / 3_600 % 24,
            second / 60 % 60,
            second % 60,
            number % 1_000_000
        );
        // A few sources make most of the noise.
        let source = if number.is_multiple_of(3) {
            number * 2_654_435_761 % 20_000
        } else {
            number * 40_503 % 50
        };
        let address = format!(
            "{}.{}.{}.{}",
            11 + source % 150,
            source / 7 % 256,
            source / 3 % 256,
            1 + source % 254
        );
        let pid = 1_000 + number % 4_000_000;
        let port = 1_024 + number % 60_000;
        let user = number % 977;
        let text = match number % 8 {
            0 | 1 => format!(
                "{stamp} sshd[{pid}]: Invalid user u{user} from {address} port {port}\n{stamp} sshd[{pid}]: Failed password for invalid user u{user} from {address} port {port} ssh2\n{stamp} sshd[{pid}]: Connection closed by invalid user u{user} {address} port {port} [preauth]\n"
            ),
            2..=4 => format!(
                "{stamp} sshd[{pid}]: Failed password for root from {address} port {port} ssh2\n{stamp} sshd[{pid}]: Received disconnect from {address} port {port}:11: Bye Bye [preauth]\n{stamp} sshd[{pid}]: Disconnected from authenticating user root {address} port {port} [preauth]\n"
            ),
            5 => format!(
                "{stamp} sshd[{pid}]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={address}  user=root\n{stamp} sshd[{pid}]: Failed password for root from {address} port {port} ssh2\n{stamp} sshd[{pid}]: Connection reset by authenticating user root {address} port {port} [preauth]\n"
            ),
            _ => format!(
                "{stamp} CRON[{pid}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)\n{stamp} CRON[{pid}]: pam_unix(cron:session): session closed for user root\n"
            ),
        };
        file.write_all(text.as_bytes())?;
        written += text.len() as u64;
    }
    file.flush()
}

fn one_liner(path: &Path) -> Result<Duration, Box<dyn Error>> {
    let script = format!(
        "grep 'Failed password' {} | awk '{{print $(NF-3)}}' | sort | uniq -c | sort -nr > /dev/null",
        path.display()
    );
    let start = Instant::now();
    let status = Command::new("/bin/sh").args(["-c", &script]).status()?;
    if !status.success() {
        return Err("the shell failed".into());
    }
    Ok(start.elapsed())
}

fn detect(path: &Path) -> std::io::Result<(Report, u64)> {
    let calendar = Calendar {
        newest_local_s: i64::MAX / 2,
        to_utc: &|local_s| local_s,
    };
    let mut engine = Engine::new(Settings::default());
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path)?);
    let mut text = Vec::new();
    let mut number = 0;
    while reader.read_until(b'\n', &mut text)? > 0 {
        number += 1;
        let bytes = text.strip_suffix(b"\n").unwrap_or(&text);
        if let Some(line) = line::parse(bytes, &calendar) {
            engine.line(
                LineId {
                    file: 0,
                    line: number,
                },
                Channel(0),
                &line,
            );
        }
        text.clear();
    }
    Ok((engine.finish(), number))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// CPU time of this process, and of those that it waited for.
fn cpu() -> Result<(Duration, Duration), Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    // Fields 14 to 17 of proc_pid_stat(5), in ticks of 10 ms; the name was the second.
    let ticks = |at: usize| {
        fields
            .get(at)
            .ok_or("a short line")?
            .parse::<u64>()
            .map_err(Box::<dyn Error>::from)
    };
    let time = |user, system| {
        Ok::<_, Box<dyn Error>>(Duration::from_millis(10 * (ticks(user)? + ticks(system)?)))
    };
    Ok((time(11, 12)?, time(13, 14)?))
}

const ROUNDS: u32 = 3;
