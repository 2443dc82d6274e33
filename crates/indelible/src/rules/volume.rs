//! What was recorded under each key: events and bytes of audit logs, a store or a spool.
//!
//! An event of several keys counts under all of them joined, since that is how its rule names it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use anyhow::Result;
use bstr::{BString, join};
use indelible_query::criteria::Criteria;
use indelible_record::Event;
use indelible_rules::cost::{KeyShare, KeyVolume, shares};

use super::limits::VOLUME_KEYS_MAX;
use crate::search::Source;
use crate::search::engine::{self, Settings, Work};
use crate::terminal::Output;

/// Prints the keys of the sources, the costliest first.
pub(crate) fn run(sources: &[Source]) -> Result<u8> {
    let volume = Volume::of(sources)?;
    let mut output = Output::stdout();
    output.write(HEAD.as_bytes())?;
    for share in volume.shares() {
        output.write(&row(&share))?;
    }
    output.flush()?;
    Ok(if volume.keys.is_empty() {
        crate::exit::NOTHING
    } else {
        crate::exit::DONE
    })
}

/// Counts events.
struct Counting;

impl Work for Counting {
    type Part = Volume;

    fn part(&self) -> Volume {
        Volume::default()
    }

    fn event(&self, event: &Event, part: &mut Volume) {
        part.event(event);
    }
}

#[derive(Default)]
struct Volume {
    /// Events and bytes by key.
    keys: HashMap<BString, (u64, u64)>,
    /// Times of the first and the last event in milliseconds.
    span_ms: Option<(u64, u64)>,
}

impl Volume {
    fn of(sources: &[Source]) -> Result<Self> {
        let mut whole = Self::default();
        let sink = |part: Self| {
            whole.add(part);
            Ok(ControlFlow::Continue(()))
        };
        let everything = Criteria::default();
        engine::run(sources, &everything, &Counting, sink, Settings::default())?;
        Ok(whole)
    }

    fn event(&mut self, event: &Event) {
        let Some(stamp) = event.stamp() else {
            return;
        };
        self.span(stamp.ms(), stamp.ms());
        let key = BString::from(join(b",", event.keys()));
        self.count(key, 1, event.bytes() as u64);
    }

    /// Adds what was counted elsewhere.
    fn add(&mut self, part: Self) {
        if let Some((first, last)) = part.span_ms {
            self.span(first, last);
        }
        for (key, (events, bytes)) in part.keys {
            self.count(key, events, bytes);
        }
    }

    fn span(&mut self, first: u64, last: u64) {
        let (begin, end) = self.span_ms.unwrap_or((first, last));
        self.span_ms = Some((begin.min(first), end.max(last)));
    }

    fn count(&mut self, mut key: BString, events: u64, bytes: u64) {
        if self.keys.len() >= VOLUME_KEYS_MAX && !self.keys.contains_key(&key) {
            key = BString::from(OTHERS);
        }
        let sum = self.keys.entry(key).or_default();
        sum.0 += events;
        sum.1 += bytes;
    }

    fn shares(&self) -> Vec<KeyShare> {
        let volumes: Vec<KeyVolume> = self
            .keys
            .iter()
            .map(|(key, &(events, bytes))| KeyVolume {
                key: key.clone(),
                events,
                bytes,
            })
            .collect();
        let (first, last) = self.span_ms.unwrap_or_default();
        shares(&volumes, (last - first) as f64 / 1e3)
    }
}

fn row(share: &KeyShare) -> Vec<u8> {
    let (percent, megabytes) = (share.share * 100.0, share.bytes_per_day / 1e6);
    let events = share.events_per_second;
    let mut row = format!("{percent:>6.1} {events:>11.2} {megabytes:>11.1}  ").into_bytes();
    row.extend_from_slice(if share.key.is_empty() {
        NONE.as_bytes()
    } else {
        &share.key
    });
    row.push(b'\n');
    row
}

const HEAD: &str = "share %    events/s      MB/day  key\n";
/// What stands for the key of events that have none.
const NONE: &str = "(no key)";
/// What stands for the keys beyond those that are counted one by one.
const OTHERS: &str = "(other keys)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_share_the_bytes_of_a_log() {
        let line = |serial: u32, key: &str| {
            format!(
                "type=SYSCALL msg=audit({serial}.000:{serial}): arch=c000003e syscall=2 success=yes exit=3 a0=0 a1=0 a2=0 a3=0 items=0 ppid=1 pid=2 auid=0 uid=0 key={key}\n"
            )
        };
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for (serial, key) in [
            (10, "\"noisy\""),
            (11, "\"noisy\""),
            (12, "\"noisy\""),
            (20, "(null)"),
        ] {
            std::io::Write::write_all(&mut file, line(serial, key).as_bytes()).unwrap();
        }
        let volume = Volume::of(&[Source::Files(file.path().into())]).unwrap();
        let shares = volume.shares();
        assert_eq!(shares.len(), 2, "{shares:?}");
        assert_eq!(shares[0].key, "noisy");
        assert!(
            (shares[0].events_per_second - 0.3).abs() < 1e-9,
            "{shares:?}"
        );
        assert!(shares[0].share > 0.7);
        assert_eq!(shares[1].key, "");
    }
}
