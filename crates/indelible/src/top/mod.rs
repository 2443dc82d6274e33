//! Live rates of events: by the label of their rule, their program and their host.

mod show;
mod tally;

use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use indelible_query::criteria::{Filter, Needles};
use indelible_query::expr::Where;
use indelible_record::Event;

use crate::form::Form;
use crate::search::Source;
use crate::search::engine::Work;
use crate::search::follow::follow;
use crate::terminal::Output;
use tally::Tally;

/// How to show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) interval: Duration,
    /// Values in each table.
    pub(crate) lines: usize,
    /// Only the first interval.
    pub(crate) once: bool,
    pub(crate) form: Form,
}

/// Counts events as they come and shows them until it is stopped.
pub(crate) fn run(source: Source, condition: Option<Where>, settings: &Settings) -> Result<()> {
    let counting = Counting {
        tally: Arc::default(),
        host: rustix::system::uname().nodename().to_bytes().to_vec(),
    };
    let tally = counting.tally.clone();
    let over = Arc::new(AtomicBool::new(false));
    let ended = over.clone();
    let following = std::thread::spawn(move || {
        let filter = Chosen(condition);
        let goes_on = |()| {
            Ok(if over.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        };
        follow(&[source], &filter, &counting, goes_on, false)
    });
    let redraws = settings.form == Form::Text && !settings.once && io::stdout().is_terminal();
    loop {
        let began = Instant::now();
        while began.elapsed() < settings.interval && !following.is_finished() {
            let left = settings.interval.saturating_sub(began.elapsed());
            std::thread::sleep(left.min(LOOK_EVERY));
        }
        if following.is_finished() {
            // It ends by itself only where the source cannot be read.
            return match following.join() {
                Ok(followed) => followed,
                Err(_) => anyhow::bail!("following the source ended with a defect"),
            };
        }
        let counted = std::mem::take(&mut *tally.lock().unwrap_or_else(PoisonError::into_inner));
        let elapsed = began.elapsed();
        let text = match settings.form {
            Form::Text => show::text(&counted, elapsed, settings.lines),
            Form::Json => show::json(&counted, elapsed, settings.lines)?,
        };
        if redraws {
            // Home, and clear what is below: the rest of the screen stays as it was.
            show::redraw()?;
        }
        let mut output = Output::stdout();
        output.write(text.as_bytes())?;
        output.flush()?;
        if settings.once {
            ended.store(true, Ordering::Relaxed);
            return Ok(());
        }
    }
}

/// Everything, or what a condition chooses.
struct Chosen(Option<Where>);

impl Filter for Chosen {
    fn matches(&self, event: &Event) -> bool {
        self.0
            .as_ref()
            .is_none_or(|condition| condition.matches(event))
    }

    fn needles(&self) -> Option<Needles> {
        None
    }
}

/// Counts each event that is given.
struct Counting {
    tally: Arc<Mutex<Tally>>,
    /// This host's name, for events that carry none.
    host: Vec<u8>,
}

impl Work for Counting {
    type Part = ();

    fn part(&self) {}

    fn event(&self, event: &Event, (): &mut ()) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.add(event, &self.host);
    }
}

/// How soon an end of the source is seen.
const LOOK_EVERY: Duration = Duration::from_millis(200);
