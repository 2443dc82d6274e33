//! Inspect: what of a process only a privileged one may read, asked for by the thread that describes
//! processes.
//!
//! ```text
//! worker ─ connect ─▶ inspect/socket     question: u32 pid ‖ u64 start, clock ticks after the boot
//!        ◀──────────────────────────     answer:   u32 length ‖ a JSON object (`Inspected`)
//! ```
//! Integers are big-endian. The helper knows nothing but these questions: it takes no path, no name of a
//! variable and no number of bytes from anybody. What it may show, its own configuration says. It
//! answers the worker's user alone, one question at a time, and a process that is gone has no answer.

mod asked;
mod environment;
mod hashes;

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use anyhow::{Context, Result};
use indelible_sys::proc::Process;
use indelible_sys::{process, sandbox};
use serde::{Deserialize, Serialize};

pub(crate) use asked::Inspector;
use hashes::Hashes;

use super::layout::{Layout, Owner};
use super::stopping::Stopping;
use crate::config::InspectConfig;
use crate::payload::to_bytes;
use crate::service::{self, Watchdog};

/// What was found; what is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inspected {
    /// The path of the file that the process runs.
    #[serde(default)]
    pub(crate) exe: Option<String>,
    /// Variables that are on the list and are set; bytes that are no UTF-8 are replaced.
    #[serde(default)]
    pub(crate) environment: Vec<(String, String)>,
    /// SHA-256 of the file that the process runs, hexadecimal.
    #[serde(default)]
    pub(crate) exe_sha256: Option<String>,
}

/// A process, by what tells it apart from one that has its number later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Question {
    pid: u32,
    start_ticks: u64,
}

impl Question {
    fn to_bytes(self) -> [u8; QUESTION_BYTES] {
        let mut bytes = [0; QUESTION_BYTES];
        bytes[..4].copy_from_slice(&self.pid.to_be_bytes());
        bytes[4..].copy_from_slice(&self.start_ticks.to_be_bytes());
        bytes
    }

    fn parse(bytes: [u8; QUESTION_BYTES]) -> Self {
        let [a, b, c, d, rest @ ..] = bytes;
        Self {
            pid: u32::from_be_bytes([a, b, c, d]),
            start_ticks: u64::from_be_bytes(rest),
        }
    }
}

/// Answers until asked to stop. `worker` is who may ask, beside this process's own user.
pub(crate) fn run(
    layout: &Layout,
    config: &InspectConfig,
    worker: Option<Owner>,
    stopping: &Stopping,
) -> Result<()> {
    let listener = listen(layout, worker)?;
    process::drop_capabilities(process::INSPECT_CAPABILITIES)?;
    sandbox::confine_inspector()?;
    service::ready("answering questions about processes");
    let mut watchdog = Watchdog::of_manager();
    let mut hashes = Hashes::new(config.hash_bytes_max);
    while !stopping.requested() {
        watchdog.alive();
        match listener.accept() {
            Ok((stream, _)) => {
                if let Err(error) = talk(&stream, config, worker, &mut hashes, stopping) {
                    tracing::debug!("a question about a process: {error}");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(LOOK_EVERY);
            }
            Err(error) => return Err(error).context("cannot take questions"),
        }
    }
    service::stopping();
    Ok(())
}

/// The socket, which the worker alone may connect to.
fn listen(layout: &Layout, worker: Option<Owner>) -> Result<UnixListener> {
    let path = layout.inspect_socket();
    let shown = || format!("cannot listen on {}", path.display());
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(shown);
        }
        _ => {}
    }
    let listener = UnixListener::bind(&path).with_context(shown)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).with_context(shown)?;
    if let Some(Owner { gid, .. }) = worker {
        chown(&path, None, Some(gid)).with_context(shown)?;
    }
    listener.set_nonblocking(true).with_context(shown)?;
    Ok(listener)
}

/// Answers one peer to its end.
fn talk(
    mut stream: &UnixStream,
    config: &InspectConfig,
    worker: Option<Owner>,
    hashes: &mut Hashes,
    stopping: &Stopping,
) -> io::Result<()> {
    let asking = rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw();
    let own = rustix::process::geteuid().as_raw();
    if asking != own && worker.is_none_or(|worker| worker.uid != asking) {
        return Err(io::Error::other(format!(
            "uid {asking} may not ask; the worker alone may"
        )));
    }
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(LOOK_EVERY))?;
    stream.set_write_timeout(Some(ANSWER_MAX))?;
    let mut question = [0; QUESTION_BYTES];
    let mut filled = 0;
    while !stopping.requested() {
        match stream.read(&mut question[filled..]) {
            Ok(0) => return Ok(()),
            Ok(read) => filled += read,
            Err(error) if is_timeout(&error) => continue,
            Err(error) => return Err(error),
        }
        if filled == QUESTION_BYTES {
            filled = 0;
            let answer = to_bytes(&inspect(Question::parse(question), config, hashes));
            let length = u32::try_from(answer.len()).unwrap_or(u32::MAX);
            stream.write_all(&length.to_be_bytes())?;
            stream.write_all(&answer)?;
        }
    }
    Ok(())
}

/// Looks at a process; nothing where it is gone, or another one has its number.
fn inspect(question: Question, config: &InspectConfig, hashes: &mut Hashes) -> Inspected {
    let process = Process { pid: question.pid };
    let is_it = || process.start_ticks().ok() == Some(question.start_ticks);
    if !is_it() {
        return Inspected::default();
    }
    let environment = process
        .read("environ", environment::BYTES_MAX)
        .unwrap_or_default();
    let exe = process.link("exe").ok();
    let found = Inspected {
        exe: exe.map(|exe| {
            String::from_utf8_lossy(exe.strip_suffix(DELETED).unwrap_or(&exe)).into_owned()
        }),
        environment: environment::chosen(&environment, &config.environment),
        exe_sha256: config.hash.then(|| hashes.of(process)).flatten(),
    };
    // What was read meanwhile may be the next one's.
    if is_it() { found } else { Inspected::default() }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// What the kernel puts behind the path of a file that has no name any more.
const DELETED: &[u8] = b" (deleted)";
/// Bytes of a question.
const QUESTION_BYTES: usize = 12;
/// Most bytes of an answer that a worker reads.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// How late a request to stop is seen.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a peer may take to take an answer.
const ANSWER_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_come_back() {
        let question = Question {
            pid: 77,
            start_ticks: u64::MAX - 3,
        };
        assert_eq!(Question::parse(question.to_bytes()), question);
    }

    #[test]
    fn a_process_is_told_by_its_start() {
        let config = InspectConfig {
            environment: vec!["PATH".into()],
            ..InspectConfig::default()
        };
        let mut hashes = Hashes::new(config.hash_bytes_max);
        let pid = std::process::id();
        let start_ticks = Process { pid }.start_ticks().unwrap();
        let found = inspect(Question { pid, start_ticks }, &config, &mut hashes);
        let path = std::env::var("PATH").unwrap();
        assert_eq!(found.environment, [("PATH".to_owned(), path)]);
        assert_eq!(found.exe_sha256.map(|hash| hash.len()), Some(64));
        let other = Question {
            pid,
            start_ticks: start_ticks + 1,
        };
        assert_eq!(inspect(other, &config, &mut hashes), Inspected::default());
    }
}
