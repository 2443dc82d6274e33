//! The demonstration: the product's own processes and commands, in a scratch folder.
//!
//! Nothing here is simulated but, for an ordinary user, the kernel: the collector and the agent
//! are this program's own daemons, and what is printed is what their commands print.

mod actors;
mod kernel;
mod replay;
mod scratch;
mod story;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indelible_query::criteria::contains;

use crate::agent::Stopping;
use actors::{Actor, Indelible};
use kernel::WatchedFolder;
use scratch::Scratch;
use story::Story;

/// Runs the demonstration; with `keep`, in that folder, which stays.
pub(crate) fn run(keep: Option<&Path>) -> Result<()> {
    let stopping = Stopping::on_signals()?;
    let scratch = Scratch::new(keep)?;
    let mut demo = Demo {
        story: Story::new(),
        program: Indelible::own()?,
        scratch,
        stopping,
    };
    demo.play()
}

struct Demo {
    story: Story,
    program: Indelible,
    scratch: Scratch,
    stopping: Stopping,
}

impl Demo {
    fn play(&mut self) -> Result<()> {
        let began = Instant::now();
        let collector = self.start_collector()?;
        let agent = self.capture_an_event()?;
        let shown = self.show_it();
        if agent.observes {
            shown.context(
                "another audit daemon runs here, so the agent only observed beside it, which is best \
                 effort: try again when it is less busy",
            )?;
        } else {
            shown?;
        }
        self.wipe_the_host(agent)?;
        self.show_it_again()?;
        collector.stop()?;
        self.verify_the_store()?;
        self.edit_a_copy()?;
        self.story.end(began.elapsed(), self.scratch.kept())?;
        Ok(())
    }

    fn start_collector(&mut self) -> Result<Actor> {
        self.story
            .step("A collector starts, with keys of its own")?;
        let store = self.scratch.path("collector");
        let pki = self.scratch.path("pki");
        let address = self.scratch.address().to_string();
        self.program.quiet(&["pki", "issue", "--dir", &pki, HOST])?;
        let words = [
            "collector",
            "--store",
            &store,
            "--native",
            &address,
            "--pki",
            &pki,
            "--origin",
            ORIGIN,
            "--supervised",
        ];
        let collector = self.program.start(&words)?;
        let key = self.scratch.folder().join("pki/log.vkey");
        self.wait_for("the collector", || Ok(key.exists()))?;
        let key = fs::read_to_string(key)?;
        self.story.say(&format!(
            "listening on {address}; its log's public key: {}",
            key.trim_end()
        ))?;
        Ok(collector)
    }

    /// As root a real event of the kernel, otherwise a recorded one.
    fn capture_an_event(&mut self) -> Result<Agent> {
        let spool = self.scratch.path("agent");
        let pki = self.scratch.path("pki");
        let address = self.scratch.address().to_string();
        let words = |role: &'static str| {
            [
                "agent",
                "--spool",
                &spool,
                "--collector",
                &address,
                "--pki",
                &pki,
                "--name",
                HOST,
                "--supervised",
                "--role",
                role,
            ]
            .map(str::to_owned)
        };
        let watched = match kernel::availability()? {
            kernel::Availability::Usable(mode) => {
                self.story
                    .step("An agent starts, and a rule watches one folder")?;
                // Before capture switches auditing on: what is restored is what stood before us.
                let watched = WatchedFolder::new(&self.scratch.folder().join("payroll"), mode)?;
                let mut capture = words("capture").to_vec();
                capture.extend(["--capture".to_owned(), mode.to_owned()]);
                let capture = self.program.start(&capture)?;
                self.story
                    .command(&format!("auditctl {}", watched.rule_text()))?;
                Some((capture, watched))
            }
            kernel::Availability::Not(reason) => {
                self.story.step("An agent starts")?;
                self.story.say(&format!(
                    "{reason}: a recorded event is replayed instead of a live one"
                ))?;
                replay::write_spool(self.scratch.folder())?;
                None
            }
        };
        let worker = self.program.start(&words("worker"))?;
        let Some((capture, watched)) = watched else {
            return Ok(Agent {
                capture: None,
                worker,
                watched: None,
                observes: false,
            });
        };
        self.wait_for("capture", || Ok(watched.is_captured()))?;
        self.story
            .step("Somebody reads a file that is none of their business")?;
        // Spawned now: a process that started before auditing was enabled is invisible to it.
        let file = watched.folder().join(FILE);
        fs::write(&file, "salaries\n")?;
        self.story.command(&format!("cat {}", file.display()))?;
        let read = std::process::Command::new("cat")
            .arg(&file)
            .output()
            .context("cannot start cat")?;
        ensure!(read.status.success(), "cat failed");
        Ok(Agent {
            capture: Some(capture),
            worker,
            observes: watched.is_observed(),
            watched: Some(watched),
        })
    }

    fn show_it(&mut self) -> Result<()> {
        self.story.step("The event arrives at the collector")?;
        let store = self.scratch.path("collector");
        let words = ["search", "--store", &store, "-k", kernel::KEY, "-i"];
        let mut shown = Vec::new();
        self.wait_for("the event at the collector", || {
            shown = self.program.output(&words)?.1;
            Ok(String::from_utf8_lossy(&shown).contains(FILE))
        })?;
        self.story.command(&self.program.shown(&words))?;
        self.story.quote(&last_event(&shown))?;
        Ok(())
    }

    fn wipe_the_host(&mut self, agent: Agent) -> Result<()> {
        self.story
            .step("The attacker has root: kills the agent and wipes the host's logs")?;
        let spool = self.scratch.folder().join("agent");
        // No goodbye for the worker: what an attacker kills does not drain.
        agent.worker.kill()?;
        if let Some(capture) = agent.capture {
            capture.stop()?;
        }
        drop(agent.watched);
        self.story.command(&format!("rm -rf {}", spool.display()))?;
        fs::remove_dir_all(&spool).with_context(|| format!("cannot remove {}", spool.display()))?;
        ensure!(!spool.exists(), "the spool is still there");
        self.story.say("the host has nothing left")?;
        Ok(())
    }

    fn show_it_again(&mut self) -> Result<()> {
        self.story.step("The collector still has it")?;
        let store = self.scratch.path("collector");
        let words = [
            "search",
            "--store",
            &store,
            "-k",
            kernel::KEY,
            "--format",
            "ndjson",
        ];
        let (code, shown) = self.program.output(&words)?;
        ensure!(
            code == 0 && contains(&shown, FILE.as_bytes()),
            "the event is gone"
        );
        self.story.command(&self.program.shown(&words))?;
        let count = shown
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .count();
        self.story
            .say(&format!("events with this key: {count}, all of them there"))?;
        Ok(())
    }

    fn verify_the_store(&mut self) -> Result<()> {
        self.story
            .step("And proves that nothing in it was changed or removed")?;
        let store = self.scratch.path("collector");
        let words = ["verify", "--store", &store];
        let (code, shown) = self.program.output(&words)?;
        self.story.command(&self.program.shown(&words))?;
        self.story.quote(&shown)?;
        // The wiped host's silence may be a recorded gap by now.
        ensure!(code <= 1, "verify ended with {code}");
        Ok(())
    }

    fn edit_a_copy(&mut self) -> Result<()> {
        self.story
            .step("One byte is edited in a copy of the store")?;
        let copy = self.scratch.path("edited-copy");
        scratch::copy_folder(&self.scratch.folder().join("collector"), Path::new(&copy))?;
        let edited = scratch::edit_byte(&Path::new(&copy).join("wal"), FILE.as_bytes())?;
        self.story.say(&format!(
            "byte {} of {}, one letter of the file's name, is now another",
            edited.offset,
            edited.file.display()
        ))?;
        let words = ["verify", "--store", &copy];
        let (code, shown) = self.program.output(&words)?;
        self.story.command(&self.program.shown(&words))?;
        self.story.quote(&shown)?;
        ensure!(code == 2, "verify ended with {code} instead of 2");
        if self.scratch.kept().is_none() {
            fs::remove_dir_all(&copy)?;
        }
        Ok(())
    }

    /// Polls until it is so; ends early on Ctrl-C, so that everything is put back.
    fn wait_for(&self, what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + WAIT_MAX;
        while !is_so()? {
            if self.stopping.requested() {
                bail!("interrupted");
            }
            ensure!(
                Instant::now() < deadline,
                "{what} did not come within {} s",
                WAIT_MAX.as_secs()
            );
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

/// The agent's processes and what they watch.
struct Agent {
    capture: Option<Actor>,
    worker: Actor,
    watched: Option<WatchedFolder>,
    /// Records come by the kernel's multicast, beside a daemon.
    observes: bool,
}

/// The last event of ausearch's form: events begin with a line of four dashes.
fn last_event(shown: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(shown);
    let start = text.rfind("----\n").unwrap_or(0);
    text[start..].as_bytes().to_vec()
}

/// The host's name in its certificate.
const HOST: &str = "demo-host";
/// The log's name.
const ORIGIN: &str = "demo.indelible.example/log";
/// The file that is read.
const FILE: &str = "salaries.csv";
/// How long anything may take.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// How often it is looked for.
const POLL: Duration = Duration::from_millis(20);
