//! A collector elsewhere as a source: it searches, and what it finds is worked on here.
//!
//! ```text
//! here:  options ─ Query ─POST /api/v1/search─▶ collector: engine ─ ship ─┐
//!        work.event ◀─ filter ◀─ Event ◀─ sse::Decoder ◀─ event stream ◀──┘
//! ```
//!
//! Events come as the lines that the collector's store holds, so each form, report and filter is the
//! same code as over `--store` (ADR 11).

pub(crate) mod os_text;
pub(crate) mod query;
pub(crate) mod ship;

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use indelible_query::criteria::{Filter, Window};
use indelible_record::{Event, Record};
use indelible_wire::sse::{self, Decoder, Message};

use super::arguments::{Place, What};
use super::engine::{Seen, Settings, Work};
use super::limits::STORES_MAX;
use super::place::{self, Found};
use crate::net::access::Access;
use crate::net::http::{Answer, Client};
use crate::payload::context::Context;
use crate::terminal;
use query::Query;
use ship::Told;

/// Where to look: at a collector elsewhere, or as [`place::find`] says.
///
/// # Errors
/// Credentials that cannot be read, and options about a collector without one.
pub(crate) fn find(place: &Place, what: &What) -> Result<Found> {
    ensure!(
        place.store.len() <= STORES_MAX,
        "more than {STORES_MAX} stores"
    );
    let Some(url) = &place.collector else {
        ensure!(
            place.access == Access::default(),
            "--token-file, --ca and --certificate go with --collector URL"
        );
        return Ok(place::find(place));
    };
    let collector = Collector::new(url, &place.access, what)?;
    Ok(Found::Given(super::Source::Collector(Arc::new(collector))))
}

/// A collector, and what is asked of it.
#[derive(Debug)]
pub(crate) struct Collector {
    url: String,
    client: Client,
    query: Query,
    beside: Arc<Beside>,
}

/// The context that the collector knows of the event that is worked on.
#[derive(Debug, Default)]
pub(super) struct Beside {
    is_wanted: AtomicBool,
    known: Mutex<Option<Arc<str>>>,
}

impl PartialEq for Collector {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url
    }
}

impl Eq for Collector {}

impl std::fmt::Display for Collector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.url)
    }
}

impl Beside {
    pub(super) fn get(&self) -> Option<Arc<str>> {
        let known = self.known.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, context: Option<Arc<str>>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = context;
    }
}

impl Collector {
    fn new(url: &str, access: &Access, what: &What) -> Result<Self> {
        Ok(Self {
            client: Client::new(access.credentials(url)?, None)?,
            url: url.trim_end_matches('/').to_owned(),
            query: Query::new(what)?,
            beside: Arc::default(),
        })
    }

    /// Asks for contexts with the events; where the event's own will be.
    pub(super) fn contexts(&self) -> Arc<Beside> {
        self.beside.is_wanted.store(true, Ordering::Relaxed);
        Arc::clone(&self.beside)
    }

    /// As [`super::engine::run`]. What is worked on comes on one thread.
    pub(super) fn search<W: Work>(
        &self,
        filter: &dyn Filter,
        work: &W,
        sink: impl FnMut(W::Part) -> Result<ControlFlow<()>>,
        settings: Settings,
    ) -> Result<Seen> {
        self.run(filter, work, sink, settings, false)
    }

    /// As [`super::follow::follow`].
    pub(super) fn follow<W: Work>(
        &self,
        filter: &dyn Filter,
        work: &W,
        sink: impl FnMut(W::Part) -> Result<ControlFlow<()>>,
        messages: bool,
    ) -> Result<()> {
        let settings = Settings {
            messages,
            ..Settings::default()
        };
        self.run(filter, work, sink, settings, true).map(drop)
    }

    fn run<W: Work>(
        &self,
        filter: &dyn Filter,
        work: &W,
        mut sink: impl FnMut(W::Part) -> Result<ControlFlow<()>>,
        settings: Settings,
        follow: bool,
    ) -> Result<Seen> {
        let messages = self.ask(filter.window(), settings, follow)?;
        let mut event = Event::default();
        let mut seen = Seen::default();
        // Few parts, but none that waits: what is there at a time is one.
        let (mut part, mut held_bytes) = (None, 0);
        loop {
            let message = match messages.try_recv() {
                Ok(message) => message,
                Err(_) => {
                    held_bytes = 0;
                    if let Some(part) = part.take()
                        && sink(part)?.is_break()
                    {
                        return Ok(seen);
                    }
                    match messages.recv_timeout(SILENCE_MAX) {
                        Ok(message) => message,
                        Err(RecvTimeoutError::Timeout) => {
                            bail!("{} has said nothing for {SILENCE_MAX:?}", self.url)
                        }
                        Err(RecvTimeoutError::Disconnected) => bail!(
                            "the connection to {} broke; what was shown is not all",
                            self.url
                        ),
                    }
                }
            };
            let Some(message) = message? else {
                continue;
            };
            match self.take(&message, &mut event)? {
                Taken::Event => {
                    if filter.matches(&event) {
                        held_bytes += event.bytes();
                        work.event(&event, part.get_or_insert_with(|| work.part()));
                    }
                    self.beside.set(None);
                    if held_bytes > PART_BYTES {
                        held_bytes = 0;
                        if let Some(part) = part.take()
                            && sink(part)?.is_break()
                        {
                            return Ok(seen);
                        }
                    }
                }
                Taken::Nothing => {}
                Taken::End(told) => {
                    seen = Seen {
                        events: told.events,
                        asked: told.asked,
                        pieces: told.pieces,
                        pieces_hit: told.pieces_hit,
                        bytes: told.bytes,
                        lines: told.lines,
                        notes: Vec::new(),
                    };
                    if let Some(part) = part.take() {
                        // It is the last anyhow.
                        let _ = sink(part)?;
                    }
                    return Ok(seen);
                }
            }
        }
    }

    /// Takes a message; an event is made of it in place.
    fn take(&self, message: &Message, event: &mut Event) -> Result<Taken> {
        let text = || message.lines.join(&b'\n');
        match message.event.as_str() {
            ship::CONTEXT => {
                // Read and written anew: only what is a context is put into JSON.
                let context = serde_json::from_slice::<Context>(&text())
                    .and_then(|context| serde_json::to_string(&context))
                    .with_context(|| format!("{} sent a context that is none", self.url))?;
                self.beside.set(Some(context.into()));
                Ok(Taken::Nothing)
            }
            ship::NOTE => {
                let mut note = Vec::new();
                terminal::escape(&text(), &mut note);
                eprintln!("{}", String::from_utf8_lossy(&note));
                Ok(Taken::Nothing)
            }
            ship::DONE => {
                let told = serde_json::from_slice(&text());
                Ok(Taken::End(told.with_context(|| {
                    format!("{} ended with something else than its end", self.url)
                })?))
            }
            ship::FAILED => {
                let mut why = Vec::new();
                terminal::escape(&text(), &mut why);
                bail!("{}: {}", self.url, String::from_utf8_lossy(&why))
            }
            name => {
                let lacks = name.strip_prefix(ship::LACKS).unwrap_or_default();
                if lacks.is_empty() && !name.is_empty() {
                    // Of a later version: nothing that we know.
                    return Ok(Taken::Nothing);
                }
                let lacks = || lacks.split(' ');
                let is_lacking = |missing: &indelible_record::Missing| {
                    lacks().any(|word| word == missing.name())
                };
                let ends = is_lacking(&indelible_record::Missing::End);
                let mut records = message.lines.iter().map(|line| Record::parse(line));
                event.gather(&mut records, ends);
                ship::TOLD
                    .into_iter()
                    .filter(is_lacking)
                    .for_each(|missing| event.lacks(missing));
                Ok(Taken::Event)
            }
        }
    }

    /// Sends the query; what comes back, as it comes.
    fn ask(
        &self,
        window: Window,
        settings: Settings,
        follow: bool,
    ) -> Result<mpsc::Receiver<Heard>> {
        let contexts = self.beside.is_wanted.load(Ordering::Relaxed);
        let query = self.query.run(window, settings, contexts, follow);
        let url = format!("{}{PATH}", self.url);
        let body = query.to_json();
        let answer =
            self.client
                .post_accepting(&url, "application/json", body.as_bytes(), "zstd")?;
        let answer = self.check(answer)?;
        let is_zstd = match answer.encoding.as_str() {
            "" => false,
            "zstd" => true,
            other => bail!("{url} answers in the encoding {other:?}"),
        };
        let (sender, receiver) = mpsc::sync_channel(MESSAGES_AHEAD_MAX);
        std::thread::Builder::new()
            .name("answer".into())
            .spawn(move || read(answer, is_zstd, &sender))?;
        Ok(receiver)
    }

    /// The answer, if it is one.
    fn check(&self, answer: Answer) -> Result<Answer> {
        let url = &self.url;
        let status = answer.status;
        if status == 200 && answer.media_type.starts_with(sse::MEDIA_TYPE) {
            return Ok(answer);
        }
        let mut said = Vec::new();
        terminal::escape(
            &answer.bytes(REFUSAL_BYTES_MAX).unwrap_or_default(),
            &mut said,
        );
        let said = String::from_utf8_lossy(&said);
        let said = said.trim();
        match status {
            200 => bail!("{url} answers, but not as a collector does"),
            401 if self.client.has_token() => {
                bail!("{url} refuses the token: it is unknown there, or expired")
            }
            401 => bail!(
                "{url} wants a token (--token-file FILE) or a client certificate (--certificate FILE)"
            ),
            403 => bail!("{url} refuses this reader: {said}"),
            404 | 405 => bail!(
                "{url} has no search over HTTP: its program is older than this one, or it is no collector"
            ),
            429 | 503 => bail!("{url} cannot search now: {said}"),
            _ => bail!("{url} refuses: status {status}: {said}"),
        }
    }
}

/// What a message was.
enum Taken {
    Event,
    Nothing,
    End(Told),
}

/// A message; none is a sign of life; or why there is no more.
type Heard = Result<Option<Message>>;

/// Reads the answer to its end, for somebody who may go away.
fn read(answer: Answer, is_zstd: bool, sender: &SyncSender<Heard>) {
    let reader = answer.reader();
    let outcome = match is_zstd {
        true => zstd::stream::read::Decoder::new(reader)
            .and_then(|mut decoder| {
                decoder.window_log_max(WINDOW_LOG_MAX)?;
                Ok(decoder)
            })
            .map_err(Into::into)
            .and_then(|reader| messages(reader, sender)),
        false => messages(reader, sender),
    };
    if let Err(error) = outcome {
        let _ = sender.send(Err(
            error.context("the answer broke off; what was shown is not all")
        ));
    }
}

fn messages(mut reader: impl Read, sender: &SyncSender<Heard>) -> Result<()> {
    let mut decoder = Decoder::default();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let mut bytes = &buffer[..read];
        let mut is_alive = Some(());
        while let Some(message) = decoder.next(&mut bytes)? {
            is_alive = None;
            if sender.send(Ok(Some(message))).is_err() {
                return Ok(());
            }
        }
        // A comment, or part of something large.
        if is_alive.is_some() && sender.send(Ok(None)).is_err() {
            return Ok(());
        }
    }
}

/// Where a collector is asked.
const PATH: &str = "/api/v1/search";
/// How long a collector may say nothing: it sends a comment each few seconds.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Messages that are read and not worked on.
const MESSAGES_AHEAD_MAX: usize = 256;
/// Bytes of events of one part.
const PART_BYTES: usize = 256 << 10;
/// Bytes per read.
const READ_BYTES: usize = 64 << 10;
/// What is read of a refusal.
const REFUSAL_BYTES_MAX: u64 = 4 << 10;
/// Memory that a compressed answer may ask for: 8 MiB.
const WINDOW_LOG_MAX: u32 = 23;
