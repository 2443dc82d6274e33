//! The sessions that are open, and those that end.

use std::collections::BTreeMap;

use indelible_record::Stamp;

use super::mark::{From, Mark, Says, Tried, Who};
use crate::limits::{REPORT_KERNELS_MAX, REPORT_SESSIONS_MAX};

/// A login session, a boot, or a login that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub(super) node: Option<Box<[u8]>>,
    /// Its first event.
    pub(super) begun: Stamp,
    pub(super) user: User,
    /// None of boots and of logins that failed.
    pub(super) who: Option<Who>,
    /// None as long as nothing says where it comes from: such a session is not reported.
    pub(super) from: Option<From>,
    /// Serial of the event that said so.
    pub(super) login_event: Option<u32>,
    /// None while it is open.
    pub(super) end: Option<(End, Stamp)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum User {
    /// The system, from a boot on.
    Reboot,
    /// Who logged in, with the name that auditd knew.
    LoggedIn(u32, Option<Box<[u8]>>),
    /// Who did not.
    Tried(Tried),
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// By a logout.
    Logout,
    /// With the system.
    Shutdown,
    /// A boot came without a shutdown.
    Crash,
    /// Another session took its number.
    Gone,
    /// It never began.
    Failed,
}

/// What is open while a log is read.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    open: Vec<Session>,
    /// Of each node, the kernel that its audit daemon last named.
    kernels: BTreeMap<Option<Box<[u8]>>, Box<[u8]>>,
    cut: u64,
}

impl Sessions {
    /// Takes what comes next, and gives the sessions that end with it.
    pub fn push(&mut self, mark: Mark, mut ended: impl FnMut(Session)) {
        let Mark { stamp, node, says } = mark;
        match says {
            Says::Begins(who, name) => {
                let taken = self.position(|open| {
                    open.node == node && open.who.is_some_and(|of| of.session == who.session)
                });
                self.end(taken, End::Gone, stamp, &mut ended);
                let session = Session {
                    node,
                    begun: stamp,
                    user: User::LoggedIn(who.auid, name),
                    who: Some(who),
                    from: None,
                    login_event: None,
                    end: None,
                };
                self.open(session, ended);
            }
            Says::ComesFrom(who, from) => {
                let of = |open: &&mut Session| open.node == node && open.who == Some(who);
                if let Some(session) = self.open.iter_mut().find(of) {
                    session.from = Some(from);
                    session.login_event = Some(stamp.serial);
                }
            }
            Says::Ends(who) => {
                let of = self.position(|open| open.node == node && open.who == Some(who));
                self.end(of, End::Logout, stamp, ended);
            }
            Says::ShutsDown => {
                // As aulast has it: what began first, which is the boot where there is one. The
                // others crash with the next boot.
                let first = self.position(|open| open.node == node);
                self.end(first, End::Shutdown, stamp, ended);
            }
            Says::Boots => {
                while let Some(index) = self.position(|open| open.node == node) {
                    self.end(Some(index), End::Crash, stamp, &mut ended);
                }
                let from = From {
                    terminal: Box::from(&b"system boot"[..]),
                    host: self.kernels.get(&node).cloned(),
                };
                let session = Session {
                    node,
                    begun: stamp,
                    user: User::Reboot,
                    who: None,
                    from: Some(from),
                    login_event: None,
                    end: None,
                };
                self.open(session, ended);
            }
            Says::Kernel(kernel) => {
                if self.kernels.len() < REPORT_KERNELS_MAX || self.kernels.contains_key(&node) {
                    self.kernels.insert(node, kernel);
                }
            }
            Says::Fails(..) => {}
        }
    }

    /// Gives what is still open.
    pub fn finish(&mut self, ended: impl FnMut(Session)) {
        let open = std::mem::take(&mut self.open).into_iter();
        open.filter(|session| session.from.is_some())
            .for_each(ended);
    }

    /// Sessions whose end was not waited for, because too many were open.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    fn position(&self, is: impl FnMut(&Session) -> bool) -> Option<usize> {
        self.open.iter().position(is)
    }

    fn open(&mut self, session: Session, mut ended: impl FnMut(Session)) {
        if self.open.len() >= REPORT_SESSIONS_MAX {
            let oldest = self.open.remove(0);
            self.cut += 1;
            if oldest.from.is_some() {
                ended(oldest);
            }
        }
        self.open.push(session);
    }

    fn end(&mut self, index: Option<usize>, end: End, at: Stamp, mut ended: impl FnMut(Session)) {
        let Some(index) = index else {
            return;
        };
        let mut session = self.open.remove(index);
        if session.from.is_some() {
            session.end = Some((end, at));
            ended(session);
        }
    }
}

impl Session {
    /// The login that failed, if the mark is one.
    pub fn failed(mark: Mark) -> Option<Session> {
        let Mark { stamp, node, says } = mark;
        let Says::Fails(tried, from) = says else {
            return None;
        };
        Some(Session {
            node,
            begun: stamp,
            user: User::Tried(tried),
            who: None,
            from: Some(from),
            login_event: None,
            end: Some((End::Failed, stamp)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(sec: u64, node: &str, says: Says) -> Mark {
        Mark {
            stamp: Stamp {
                sec,
                milli: 0,
                serial: sec as u32,
            },
            node: Some(node.as_bytes().into()),
            says,
        }
    }

    fn who(session: u32) -> Who {
        Who {
            auid: 1000,
            pid: 100 + session,
            session,
        }
    }

    fn from() -> From {
        From {
            terminal: Box::from(&b"pts/0"[..]),
            host: None,
        }
    }

    /// Sessions as `first event-last event, how it ended`.
    fn told(marks: Vec<Mark>) -> Vec<String> {
        let (mut sessions, mut told) = (Sessions::default(), Vec::new());
        let mut tell = |session: Session| {
            let end = session.end.map(|(end, at)| format!("{} {end:?}", at.sec));
            told.push(format!("{}-{}", session.begun.sec, end.unwrap_or_default()));
        };
        for mark in marks {
            sessions.push(mark, &mut tell);
        }
        sessions.finish(tell);
        told
    }

    #[test]
    fn hosts_do_not_end_each_others_sessions() {
        let marks = vec![
            mark(1, "a", Says::Begins(who(1), None)),
            mark(2, "b", Says::Begins(who(1), None)),
            mark(3, "a", Says::ComesFrom(who(1), from())),
            mark(4, "b", Says::ComesFrom(who(1), from())),
            mark(5, "b", Says::Boots),
            mark(6, "a", Says::Ends(who(1))),
        ];
        assert_eq!(told(marks), ["2-5 Crash", "1-6 Logout", "5-"]);
    }

    #[test]
    fn more_sessions_than_are_waited_for() {
        let mut marks = Vec::new();
        for number in 0..REPORT_SESSIONS_MAX as u32 + 1 {
            let at = u64::from(number) * 2;
            marks.push(mark(at, "a", Says::Begins(who(number), None)));
            marks.push(mark(at + 1, "a", Says::ComesFrom(who(number), from())));
        }
        let mut sessions = Sessions::default();
        let mut ended = 0;
        for mark in marks {
            sessions.push(mark, |_| ended += 1);
        }
        assert_eq!((ended, sessions.cut()), (1, 1));
        sessions.finish(|_| ended += 1);
        assert_eq!(ended, REPORT_SESSIONS_MAX + 1);
    }
}
