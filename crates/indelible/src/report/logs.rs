//! The times of each log file: its first and its last event.

use std::ops::ControlFlow;

use anyhow::Result;
use indelible_query::report::Form;
use indelible_record::write::push_rfc3339;
use indelible_record::{Event, Stamp};

use super::request::{Place, Request};
use crate::search::engine::{self, Work};
use crate::search::place::STANDARD_INPUT;
use crate::search::{Source, files};
use crate::terminal::Output;

/// Appends what stands above the first file.
pub(super) fn begin(form: Form, out: &mut Vec<u8>) {
    out.extend_from_slice(match form {
        Form::Text => b"\nLog Time Range Report\n=====================\n".as_slice(),
        Form::Json => b"{\"report\":\"logs\",\"rows\":[",
        Form::Csv => b"log,first,last\r\n",
    });
}

/// Writes a line for each file or store of the source; a spool is one.
pub(super) fn run(
    request: &Request,
    source: &Source,
    place: &Place<'_>,
    output: &mut Output,
) -> Result<()> {
    let sources = match source {
        Source::Files(path) => files::in_order(path)?
            .into_iter()
            .map(Source::Files)
            .collect(),
        Source::Stores(several) => several.iter().cloned().map(Source::Store).collect(),
        other => vec![other.clone()],
    };
    for (index, source) in sources.iter().enumerate() {
        let mut range: Option<(Stamp, Stamp)> = None;
        let sink = |part: Option<(Stamp, Stamp)>| {
            range = match (range, part) {
                (Some((first, _)), Some((_, last))) => Some((first, last)),
                (range, part) => range.or(part),
            };
            Ok(ControlFlow::Continue(()))
        };
        let one = std::slice::from_ref(source);
        engine::run(one, &request.criteria, &Range, sink, request.settings())?;
        let mut line = Vec::new();
        push(request.report.form, source, range, index, place, &mut line);
        output.write(&line)?;
    }
    if request.report.form == Form::Json {
        output.write(b"]}\n")?;
    }
    Ok(())
}

fn push(
    form: Form,
    source: &Source,
    range: Option<(Stamp, Stamp)>,
    index: usize,
    place: &Place<'_>,
    out: &mut Vec<u8>,
) {
    let name = match source.to_string() {
        name if name == STANDARD_INPUT => "stdin".to_owned(),
        name => name,
    };
    match form {
        Form::Text => {
            out.extend_from_slice(name.as_bytes());
            match range {
                Some((first, last)) => place.with(|locale| {
                    out.extend_from_slice(b": ");
                    locale.push_time(first, true, out);
                    out.extend_from_slice(b" - ");
                    locale.push_time(last, true, out);
                }),
                None => out.extend_from_slice(b": no records"),
            }
            out.push(b'\n');
        }
        Form::Json => {
            out.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
            let time = |stamp: Option<Stamp>| {
                stamp.map(|stamp| {
                    let mut text = Vec::new();
                    push_rfc3339(stamp, &mut text);
                    String::from_utf8_lossy(&text).into_owned()
                })
            };
            let row = serde_json::json!({
                "log": name,
                "first": time(range.map(|range| range.0)),
                "last": time(range.map(|range| range.1)),
            });
            out.extend_from_slice(row.to_string().as_bytes());
        }
        Form::Csv => {
            indelible_query::report::push_csv_text(name.as_bytes(), out);
            for stamp in [range.map(|range| range.0), range.map(|range| range.1)] {
                out.push(b',');
                if let Some(stamp) = stamp {
                    push_rfc3339(stamp, out);
                }
            }
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Finds the first and the last event.
struct Range;

impl Work for Range {
    type Part = Option<(Stamp, Stamp)>;

    fn part(&self) -> Self::Part {
        None
    }

    fn event(&self, event: &Event, range: &mut Self::Part) {
        if let Some(stamp) = event.stamp() {
            *range = Some((range.map_or(stamp, |(first, _)| first), stamp));
        }
    }
}
