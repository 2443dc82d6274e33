//! Peers that hold valid certificates and lie. Each test scripts one side by hand.

mod agent;
mod collector;

use std::time::Duration;

use indelible_wire::native::{Message, MessageKind, Receiver, Sender, StreamId};

const STREAM: StreamId = StreamId([7; 16]);
const NOW: Duration = Duration::from_secs(1_000);

/// A frame as a message. It is leaked: a test is short.
fn parse(frame: Vec<u8>) -> Message<'static> {
    let frame = frame.leak();
    let kind = MessageKind::from_byte(frame[4]).expect("known type");
    Message::decode(kind, &frame[5..]).expect("valid message")
}

fn said_by_sender(sender: &mut Sender) -> Vec<Message<'static>> {
    std::iter::from_fn(|| sender.transmit(NOW))
        .map(parse)
        .collect()
}

fn said_by_receiver(receiver: &mut Receiver) -> Vec<Message<'static>> {
    std::iter::from_fn(|| receiver.transmit(NOW))
        .map(parse)
        .collect()
}
