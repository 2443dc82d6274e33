//! The account: what a host's kernel emitted, what of it is here, and why the rest is not.
//!
//! Three things are kept apart: *congestion* (the socket was full and the kernel queued), *lost
//! records* (the kernel's counter, in records) and *missing events* (holes in the serials, in
//! events). All of it is computed from the entries, so that anybody can compute it again.

mod boot;
mod output;
mod serials;
mod stream;
mod text;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use indelible_log::{EntryRef, Kind, StreamId};
use serde::Serialize;

use crate::agent::layout::Layout;
use crate::agent::opened::Opened;
use crate::agent::outputs::native_position;
use crate::agent::read_receipt;
use crate::payload::{CheckpointSeen, StreamOpened};
use crate::walk;
use boot::{Boot, BootAccount};
use output::OutputAccount;
use stream::{Stream, StreamAccount};

/// The account of a spool or a store.
#[derive(Debug, Serialize)]
pub(crate) struct Account {
    /// `spool`, `store`, or `log` where it was read over the network.
    of: &'static str,
    /// One per host and boot.
    boots: Vec<BootAccount>,
    streams: Vec<StreamAccount>,
    /// Of a spool: where each output besides the collector stands.
    outputs: Vec<OutputAccount>,
    /// Of a spool: the newest receipt of a collector.
    receipt: Option<CheckpointSeen>,
    /// What somebody must look at.
    findings: Vec<AccountFinding>,
}

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AccountFinding {
    /// A stable word.
    pub(crate) kind: String,
    /// The host, where it is about one.
    pub(crate) host: Option<String>,
    pub(crate) boot_id: Option<String>,
    pub(crate) stream: Option<String>,
    /// For people.
    pub(crate) detail: String,
}

impl Account {
    /// The account of a host's spool, its writers running or not.
    pub(crate) fn of_spool(path: &Path) -> Result<Self> {
        let layout = Layout::at(path);
        let mut books = Books::default();
        // The files that hold a stream's opening may be released already; copies stay.
        for room in layout.rooms() {
            for id in Opened::list(&room).unwrap_or_default() {
                if let Ok(opened) = Opened::load(&room.opened(id)) {
                    books.streams.entry(id).or_default().open(opened.opening);
                }
            }
        }
        walk::spool(path, |entry| books.enter(entry))?;
        for (id, stream) in &mut books.streams {
            stream.released(native_position(&layout, *id));
        }
        let ends = books.ends();
        let mut account = books.close("spool");
        account.outputs = output::outputs(&layout, &ends);
        account.receipt = read_receipt(&layout);
        Ok(account)
    }

    /// The account of a collector's store.
    pub(crate) fn of_store(path: &Path) -> Result<Self> {
        let mut books = Books::default();
        books.carried(path)?;
        walk::store(path, |entry| books.enter(entry))?;
        Ok(books.close("store"))
    }

    /// Whether everything adds up.
    pub(crate) fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

/// The account while it is being taken.
#[derive(Debug, Default)]
pub(crate) struct Books {
    streams: BTreeMap<StreamId, Stream>,
    /// By machine id and boot id.
    boots: BTreeMap<(String, String), Boot>,
}

impl Books {
    /// Takes note of how the streams began that were opened in what a store removed.
    pub(crate) fn carried(&mut self, store: &Path) -> Result<()> {
        walk::carried(store, |entry| {
            if let Ok(opened) = serde_json::from_slice::<StreamOpened>(entry.payload()) {
                let stream = self.streams.entry(entry.header().stream).or_default();
                stream.open(opened);
            }
        })
    }

    /// Takes an entry into account; those of a stream come in order.
    pub(crate) fn enter(&mut self, entry: &EntryRef<'_>) {
        let header = entry.header();
        let stream = self.streams.entry(header.stream).or_default();
        if header.kind == Kind::StreamOpened
            && let Ok(opened) = serde_json::from_slice::<StreamOpened>(entry.payload())
        {
            stream.open(opened);
        }
        stream.enter(entry);
        let pulses = stream.is_of_capture();
        let Some((machine, boot, host)) = stream.boot() else {
            return;
        };
        let boot = self
            .boots
            .entry((machine.to_owned(), boot.to_owned()))
            .or_insert_with(|| Boot::new(host));
        boot.enter(entry, pulses);
    }

    /// One past the last entry of each stream.
    fn ends(&self) -> BTreeMap<StreamId, u64> {
        self.streams
            .iter()
            .map(|(id, stream)| (*id, stream.end()))
            .collect()
    }

    /// Adds up; `of` says what was read.
    pub(crate) fn close(self, of: &'static str) -> Account {
        let mut findings = Vec::new();
        let mut boots = Vec::new();
        for ((machine_id, boot_id), boot) in self.boots {
            boots.push(boot.close(machine_id, boot_id, &mut findings));
        }
        let mut streams = Vec::new();
        for (id, stream) in self.streams {
            streams.push(stream.close(id, &mut findings));
        }
        Account {
            of,
            boots,
            streams,
            outputs: Vec::new(),
            receipt: None,
            findings,
        }
    }
}
