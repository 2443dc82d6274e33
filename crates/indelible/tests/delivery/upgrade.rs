//! Capture is replaced, and killed: what its socket holds is not lost.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use indelible_log::Kind;
use indelible_sys::audit::{Control, RECEIVE_BATCH_MAX};
use indelible_testkit::Kernel;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::host::Host;
use super::stored::Stored;
use super::{burst, watch};

/// The test is the service manager: it keeps the socket that capture gives it, and hands it to the
/// capture that it starts after a kill.
#[test]
fn a_killed_capture_loses_one_batch_at_most() {
    let Some(mut kernel) = Kernel::claim("a_killed_capture_loses_one_batch_at_most") else {
        return;
    };
    let host = Host::new(kernel.folder());
    let manager = Manager::new(kernel.folder());
    let mut first = manager.start(&host.capture_words(), None);
    let kept = manager.wait_for_kept();
    wait_until_registered(first.id());
    let watched = watch(&mut kernel);
    let lost_before = kernel.status().lost;

    let running = burst::start(&watched, EVENTS);
    host.wait_until_spooled(EVENTS / 10);
    first.kill().unwrap();
    first.wait().unwrap();
    // The kernel goes on sending to the socket.
    std::thread::sleep(Duration::from_millis(100));
    let mut second = manager.start(&host.capture_words(), Some(kept));
    wait_until_registered(second.id());
    burst::wait(running);
    kernel.unload();
    host.wait_for_entry(Kind::Gap, "capture-killed");
    // A head that comes after everything else.
    std::thread::sleep(Duration::from_millis(1_500));
    stop(&mut second);

    let lost = kernel.status().lost.wrapping_sub(lost_before);
    let spooled = Stored::read_spool(&host.spool());
    let missing = EVENTS * RECORDS_PER_EVENT - spooled.watched_records;
    println!(
        "{EVENTS} events, capture killed: {missing} records missing, {} duplicates, lost delta {lost}",
        spooled.duplicates
    );
    assert!(missing <= RECEIVE_BATCH_MAX as u64, "{spooled:?}");
    assert_eq!((spooled.duplicates, lost), (0, 0));
    // Intact, with the gap that says so.
    assert_eq!(host.verify_spool(), 1);
}

/// A worker that dies is back within 100 ms.
#[test]
fn a_dead_worker_is_back_at_once() {
    let Some(kernel) = Kernel::claim("a_dead_worker_is_back_at_once") else {
        return;
    };
    let mut host = Host::new(kernel.folder());
    host.start_collector();
    host.start_supervisor();
    let worker = host.worker_of_supervisor();
    // It has worked for a while.
    std::thread::sleep(Duration::from_millis(600));
    let pid = rustix::process::Pid::from_raw(i32::try_from(worker).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let killed = Instant::now();
    let next = loop {
        let next = host.worker_of_supervisor();
        if next != worker {
            break next;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let back = killed.elapsed();
    println!("worker {worker} was killed; {next} came after {back:?}");
    assert!(back < Duration::from_millis(100), "{back:?}");
    // It does its work: the supervisor has no privileges to lend any more.
    let before = Stored::read(&host.store()).entries;
    let began = Instant::now();
    while Stored::read(&host.store()).entries < before + 3 {
        assert!(began.elapsed() < Duration::from_secs(20), "nothing is sent");
        std::thread::sleep(Duration::from_millis(50));
    }
    host.stop();
}

fn wait_until_registered(pid: u32) {
    let began = Instant::now();
    let mut control = Control::open().unwrap();
    while control.status().unwrap().pid != pid {
        assert!(began.elapsed() < Duration::from_secs(20), "not registered");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn stop(child: &mut Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}

/// What systemd does with `FDSTORE=1`.
struct Manager {
    path: PathBuf,
    socket: UnixDatagram,
}

impl Manager {
    fn new(folder: &Path) -> Self {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self { path, socket }
    }

    fn start(&self, words: &[String], kept: Option<OwnedFd>) -> Child {
        let program = env!("CARGO_BIN_EXE_indelible");
        let mut command = Command::new("/bin/sh");
        match kept {
            // The shell becomes the program, so that the pid in LISTEN_PID is right.
            Some(kept) => command
                .arg("-c")
                .arg("export LISTEN_PID=$$; exec 3<&0 </dev/null; exec \"$0\" \"$@\"")
                .env("LISTEN_FDS", "1")
                .env("LISTEN_FDNAMES", "audit")
                .stdin(Stdio::from(kept)),
            None => command
                .arg("-c")
                .arg("exec \"$0\" \"$@\"")
                .stdin(Stdio::null()),
        };
        command
            .arg(program)
            .args(words)
            .env("NOTIFY_SOCKET", &self.path)
            .env("INDELIBLE_LOG", "error")
            .spawn()
            .unwrap()
    }

    /// The descriptor that comes with the first `FDSTORE=1`.
    fn wait_for_kept(&self) -> OwnedFd {
        loop {
            let mut bytes = [0; 4096];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let received = recvmsg(
                &self.socket,
                &mut [IoSliceMut::new(&mut bytes)],
                &mut control,
                RecvFlags::CMSG_CLOEXEC,
            )
            .unwrap();
            let text = String::from_utf8_lossy(&bytes[..received.bytes]).into_owned();
            if !text.contains("FDSTORE=1\n") {
                continue;
            }
            assert!(
                text.contains("FDNAME=audit") && text.contains("FDPOLL=0"),
                "{text}"
            );
            let mut descriptors = control.drain().filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(rights) => Some(rights),
                _ => None,
            });
            return descriptors.next().unwrap().next().unwrap();
        }
    }
}

const EVENTS: u64 = 5_000;
/// SYSCALL, CWD, PATH, PROCTITLE, EOE.
const RECORDS_PER_EVENT: u64 = 5;
