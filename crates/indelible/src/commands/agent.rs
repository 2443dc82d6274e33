//! `indelible agent`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use indelible_log::VerifierKey;
use indelible_sys::process;
use indelible_sys::sandbox::{self, Sandbox};

use super::enroll::read_token;
use crate::agent::context::Describing;
use crate::agent::intake::audisp::plugin_text;
use crate::agent::layout::{Layout, Owner};
use crate::agent::lent::{self, Lent};
use crate::agent::metrics::Listener;
use crate::agent::outputs::Prepared;
use crate::agent::selection::Selecting;
use crate::agent::supervisor::Roles;
use crate::agent::worker::Target;
use crate::agent::{self, CaptureSetup, Stopping, Work};
use crate::config::{
    self, AgentConfig, Capture, CollectorAddress, SourceConfig, WhenFull, agent::default_name,
};
use crate::detect::live::{Surroundings, inodes_of_host};
use crate::exit;
use crate::net::enrol::identity::IdentityFolder;
use crate::net::pki::Pki;
use crate::net::tls::Identity;
use crate::service;
use crate::user::User;

/// Capture this host's audit records and send them to a collector
#[derive(Debug, Args)]
pub(super) struct Agent {
    /// Configuration file (TOML); the flags below win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The host's spool
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    spool: Option<PathBuf>,
    /// The collector's native receiver
    ///
    /// With --pki, or after enrolment, whose address it replaces.
    #[arg(long, value_name = "HOST:PORT")]
    collector: Option<String>,
    /// File with a token of `indelible token create`; used where this host was not enrolled yet
    #[arg(long, value_name = "FILE", conflicts_with = "pki")]
    enroll_token: Option<PathBuf>,
    /// Folder that `indelible pki` made: certificates, this host's key, the log's key
    #[arg(long, value_name = "DIR")]
    pki: Option<PathBuf>,
    /// Name of this host's certificate in the folder of --pki; the host's own name if not given
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How records are obtained: `kernel` as the audit daemon, `observe` beside one, `audisp` as a
    /// plugin of auditd (`audisp:SOCKET` from its af_unix plugin), `file:PATH` from its log
    #[arg(long, value_name = "MODE")]
    capture: Option<Capture>,
    /// What else of this host is read: `file:/PATTERN`, `journal`, `kmsg`, `unix:/dev/log`,
    /// `udp:ADDRESS`, `tcp:ADDRESS`; may be given several times
    #[arg(long = "source", value_name = "SOURCE")]
    sources: Vec<SourceConfig>,
    /// Most that the spool may take, in bytes
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u64>,
    /// What must stay free on the spool's file system, in bytes [default: 16 MiB]
    #[arg(long, value_name = "BYTES")]
    min_free: Option<u64>,
    /// How much stays as local history after it was sent, in bytes [default: 256 MiB]
    #[arg(long, value_name = "BYTES")]
    history_bytes: Option<u64>,
    /// What happens when the spool is full [default: drop-oldest]
    #[arg(long, value_enum, value_name = "POLICY")]
    when_full: Option<WhenFull>,
    /// The user that the worker becomes when the agent is started as root
    #[arg(long, value_name = "USER")]
    worker_user: Option<String>,
    /// Run one of the agent's processes alone, as service managers do
    #[arg(long, value_enum)]
    role: Option<Role>,
    /// Find what intruders do while records come, with the built-in detections
    #[arg(long)]
    detect: bool,
    /// Print the file for auditd's `plugins.d` that makes it start this agent, and end
    #[arg(long, requires = "config")]
    print_plugin: bool,
    /// As worker or detections: enter the sandbox, try what it forbids, say what was refused, and end
    #[arg(long, hide = true)]
    probe_sandbox: bool,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    supervised: bool,
    /// Read the configuration and end: asked of a program before it takes over
    #[arg(long, hide = true)]
    check_only: bool,
    /// As a supervised worker: the descriptors of what it may not read itself
    #[arg(long, hide = true, value_delimiter = ',')]
    lent: Vec<u32>,
    /// What to do with an agent that runs, instead of running one
    #[arg(value_enum, value_name = "ACTION")]
    action: Option<Action>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Let the program that is installed now take the place of the one that captures: the process and
    /// its socket stay, and nothing is lost
    Upgrade,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Reads the audit socket and writes the spool; needs the privileges
    Capture,
    /// Reads files, the journal and syslog sockets into the spool; needs to read the files
    Sources,
    /// Reads the spool and finds what intruders do; needs none
    Detections,
    /// Reads the spool and sends it; needs none
    Worker,
    /// Answers the worker about processes; needs to look into those of all users
    Inspect,
    /// Runs the programs that `[disk]` asks for; needs the rights that those need
    Guard,
}

impl Agent {
    pub(super) fn run(self) -> Result<u8> {
        let mut config = self.configuration()?;
        if self.print_plugin {
            return self.print_plugin(&config);
        }
        if self.check_only {
            return Ok(exit::DONE);
        }
        if self.action == Some(Action::Upgrade) {
            return self.upgrade(&config.spool);
        }
        let layout = Layout::at(&config.spool);
        let worker_user = worker_user_named(&config.worker_user)?;
        let sends = self.role.is_none_or(|role| role == Role::Worker);
        let identity = if sends {
            self.identity(&mut config, &layout, worker_user)?
        } else {
            None
        };
        let Some(role) = self.role else {
            if !config.has_worker() {
                tracing::warn!(
                    "nothing is sent anywhere: this host is not enrolled (--enroll-token), and no output \
                     is configured; records stay in the spool, within its limits"
                );
            }
            let lent =
                worker_user.map(|_| Lent::read(&lent::files(&mut config, identity.is_none())));
            let lent = lent.transpose()?.filter(|lent| !lent.is_empty());
            let inspect = config.inspect.as_ref().map(|_| "inspect");
            let disk = config.disk.as_ref();
            let guard = disk.filter(|disk| disk.runs_programs()).map(|_| "guard");
            let helpers = [inspect, guard].into_iter().flatten();
            let roles = Roles {
                helpers: helpers.map(|role| supervised_words([], role)).collect(),
                capture: supervised_words([], "capture"),
                records_on_input: config.capture.is_on_standard_input(),
                sources: Some(supervised_words([], "sources"))
                    .filter(|_| !config.sources.is_empty()),
                detections: config
                    .detections
                    .as_ref()
                    .map(|_| supervised_words([], "detections")),
                worker: config
                    .has_worker()
                    .then(|| lent.iter().flat_map(Lent::words))
                    .map(|lent| supervised_words(lent, "worker")),
                lent,
            };
            agent::supervise(&layout, &roles, worker_user)?;
            return Ok(exit::DONE);
        };
        // Whichever role comes first makes the folders of all.
        if !indelible_sys::handover::is_in_place() {
            layout.create(worker_user)?;
        }
        if role == Role::Worker {
            let began = Instant::now();
            let worked = self.work(config, &layout, identity, worker_user);
            if worked.is_err() && service::is_managed() {
                // A worker is started again at once; one that cannot work must not spin.
                std::thread::sleep(FAILURE_PAUSE.saturating_sub(began.elapsed()));
            }
            worked?;
            return Ok(exit::DONE);
        }
        if role == Role::Detections {
            self.detect(&config, &layout, worker_user)?;
            return Ok(exit::DONE);
        }
        match role {
            Role::Capture => {
                agent::capture(CaptureSetup {
                    layout: &layout,
                    mode: &config.capture,
                    limits: config.limits,
                    disk: config.disk.as_ref(),
                    worker: worker_user,
                    supervised: self.supervised,
                    sandbox: config.sandbox,
                })?;
            }
            Role::Sources => {
                let stopping = self.stopping()?;
                agent::read_sources(
                    &layout,
                    &config.sources,
                    config.limits,
                    worker_user,
                    &stopping,
                )?;
            }
            Role::Inspect => {
                let inspect = config.inspect.clone().unwrap_or_default();
                let asking = worker_user.or_else(|| owner(&config.worker_user).ok());
                agent::inspect::run(&layout, &inspect, asking, &self.stopping()?)?;
            }
            Role::Guard => {
                let disk = config.disk.unwrap_or_default();
                agent::disk::guard(&layout, &disk, &self.stopping()?)?;
            }
            Role::Detections | Role::Worker => {}
        }
        Ok(exit::DONE)
    }

    fn work(
        &self,
        mut config: AgentConfig,
        layout: &Layout,
        identity: Option<IdentityFolder>,
        worker_user: Option<Owner>,
    ) -> Result<()> {
        if !config.has_worker() {
            anyhow::ensure!(
                service::is_managed(),
                "neither a collector nor an output is configured"
            );
            let detail =
                "no collector is configured and this host is not enrolled: nothing to send to";
            tracing::info!("{detail}");
            service::ready(detail);
            return Ok(());
        };
        lent::borrow(&self.lent, lent::files(&mut config, identity.is_none()));
        // Keys are read while this process may still read them.
        let mut targets = Vec::new();
        if let Some(collector) = &config.collector {
            targets.push(target(collector, identity)?);
            for further in &config.failover {
                targets.push(target(further, None)?);
            }
        }
        let outputs = Prepared::read(&config)?;
        let metrics = config.metrics.as_ref().map(Listener::bind).transpose()?;
        if let Some(Owner { uid, gid }) = worker_user {
            process::drop_to_user(uid, gid)?;
        }
        let sandbox = agent::worker_sandbox(layout, outputs.folders());
        let files = confine(Some(sandbox).filter(|_| config.sandbox))?;
        if self.probe_sandbox {
            return show_refused(files);
        }
        // Only now, since rights are a thread's own: this may start one.
        let stopping = self.stopping()?;
        let limits = config.limits;
        let work = Work {
            targets,
            failover_after: Duration::from_secs(config.failover_after_seconds.into()),
            selection: config.selection.map(|config| Selecting { config, limits }),
            outputs,
            context: config.context.then_some(Describing {
                limits,
                inspects: config.inspect.is_some(),
            }),
            metrics,
        };
        agent::work(layout, work, &stopping)
    }

    fn detect(
        &self,
        config: &AgentConfig,
        layout: &Layout,
        worker_user: Option<Owner>,
    ) -> Result<()> {
        // Homes are closed to the user that this becomes.
        let inodes = inodes_of_host();
        if let Some(Owner { uid, gid }) = worker_user {
            process::drop_to_user(uid, gid)?;
        }
        let detections = config.detections.clone().unwrap_or_default();
        let surroundings = Surroundings::new(&detections, inodes)?;
        let sandbox = agent::detections_sandbox(layout, &detections);
        let files = confine(Some(sandbox).filter(|_| config.sandbox))?;
        if self.probe_sandbox {
            return show_refused(files);
        }
        let stopping = self.stopping()?;
        agent::detect(
            layout,
            (&detections, surroundings),
            config.limits,
            &stopping,
        )
    }

    fn stopping(&self) -> Result<Stopping> {
        let stopping = Stopping::on_signals()?;
        Ok(if self.supervised {
            stopping.or_end_of_input()
        } else {
            stopping
        })
    }

    /// The program that is installed now takes the place of the one that captures.
    fn upgrade(&self, spool: &Path) -> Result<u8> {
        let (before, now) = agent::ask_to_upgrade(&Layout::at(spool).capture())?;
        let mut output = std::io::stdout().lock();
        writeln!(
            output,
            "capture (pid {}) runs {} now, {} before",
            now.pid, now.version, before.version
        )?;
        Ok(exit::DONE)
    }

    /// The identity that enrolment left, where nothing else is configured; enrols first where a token
    /// is given.
    fn identity(
        &self,
        config: &mut AgentConfig,
        layout: &Layout,
        worker: Option<Owner>,
    ) -> Result<Option<IdentityFolder>> {
        if config.collector.is_some() {
            return Ok(None);
        }
        let identity = IdentityFolder::at(&layout.identity());
        if let Some(token) = &self.enroll_token
            && !identity.exists()
        {
            layout.create(worker)?;
            let name = self.name.clone().unwrap_or_else(host_name);
            identity.enroll(&read_token(token)?, &name, worker)?;
            tracing::info!(name, "enrolled");
        }
        if !identity.exists() {
            anyhow::ensure!(
                self.collector.is_none(),
                "--collector needs --pki, or a host that is enrolled (`indelible enroll`)"
            );
            return Ok(None);
        }
        let mut collector = identity.collector()?;
        if let Some(address) = &self.collector {
            collector.address.clone_from(address);
        }
        config.collector = Some(collector);
        Ok(Some(identity))
    }

    fn print_plugin(&self, config: &AgentConfig) -> Result<u8> {
        anyhow::ensure!(
            config.capture.is_on_standard_input(),
            "the configuration says capture = {:?}; a plugin needs capture = \"audisp\"",
            config.capture.word()
        );
        let path = self.config.as_deref().context("--config is needed")?;
        let path = std::fs::canonicalize(path)
            .with_context(|| format!("cannot find {}", path.display()))?;
        let program = std::env::current_exe().context("cannot find the program itself")?;
        let mut output = std::io::stdout().lock();
        write!(output, "{}", plugin_text(&program, &path))?;
        Ok(exit::DONE)
    }

    fn configuration(&self) -> Result<AgentConfig> {
        let mut config = match (&self.config, &self.spool) {
            (Some(path), _) => config::read(path)?,
            (None, Some(spool)) => AgentConfig::new(spool.clone()),
            (None, None) => anyhow::bail!("neither --config nor --spool is given"),
        };
        if let Some(spool) = &self.spool {
            config.spool.clone_from(spool);
        }
        if let Some(capture) = &self.capture {
            config.capture = capture.clone();
        }
        config.sources.extend(self.sources.iter().cloned());
        if self.max_bytes.is_some() {
            config.limits.max_bytes = self.max_bytes;
        }
        let limits = &mut config.limits;
        limits.min_free = self.min_free.unwrap_or(limits.min_free);
        limits.history_bytes = self.history_bytes.unwrap_or(limits.history_bytes);
        limits.when_full = self.when_full.unwrap_or(limits.when_full);
        if self.detect {
            config.detections.get_or_insert_default();
        }
        if let Some(user) = &self.worker_user {
            config.worker_user.clone_from(user);
        }
        if let (Some(address), Some(folder)) = (&self.collector, &self.pki) {
            let pki = Pki::at(folder);
            let name = self.name.clone().unwrap_or_else(host_name);
            config.collector = Some(CollectorAddress {
                address: address.clone(),
                alternates: Vec::new(),
                name: default_name(),
                log_key: pki.log_key(),
                tls: pki.files(&name),
            });
        }
        Ok(config)
    }
}

fn target(collector: &CollectorAddress, renewed: Option<IdentityFolder>) -> Result<Target> {
    let path = &collector.log_key;
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the log's key {shown}"))?;
    Ok(Target {
        address: collector.address.clone(),
        alternates: collector.alternates.iter().cloned().collect(),
        name: collector.name.clone(),
        log_key: VerifierKey::parse(text.trim_end()).with_context(|| format!("in {shown}"))?,
        tls: Identity::read(&collector.tls)?.client()?,
        renewed,
    })
}

/// Who the worker becomes; `None` where this process is not root and all run as one user.
pub(super) fn worker_user_named(name: &str) -> Result<Option<Owner>> {
    if !process::is_root() {
        return Ok(None);
    }
    owner(name).map(Some)
}

fn owner(name: &str) -> Result<Owner> {
    let user = User::by_name(name)?;
    Ok(Owner {
        uid: user.uid,
        gid: user.gid,
    })
}

/// Ends starting up: lets go of its code and enters a sandbox; whether that holds for files too.
fn confine(sandbox: Option<Sandbox>) -> Result<bool> {
    process::forget_startup();
    let Some(sandbox) = sandbox else {
        return Ok(false);
    };
    let files = sandbox.enter()?.files;
    if !files {
        tracing::warn!("this kernel has no Landlock: only the user's rights confine what is read");
    }
    Ok(files)
}

/// Says what this process is refused; `files` tells whether Landlock holds.
fn show_refused(files: bool) -> Result<()> {
    let refused = sandbox::probe(Path::new("/etc/profile"));
    let mut output = std::io::stdout().lock();
    writeln!(
        output,
        "landlock {files}; refused: file {}, execute {}, netlink {}, ptrace {}",
        refused.file, refused.execute, refused.netlink, refused.ptrace
    )?;
    Ok(())
}

/// This process's own arguments and some more, for one role.
fn supervised_words(more: impl IntoIterator<Item = String>, role: &str) -> Vec<String> {
    let own = std::env::args().skip(1).chain(more);
    own.chain(["--supervised".into(), "--role".into(), role.into()])
        .collect()
}

pub(super) fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// How long a worker that failed at once waits before it ends, under a service manager.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
