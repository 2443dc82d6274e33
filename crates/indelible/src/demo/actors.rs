//! This program's own processes: daemons that run while the demonstration does, and commands.

use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// The program that is running.
#[derive(Debug)]
pub(super) struct Indelible {
    path: PathBuf,
}

impl Indelible {
    pub(super) fn own() -> Result<Self> {
        Ok(Self {
            path: std::env::current_exe().context("cannot find the program itself")?,
        })
    }

    /// Starts a daemon that ends when its input does: even if this process is killed.
    pub(super) fn start<S: AsRef<str>>(&self, words: &[S]) -> Result<Actor> {
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .env("INDELIBLE_LOG", "warn")
            .spawn()
            .context("cannot start a process of the demonstration")?;
        let input = child.stdin.take();
        Ok(Actor { child, input })
    }

    /// Runs a command; returns its exit code and what it printed.
    pub(super) fn output<S: AsRef<str>>(&self, words: &[S]) -> Result<(i32, Vec<u8>)> {
        let output = self
            .command(words)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .context("cannot start a command of the demonstration")?;
        Ok((output.status.code().unwrap_or(-1), output.stdout))
    }

    /// Runs a command that must succeed.
    pub(super) fn quiet<S: AsRef<str>>(&self, words: &[S]) -> Result<()> {
        let (code, _) = self.output(words)?;
        ensure!(code == 0, "`{}` ended with {code}", self.shown(words));
        Ok(())
    }

    /// The command as a user would type it.
    pub(super) fn shown<S: AsRef<str>>(&self, words: &[S]) -> String {
        words.iter().fold("indelible".to_owned(), |text, word| {
            text + " " + word.as_ref()
        })
    }

    fn command<S: AsRef<str>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(words.iter().map(AsRef::as_ref));
        command
    }
}

/// A running daemon. Dropping it asks it to stop and waits; after a while it is killed.
#[derive(Debug)]
pub(super) struct Actor {
    child: Child,
    input: Option<ChildStdin>,
}

impl Actor {
    /// Asks it to stop and waits for a clean end.
    pub(super) fn stop(mut self) -> Result<()> {
        self.end()
    }

    /// Kills it, as an attacker would.
    pub(super) fn kill(mut self) -> Result<()> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .context("cannot kill a process")?;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.input = None;
        let deadline = Instant::now() + STOP_MAX;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                ensure!(
                    status.success(),
                    "a process of the demonstration ended with {status}"
                );
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        self.child.wait()?;
        anyhow::bail!("a process of the demonstration did not stop")
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        // Also after `stop` and `kill`: then there is nothing left to wait for.
        let _ = self.end();
    }
}

/// How long a daemon may take to stop.
const STOP_MAX: Duration = Duration::from_secs(10);
