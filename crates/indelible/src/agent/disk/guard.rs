//! The guard: runs the program that a site has configured for a level of the disk.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::agent::layout::Layout;
use crate::agent::stopping::Stopping;
use crate::config::disk::{DiskAction, DiskConfig, DiskLevel};
use crate::service::{self, Watchdog};

/// Waits for levels until asked to stop. The user who owns capture's folder may name them.
pub(crate) fn run(layout: &Layout, config: &DiskConfig, stopping: &Stopping) -> Result<()> {
    let path = layout.guard_socket();
    let shown = || format!("cannot listen on {}", path.display());
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(shown);
        }
        _ => {}
    }
    let socket = UnixDatagram::bind(&path).with_context(shown)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).with_context(shown)?;
    let capture = fs::metadata(layout.capture().folder())
        .with_context(shown)?
        .uid();
    if capture != rustix::process::geteuid().as_raw() {
        chown(&path, Some(capture), None).with_context(shown)?;
    }
    socket
        .set_read_timeout(Some(LOOK_EVERY))
        .with_context(shown)?;
    service::ready("waiting for what the disk asks for");
    let mut watchdog = Watchdog::of_manager();
    let mut word = [0; 64];
    while !stopping.requested() {
        watchdog.alive();
        match socket.recv(&mut word) {
            Ok(length) => answer(&word[..length], config, &mut watchdog),
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error).context("cannot hear of the disk"),
        }
    }
    service::stopping();
    Ok(())
}

fn answer(word: &[u8], config: &DiskConfig, watchdog: &mut Watchdog) {
    let mut levels = DiskLevel::ALL.into_iter();
    let Some(level) = levels.find(|level| level.word().as_bytes() == word) else {
        tracing::warn!("a level of the disk that is none was named");
        return;
    };
    let Some(words) = program(config, level) else {
        tracing::warn!(level = level.word(), "nothing is to be run for this level");
        return;
    };
    let [program, arguments @ ..] = words.as_slice() else {
        tracing::error!(level = level.word(), "the command to run is empty");
        return;
    };
    tracing::error!(
        level = level.word(),
        program,
        "running what the disk asks for"
    );
    match start(program, arguments, watchdog) {
        Ok(said) => tracing::info!(program, "{said}"),
        Err(error) => tracing::error!(program, "{error:#}"),
    }
}

/// The program of a level, with its arguments.
fn program(config: &DiskConfig, level: DiskLevel) -> Option<Vec<String>> {
    match config.action(level) {
        DiskAction::Exec(path) => Some(vec![path.display().to_string()]),
        DiskAction::Single => Some(config.single_command.clone()),
        DiskAction::Halt => Some(config.halt_command.clone()),
        DiskAction::Ignore | DiskAction::Syslog | DiskAction::Suspend => None,
    }
}

fn start(program: &str, arguments: &[String], watchdog: &mut Watchdog) -> Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("NOTIFY_SOCKET")
        .spawn()
        .context("it cannot be started")?;
    let until = Instant::now() + PROGRAM_MAX;
    while Instant::now() < until {
        watchdog.alive();
        if let Some(status) = child.try_wait()? {
            return Ok(format!("it ended with {status}"));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    // It is left to itself: what it does may take long.
    Ok("it goes on".to_owned())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// How late a request to stop is seen.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a program is waited for.
const PROGRAM_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_runs_what_is_configured_for_it_and_nothing_else() {
        let config: DiskConfig = toml::from_str(
            "space-left-action = 'exec:/bin/tell'\nadmin-space-left-action = 'single'\n\
             disk-full-action = 'halt'\nhalt-command = ['/fake/halt', 'now']",
        )
        .unwrap();
        let words = |level| program(&config, level);
        assert_eq!(words(DiskLevel::SpaceLeft).unwrap(), ["/bin/tell"]);
        assert_eq!(
            words(DiskLevel::AdminSpaceLeft).unwrap(),
            ["/sbin/init", "1"]
        );
        assert_eq!(words(DiskLevel::DiskFull).unwrap(), ["/fake/halt", "now"]);
        assert_eq!(words(DiskLevel::DiskError), None);
    }
}
