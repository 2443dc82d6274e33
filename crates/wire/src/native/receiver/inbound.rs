//! What the agent says.

use std::time::Duration;

use super::outbound::Greeting;
use super::{Append, Line, Link, Open, Receiver, ReceiverAction};
use crate::limits::LINES_MAX;
use crate::native::{
    Batch, CloseReason, FrameDecoder, Hello, Message, Nak, NakReason, Span, StreamId,
};

impl Receiver {
    /// Reads messages until the log or the socket is behind.
    pub(super) fn read(&mut self, now: Duration) {
        // Taken out while a batch borrows from it.
        let mut decoder = std::mem::take(&mut self.decoder);
        while self.wants_bytes() {
            match decoder.poll() {
                Ok(Some(message)) => self.hear(now, message),
                Ok(None) => break,
                Err(error) => self.end(now, CloseReason::ProtocolError, &error.to_string()),
            }
        }
        self.decoder = match self.link {
            Link::Ended => FrameDecoder::default(),
            Link::Waiting(_) | Link::Greeting | Link::Up => decoder,
        };
    }

    fn hear(&mut self, now: Duration, message: Message<'_>) {
        let waiting = matches!(self.link, Link::Waiting(_));
        match message {
            Message::Hello(hello) if waiting => self.hello(now, hello),
            Message::Stream(span) if !waiting => self.stream(now, span),
            Message::Batch(batch) if self.link == Link::Up => self.batch(now, &batch),
            Message::Ping(number) => self.say(now, &Message::Pong(number)),
            Message::Pong(_) => {}
            Message::Close(close) => {
                self.hang_up(&format!("the agent closed: {}", close.detail));
            }
            Message::Hello(_)
            | Message::Welcome(_)
            | Message::Stream(_)
            | Message::Resume(_)
            | Message::Batch(_)
            | Message::Ack(_)
            | Message::Nak(_)
            | Message::Key(_) => self.break_off(now, "message out of place"),
        }
    }

    fn hello(&mut self, now: Duration, hello: Hello) {
        self.link = Link::Greeting;
        self.shown = hello.held;
        self.actions.push_back(ReceiverAction::Greeted {
            machine_id: hello.machine_id,
            boot_id: hello.boot_id,
        });
        let (held, newest) = (hello.held, self.newest);
        if held.size > newest.size || (held.size == newest.size && held.root != newest.root) {
            self.actions
                .push_back(ReceiverAction::Contradicted { held });
        }
        self.greeting = Some(Greeting::new(&hello.streams));
        for span in hello.streams {
            if self.link == Link::Greeting {
                self.look_up(now, span.stream);
            }
        }
        self.tell(now);
    }

    fn stream(&mut self, now: Duration, span: Span) {
        self.look_up(now, span.stream);
    }

    fn look_up(&mut self, now: Duration, stream: StreamId) {
        if self.lines.len() >= LINES_MAX {
            return self.break_off(now, "too many streams");
        }
        match self.lines.insert(stream, Line::LookingUp) {
            None => self.actions.push_back(ReceiverAction::LookUp { stream }),
            Some(_) => self.break_off(now, "stream named twice"),
        }
    }

    /// Rule 4 of docs/protocol.md, as far as it needs no chain.
    fn batch(&mut self, now: Duration, batch: &Batch<'_>) {
        let expected = match self.lines.get(&batch.stream) {
            Some(Line::Open { expected }) => *expected,
            Some(Line::Refused) => return,
            Some(Line::LookingUp) | None => {
                return self.break_off(now, "BATCH of a stream without a position");
            }
        };
        if batch.first > expected {
            let detail = format!("expected sequence {expected}");
            return self.refuse(now, batch.stream, batch.first, NakReason::Later, detail);
        }
        let raw = match self.unpacker.unpack(batch) {
            Ok(raw) => raw,
            Err(error) => {
                let detail = error.to_string();
                return self.refuse(now, batch.stream, batch.first, NakReason::Poison, detail);
            }
        };
        let expected = expected.max(batch.first + u64::from(batch.entries));
        self.lines.insert(batch.stream, Line::Open { expected });
        self.open_bytes += raw.len();
        self.open.push_back(Open {
            stream: batch.stream,
            first: batch.first,
            raw_bytes: raw.len(),
        });
        self.actions.push_back(ReceiverAction::Append(Append {
            stream: batch.stream,
            first: batch.first,
            entries: batch.entries,
            head_before: batch.head_before,
            head_after: batch.head_after,
            raw,
        }));
    }

    /// Answers NAK once per stream; the rest of what was in flight behind it has no answer.
    pub(super) fn refuse(
        &mut self,
        now: Duration,
        stream: StreamId,
        sequence: u64,
        reason: NakReason,
        detail: String,
    ) {
        if self.lines.insert(stream, Line::Refused) != Some(Line::Refused) {
            let nak = Nak {
                stream,
                sequence,
                reason,
                detail,
            };
            self.say(now, &Message::Nak(nak));
        }
    }
}
