//! Reports over time: `keys --rate` and `timeline`.

use std::ops::ControlFlow;

use anyhow::Result;
use indelible_query::report::{Counts, Over, Remarks, Steps};
use indelible_record::Event;

use super::request::{Place, Request};
use crate::search::Source;
use crate::search::engine::{self, Work};
use crate::terminal::Output;

/// Writes the report; whether there was anything to report, and what there is to say besides.
pub(super) fn run(
    request: &Request,
    over: Over,
    interval_s: u64,
    source: &Source,
    place: &Place<'_>,
    output: &mut Output,
) -> Result<(bool, Remarks)> {
    let steps = Steps {
        over,
        interval_s,
        form: request.report.form,
        escape: request.report.escape,
    };
    let mut counts = Counts::default();
    let sink = |part: Counts| {
        counts.absorb(part);
        Ok(ControlFlow::Continue(()))
    };
    let sources = std::slice::from_ref(source);
    engine::run(
        sources,
        &request.criteria,
        &Count(steps),
        sink,
        request.settings(),
    )?;
    let mut text = Vec::new();
    let found = place.with(|locale| steps.write(&counts, locale, &mut text));
    output.write(&text)?;
    let remarks = Remarks {
        cut: counts.cut(),
        ..Remarks::default()
    };
    Ok((found, remarks))
}

/// Reads `90`, `10s`, `5m`, `1h`, `1d`; none for what is no time, or none at all.
pub(super) fn interval_s(text: &str) -> Option<u64> {
    let (number, unit) = match text.as_bytes().last()? {
        b's' => (&text[..text.len() - 1], 1),
        b'm' => (&text[..text.len() - 1], 60),
        b'h' => (&text[..text.len() - 1], 3_600),
        b'd' => (&text[..text.len() - 1], 86_400),
        _ => (text, 1),
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
    (seconds > 0).then_some(seconds)
}

/// Counts events.
struct Count(Steps);

impl Work for Count {
    type Part = Counts;

    fn part(&self) -> Counts {
        Counts::default()
    }

    fn event(&self, event: &Event, counts: &mut Counts) {
        self.0.event(event, counts);
    }
}

#[cfg(test)]
mod tests {
    use super::interval_s;

    #[test]
    fn intervals() {
        assert_eq!(interval_s("90"), Some(90));
        assert_eq!(interval_s("5m"), Some(300));
        assert_eq!(interval_s("1d"), Some(86_400));
        for bad in ["", "0", "m", "1x", "-1h", "99999999999999999999d"] {
            assert_eq!(interval_s(bad), None, "{bad}");
        }
    }
}
