//! Who is told of findings, each on a thread of its own behind a bounded queue.
//!
//! A finding is an entry before anybody is told, so an output that is slow, away or limited loses
//! nothing but the telling: what it was not told is counted and said with the next that it is.

mod command;
mod syslog;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indelible_detect::sigma::Level;

use super::limits::QUEUE_MAX;
use crate::config::detections::FindingOutput;
use crate::payload::finding::Finding;
use crate::payload::to_bytes;

pub(crate) use command::relay;

/// Something that can be told.
trait Output: Send {
    /// Tells of one finding; `json` is the object that its entry holds.
    ///
    /// # Errors
    /// Whoever is to be told cannot be reached.
    fn tell(&mut self, finding: &Finding, json: &[u8]) -> Result<()>;

    /// Whether nobody can be told by this any more, until the process starts again.
    fn is_over(&self) -> bool {
        false
    }
}

/// The programs among the outputs. They are run from outside of what the detections confine themselves
/// to, so they are made ready before that.
pub(in crate::detect::live) struct Programs(Vec<Option<command::Command>>);

impl Programs {
    /// Makes those of these outputs ready.
    ///
    /// # Errors
    /// A process that cannot be started.
    pub(in crate::detect::live) fn start(configs: &[FindingOutput]) -> Result<Self> {
        let program = |config: &FindingOutput| {
            let words = config.command.as_deref();
            words.map(command::Command::start).transpose()
        };
        configs.iter().map(program).collect::<Result<_>>().map(Self)
    }
}

/// All outputs.
#[derive(Debug)]
pub(super) struct Outputs {
    queues: Vec<Queue>,
    /// Findings that one of them was not told, since the start.
    untold: Arc<AtomicU64>,
    /// One of them can tell nobody any more.
    is_over: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Queue {
    level: Level,
    sender: SyncSender<Finding>,
    untold: Arc<AtomicU64>,
}

impl Outputs {
    /// Starts them.
    ///
    /// # Errors
    /// A certificate or token that cannot be read.
    pub(super) fn start(configs: &[FindingOutput], programs: Programs) -> Result<Self> {
        let mut queues = Vec::new();
        let all_untold = Arc::<AtomicU64>::default();
        let is_over = Arc::<AtomicBool>::default();
        for (config, program) in configs.iter().zip(programs.0) {
            let (name, output) = output(config, program)?;
            let (sender, receiver) = sync_channel(QUEUE_MAX);
            let untold = Arc::<AtomicU64>::default();
            let teller = Teller {
                name,
                output,
                receiver,
                rate: Rate::new(config.per_minute, Instant::now()),
                untold: untold.clone(),
                all_untold: all_untold.clone(),
                is_over: is_over.clone(),
            };
            std::thread::Builder::new()
                .name(format!("findings-{name}"))
                .spawn(|| teller.run())?;
            queues.push(Queue {
                level: config.level.into(),
                sender,
                untold,
            });
        }
        Ok(Self {
            queues,
            untold: all_untold,
            is_over,
        })
    }

    /// Whether one of them can tell nobody any more, until the process starts again.
    pub(super) fn are_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// How often one of them was not told, since the start.
    pub(super) fn untold(&self) -> u64 {
        self.untold.load(Ordering::Relaxed)
    }

    /// Tells everybody who wants to know; waits for nobody.
    pub(super) fn tell(&self, finding: &Finding) {
        tracing::warn!(
            id = finding.id,
            level = finding.level.name(),
            host = finding.called().unwrap_or_default(),
            why = finding.why,
            "finding"
        );
        let wanting = self.queues.iter();
        for queue in wanting.filter(|queue| finding.level >= queue.level) {
            if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
                queue.sender.try_send(finding.clone())
            {
                queue.untold.fetch_add(1, Ordering::Relaxed);
                self.untold.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// What an output's configuration names: one thing.
fn output(
    config: &FindingOutput,
    program: Option<command::Command>,
) -> Result<(&'static str, Box<dyn Output>)> {
    Ok(match (&config.webhook, &config.syslog, program) {
        (Some(server), None, None) => ("webhook", Box::new(webhook::Webhook::new(server)?)),
        (None, Some(path), None) => ("syslog", Box::new(syslog::Syslog::new(path))),
        (None, None, Some(program)) => ("command", Box::new(program)),
        _ => bail!("an output of [detections] is one of webhook, syslog and command"),
    })
}

/// The thread of one output.
struct Teller {
    name: &'static str,
    output: Box<dyn Output>,
    receiver: Receiver<Finding>,
    rate: Rate,
    /// Since the last that it was told.
    untold: Arc<AtomicU64>,
    all_untold: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

impl Teller {
    /// Tells until nothing can come any more.
    fn run(mut self) {
        while let Ok(mut finding) = self.receiver.recv() {
            if !self.rate.admits(Instant::now()) {
                self.untold.fetch_add(1, Ordering::Relaxed);
                self.all_untold.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let untold = self.untold.swap(0, Ordering::Relaxed);
            if untold > 0 {
                finding
                    .fields
                    .insert("not-told-before".into(), untold.to_string());
            }
            let json = to_bytes(&finding);
            if let Err(error) = self.output.tell(&finding, &json) {
                self.untold.fetch_add(untold + 1, Ordering::Relaxed);
                self.all_untold.fetch_add(1, Ordering::Relaxed);
                self.is_over
                    .fetch_or(self.output.is_over(), Ordering::Relaxed);
                tracing::warn!(output = self.name, id = finding.id, "not told: {error:#}");
            }
        }
    }
}

/// So many in a minute, evenly, after as many at once.
#[derive(Debug)]
struct Rate {
    per_minute: f64,
    left: f64,
    at: Instant,
}

impl Rate {
    fn new(per_minute: u32, now: Instant) -> Self {
        let per_minute = f64::from(per_minute.max(1));
        Self {
            per_minute,
            left: per_minute,
            at: now,
        }
    }

    fn admits(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at);
        self.at = now;
        let more = passed.as_secs_f64() / MINUTE.as_secs_f64() * self.per_minute;
        self.left = (self.left + more).min(self.per_minute);
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::os::unix::net::UnixDatagram;

    use super::*;
    use crate::config::detections::{FindingLevel, WebhookConfig};
    use crate::payload::finding::{AUDIT_DISABLED, LIMITED};

    #[test]
    fn a_rate_lets_as_many_through_as_it_says() {
        let start = Instant::now();
        let mut rate = Rate::new(6, start);
        assert_eq!((0..20).filter(|_| rate.admits(start)).count(), 6);
        assert!(!rate.admits(start + Duration::from_secs(9)));
        assert!(rate.admits(start + Duration::from_secs(20)));
        assert!(!rate.admits(start + Duration::from_secs(20)));
    }

    #[test]
    fn everybody_is_told_of_what_is_bad_enough() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("log");
        let log = UnixDatagram::bind(&socket).unwrap();
        log.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let posted = std::thread::spawn(move || {
            let (mut connection, _) = server.accept().unwrap();
            let mut reader = BufReader::new(connection.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n";
            connection.write_all(answer).unwrap();
            (head, body)
        });
        let webhook = WebhookConfig {
            url: format!("http://{address}/findings"),
            ca: None,
            token_file: None,
        };
        let configs = [
            FindingOutput {
                syslog: Some(socket),
                per_minute: 100,
                ..FindingOutput::default()
            },
            FindingOutput {
                webhook: Some(webhook),
                level: FindingLevel::Critical,
                per_minute: 100,
                ..FindingOutput::default()
            },
        ];
        let programs = Programs::start(&configs).unwrap();
        let outputs = Outputs::start(&configs, programs).unwrap();
        outputs.tell(&Finding::of(&LIMITED, "one\ntwo"));
        let finding = Finding::of(&AUDIT_DISABLED, "three");
        outputs.tell(&finding);

        let mut bytes = [0; 4096];
        let mut line = || {
            let length = log.recv(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        };
        assert!(line().contains("indelible: medium findings-limited: one\u{fffd}two"));
        assert!(line().starts_with("<82>"));
        let (head, body) = posted.join().unwrap();
        assert!(head.starts_with("POST /findings HTTP/1.1"), "{head}");
        assert_eq!(serde_json::from_slice::<Finding>(&body).unwrap(), finding);
    }
}
