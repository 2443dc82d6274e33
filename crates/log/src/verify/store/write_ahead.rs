//! Write-ahead files of a log: frames, the names of streams, and where a torn tail may be.

use std::collections::BTreeSet;

use crate::codec::Cursor;
use crate::entry::StreamId;
use crate::error::Result;
use crate::limits::SEGMENT_ENTRIES;

use super::super::account::Stream;
use super::super::report::{ProblemKind, TornTail};
use super::super::source::Source;
use super::super::wal::{
    Body, Form, Frame, Header, Row, peer_name, read_frame, read_header, search_frames, take_entries,
};
use super::StoreVerifier;
use super::files::wal_path;

impl StoreVerifier<'_> {
    /// A write-ahead file. The newest one may end in a torn tail.
    pub(super) fn wal(&mut self, number: u64, newest: bool) -> Result<()> {
        let (first, end) = (number * SEGMENT_ENTRIES, (number + 1) * SEGMENT_ENTRIES);
        let source = Source::open(self.dir, &wal_path(number))?;
        let mut at = match read_header(&source)? {
            Some(Header {
                first: found,
                body: Body::Log(rows),
                len,
            }) if found == first => {
                self.compare_streams(&source.path, rows);
                len
            }
            _ => {
                self.problem(
                    ProblemKind::FileHeader,
                    &source.path,
                    0,
                    "the header is not as it was written",
                );
                match self.next_frame(&source, 0)? {
                    Some(at) => at,
                    None => source.len,
                }
            }
        };
        while at < source.len {
            let size = self.account.size();
            let frame = read_frame(&source, Form::Log, at)?
                .filter(|frame| frame.first == size && frame.end() <= end);
            let payload = match &frame {
                Some(frame) => frame.payload(&source)?,
                None => None,
            };
            match (frame, payload) {
                (Some(frame), Some((payload, true))) => {
                    self.frame(&source, &frame, &payload, true);
                    at = frame.next_at();
                }
                _ if newest && self.is_tail(&source, at)? => {
                    let len_bytes = source.len - at;
                    self.account.report.torn_tail = Some(TornTail {
                        file: source.path.clone(),
                        offset: at,
                        len_bytes,
                    });
                    break;
                }
                (Some(frame), Some((payload, false))) => {
                    self.frame(&source, &frame, &payload, false);
                    at = frame.next_at();
                }
                (frame, _) => {
                    let what = match frame {
                        Some(_) => "a frame is cut short",
                        None => "no frame stands where one must",
                    };
                    self.problem(ProblemKind::Frame, &source.path, at, what);
                    match self.next_frame(&source, at + 1)? {
                        Some(next) => at = next,
                        None => break,
                    }
                }
            }
        }
        self.finish_wal(&source, newest, end);
        Ok(())
    }

    /// Finds the next frame that can follow, and enters what is between as unknown.
    fn next_frame(&mut self, source: &Source, from: u64) -> Result<Option<u64>> {
        let size = self.account.size();
        let end = (size / SEGMENT_ENTRIES + 1) * SEGMENT_ENTRIES;
        let mut next: Option<Frame> = None;
        search_frames(source, Form::Log, from, |frame| {
            // Text in a record may look like a frame: only a whole one that fits counts.
            let fits = frame.first >= size && frame.end() <= end;
            let whole = fits && matches!(frame.payload(source), Ok(Some((_, true))));
            if whole {
                next = Some(frame);
            }
            whole
        })?;
        Ok(next.map(|frame| {
            self.account.skip_to(frame.first);
            frame.at
        }))
    }

    fn finish_wal(&mut self, source: &Source, newest: bool, end: u64) {
        if newest {
            return;
        }
        if self.account.size() < end && self.account.report.problems.is_empty() {
            let detail = format!("it ends before entry {}", end - 1);
            self.problem(ProblemKind::Truncated, &source.path, source.len, detail);
        }
        self.account.skip_to(end);
    }

    /// Whether what is broken at an offset of the newest file stands above all that is known to
    /// have been durable: by the published checkpoint, or by one in a later frame's seal.
    fn is_tail(&mut self, source: &Source, at: u64) -> Result<bool> {
        let size = self.account.size();
        let mut durable = self.durable;
        let key = self.key.as_ref();
        search_frames(source, Form::Log, at + 1, |frame| {
            if let (Some(checkpoint), Some(key)) = (frame.checkpoint(), key)
                && checkpoint.size > durable.max(size)
                && key.verify(checkpoint)
            {
                durable = checkpoint.size;
            }
            false
        })?;
        Ok(durable <= size)
    }

    fn frame(&mut self, source: &Source, frame: &Frame, payload: &[u8], whole: bool) {
        if let (Some(checkpoint), Some(key)) = (frame.checkpoint(), &self.key) {
            self.account
                .hold_to(key, checkpoint, &source.path, frame.at);
        }
        let (openings, entries) = payload.split_at(frame.openings_len());
        let base = frame.payload_at + openings.len() as u64;
        let damaged = take_entries(&mut self.account, source, base, entries, frame.end());
        let begun = std::mem::take(&mut self.account.begun);
        if damaged {
            return;
        }
        let opened = parse_openings(openings).filter(|_| whole);
        let peers = opened.unwrap_or_default();
        if !whole || peers.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>() != begun {
            let detail = "the names of the streams that begin here are not as they were written";
            self.problem(ProblemKind::Frame, &source.path, frame.payload_at, detail);
        }
        for (id, peer) in peers {
            self.account
                .streams
                .entry(id)
                .and_modify(|stream| stream.peer = Some(peer));
        }
    }

    /// Compares a file's stream table with the account; takes from it what is unknown.
    fn compare_streams(&mut self, path: &str, rows: Vec<Row>) {
        self.account.begun.clear();
        let complete = rows.len() == self.account.streams.len();
        let mut differing = (!complete && self.account.known(0..self.account.size()))
            .then(|| "it does not have all streams, or too many".to_owned());
        for Row {
            id,
            next,
            head,
            peer,
        } in rows
        {
            let row = Stream {
                next,
                head: Some(head),
                peer: Some(peer),
            };
            match self.account.streams.get_mut(&id) {
                Some(stream) => {
                    let agrees =
                        stream.head.is_none() || (stream.next, stream.head) == (next, row.head);
                    let same_peer = stream.peer.is_none() || stream.peer == row.peer;
                    if !agrees || !same_peer {
                        differing = Some(format!("stream {id} does not stand as the table says"));
                    }
                    *stream = row;
                }
                None => {
                    self.account.streams.insert(id, row);
                }
            }
        }
        if let Some(detail) = differing {
            self.problem(ProblemKind::Streams, path, TABLE_OFFSET, detail);
        }
    }
}

fn parse_openings(bytes: &[u8]) -> Option<Vec<(StreamId, String)>> {
    let mut cursor = Cursor(bytes);
    let mut openings = Vec::new();
    while !cursor.is_empty() {
        openings.push((StreamId(cursor.array()?), peer_name(&mut cursor)?));
    }
    Some(openings)
}

/// Where the stream table begins in a write-ahead header.
const TABLE_OFFSET: u64 = 24;
