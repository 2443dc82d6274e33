//! The sending side of one connection.
//!
//! It keeps numbers, not messages: the caller's queue holds what is not answered, and after a broken
//! connection a new client begins with the oldest of it.

use std::collections::VecDeque;
use std::time::Duration;

use super::frame::{Decoder, Event, push};
use super::{OFFERS, next_transaction, offers_syslog};
use crate::limits::{RELP_ANSWER_MAX, RELP_WINDOW_DEFAULT};

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAction {
    /// The oldest so many messages were answered: they are the server's.
    Answered(usize),
    /// Close the connection; what was not answered goes to the next one.
    Disconnect {
        /// For a person.
        why: String,
    },
}

/// One connection as its client sees it. Times are since any fixed origin.
#[derive(Debug)]
pub struct Client {
    decoder: Decoder,
    session: Session,
}

#[derive(Debug)]
struct Session {
    phase: Phase,
    /// The transaction number that went out last.
    last: u32,
    window: usize,
    /// Messages without an answer, oldest first, and when they went out.
    unanswered: VecDeque<(u32, Duration)>,
    answered: usize,
    out: Vec<u8>,
    why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// `open` went out.
    Greeting {
        since: Duration,
    },
    Open,
    /// `close` went out.
    Closing {
        since: Duration,
        transaction: u32,
    },
    Over,
}

impl Client {
    /// A connection that stands; `window`: messages that may be unanswered at a time.
    #[must_use]
    pub fn new(now: Duration, window: usize) -> Self {
        let mut out = Vec::new();
        push(&mut out, 1, "open", OFFERS.as_bytes());
        let session = Session {
            phase: Phase::Greeting { since: now },
            last: 1,
            window: window.max(1),
            unanswered: VecDeque::new(),
            answered: 0,
            out,
            why: None,
        };
        Self {
            decoder: Decoder::default(),
            session,
        }
    }

    /// With librelp's window.
    #[must_use]
    pub fn with_default_window(now: Duration) -> Self {
        Self::new(now, RELP_WINDOW_DEFAULT)
    }

    /// How many messages [`send`](Self::send) takes now.
    #[must_use]
    pub fn room(&self) -> usize {
        match self.session.phase {
            Phase::Open => self.session.window.saturating_sub(self.unanswered()),
            _ => 0,
        }
    }

    /// Messages without an answer.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.session.unanswered.len()
    }

    /// Sends a message where there is [`room`](Self::room) for it; says whether it did.
    pub fn send(&mut self, now: Duration, message: &[u8]) -> bool {
        let room = self.room() > 0;
        if room {
            let transaction = self.session.command("syslog", message);
            self.session.unanswered.push_back((transaction, now));
        }
        room
    }

    /// Takes bytes of the server.
    pub fn received(&mut self, mut bytes: &[u8]) {
        while self.session.phase != Phase::Over {
            let handled = match self.decoder.next(&mut bytes) {
                Ok(None) => return,
                Ok(Some(event)) => self.session.handle(event),
                Err(error) => Err(error.to_string()),
            };
            if let Err(why) = handled {
                self.session.over(why);
            }
        }
    }

    /// The caller has no more to send: closes where everything is answered.
    pub fn shut_down(&mut self, now: Duration) {
        match self.session.phase {
            Phase::Open if self.unanswered() == 0 => {
                let transaction = self.session.command("close", b"");
                let since = now;
                self.session.phase = Phase::Closing { since, transaction };
            }
            Phase::Greeting { .. } => self.session.over("shut down".into()),
            _ => {}
        }
    }

    /// When [`timer`](Self::timer) wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let since = match self.session.phase {
            Phase::Greeting { since } | Phase::Closing { since, .. } => since,
            Phase::Open => self.session.unanswered.front()?.1,
            Phase::Over => return None,
        };
        Some(since + RELP_ANSWER_MAX)
    }

    /// Ends the connection where the server does not answer.
    pub fn timer(&mut self, now: Duration) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            let why = format!("no answer in {} s", RELP_ANSWER_MAX.as_secs());
            self.session.over(why);
        }
    }

    /// Bytes for the server, if there are any.
    pub fn transmit(&mut self) -> Option<Vec<u8>> {
        let out = std::mem::take(&mut self.session.out);
        (!out.is_empty()).then_some(out)
    }

    /// What to do next.
    pub fn poll(&mut self) -> Option<ClientAction> {
        if self.session.answered > 0 {
            let answered = std::mem::take(&mut self.session.answered);
            return Some(ClientAction::Answered(answered));
        }
        let why = self.session.why.take()?;
        Some(ClientAction::Disconnect { why })
    }
}

impl Session {
    /// Queues a command and gives its transaction number.
    fn command(&mut self, command: &str, data: &[u8]) -> u32 {
        self.last = next_transaction(self.last);
        push(&mut self.out, self.last, command, data);
        self.last
    }

    fn handle(&mut self, event: Event<'_>) -> Result<(), String> {
        let Event::Frame(header, data) = event else {
            return Err("the server sends messages".into());
        };
        match (header.command(), header.transaction) {
            (b"serverclose", _) => Err("the server closes".into()),
            (b"rsp", transaction) => self.answer(&Answer { transaction, data }),
            // Hints that we do not know.
            (_, 0) => Ok(()),
            _ => Err("the server sends a command".into()),
        }
    }

    fn answer(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        match self.phase {
            Phase::Greeting { .. } if answer.transaction == 1 => {
                if !answer.accepts() {
                    return answer.refuses("the session");
                }
                if offers_syslog(answer.data) == Some(false) {
                    return Err("the server does not take the command syslog".into());
                }
                self.phase = Phase::Open;
                Ok(())
            }
            Phase::Closing { transaction, .. } if answer.transaction == transaction => {
                Err("closed".into())
            }
            _ => match self.unanswered.front() {
                Some((due, _)) if *due == answer.transaction => {
                    if !answer.accepts() {
                        return answer.refuses("a message");
                    }
                    self.unanswered.pop_front();
                    self.answered += 1;
                    Ok(())
                }
                // Also a server that answers what it was not sent.
                _ => Err(format!(
                    "an answer to transaction {} is not due",
                    answer.transaction
                )),
            },
        }
    }

    fn over(&mut self, why: String) {
        self.phase = Phase::Over;
        self.why = Some(why);
    }
}

/// One `rsp`.
struct Answer<'a> {
    transaction: u32,
    data: &'a [u8],
}

impl Answer<'_> {
    fn accepts(&self) -> bool {
        self.data.starts_with(b"200")
    }

    /// An error with what the server says.
    fn refuses<T>(&self, what: &str) -> Result<T, String> {
        let line = self.data.split(|byte| *byte == b'\n').next();
        let line = line.unwrap_or_default();
        let line = line[..line.len().min(ANSWER_BYTES_SHOWN)].escape_ascii();
        Err(format!("the server refused {what}: {line}"))
    }
}

/// Bytes of an answer that are worth showing.
const ANSWER_BYTES_SHOWN: usize = 200;
