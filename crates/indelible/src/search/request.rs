//! A search as it was asked for: criteria, form, order.

use std::cell::Cell;
use std::ops::ControlFlow;

use anyhow::Result;
use indelible_query::criteria::Criteria;
use indelible_record::write::Columns;
use indelible_record::{Names, NoNames};
use jiff::tz::TimeZone;
use thiserror::Error;

use super::arguments::Arguments;
use super::print::{self, Form, Print};
use super::resolve::{self, Manner, Refused};
use super::show::{Frame, Reverse, Straight};
use super::tree::{Tree, TreeWork};
use super::{Source, engine};
use crate::terminal::Output;
use crate::user::LocalNames;

/// Options that do not go together, or mean nothing. The texts are ausearch's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum NotARequest {
    #[error(transparent)]
    Criteria(#[from] Refused),
    #[error("Unknown option ({0})")]
    NoSuchForm(String),
    #[error("Multiple output formats, use only 1")]
    TwoForms,
    #[error("Conflicting output format -i")]
    RawInterpreted,
    #[error("--extra options requires format to be csv")]
    ExtraWithoutCsv,
    #[error(transparent)]
    Timeout(#[from] resolve::NotATimeout),
}

/// What to find and how to show it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) criteria: Criteria,
    form: Form,
    columns: Columns,
    order: Order,
    limit: Option<u64>,
    flush: bool,
    resolve: bool,
    timeout_ms: u64,
    manner: Manner,
}

/// What becomes of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Straight,
    Reverse,
    Count,
    Tree,
}

impl Request {
    /// The request that the options describe.
    pub(crate) fn new(arguments: &Arguments, manner: Manner) -> Result<Self, NotARequest> {
        let show = &arguments.show;
        let form = form(arguments)?;
        let extra = show.extra_keys || show.extra_labels || show.extra_time;
        if extra && form != Form::Csv {
            return Err(NotARequest::ExtraWithoutCsv);
        }
        if let Some(how) = &show.escape
            && !["raw", "tty", "shell", "shell_quote"].contains(&how.as_str())
        {
            return Err(NotARequest::NoSuchForm(how.clone()));
        }
        Ok(Self {
            criteria: resolve::criteria(&arguments.what, manner)?,
            form,
            columns: Columns {
                time: show.extra_time,
                labels: show.extra_labels,
                second_object: show.extra_obj2,
                keys: show.extra_keys,
            },
            order: match show {
                _ if show.tree => Order::Tree,
                _ if show.count => Order::Count,
                _ if show.reverse => Order::Reverse,
                _ => Order::Straight,
            },
            limit: if show.just_one { Some(1) } else { show.limit },
            flush: show.line_buffered,
            resolve: !show.no_resolve,
            timeout_ms: resolve::timeout_ms(arguments.place.eoe_timeout.as_deref())?,
            manner,
        })
    }

    /// Whether a search without matches says so: ausearch is silent in its raw form.
    pub(crate) fn says_nothing_found(&self) -> bool {
        let is_data = matches!(self.form, Form::Json | Form::Ndjson);
        self.order != Order::Count && self.form != Form::Raw && !is_data
    }

    /// Shows what the source holds of it; how many events that were.
    ///
    /// # Errors
    /// A source that cannot be read, or an output that cannot be written.
    pub(crate) fn run(&self, source: &Source) -> Result<u64> {
        let local_names;
        // Names of ids are those of the host that logged: in a store that is another one.
        let names: &(dyn Names + Sync) = match source {
            Source::Files(_) | Source::Spool(_) if self.resolve => {
                local_names = match self.manner {
                    Manner::Tool => LocalNames::read_as_tool(),
                    Manner::Native => LocalNames::read(),
                };
                &local_names
            }
            _ => &NoNames,
        };
        match self.order {
            Order::Tree => self.tree(source, names),
            Order::Count => self.count(source),
            Order::Straight | Order::Reverse => self.print(source, names),
        }
    }

    fn print(&self, source: &Source, names: &(dyn Names + Sync)) -> Result<u64> {
        let print = Print {
            form: self.form,
            names,
            zone: TimeZone::system(),
            century: print::has_century(),
            columns: self.columns,
            as_tool: self.manner == Manner::Tool,
        };
        let frame = Frame {
            form: self.form,
            columns: self.columns,
            limit: self.limit,
            flush: self.flush,
        };
        let sources = std::slice::from_ref(source);
        let settings = self.settings();
        if self.order == Order::Reverse {
            let mut shown = Reverse::new(frame)?;
            let sink = |part| shown.take(part);
            engine::run(sources, &self.criteria, &print, sink, settings)?;
            return shown.finish();
        }
        let mut shown = Straight::new(frame);
        let sink = |part| shown.take(&part);
        engine::run(sources, &self.criteria, &print, sink, settings)?;
        shown.finish()
    }

    fn count(&self, source: &Source) -> Result<u64> {
        let sources = std::slice::from_ref(source);
        let limit = self.limit.unwrap_or(u64::MAX);
        let counted = Cell::new(0);
        let sink = |events: u64| {
            counted.set(counted.get() + events);
            Ok(match counted.get() >= limit {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
        };
        engine::run(sources, &self.criteria, &Count, sink, self.settings())?;
        let counted = counted.get().min(limit);
        let mut output = Output::stdout();
        output.write(format!("{counted}\n").as_bytes())?;
        output.flush()?;
        Ok(counted)
    }

    fn tree(&self, source: &Source, names: &(dyn Names + Sync)) -> Result<u64> {
        let sources = std::slice::from_ref(source);
        let mut tree = Tree::default();
        let limit = self.limit.unwrap_or(u64::MAX);
        let sink = |steps| Ok(tree.take(steps, limit));
        engine::run(
            sources,
            &self.criteria,
            &TreeWork { names },
            sink,
            self.settings(),
        )?;
        let mut output = Output::stdout();
        output.write(tree.text().as_slice())?;
        output.flush()?;
        Ok(tree.events())
    }

    fn settings(&self) -> engine::Settings {
        engine::Settings {
            timeout_ms: self.timeout_ms,
        }
    }
}

/// Counts.
struct Count;

impl engine::Work for Count {
    type Part = u64;

    fn part(&self) -> u64 {
        0
    }

    fn event(&self, _event: &indelible_record::Event, part: &mut u64) {
        *part += 1;
    }
}

fn form(arguments: &Arguments) -> Result<Form, NotARequest> {
    let show = &arguments.show;
    match &show.format {
        Some(_) if show.raw || show.interpret => Err(NotARequest::TwoForms),
        Some(name) => Form::by_name(name).ok_or_else(|| NotARequest::NoSuchForm(name.clone())),
        None if show.raw && show.interpret => Err(NotARequest::RawInterpreted),
        None if show.raw => Ok(Form::Raw),
        None if show.interpret => Ok(Form::Interpret),
        None => Ok(Form::Default),
    }
}
