//! Login sessions: `report logins`, and with `--failed` the logins that failed.

use std::ops::ControlFlow;

use anyhow::Result;
use indelible_query::criteria::{Criteria, Filter};
use indelible_query::report::{Logins, Mark, Outcome, Remarks, Session, Sessions, TYPE_PREFIXES};
use indelible_record::Event;

use super::request::{Place, Request};
use super::select::Selection;
use crate::search::Source;
use crate::search::engine::{self, Work};
use crate::terminal::Output;

/// Writes a row for each session, as it ends; whether there was one, and what there is to say
/// besides.
pub(super) fn run(
    request: &Request,
    source: &Source,
    place: &Place<'_>,
    output: &mut Output,
) -> Result<(bool, Remarks)> {
    let mut logins = Logins::new(request.report.form, request.report.escape);
    let is_about_failed = request.report.outcome == Some(Outcome::Failed);
    let mut sessions = Sessions::default();
    let mut text = Vec::new();
    logins.begin(&mut text);
    let sink = |marks: Vec<Mark>| {
        place.with(|locale| {
            let mut write = |session: Session| logins.row(&session, locale, &mut text);
            for mark in marks {
                if is_about_failed {
                    Session::failed(mark).into_iter().for_each(&mut write);
                } else {
                    sessions.push(mark, &mut write);
                }
            }
        });
        output.write(&text)?;
        text.clear();
        Ok(ControlFlow::Continue(()))
    };
    let selection = Selection::of_types(&request.criteria, Some(TYPE_PREFIXES), source);
    let sources = std::slice::from_ref(source);
    let work = Marks(&request.criteria);
    engine::run(sources, &selection, &work, sink, request.settings())?;
    place.with(|locale| sessions.finish(|session| logins.row(&session, locale, &mut text)));
    let found = logins.end(sessions.cut(), &mut text);
    output.write(&text)?;
    let remarks = Remarks {
        sessions_cut: sessions.cut(),
        ..Remarks::default()
    };
    Ok((found, remarks))
}

/// Reads what events say about sessions.
struct Marks<'a>(&'a Criteria);

impl Work for Marks<'_> {
    type Part = Vec<Mark>;

    fn part(&self) -> Vec<Mark> {
        Vec::new()
    }

    fn event(&self, event: &Event, marks: &mut Vec<Mark>) {
        if self.0.matches(event) {
            marks.extend(Mark::read(event));
        }
    }
}
