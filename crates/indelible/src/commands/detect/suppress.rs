//! `indelible detect suppress`, `suppressions` and `unsuppress`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use indelible_log::StreamId;
use jiff::Timestamp;

use crate::agent::layout::Layout;
use crate::detect::live::{Folder, Suppression};
use crate::exit;
use crate::terminal::Output;

/// Where detections run.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// Those of the collector with this store
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Those of the agent with this spool
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
}

impl Place {
    fn folder(&self) -> Result<Folder> {
        let path = match (&self.store, &self.spool) {
            (Some(store), _) => store.join("detections"),
            (None, Some(spool)) => Layout::at(spool).detections().folder().to_owned(),
            (None, None) => bail!("neither --store nor --spool is given"),
        };
        if !path.exists() {
            bail!(
                "{} is not there: no detections run here; see [detections] in the configuration",
                path.display()
            );
        }
        Folder::create(&path)
    }
}

/// Tell nobody of certain findings for a while; they are recorded all the same
///
/// The running detections take it up within a second or two, write an entry about it (who, why, what,
/// until when), and mark each finding that it covers.
#[derive(Debug, Args)]
pub(super) struct Suppress {
    /// Id of the findings: a detection's name, or a Sigma rule's id
    #[arg(value_name = "ID")]
    finding: String,
    #[command(flatten)]
    place: Place,
    /// Only those about this host
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Only those about this program
    #[arg(long, value_name = "PATH")]
    exe: Option<String>,
    /// Only those whose reason holds this text
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    /// Why; goes into the log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For how long: 30m, 12h, 90d
    #[arg(long = "for", value_name = "TIME")]
    duration: String,
}

impl Suppress {
    pub(super) fn run(self) -> Result<u8> {
        let now_ms = indelible_sys::clock::realtime_ns() / 1_000_000;
        let mut id = StreamId::random().to_string();
        id.truncate(ID_DIGITS);
        let suppression = Suppression {
            id,
            finding: self.finding,
            host: self.host,
            exe: self.exe,
            contains: self.contains,
            reason: self.reason,
            principal: principal(),
            until_ms: now_ms.saturating_add(milliseconds(&self.duration)?),
        };
        self.place.folder()?.suppress(&suppression)?;
        let mut output = Output::stdout();
        output.write(format!("{}\n", suppression.id).as_bytes())?;
        output.flush()?;
        Ok(exit::DONE)
    }
}

/// List the suppressions
#[derive(Debug, Args)]
pub(super) struct Suppressions {
    #[command(flatten)]
    place: Place,
}

impl Suppressions {
    pub(super) fn run(self) -> Result<u8> {
        let all = self.place.folder()?.suppressions_left()?;
        let mut output = Output::stdout();
        for suppression in all.values() {
            let until = i64::try_from(suppression.until_ms).unwrap_or(i64::MAX);
            let until = Timestamp::from_millisecond(until)
                .map_or_else(|_| "-".to_owned(), |time| format!("{time:.0}"));
            let mut line = format!("{}  {}  until {until}", suppression.id, suppression.finding);
            for (name, value) in [
                ("host", &suppression.host),
                ("exe", &suppression.exe),
                ("contains", &suppression.contains),
            ] {
                if let Some(value) = value {
                    line.push_str(&format!("  {name} {value:?}"));
                }
            }
            line.push_str(&format!(
                "  by {}: {:?}\n",
                suppression.principal, suppression.reason
            ));
            output.write(line.as_bytes())?;
        }
        output.flush()?;
        Ok(if all.is_empty() {
            exit::NOTHING
        } else {
            exit::DONE
        })
    }
}

/// Take a suppression back before it expires
#[derive(Debug, Args)]
pub(super) struct Unsuppress {
    /// As `detect suppressions` lists it
    #[arg(value_name = "SUPPRESSION")]
    id: String,
    #[command(flatten)]
    place: Place,
}

impl Unsuppress {
    pub(super) fn run(self) -> Result<u8> {
        self.place.folder()?.unsuppress(&self.id)?;
        Ok(exit::DONE)
    }
}

/// Who asks.
fn principal() -> String {
    format!("uid:{}", rustix::process::getuid().as_raw())
}

/// Of `30m`, `12h`, `90d`.
fn milliseconds(text: &str) -> Result<u64> {
    let wrong = || format!("{text:?} is no time; write 30m, 12h or 90d");
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .with_context(wrong)?;
    let minutes = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        _ => bail!(wrong()),
    };
    let number: u64 = number.parse().ok().with_context(wrong)?;
    if number == 0 {
        bail!(wrong());
    }
    number
        .checked_mul(minutes * 60_000)
        .filter(|ms| *ms <= DURATION_MS_MAX)
        .context("a suppression lasts a year at most")
}

const ID_DIGITS: usize = 12;
const DURATION_MS_MAX: u64 = 366 * 24 * 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(milliseconds("30m").unwrap(), 1_800_000);
        assert_eq!(milliseconds("2d").unwrap(), 172_800_000);
        for wrong in ["", "d", "0h", "-1h", "3", "3w", "9999d", "1é"] {
            assert!(milliseconds(wrong).is_err(), "{wrong}");
        }
    }
}
