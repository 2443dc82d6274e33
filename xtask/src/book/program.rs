//! Chapters that the built program gives: its help, its metrics, the record types that it knows.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::WRITTEN;

/// The help of every command.
pub(crate) fn command_line(program: &Path) -> Result<String> {
    let mut text = format!(
        "# Command line\n\n{WRITTEN}\nThe same stands in the manual pages (`man indelible-search`). Exit codes: 0 done or matched, 1\n\
         nothing matched or something to look at, 2 an error, where a command does not say otherwise.\n"
    );
    let mut waiting = vec![Vec::<String>::new()];
    while let Some(words) = waiting.pop() {
        let output = Command::new(program)
            .args(&words)
            .arg("--help")
            .env("COLUMNS", "100")
            .output()?;
        ensure!(output.status.success(), "no help of {words:?}");
        let help = String::from_utf8(output.stdout)?;
        let title = [&["indelible".to_owned()][..], &words].concat().join(" ");
        let level = "#".repeat(2 + usize::from(words.len() > 1));
        let _ = write!(
            text,
            "\n{level} {title}\n\n```text\n{}\n```\n",
            help.trim_end()
        );
        let mut below: Vec<Vec<String>> = subcommands(&help)
            .map(|name| [&words[..], &[name.to_owned()]].concat())
            .collect();
        below.reverse();
        waiting.extend(below);
    }
    Ok(text)
}

fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    let list = help
        .split_once("\nCommands:\n")
        .map_or("", |(_, list)| list);
    let list = list.split("\n\n").next().unwrap_or_default();
    list.lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
}

/// The types that `-m` takes.
pub(crate) fn record_types(program: &Path) -> Result<String> {
    let output = Command::new(program).arg0("ausearch").arg("-m").output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said)?;
    let (_, names) = said
        .split_once("ALL ")
        .context("the link ausearch lists no types")?;
    let mut names: Vec<&str> = names.split_whitespace().collect();
    names.sort_unstable();
    let mut text = format!(
        "# Record types\n\n{WRITTEN}\nThe {} types that the program knows by name, for `-m` of search and `type` of `--where`. A type\n\
         that it does not know is shown as `UNKNOWN[NUMBER]` and searched by its number.\n\n",
        names.len()
    );
    let mut letter = None;
    for name in names {
        let first = name.chars().next();
        if letter != first {
            let start = if letter.is_some() { "\n\n" } else { "" };
            text.push_str(start);
            letter = first;
        } else {
            text.push_str(", ");
        }
        let _ = write!(text, "`{name}`");
    }
    text.push('\n');
    Ok(text)
}

/// What the collector's `/metrics` says of itself.
pub(crate) fn metrics(program: &Path) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::start(program, folder.path())?;
    let exposed = collector.metrics()?;
    let mut text = format!(
        "# Metrics\n\n{WRITTEN}\nOpenMetrics text at `/metrics` of the collector's `[http]` address. Counters begin at zero with each\n\
         start.\n\n## The collector\n\n| name | kind | meaning |\n|---|---|---|\n"
    );
    let mut kinds = std::collections::BTreeMap::new();
    for line in exposed.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ")
            && let Some((name, kind)) = rest.split_once(' ')
        {
            kinds.insert(name.to_owned(), kind.to_owned());
        }
    }
    for line in exposed.lines() {
        let Some(rest) = line.strip_prefix("# HELP ") else {
            continue;
        };
        let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
        let kind = kinds.get(name).map_or("unknown", String::as_str);
        let suffix = if kind == "counter" { "_total" } else { "" };
        let help = help.trim_end_matches('.').replace('|', "\\|");
        let _ = writeln!(text, "| `{name}{suffix}` | {kind} | {help} |");
    }
    Ok(text)
}

/// A collector of the moment.
struct Collector {
    child: Child,
    address: String,
}

impl Collector {
    fn start(program: &Path, folder: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .arg("collector")
            .arg("--store")
            .arg(folder.join("store"))
            .args(["--native", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().context("no standard error")?;
        let mut lines = BufReader::new(stderr).lines();
        let address = loop {
            let Some(line) = lines.next() else {
                bail!("the collector ended");
            };
            let line = line?;
            if line.contains(" HTTP ")
                && let Some((_, rest)) = line.split_once("address=")
            {
                let address = rest.split_whitespace().next().unwrap_or_default();
                break address.to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address })
    }

    fn metrics(&mut self) -> Result<String> {
        let mut connection = TcpStream::connect(&self.address)?;
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            connection,
            "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
        Ok(body.to_owned())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It holds nothing that anybody wants.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
