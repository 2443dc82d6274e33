//! The writer over a disk that fails.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use indelible_log::dir::{Fault, SimDir};
use indelible_log::log::{LOCAL_PEER, LocalStream};
use indelible_log::verify::{Verdict, VerifyOptions, verify_store};
use indelible_log::{Checkpoint, Kind, Log, Options, StreamId};
use indelible_testkit::wait_for;
use tokio::sync::watch;

use super::super::full::Disk;
use super::super::http::Metrics;
use super::super::keys::Keys;
use super::super::own_stream::OwnStream;
use super::super::peers::Peers;
use super::{Request, Wanted, Writer};

/// A running writer.
struct Running {
    requests: Sender<Request>,
    newest: watch::Receiver<Checkpoint>,
    thread: JoinHandle<Result<()>>,
    stream: LocalStream,
}

impl Running {
    fn start(disk: &SimDir, folder: &std::path::Path) -> Self {
        let (mut log, _) = Log::open(disk.dir(), &Options::new("log.example/writer")).unwrap();
        let own = OwnStream::open(&mut log).unwrap();
        let (requests, receiver) = channel();
        let (newest, seen) = watch::channel(log.checkpoint());
        let disk = Disk::new(folder, 0);
        let keys = Keys::new(log.verifier(), None).unwrap();
        let writer = Writer::new(
            log,
            own,
            receiver,
            newest,
            None,
            disk,
            Metrics::new(),
            keys,
            Peers::default(),
        );
        Self {
            requests,
            newest: seen,
            thread: std::thread::spawn(|| writer.run()),
            stream: LocalStream::new(StreamId([7; 16])),
        }
    }

    /// Hands over entries as a receiver does.
    fn store(&mut self, kinds: &[Kind]) {
        for kind in kinds {
            self.stream.push(*kind, 0, 1, b"{}");
        }
        let wanted = Wanted::Store {
            owner: Arc::from(LOCAL_PEER),
            batch: Box::new(self.stream.take().unwrap()),
            credit: None,
        };
        // A writer that has ended takes nothing.
        let _ = self.requests.send(Request::unanswered(wanted));
    }

    fn size(&self) -> u64 {
        self.newest.borrow().size
    }
}

#[test]
fn nothing_is_acknowledged_after_a_failed_sync() {
    let (disk, folder) = (SimDir::new(11), tempfile::tempdir().unwrap());
    let mut running = Running::start(&disk, folder.path());
    running.store(&[Kind::StreamOpened, Kind::Syslog]);
    // The collector's own opening is the first entry.
    wait_for(PATIENCE, "the first entries", || running.size() >= 3);
    let acknowledged = *running.newest.borrow();
    // A commit writes and syncs. The fault passes over anything else, so it is tried again.
    wait_for(PATIENCE, "the end of the writer", || {
        disk.set_fault(2, Fault::SyncFails);
        running.store(&[Kind::Syslog]);
        running.thread.is_finished()
    });
    let Running {
        requests,
        newest,
        thread,
        ..
    } = running;
    let ended = thread.join().unwrap().unwrap_err();
    assert!(
        format!("{ended:#}").contains("the disk failed"),
        "{ended:#}"
    );
    let last = *newest.borrow();
    assert!(
        requests
            .send(Request::unanswered(Wanted::Own(Vec::new())))
            .is_err()
    );
    // What the disk really holds is at least what was acknowledged.
    assert!(last.size >= acknowledged.size);
    disk.crash();
    let (log, _) = Log::open(disk.dir(), &Options::new("log.example/writer")).unwrap();
    assert!(log.checkpoint().size >= last.size);
    assert_eq!(log.root(last.size).unwrap(), last.root);
    drop(log);
    let report = verify_store(&disk.dir(), &VerifyOptions::default()).unwrap();
    assert_ne!(report.verdict(), Verdict::Broken, "{report:?}");
}

const PATIENCE: Duration = Duration::from_secs(20);
