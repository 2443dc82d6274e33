//! Plain outputs: syslog, RELP, files and standard output, beside the native one.
//!
//! ```text
//! spool ─ feed ─▶ entries ─ form ─▶ batch of messages ─ exit ─▶ peer or file
//!   ▲               └─ events ─ filter (conditions, rates) ┘       │ taken
//!   └── released ◀── cursors (a durable position per stream) ◀─────┘
//! ```
//!
//! Each output is a thread with positions of its own, so that none waits for another. Where its way
//! breaks it goes back to its positions and tries again, with growing and scattered waits, for ever:
//! what was not taken is sent again, so a message may come twice, and none is left out without a gap
//! entry.

mod batch;
mod connection;
mod cursors;
mod events;
mod exit;
mod feed;
pub(crate) mod filter;
mod form;
mod growth;
mod limits;
mod notes;
mod output;
mod released;
mod state;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use indelible_log::StreamId;
use indelible_query::mask::Masks;
use jiff::tz::TimeZone;

pub(crate) use cursors::{Cursors, read as positions};
pub(crate) use released::Released;
pub(crate) use state::{Shown, State};

use super::layout::Layout;
use super::stopping::Stopping;
use crate::config::outputs::{Destination, MaskConfig, OutputConfig, OutputFormat};
use crate::config::{AgentConfig, SpoolLimits};
use crate::net::tls;
use connection::Secured;
use events::Events;
use feed::Feed;
use filter::Filter;
use form::Shape;
use notes::Notes;
use output::Output;

/// Outputs whose files were read while this process may still read them.
#[derive(Debug)]
pub(crate) struct Prepared {
    outputs: Vec<(OutputConfig, Option<Secured>)>,
    masks: Masks,
    zone: TimeZone,
    limits: SpoolLimits,
    /// A collector is required, too.
    native: bool,
}

impl Prepared {
    /// Reads certificates and compiles patterns.
    pub(crate) fn read(config: &AgentConfig) -> Result<Self> {
        crate::config::outputs::check(&config.outputs).map_err(anyhow::Error::msg)?;
        let outputs = config.outputs.iter().map(|output| {
            let name = &output.name;
            let secured = output.tls.as_ref().map(|files| {
                let config = tls::towards_peer(files)?;
                let name = files.name.clone();
                anyhow::Ok(Secured { config, name })
            });
            let secured = secured
                .transpose()
                .with_context(|| format!("output {name}"))?;
            Ok((output.clone(), secured))
        });
        Ok(Self {
            outputs: outputs.collect::<Result<_>>()?,
            masks: masks(&config.masks)?,
            zone: TimeZone::system(),
            limits: config.limits,
            native: config.collector.is_some(),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Folders outside of the spool that outputs write in.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let destinations = self.outputs.iter().flat_map(|(output, _)| &output.to);
        destinations
            .filter_map(|to| match to {
                Destination::File(path) => path.parent().map(PathBuf::from),
                _ => None,
            })
            .collect()
    }

    /// Starts a thread for each output. The collector's number in what comes with them is 0 where
    /// there is one.
    pub(crate) fn start(self, layout: &Layout, stopping: &Stopping) -> Result<Running> {
        let any_required = self.native || self.outputs.iter().any(|(output, _)| output.required);
        let is_required = |output: &OutputConfig| output.required || !any_required;
        let count = self
            .outputs
            .iter()
            .filter(|(output, _)| is_required(output))
            .count();
        let native = usize::from(self.native);
        let released = Arc::new(Released::new(layout, native + count));
        let notes = Notes::new(layout, self.limits);
        let mut running = Running {
            threads: Vec::new(),
            states: Vec::new(),
            released: released.clone(),
        };
        let mut number = native;
        for (config, secured) in self.outputs {
            let name = config.name.to_string();
            let held = is_required(&config).then(|| {
                let held = (released.clone(), number);
                number += 1;
                held
            });
            let state = Arc::new(State::new(&name, held.is_some()));
            let local = config.to.iter().all(Destination::is_local);
            let format = config.format.unwrap_or(if local {
                OutputFormat::Ndjson
            } else {
                OutputFormat::Rfc5424
            });
            let filter = Filter::of(&config);
            let needs_events = format == OutputFormat::Ndjson || filter.is_some();
            let seed =
                u64::from(std::process::id()) << 32 | u64::from(crc32c::crc32c(name.as_bytes()));
            let output = Output {
                to: config.to,
                framing: config.framing,
                secured,
                shape: Shape {
                    format,
                    facility: config.facility.0,
                    identity: config.identity,
                    select: config.select.map(|text| text.0),
                    masks: self.masks.clone(),
                    zone: self.zone.clone(),
                },
                filter,
                events: needs_events.then(Events::new),
                feed: Feed::open(layout)?,
                cursors: Cursors::open(&layout.output(&name))?,
                notes: notes.clone(),
                released: held,
                state: state.clone(),
                state_file: layout.output_state(&name),
                stopping: stopping.clone(),
                seed,
                name: name.clone(),
            };
            let thread = std::thread::Builder::new()
                .name(format!("output-{name}"))
                .spawn(move || output.run())
                .with_context(|| format!("cannot start output {name}"))?;
            running.threads.push(thread);
            running.states.push(state);
        }
        Ok(running)
    }
}

/// Outputs that run.
#[derive(Debug)]
pub(crate) struct Running {
    threads: Vec<JoinHandle<()>>,
    states: Vec<Arc<State>>,
    released: Arc<Released>,
}

impl Running {
    /// What may be removed from the spool, as all required outputs move on.
    pub(crate) fn released(&self) -> Arc<Released> {
        self.released.clone()
    }

    /// Counters of each.
    pub(crate) fn states(&self) -> &[Arc<State>] {
        &self.states
    }

    /// Whether one ended by itself, which only a defect can cause.
    pub(crate) fn has_ended(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Waits for all; a stop was asked for.
    pub(crate) fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("an output ended with a defect");
            }
        }
    }
}

/// Where the collector's output stands in a stream: its own position where other outputs run beside
/// it, else what was released.
pub(crate) fn native_position(layout: &Layout, stream: StreamId) -> u64 {
    let own = layout
        .output(crate::config::outputs::NATIVE)
        .join(stream.to_string());
    let own = std::fs::read(own).unwrap_or_default();
    let own = <[u8; 8]>::try_from(own).map_or(0, u64::from_be_bytes);
    own.max(super::released(layout, stream))
}

fn masks(config: &MaskConfig) -> Result<Masks> {
    let own = Masks::parse(config.patterns.iter().map(String::as_str))?;
    Ok(if config.standard {
        Masks::standard().and(own)
    } else {
        own
    })
}
