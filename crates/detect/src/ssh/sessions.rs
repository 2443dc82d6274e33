//! Login sessions that sshd opened, and what was run in them.

use std::collections::{HashMap, HashSet};

use crate::limits::ssh::{COMMANDS_BYTES_MAX, COMMANDS_MAX, FORGET_EVERY_MS, LOGINS_MAX};

/// A login session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Number of the session.
    pub ses: u32,
    /// Who logged in.
    pub auid: u32,
    /// What was run, in order.
    pub commands: Vec<Command>,
    /// Commands beyond those that are listed.
    pub more_commands: u64,
}

/// A program that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// ms since 1970.
    pub time_ms: u64,
    /// Its arguments, joined by blanks.
    pub line: Vec<u8>,
}

/// The newest sessions by host and number.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_number: HashMap<(u32, u32), Followed>,
    by_pid: HashMap<(u32, u32), u32>,
    command_bytes: usize,
    counted: HashSet<(u32, u32)>,
    forgot_ms: u64,
}

#[derive(Debug, Default)]
struct Followed {
    session: Session,
    /// When it was opened, or something was run in it.
    seen_ms: u64,
}

impl Sessions {
    /// The sshd process `pid` opened a session. Where all places are taken it is not followed.
    pub(crate) fn open(&mut self, host: u32, pid: u32, (ses, auid): (u32, u32), now_ms: u64) {
        let is_full = self.by_number.len() >= LOGINS_MAX || self.by_pid.len() >= 2 * LOGINS_MAX;
        if is_full && !self.by_number.contains_key(&(host, ses)) {
            return;
        }
        let followed = self.by_number.entry((host, ses)).or_default();
        followed.session.ses = ses;
        followed.session.auid = auid;
        followed.seen_ms = followed.seen_ms.max(now_ms);
        self.by_pid.insert((host, pid), ses);
    }

    /// Whether nobody has asked for this session before: two records tell of each login.
    pub(crate) fn is_new(&mut self, host: u32, ses: u32) -> bool {
        let counted = &mut self.counted;
        if counted.len() >= 2 * LOGINS_MAX {
            counted.clear();
        }
        counted.insert((host, ses))
    }

    pub(crate) fn command(&mut self, host: u32, ses: u32, time_ms: u64, line: Vec<u8>) {
        let Some(Followed { session, seen_ms }) = self.by_number.get_mut(&(host, ses)) else {
            return;
        };
        *seen_ms = time_ms.max(*seen_ms);
        let bytes = self.command_bytes + line.len();
        if session.commands.len() >= COMMANDS_MAX || bytes > COMMANDS_BYTES_MAX {
            session.more_commands += 1;
        } else {
            self.command_bytes = bytes;
            session.commands.push(Command { time_ms, line });
        }
    }

    /// Forgets sessions in which nothing was run since; looks for them now and then.
    pub(crate) fn forget(&mut self, before_ms: u64) {
        if before_ms < self.forgot_ms + FORGET_EVERY_MS {
            return;
        }
        self.forgot_ms = before_ms;
        let bytes = &mut self.command_bytes;
        self.by_number.retain(|_, followed| {
            let is_quiet = followed.seen_ms < before_ms;
            if is_quiet {
                let lines = followed.session.commands.iter();
                *bytes -= lines.map(|command| command.line.len()).sum::<usize>();
            }
            !is_quiet
        });
        let left = &self.by_number;
        self.by_pid
            .retain(|(host, _), ses| left.contains_key(&(*host, *ses)));
    }

    /// The session that the sshd process `pid` opened.
    pub(crate) fn of_pid(&self, host: u32, pid: u32) -> Option<Session> {
        let ses = self.by_pid.get(&(host, pid))?;
        let followed = self.by_number.get(&(host, *ses))?;
        Some(followed.session.clone())
    }
}
