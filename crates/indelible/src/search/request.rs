//! A search as it was asked for: criteria, form, order.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Result;
use indelible_query::criteria::Criteria;
use indelible_query::mask::{MaskError, Masks};
use indelible_record::write::{Columns, Escape};
use indelible_record::{Names, NoNames};
use jiff::tz::TimeZone;
use thiserror::Error;

use super::arguments::Arguments;
use super::checkpoint::{Checkpoint, Resume};
use super::context::Contexts;
use super::engine::Work;
use super::message::{Asked, Selection};
use super::print::{self, Form, Print, Spare};
use super::resolve::{self, Manner, Refused};
use super::show::{Frame, Reverse, Straight};
use super::tree::{Tree, TreeWork};
use super::{Source, debug, engine, follow};
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
    #[error(transparent)]
    Mask(#[from] MaskError),
}

/// What to find and how to show it.
#[derive(Debug)]
pub(crate) struct Request {
    criteria: Criteria,
    /// What is asked of messages; none where those are not meant.
    messages: Option<Asked>,
    form: Form,
    columns: Columns,
    escape: Escape,
    order: Order,
    limit: Option<u64>,
    flush: bool,
    resolve: bool,
    timeout_ms: u64,
    manner: Manner,
    debug: bool,
    masks: Masks,
    /// `--checkpoint`, and whether only its time counts.
    checkpoint: Option<(PathBuf, bool)>,
}

/// What becomes of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Straight,
    Reverse,
    Follow,
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
        let escape = match show.escape.as_deref() {
            // Control characters never reach a terminal.
            None | Some("raw" | "tty") => Escape::Tty,
            Some("shell") => Escape::Shell,
            Some("shell_quote") => Escape::ShellQuote,
            Some(how) => return Err(NotARequest::NoSuchForm(how.to_owned())),
        };
        let what = &arguments.what;
        let criteria = resolve::criteria(what, manner)?;
        // Scripts that call ausearch expect audit events, unless they know our options; a tree is one
        // of processes.
        let wants_messages =
            (manner == Manner::Native || what.text.is_some() || what.findings) && !show.tree;
        Ok(Self {
            messages: Asked::new(what, &criteria).filter(|_| wants_messages),
            criteria,
            form,
            columns: Columns {
                time: show.extra_time,
                labels: show.extra_labels,
                second_object: show.extra_obj2,
                keys: show.extra_keys,
            },
            escape,
            order: match show {
                _ if show.tree => Order::Tree,
                _ if show.count => Order::Count,
                _ if show.reverse => Order::Reverse,
                _ if show.follow => Order::Follow,
                _ => Order::Straight,
            },
            limit: if show.just_one { Some(1) } else { show.limit },
            flush: show.line_buffered || show.follow,
            resolve: !show.no_resolve,
            timeout_ms: resolve::timeout_ms(arguments.place.eoe_timeout.as_deref())?,
            manner,
            debug: arguments.place.debug,
            // The link shows what ausearch does, the raw form what is stored.
            masks: match manner {
                Manner::Native if form != Form::Raw => arguments.masking.masks()?,
                _ => Masks::none(),
            },
            checkpoint: show.checkpoint.clone().map(|path| {
                let only_time = arguments.what.times.start.as_deref() == Some(resolve::CHECKPOINT);
                (path, only_time)
            }),
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
            Order::Straight | Order::Reverse | Order::Follow => self.print(source, names),
        }
    }

    fn print(&self, source: &Source, names: &(dyn Names + Sync)) -> Result<u64> {
        let sources = std::slice::from_ref(source);
        let print = Print {
            form: self.form,
            names,
            zone: TimeZone::system(),
            century: print::has_century(),
            columns: self.columns,
            escape: self.escape,
            as_tool: self.manner == Manner::Tool,
            masks: self.masks.clone(),
            messages: self.selection(sources).messages.is_some(),
            contexts: if matches!(self.form, Form::Json | Form::Ndjson) {
                Contexts::of_sources(sources)
            } else {
                Contexts::default()
            },
            spare: Spare::default(),
        };
        let frame = Frame {
            form: self.form,
            columns: self.columns,
            limit: self.limit,
            flush: self.flush,
        };
        if self.order == Order::Reverse {
            let mut shown = Reverse::new(frame)?;
            let sink = |part| shown.take(part);
            self.search(sources, &print, sink)?;
            return shown.finish();
        }
        let mut shown = Straight::new(frame);
        if let (Some((file, only_time)), Source::Files(path)) = (&self.checkpoint, source) {
            if path.as_os_str() == super::place::STANDARD_INPUT {
                eprint!("Warning - checkpointing stdin is not supported");
            } else {
                self.resume(file, *only_time, path, &print, &mut shown)?;
                return shown.finish();
            }
        }
        let sink = |part| {
            let taken = shown.take(&part);
            print.spare.put(part);
            taken
        };
        if self.order == Order::Follow {
            let selection = self.selection(sources);
            let messages = selection.messages.is_some();
            follow::follow(sources, &selection, &print, sink, messages)?;
            return shown.finish();
        }
        self.search(sources, &print, sink)?;
        shown.finish()
    }

    /// Prints what is new since the checkpoint.
    fn resume(
        &self,
        file: &Path,
        only_time: bool,
        log: &Path,
        print: &Print<'_>,
        shown: &mut Straight,
    ) -> Result<()> {
        let mut criteria = self.criteria.clone();
        let mut from = Checkpoint::read(file)?;
        if only_time && let Some(checkpoint) = from.take() {
            criteria.window.from_ms = checkpoint.start_ms().unwrap_or(0);
        }
        let resume = Resume {
            file,
            from,
            timeout_ms: self.timeout_ms,
        };
        resume.run(log, &criteria, &mut |event| {
            let mut part = print.part();
            print.event(event, &mut part);
            shown.take(&part)
        })
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
        self.search(sources, &Count, sink)?;
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
        self.search(sources, &TreeWork { names }, sink)?;
        let mut output = Output::stdout();
        output.write(tree.text().as_slice())?;
        output.flush()?;
        Ok(tree.events())
    }

    /// Runs the engine; tells what it read, if that is asked for.
    fn search<W: Work>(
        &self,
        sources: &[Source],
        work: &W,
        sink: impl FnMut(W::Part) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let selection = self.selection(sources);
        let tells = self.debug && self.manner == Manner::Native;
        let settings = engine::Settings {
            timeout_ms: self.timeout_ms,
            // ausearch passes over them in silence.
            reports_damage: self.debug || self.manner == Manner::Native,
            counts_lines: tells,
            messages: selection.messages.is_some(),
            is_quiet: false,
        };
        let seen = engine::run(sources, &selection, work, sink, settings)?;
        if tells {
            debug::tell(&selection, &seen);
        }
        Ok(())
    }

    /// What is selected of the sources: a log's files hold no messages.
    fn selection(&self, sources: &[Source]) -> Selection<'_> {
        let has_messages = |source: &Source| !matches!(source, Source::Files(_));
        Selection {
            criteria: &self.criteria,
            no_events: self.messages.as_ref().is_some_and(Asked::is_of_findings),
            messages: self
                .messages
                .as_ref()
                .filter(|_| sources.iter().all(has_messages)),
        }
    }
}

/// Counts.
struct Count;

impl Work for Count {
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
