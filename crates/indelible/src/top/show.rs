//! A tally as tables for people and as JSON (docs/schemas/top.json).

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::tally::{Count, Tally, Values};

/// Three tables under a line with the sums; only the sums where nothing came.
pub(super) fn text(tally: &Tally, elapsed: Duration, lines: usize) -> String {
    let mut text = String::new();
    let seconds = elapsed.as_secs_f64();
    let _ = writeln!(
        text,
        "{} events/s, {}/s over {seconds:.1} s",
        rate(tally.all.events, seconds),
        bytes(tally.all.bytes as f64 / seconds)
    );
    let tables = named(tally).into_iter().filter(|_| tally.all.events > 0);
    for (title, values) in tables {
        let _ = writeln!(text, "\n{:>10} {:>10}  {title}", "events/s", "bytes/s");
        let (most, others) = values.most(lines);
        for (value, count) in most {
            push_line(&mut text, &String::from_utf8_lossy(value), count, seconds);
        }
        if others.events > 0 {
            push_line(&mut text, "(others)", others, seconds);
        }
    }
    text
}

fn push_line(text: &mut String, value: &str, count: Count, seconds: f64) {
    let _ = writeln!(
        text,
        "{:>10} {:>10}  {}",
        rate(count.events, seconds),
        bytes(count.bytes as f64 / seconds),
        value.escape_debug()
    );
}

/// One object on a line.
pub(super) fn json(tally: &Tally, elapsed: Duration, lines: usize) -> Result<String> {
    let seconds = elapsed.as_secs_f64();
    let rates = |count: Count| (count.events as f64 / seconds, count.bytes as f64 / seconds);
    let table = |values: &Values| {
        let (most, others) = values.most(lines);
        let lines: Vec<_> = most
            .into_iter()
            .map(|(value, count)| {
                let (events, bytes) = rates(count);
                json!({
                    "value": String::from_utf8_lossy(value),
                    "events_per_second": events,
                    "bytes_per_second": bytes,
                })
            })
            .collect();
        let (events, bytes) = rates(others);
        json!({
            "values": lines,
            "others": { "events_per_second": events, "bytes_per_second": bytes },
        })
    };
    let (events, bytes) = rates(tally.all);
    let object = json!({
        "seconds": seconds,
        "events": tally.all.events,
        "events_per_second": events,
        "bytes_per_second": bytes,
        "key": table(&tally.keys),
        "exe": table(&tally.programs),
        "host": table(&tally.hosts),
    });
    Ok(serde_json::to_string(&object)? + "\n")
}

/// Clears the terminal.
pub(super) fn redraw() -> Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(b"\x1b[H\x1b[2J")?;
    Ok(output.flush()?)
}

fn named(tally: &Tally) -> [(&'static str, &Values); 3] {
    [
        ("key", &tally.keys),
        ("program", &tally.programs),
        ("host", &tally.hosts),
    ]
}

fn rate(count: u64, seconds: f64) -> String {
    let rate = count as f64 / seconds;
    if rate < 10.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}

/// `1.2 MB`: powers of ten, as disks and links are measured.
fn bytes(amount: f64) -> String {
    let mut amount = amount;
    for unit in ["B", "kB", "MB"] {
        if amount < 1000.0 {
            return format!("{amount:.1} {unit}");
        }
        amount /= 1000.0;
    }
    format!("{amount:.1} GB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        assert_eq!(bytes(999.0), "999.0 B");
        assert_eq!(bytes(1_234_000.0), "1.2 MB");
        assert_eq!(bytes(5e12), "5000.0 GB");
        assert_eq!((rate(3, 2.0), rate(300, 2.0)), ("1.5".into(), "150".into()));
    }
}
