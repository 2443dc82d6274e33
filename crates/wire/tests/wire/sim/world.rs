//! Hosts, a collector, the links between them and the clock.

use std::collections::BTreeMap;
use std::time::Duration;

use indelible_wire::native::{ALPN, Finding};

use super::collector::Collector;
use super::host::Host;
use super::link::{Chunk, Pipe};
use crate::model::random::Random;

pub(super) struct World {
    pub(super) random: Random,
    pub(super) now: Duration,
    pub(super) hosts: Vec<Host>,
    pub(super) collector: Collector,
    links: BTreeMap<u32, Link>,
    last_connection: u32,
}

struct Link {
    host: usize,
    up: Pipe,
    down: Pipe,
}

impl World {
    pub(super) fn new(seed: u64, hosts: usize) -> Self {
        assert_eq!(ALPN, b"indelible/1");
        let mut random = Random(seed);
        Self {
            hosts: (0..hosts)
                .map(|host| Host::new(format!("host-{host}"), &mut random))
                .collect(),
            collector: Collector::new(),
            links: BTreeMap::new(),
            now: Duration::ZERO,
            last_connection: 0,
            random,
        }
    }

    /// Something happens that happens in ordinary life.
    pub(super) fn live(&mut self) {
        let host = self.random.below(self.hosts.len() as u64) as usize;
        match self.random.below(10) {
            0 | 1 => self.hosts[host].write_entries(self.now, &mut self.random),
            2 => self.hosts[host].spool.sync(),
            3 => self.hosts[host].retain(self.now, &mut self.random),
            4 => self.collector.commit(self.now),
            5 => self.collector.append_some(self.now, &mut self.random),
            _ => {}
        }
        let pause = Duration::from_millis(self.random.below(40));
        self.now += pause;
        self.turn();
    }

    /// Something breaks.
    pub(super) fn break_something(&mut self) {
        let host = self.random.below(self.hosts.len() as u64) as usize;
        match self.random.below(6) {
            0 => self.cut(host),
            1 => self.abandon(host),
            2 => {
                self.sever(host);
                self.hosts[host].start_process(self.now, &mut self.random);
            }
            3 => {
                self.sever(host);
                self.hosts[host].crash_host(self.now, &mut self.random);
            }
            4 => self.crash_collector(),
            // Both sides hang for a while.
            _ => self.now += Duration::from_secs(self.random.below(90)),
        }
    }

    /// Lets everything come to rest without faults.
    pub(super) fn settle(&mut self) {
        for _ in 0..4_000 {
            self.calm();
            if self.is_delivered() {
                return;
            }
        }
    }

    /// One step of life in which nothing is written and nothing breaks.
    pub(super) fn calm(&mut self) {
        self.collector.append_some(self.now, &mut self.random);
        if self.random.one_in(3) {
            self.collector.commit(self.now);
        }
        self.turn();
        let next = self.next_event().map_or(self.now, |at| at.max(self.now));
        self.now = next + Duration::from_millis(1);
    }

    /// Everything in every spool is released.
    pub(super) fn is_delivered(&self) -> bool {
        self.hosts
            .iter()
            .flat_map(|host| host.spool.streams.values())
            .all(|spooled| spooled.released >= spooled.entries.len() as u64)
    }

    pub(super) fn findings(&self) -> Vec<&Finding> {
        self.hosts.iter().flat_map(|host| &host.findings).collect()
    }

    pub(super) fn crash_collector(&mut self) {
        self.collector.crash();
        for link in self.links.values_mut() {
            link.up = Pipe::default();
            link.down.cut(self.now, &mut self.random);
        }
    }

    /// The line of a host is cut; both sides notice.
    pub(super) fn cut(&mut self, host: usize) {
        if let Some(connection) = self.hosts[host].connection {
            let link = self.links.get_mut(&connection).expect("link of connection");
            link.up.cut(self.now, &mut self.random);
            link.down.cut(self.now, &mut self.random);
        }
    }

    /// The host gives its connection up, and the collector reads what is under way long after:
    /// the next connection races it.
    fn abandon(&mut self, host: usize) {
        if let Some(connection) = self.hosts[host].connection.take() {
            let late = self.now + Duration::from_millis(self.random.below(20_000));
            let link = self.links.get_mut(&connection).expect("link of connection");
            link.up.end(late);
            self.hosts[host].sender.disconnected(self.now);
        }
    }

    /// The process of the host is gone; what it had written may still arrive.
    pub(super) fn sever(&mut self, host: usize) {
        if let Some(connection) = self.hosts[host].connection.take() {
            let link = self.links.get_mut(&connection).expect("link of connection");
            match self.random.one_in(2) {
                true => link.up.cut(self.now, &mut self.random),
                false => link.up.end(self.now),
            }
        }
    }

    /// Moves bytes, timers and actions once.
    pub(super) fn turn(&mut self) {
        for host in 0..self.hosts.len() {
            self.connect(host);
            self.turn_host(host);
        }
        for connection in self.links.keys().copied().collect::<Vec<_>>() {
            self.turn_connection(connection);
        }
    }

    fn connect(&mut self, host: usize) {
        let due = self.hosts[host]
            .reconnect_at
            .is_some_and(|at| at <= self.now);
        if !due || self.hosts[host].connection.is_some() {
            return;
        }
        self.hosts[host].reconnect_at = None;
        if self.random.one_in(10) {
            return self.hosts[host].sender.disconnected(self.now);
        }
        self.last_connection += 1;
        let connection = self.last_connection;
        self.collector
            .accept(self.now, connection, &self.hosts[host].peer);
        self.links.insert(
            connection,
            Link {
                host,
                up: Pipe::default(),
                down: Pipe::default(),
            },
        );
        self.hosts[host].connection = Some(connection);
        self.hosts[host].sender.connected(self.now);
    }

    fn turn_host(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        host.act(self.now, &self.collector.log, &mut self.random);
        let Some(connection) = host.connection else {
            return;
        };
        let link = self.links.get_mut(&connection).expect("link of connection");
        if host.sender.deadline().is_some_and(|at| at <= self.now) {
            host.sender.timer(self.now);
        }
        while host.sender.wants_bytes()
            && let Some(chunk) = link.down.read(self.now)
        {
            match chunk {
                Chunk::Bytes(bytes) => host.sender.received(self.now, &bytes),
                Chunk::End => {
                    host.hangs_up = true;
                    break;
                }
            }
        }
        host.act(self.now, &self.collector.log, &mut self.random);
        while (link.up.has_room() || host.hangs_up)
            && let Some(frame) = host.sender.transmit(self.now)
        {
            link.up.write(self.now, &frame, &mut self.random);
        }
        if std::mem::take(&mut host.hangs_up) {
            link.up.end(self.now);
            host.connection = None;
            host.sender.disconnected(self.now);
            host.act(self.now, &self.collector.log, &mut self.random);
        }
    }

    fn turn_connection(&mut self, connection: u32) {
        let link = self.links.get_mut(&connection).expect("key of the map");
        let abandoned = self.hosts[link.host].connection != Some(connection);
        if abandoned {
            link.down = Pipe::default();
        }
        let mut ended = false;
        if let Some(at) = self.collector.connections.get_mut(&connection) {
            if at.receiver.deadline().is_some_and(|at| at <= self.now) {
                at.receiver.timer(self.now);
            }
            while at.receiver.wants_bytes()
                && let Some(chunk) = link.up.read(self.now)
            {
                match chunk {
                    Chunk::Bytes(bytes) => at.receiver.received(self.now, &bytes),
                    Chunk::End => {
                        ended = true;
                        break;
                    }
                }
            }
        }
        ended |= self.collector.act(self.now, connection);
        if let Some(at) = self.collector.connections.get_mut(&connection) {
            while (link.down.has_room() || ended)
                && let Some(frame) = at.receiver.transmit(self.now)
            {
                link.down.write(self.now, &frame, &mut self.random);
            }
            ended |= self.collector.act(self.now, connection);
        }
        if ended {
            link.down.end(self.now);
            self.collector.connections.remove(&connection);
        }
        if abandoned && !self.collector.connections.contains_key(&connection) {
            self.links.remove(&connection);
        }
    }

    fn next_event(&self) -> Option<Duration> {
        let arrivals = self
            .links
            .values()
            .flat_map(|link| [link.up.next_arrival(), link.down.next_arrival()]);
        let hosts = self
            .hosts
            .iter()
            .flat_map(|host| [host.reconnect_at, host.sender.deadline()]);
        let connections = self.collector.connections.values();
        let connections = connections.map(|at| at.receiver.deadline());
        arrivals.chain(hosts).chain(connections).flatten().min()
    }
}
