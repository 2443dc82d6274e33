//! A link that can be slow and can be cut: TCP through a thread each way.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

/// A link to one address.
pub(super) struct Proxy {
    pub(super) address: String,
    state: Arc<State>,
}

struct State {
    to: String,
    /// Half of a round trip.
    delay: Duration,
    is_cut: AtomicBool,
    is_over: AtomicBool,
    /// Both ends of every connection, to break them.
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A link to `to` whose round trip takes so long.
    pub(super) fn start(to: &str, round_trip: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let state = Arc::new(State {
            to: to.to_owned(),
            delay: round_trip / 2,
            is_cut: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let accepting = state.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if accepting.is_over.load(Ordering::Acquire) {
                    return;
                }
                // A cut link answers nobody.
                if !accepting.is_cut.load(Ordering::Acquire) {
                    let _ = carry(&accepting, socket);
                }
            }
        });
        Ok(Self { address, state })
    }

    /// Breaks every connection and lets none through until it is mended.
    pub(super) fn cut(&self) {
        self.state.is_cut.store(true, Ordering::Release);
        for socket in self.open().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn mend(&self) {
        self.state.is_cut.store(false, Ordering::Release);
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.state
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Release);
        self.cut();
        let _ = TcpStream::connect(&self.address);
    }
}

fn carry(state: &State, near: TcpStream) -> Result<()> {
    let far = TcpStream::connect(&state.to)?;
    for socket in [&near, &far] {
        socket.set_nodelay(true)?;
        let mut open = state.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.push(socket.try_clone()?);
    }
    pipe(near.try_clone()?, far.try_clone()?, state.delay);
    pipe(far, near, state.delay);
    Ok(())
}

/// Bytes that wait for their time; `None` is the end.
type Queue = Arc<(Mutex<VecDeque<(Instant, Option<Vec<u8>>)>>, Condvar)>;

/// Carries bytes one way; each waits for the delay, none waits for the one before.
fn pipe(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let queue: Queue = Arc::default();
    let reading = queue.clone();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let got = from.read(&mut buffer).unwrap_or(0);
            let bytes = (got > 0).then(|| buffer[..got].to_vec());
            let (items, changed) = &*reading;
            let mut items = items.lock().unwrap_or_else(PoisonError::into_inner);
            // As a link with so much in flight.
            while items.len() >= READS_IN_FLIGHT_MAX {
                items = changed.wait(items).unwrap_or_else(PoisonError::into_inner);
            }
            items.push_back((Instant::now() + delay, bytes));
            changed.notify_all();
            if got == 0 {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        loop {
            let (items, changed) = &*queue;
            let mut waiting = items.lock().unwrap_or_else(PoisonError::into_inner);
            while waiting.is_empty() {
                waiting = changed
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            let item = waiting.pop_front();
            changed.notify_all();
            drop(waiting);
            let Some((at, Some(bytes))) = item else {
                let _ = to.shutdown(Shutdown::Write);
                return;
            };
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                let _ = to.shutdown(Shutdown::Both);
            }
        }
    });
}

const READS_IN_FLIGHT_MAX: usize = 256;
