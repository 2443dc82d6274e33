//! A host's spool: the files of its streams and the chain over their entries.

use std::sync::Arc;

use crate::dir::Dir;
use crate::entry::StreamId;
use crate::error::{Error, Result};
use crate::hash::Hash;

use super::account::{Account, Stream};
use super::inspect::Inspector;
use super::report::{Problem, ProblemKind, Report, TornTail};
use super::source::Source;
use super::wal::{Body, Form, Seal, read_frame, read_header, search_frames, take_entries};

/// Verifies all streams below a folder `streams`. In the report, entries are named by their
/// sequence numbers.
///
/// # Errors
/// Only what keeps the files from being read; what is broken is in the report.
pub fn verify_spool(streams: &Arc<dyn Dir>) -> Result<Report> {
    verify_spool_with(streams, None)
}

/// As [`verify_spool`], with something else that is held against the entries.
///
/// # Errors
/// As [`verify_spool`].
pub fn verify_spool_with(streams: &Arc<dyn Dir>, inspector: Option<&Inspector>) -> Result<Report> {
    let mut total = Report::default();
    for item in streams.list("").map_err(Error::io("list", "streams"))? {
        match item.name.parse::<StreamId>() {
            Ok(stream) if item.is_dir => {
                let report = verify_stream(&**streams, &item.name, stream, inspector)?;
                total.merge(report);
            }
            _ => total.unknown_files.push(item.name),
        }
    }
    Ok(total)
}

fn verify_stream(
    streams: &dyn Dir,
    folder: &str,
    stream: StreamId,
    inspector: Option<&Inspector>,
) -> Result<Report> {
    let mut report = Report::default();
    let mut firsts = Vec::new();
    for item in streams.list(folder).map_err(Error::io("list", folder))? {
        let first = item
            .name
            .strip_suffix(".wal")
            .and_then(|digits| digits.parse::<u64>().ok());
        match first.filter(|first| format!("{first:020}.wal") == item.name) {
            Some(first) => firsts.push(first),
            None if item.name.ends_with(crate::dir::TEMPORARY) => {}
            None => report.unknown_files.push(format!("{folder}/{}", item.name)),
        }
    }
    // Each file is an account of its own; the chain goes on from one to the next.
    let mut before: Option<(u64, Option<Hash>)> = None;
    for (at, first) in firsts.iter().enumerate() {
        let path = format!("{folder}/{first:020}.wal");
        if let Some((next, _)) = before.filter(|(next, _)| next != first) {
            let detail = format!(
                "entries {next} to {} are missing before it",
                first.saturating_sub(1)
            );
            report.problem(Problem::new(ProblemKind::FileMissing, &path, 0, detail));
            before = None;
        }
        let newest = at + 1 == firsts.len();
        let file = SpoolFile {
            source: Source::open(streams, &path)?,
            stream,
            first: *first,
            newest,
            inspector: inspector.cloned(),
        };
        before = Some(file.verify(before.and_then(|(_, head)| head), &mut report)?);
    }
    Ok(report)
}

struct SpoolFile {
    source: Source,
    stream: StreamId,
    first: u64,
    newest: bool,
    inspector: Option<Inspector>,
}

impl SpoolFile {
    /// Answers the sequence number and the chain head after the file, where it is known.
    fn verify(&self, head: Option<Hash>, report: &mut Report) -> Result<(u64, Option<Hash>)> {
        let mut account = Account::of_spool(self.first, self.inspector.clone());
        let path = &self.source.path;
        let mut at = 0;
        match read_header(&self.source)? {
            Some(header) if header.first == self.first => {
                at = header.len;
                self.begin(&mut account, header.body, head);
            }
            _ => account.problem(
                ProblemKind::FileHeader,
                path,
                0,
                "the header is not as it was written",
            ),
        }
        if at > 0 {
            self.frames(&mut account, at)?;
        }
        let next = account.size();
        let head = account
            .streams
            .get(&self.stream)
            .and_then(|stream| stream.head);
        report.entries += account.readable() - self.first;
        report.merge(account.report);
        Ok((next, head))
    }

    fn begin(&self, account: &mut Account, body: Body, before: Option<Hash>) {
        let path = &self.source.path;
        match body {
            Body::Spool { stream, head } if stream == self.stream => {
                if before.is_some_and(|before| before != head)
                    || self.first == 0 && head != Hash::ZERO
                {
                    let detail = "the chain head does not continue the file before";
                    account.problem(ProblemKind::Chain, path, 40, detail);
                }
                let state = Stream {
                    next: self.first,
                    head: Some(head),
                    peer: None,
                };
                account.streams.insert(stream, state);
            }
            _ => account.problem(
                ProblemKind::FileHeader,
                path,
                24,
                "it is a file of another stream",
            ),
        }
    }

    fn frames(&self, account: &mut Account, mut at: u64) -> Result<()> {
        let source = &self.source;
        let form = Form::Spool(self.stream);
        while at < source.len {
            let size = account.size();
            let frame = read_frame(source, form, at)?.filter(|frame| frame.first == size);
            let payload = match &frame {
                Some(frame) => frame.payload(source)?,
                None => None,
            };
            let (frame, payload) = match (frame, payload) {
                (Some(frame), Some((payload, true))) => (frame, payload),
                (frame, payload) => {
                    if self.newest && self.is_tail(size, at)? {
                        let len_bytes = source.len - at;
                        let file = source.path.clone();
                        account.report.torn_tail = Some(TornTail {
                            file,
                            offset: at,
                            len_bytes,
                        });
                        return Ok(());
                    }
                    match (frame, payload) {
                        (Some(frame), Some((payload, _))) => (frame, payload),
                        _ => {
                            let detail = "no frame stands where one must, or it is cut short";
                            account.problem(ProblemKind::Frame, &source.path, at, detail);
                            match self.next_frame(account, at + 1)? {
                                Some(next) => at = next,
                                None => return Ok(()),
                            }
                            continue;
                        }
                    }
                }
            };
            take_entries(account, source, frame.payload_at, &payload, frame.end());
            self.compare_head(account, &frame.seal, frame.at);
            at = frame.next_at();
        }
        Ok(())
    }

    /// Holds the chain to the head in a frame's seal; takes it where the chain is unknown.
    fn compare_head(&self, account: &mut Account, seal: &Seal, at: u64) {
        let Seal::Spool { head: sealed, .. } = seal else {
            return;
        };
        let Some(stream) = account.streams.get_mut(&self.stream) else {
            return;
        };
        let differs = stream.head.is_some_and(|head| head != *sealed);
        stream.head = Some(*sealed);
        if differs {
            let detail = "the chain head after this frame is not that of its entries";
            account.problem(ProblemKind::Chain, &self.source.path, at, detail);
        }
    }

    /// Whether no later frame says that what is broken at an offset was synced.
    fn is_tail(&self, size: u64, at: u64) -> Result<bool> {
        let mut tail = true;
        search_frames(&self.source, Form::Spool(self.stream), at + 1, |frame| {
            tail &= !matches!(frame.seal, Seal::Spool { synced, .. } if synced > size);
            !tail
        })?;
        Ok(tail)
    }

    fn next_frame(&self, account: &mut Account, from: u64) -> Result<Option<u64>> {
        let size = account.size();
        let mut next = None;
        search_frames(&self.source, Form::Spool(self.stream), from, |frame| {
            if frame.first > size {
                next = Some((frame.first, frame.at));
            }
            next.is_some()
        })?;
        Ok(next.map(|(first, at)| {
            account.skip_to(first);
            at
        }))
    }
}
