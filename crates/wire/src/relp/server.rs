//! The receiving side of one connection.
//!
//! ```text
//! client                              server
//!   1 open 85 relp_version=0 …   ─▶
//!                                ◀─   1 rsp 93 200 OK LF relp_version=0 …
//!   2 syslog 9 <13>hello         ─▶   Received::Message; the caller stores it
//!                                ◀─   2 rsp 6 200 OK        after `durable(1)`
//!   3 close 0                    ─▶
//!                                ◀─   3 rsp 0, 0 serverclose 0
//! ```
//!
//! Answers go out in the order of the transactions, as librelp's clients expect. A message that
//! is too long for an entry is taken (its caller cuts and marks it) and answered like any other: a
//! refusal would make the client send it for ever, and nothing after it.

use std::collections::VecDeque;

use super::frame::{Decoder, Event, Header, RelpError, push};
use super::{OFFERS, next_transaction, offers_syslog};
use crate::limits::RELP_UNANSWERED_MAX;

/// What the server hands to its caller. Messages are to be stored in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A message.
    Message(&'a [u8]),
    /// Some bytes of a message that is longer than
    /// [`SYSLOG_MESSAGE_BYTES_MAX`](crate::limits::SYSLOG_MESSAGE_BYTES_MAX), in order. The
    /// connection may end before the message does: the client then sends it again.
    Part(&'a [u8]),
    /// The end of the message of the parts before.
    PartsEnd,
}

/// One connection as its server sees it.
#[derive(Debug, Default)]
pub struct Server {
    decoder: Decoder,
    conversation: Conversation,
}

#[derive(Debug, Default)]
struct Conversation {
    phase: Phase,
    /// The transaction number that came last.
    last: u32,
    /// A message is being passed on in parts.
    in_parts: bool,
    answers: VecDeque<Answer>,
    /// Messages among `answers` that are not durable.
    unanswered: usize,
    out: Vec<u8>,
    why: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Before `open`.
    #[default]
    Greeting,
    Open,
    /// No more is read; what is unanswered may still be answered.
    Closing,
    Closed,
}

/// What is owed to the client.
#[derive(Debug)]
enum Answer {
    /// A message that is not durable.
    Message(u32),
    /// An answer that waits only for its turn.
    Ready(u32, Vec<u8>),
}

impl Server {
    /// Takes bytes of the client and hands the messages in them to `store`.
    pub fn received(&mut self, mut bytes: &[u8], store: &mut impl FnMut(Received<'_>)) {
        while self.conversation.is_reading() {
            match self.decoder.next(&mut bytes) {
                Ok(Some(event)) => {
                    if let Err(error) = self.conversation.handle(event, store) {
                        self.conversation.fail(&error);
                    }
                }
                Ok(None) => break,
                Err(error) => self.conversation.fail(&error),
            }
        }
        self.conversation.answer();
    }

    /// The oldest `messages` that were handed out and not answered are durable.
    pub fn durable(&mut self, messages: usize) {
        self.conversation.durable(messages);
    }

    /// We stop: nothing more is read, what was handed out can still be answered.
    pub fn shut_down(&mut self) {
        if self.conversation.is_reading() {
            self.conversation.why = Some("shut down".into());
            self.conversation.phase = Phase::Closing;
            self.conversation.answer();
        }
    }

    /// Whether bytes may be fed: not while too much is unanswered, and not after the end.
    #[must_use]
    pub fn wants_bytes(&self) -> bool {
        self.conversation.is_reading() && self.conversation.unanswered < RELP_UNANSWERED_MAX
    }

    /// Bytes for the client, if there are any.
    pub fn transmit(&mut self) -> Option<Vec<u8>> {
        let out = std::mem::take(&mut self.conversation.out);
        (!out.is_empty()).then_some(out)
    }

    /// Why the connection is over, once everything that is owed was handed to
    /// [`transmit`](Self::transmit).
    #[must_use]
    pub fn ended(&self) -> Option<&str> {
        let over = self.conversation.phase == Phase::Closed && self.conversation.out.is_empty();
        over.then(|| self.conversation.why.as_deref().unwrap_or("closed"))
    }

    /// Messages that were handed out and are not answered.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.conversation.unanswered
    }

    /// Bytes of an incomplete frame that are held.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.decoder.pending_bytes()
    }

    /// A frame has begun and not ended.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.decoder.is_inside()
    }

    /// The client has said `open`.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.conversation.phase != Phase::Greeting
    }
}

impl Conversation {
    fn is_reading(&self) -> bool {
        matches!(self.phase, Phase::Greeting | Phase::Open)
    }

    fn handle(
        &mut self,
        event: Event<'_>,
        store: &mut impl FnMut(Received<'_>),
    ) -> Result<(), RelpError> {
        match event {
            Event::Frame(header, data) => {
                self.begin(&header)?;
                if !header.is_syslog() {
                    self.control(&header, data);
                } else if self.accepts(&header) {
                    store(Received::Message(data));
                    self.owe(header.transaction);
                }
            }
            Event::Part(header, data) => {
                if !self.in_parts {
                    self.begin(&header)?;
                    self.in_parts = true;
                }
                if self.phase == Phase::Open {
                    store(Received::Part(data));
                }
            }
            Event::PartsEnd(header) => {
                self.in_parts = false;
                if self.accepts(&header) {
                    store(Received::PartsEnd);
                    self.owe(header.transaction);
                }
            }
        }
        Ok(())
    }

    /// Transaction numbers are strictly consecutive.
    fn begin(&mut self, header: &Header) -> Result<(), RelpError> {
        let (found, due) = (header.transaction, next_transaction(self.last));
        if found != due {
            return Err(RelpError::Transaction { found, due });
        }
        self.last = found;
        Ok(())
    }

    /// Whether messages are taken; answers where they are not.
    fn accepts(&mut self, header: &Header) -> bool {
        let open = self.phase == Phase::Open;
        if !open {
            self.ready(header.transaction, b"500 command disabled");
        }
        open
    }

    fn owe(&mut self, transaction: u32) {
        self.answers.push_back(Answer::Message(transaction));
        self.unanswered += 1;
    }

    fn ready(&mut self, transaction: u32, answer: &[u8]) {
        let answer = Answer::Ready(transaction, answer.to_vec());
        self.answers.push_back(answer);
    }

    fn control(&mut self, header: &Header, data: &[u8]) {
        let transaction = header.transaction;
        match (header.command(), self.phase) {
            (b"open", Phase::Greeting) if offers_syslog(data) == Some(true) => {
                self.ready(transaction, format!("200 OK\n{OFFERS}").as_bytes());
                self.phase = Phase::Open;
            }
            (b"open", Phase::Greeting) => {
                self.ready(transaction, b"500 required command not supported by client");
                self.close("the client does not offer the command syslog");
            }
            (b"open", _) => self.ready(transaction, b"500 the session is open"),
            (b"close", _) => {
                self.ready(transaction, b"");
                self.close("closed by the client");
            }
            _ => self.ready(transaction, b"500 unknown command"),
        }
    }

    fn durable(&mut self, messages: usize) {
        let messages = messages.min(self.unanswered);
        self.unanswered -= messages;
        let waiting = self.answers.iter_mut().filter_map(|answer| match answer {
            Answer::Message(transaction) => Some((*transaction, answer)),
            Answer::Ready(..) => None,
        });
        for (transaction, answer) in waiting.take(messages) {
            *answer = Answer::Ready(transaction, b"200 OK".to_vec());
        }
        self.answer();
    }

    /// Moves what has its turn into `out`; says goodbye after the last.
    fn answer(&mut self) {
        while let Some(Answer::Ready(transaction, answer)) = self.answers.front() {
            push(&mut self.out, *transaction, "rsp", answer);
            self.answers.pop_front();
        }
        if self.phase == Phase::Closing && self.answers.is_empty() {
            push(&mut self.out, 0, "serverclose", b"");
            self.phase = Phase::Closed;
        }
    }

    fn close(&mut self, why: &str) {
        self.phase = Phase::Closing;
        self.why = Some(why.to_owned());
    }

    /// Ends the connection in the middle: what is unanswered stays so, and is sent again.
    fn fail(&mut self, error: &RelpError) {
        self.answer();
        if self.phase != Phase::Closed {
            push(&mut self.out, 0, "serverclose", b"");
        }
        self.phase = Phase::Closed;
        self.why = Some(error.to_string());
        self.answers.clear();
        self.unanswered = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds a server; `stored` is made durable as it comes, except the last `withheld`.
    fn talk(bytes: &[u8], withheld: usize) -> (Server, Vec<String>, String) {
        let (mut server, mut stored) = (Server::default(), Vec::new());
        server.received(bytes, &mut |received| match received {
            Received::Message(data) => stored.push(String::from_utf8_lossy(data).into_owned()),
            Received::Part(_) => {}
            Received::PartsEnd => stored.push("in parts".into()),
        });
        server.durable(server.unanswered().saturating_sub(withheld));
        let out = server.transmit().unwrap_or_default();
        (server, stored, String::from_utf8(out).unwrap())
    }

    fn open() -> String {
        let data = "relp_version=0\nrelp_software=x\ncommands=syslog,a";
        format!("1 open {} {data}\n", data.len())
    }

    #[test]
    fn a_session() {
        let text = format!("{}2 syslog 3 <1>\n3 syslog 1 b\n4 close 0\n", open());
        let (server, stored, out) = talk(text.as_bytes(), 0);
        assert_eq!(stored, ["<1>", "b"]);
        let greeting = format!("1 rsp {} 200 OK\n{OFFERS}\n", OFFERS.len() + 7);
        let rest = "2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n";
        assert_eq!(out, format!("{greeting}{rest}"));
        assert_eq!(server.ended(), Some("closed by the client"));
    }

    #[test]
    fn nothing_is_answered_before_it_is_durable() {
        let text = format!("{}2 syslog 1 a\n3 syslog 1 b\n4 close 0\n", open());
        let (mut server, _, out) = talk(text.as_bytes(), 1);
        assert!(out.ends_with("2 rsp 6 200 OK\n"), "{out}");
        assert_eq!((server.unanswered(), server.ended()), (1, None));
        server.durable(1);
        let out = server.transmit().unwrap();
        assert_eq!(out, b"3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n");
    }

    #[test]
    fn a_shut_down_answers_what_was_taken() {
        let text = format!("{}2 syslog 1 a\n", open());
        let (mut server, ..) = talk(text.as_bytes(), 1);
        server.shut_down();
        assert!(!server.wants_bytes() && server.ended().is_none());
        server.durable(1);
        assert_eq!(
            server.transmit().unwrap(),
            b"2 rsp 6 200 OK\n0 serverclose 0\n"
        );
        assert!(server.ended().is_some());
    }

    #[test]
    fn what_is_out_of_place_is_refused() {
        let check = |text: &str, stored: usize, answer: &str, ended: bool| {
            let (server, found, out) = talk(text.as_bytes(), 0);
            assert_eq!(found.len(), stored, "{text}");
            assert!(out.ends_with(answer), "{text}: {out}");
            assert_eq!(server.ended().is_some(), ended, "{text}");
        };
        check(
            "1 syslog 1 a\n",
            0,
            "1 rsp 20 500 command disabled\n",
            false,
        );
        let jump = format!("{}2 syslog 1 a\n4 syslog 1 b\n", open());
        check(&jump, 1, "\n0 serverclose 0\n", true);
        let again = format!("{}2 syslog 1 a\n2 syslog 1 b\n", open());
        check(&again, 1, "\n0 serverclose 0\n", true);
        check("2 open 0\n", 0, "0 serverclose 0\n", true);
        check("GET / HTTP/1.1\r\n\r\n", 0, "0 serverclose 0\n", true);
        let unknown = format!("{}2 starttls 0\n", open());
        check(&unknown, 0, "2 rsp 19 500 unknown command\n", false);
        let twice = format!("{}2 open 0\n", open());
        check(&twice, 0, "500 the session is open\n", false);
        check(
            "1 open 17 commands=eventlog\n",
            0,
            "500 required command not supported by client\n0 serverclose 0\n",
            true,
        );
    }

    #[test]
    fn transaction_numbers_wrap_to_one() {
        let mut server = Server::default();
        server.received(open().as_bytes(), &mut |_| {});
        server.conversation.last = 999_999_998;
        server.received(b"999999999 syslog 1 a\n1 syslog 1 b\n", &mut |_| {});
        assert_eq!(server.unanswered(), 2);
        server.durable(2);
        let out = server.transmit().unwrap();
        assert!(out.ends_with(b"999999999 rsp 6 200 OK\n1 rsp 6 200 OK\n"));
    }

    #[test]
    fn a_long_message_is_one_message() {
        let text = format!("{}2 syslog 70000 {}\n", open(), "x".repeat(70_000));
        let (_, stored, out) = talk(text.as_bytes(), 0);
        assert_eq!(stored, ["in parts"]);
        assert!(out.ends_with("2 rsp 6 200 OK\n"));
    }
}
