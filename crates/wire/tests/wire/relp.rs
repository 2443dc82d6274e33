//! RELP's client and server over a line that breaks, with a fake clock: everything that was
//! answered is stored, in order, and nothing is missing in the end.

use std::time::Duration;

use indelible_wire::relp::{Client, ClientAction, Received, Server};

use crate::model::random::Random;

#[test]
fn a_lossy_line_loses_and_reorders_nothing() {
    let seed = std::env::var("INDELIBLE_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("INDELIBLE_SEED={seed}");
    let mut random = Random(seed);
    let mut repeated = 0;
    for run in 0..200 {
        repeated += Pair::new(run, &mut random).run();
    }
    // A window can arrive twice, and in 200 runs it does.
    assert!(repeated > 0);
}

/// Both sides, the line between them and what the server's disk holds.
struct Pair<'a> {
    random: &'a mut Random,
    messages: Vec<Vec<u8>>,
    /// Messages that the client need not send again.
    answered: usize,
    /// Every message as it became durable.
    durable: Vec<Vec<u8>>,
    now: Duration,
}

impl<'a> Pair<'a> {
    fn new(run: u64, random: &'a mut Random) -> Self {
        let message = |nth: u64, random: &mut Random| {
            let length = match random.below(50) {
                0 => 65_000 + random.below(3000),
                _ => random.below(300),
            };
            let mut message = format!("{run} {nth} ").into_bytes();
            message.resize(message.len() + length as usize, b'\n');
            message
        };
        let messages = (0..1 + random.below(120))
            .map(|nth| message(nth, random))
            .collect();
        Self {
            random,
            messages,
            answered: 0,
            durable: Vec::new(),
            now: Duration::ZERO,
        }
    }

    /// Connects until all is answered; gives how many messages are stored more than once.
    fn run(mut self) -> usize {
        let mut connections = 0;
        while self.answered < self.messages.len() {
            self.connection();
            connections += 1;
            assert!(connections < 10_000, "no progress");
        }
        // Windows that come again stand behind what they repeat: take each message where it
        // comes first.
        let mut first = Vec::new();
        for message in &self.durable {
            if !first.contains(&message) {
                first.push(message);
            }
        }
        assert!(first.into_iter().eq(&self.messages));
        self.durable.len() - self.messages.len()
    }

    /// One connection, which breaks at some time.
    fn connection(&mut self) {
        let window = 1 + self.random.below(20) as usize;
        let (mut client, mut server) = (Client::new(self.now, window), Server::default());
        let (mut sent, mut received) = (self.answered, Vec::<Vec<u8>>::new());
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        let mut part = Vec::new();
        let mut lives = 1 + self.random.below(200);
        loop {
            self.now += Duration::from_millis(1);
            while sent < self.messages.len() && client.send(self.now, &self.messages[sent]) {
                sent += 1;
            }
            to_server.extend(client.transmit().unwrap_or_default());
            let bytes = self.take(&mut to_server);
            server.received(&bytes, &mut |message| match message {
                Received::Message(data) => received.push(data.to_vec()),
                Received::Part(data) => part.extend_from_slice(data),
                Received::PartsEnd => received.push(std::mem::take(&mut part)),
            });
            // The disk takes some of what waits.
            let synced = self.random.below(received.len() as u64 + 1) as usize;
            self.durable.extend(received.drain(..synced));
            server.durable(synced);
            to_client.extend(server.transmit().unwrap_or_default());
            let bytes = self.take(&mut to_client);
            client.received(&bytes);
            while let Some(action) = client.poll() {
                match action {
                    ClientAction::Answered(messages) => {
                        self.answered += messages;
                        assert!(self.answered <= self.durable.len());
                    }
                    ClientAction::Disconnect { why } => {
                        assert_eq!(why, "closed", "both sides keep to the protocol");
                        return;
                    }
                }
            }
            if self.answered == self.messages.len() {
                client.shut_down(self.now);
            }
            lives -= 1;
            if lives == 0 {
                return;
            }
        }
    }

    /// Some of what is under way arrives.
    fn take(&mut self, line: &mut Vec<u8>) -> Vec<u8> {
        let bytes = match self.random.below(3) {
            0 => self.random.below(line.len() as u64 + 1) as usize,
            _ => line.len(),
        };
        line.drain(..bytes).collect()
    }
}

#[test]
fn a_server_that_does_not_answer_is_left() {
    let mut client = Client::with_default_window(Duration::ZERO);
    let deadline = client.deadline().unwrap();
    client.timer(deadline - Duration::from_nanos(1));
    assert_eq!(client.poll(), None);
    client.timer(deadline);
    assert!(matches!(
        client.poll(),
        Some(ClientAction::Disconnect { .. })
    ));
    assert_eq!(client.deadline(), None);
}

#[test]
fn a_server_that_answers_what_it_was_not_sent_is_left() {
    for answer in [
        "3 rsp 6 200 OK\n",
        "2 rsp 3 500\n",
        "0 serverclose 0\n",
        "2 syslog 1 a\n",
    ] {
        let mut client = Client::with_default_window(Duration::ZERO);
        client.received(b"1 rsp 22 200 OK\ncommands=syslog\n");
        assert!(client.send(Duration::ZERO, b"a"));
        client.received(answer.as_bytes());
        let action = client.poll();
        assert!(
            matches!(action, Some(ClientAction::Disconnect { .. })),
            "{answer}: {action:?}"
        );
    }
}
