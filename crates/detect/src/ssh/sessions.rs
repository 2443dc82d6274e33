//! Login sessions that sshd opened, and what was run in them.

use std::collections::{HashMap, HashSet};

use crate::limits::ssh::{COMMANDS_BYTES_MAX, COMMANDS_MAX, LOGINS_MAX};

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
    by_number: HashMap<(u32, u32), Session>,
    by_pid: HashMap<(u32, u32), u32>,
    command_bytes: usize,
    counted: HashSet<(u32, u32)>,
}

impl Sessions {
    /// The sshd process `pid` opened a session. Where all places are taken it is not followed.
    pub(crate) fn open(&mut self, host: u32, pid: u32, ses: u32, auid: u32) {
        let is_full = self.by_number.len() >= LOGINS_MAX || self.by_pid.len() >= 2 * LOGINS_MAX;
        if is_full && !self.by_number.contains_key(&(host, ses)) {
            return;
        }
        let session = self.by_number.entry((host, ses)).or_default();
        session.ses = ses;
        session.auid = auid;
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
        let Some(session) = self.by_number.get_mut(&(host, ses)) else {
            return;
        };
        self.command_bytes += line.len();
        if session.commands.len() >= COMMANDS_MAX || self.command_bytes > COMMANDS_BYTES_MAX {
            session.more_commands += 1;
        } else {
            session.commands.push(Command { time_ms, line });
        }
    }

    /// The session that the sshd process `pid` opened.
    pub(crate) fn of_pid(&self, host: u32, pid: u32) -> Option<Session> {
        let ses = self.by_pid.get(&(host, pid))?;
        self.by_number.get(&(host, *ses)).cloned()
    }
}
