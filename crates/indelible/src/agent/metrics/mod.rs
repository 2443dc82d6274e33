//! What the agent counts, for Prometheus: OpenMetrics on a loopback port or a socket in the file system.
//!
//! Everything is looked up when it is asked for: the streams on the disk, the newest head of capture
//! in them, and the counters of the outputs. A thread answers one request at a time.

mod figures;

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::layout::Layout;
use super::outputs::State;
use crate::config::MetricsAddress;
use figures::Figures;

/// A socket that was bound while this process still may.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Binds the address; a socket that an earlier run left is replaced.
    pub(crate) fn bind(address: &MetricsAddress) -> Result<Self> {
        let shown = || format!("cannot serve metrics at {address}");
        Ok(match address {
            MetricsAddress::Tcp(address) => {
                Self::Tcp(TcpListener::bind(address).with_context(shown)?)
            }
            MetricsAddress::Unix(path) => {
                let _ = std::fs::remove_file(path);
                Self::Unix(UnixListener::bind(path).with_context(shown)?)
            }
        })
    }

    /// Answers requests for as long as the process lives.
    pub(crate) fn serve(self, layout: &Layout, states: Vec<Arc<State>>) -> Result<()> {
        let figures = Figures::of(layout, states);
        std::thread::Builder::new()
            .name("metrics".into())
            .spawn(move || {
                loop {
                    if let Err(error) = self.answer(&figures) {
                        tracing::debug!("metrics: {error}");
                        std::thread::sleep(FAILURE_PAUSE);
                    }
                }
            })
            .context("cannot start the metrics")?;
        Ok(())
    }

    fn answer(&self, figures: &Figures) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => {
                let (mut stream, _) = listener.accept()?;
                stream.set_read_timeout(Some(REQUEST_MAX))?;
                stream.set_write_timeout(Some(REQUEST_MAX))?;
                talk(&mut stream, figures)
            }
            Self::Unix(listener) => {
                let (mut stream, _) = listener.accept()?;
                stream.set_read_timeout(Some(REQUEST_MAX))?;
                stream.set_write_timeout(Some(REQUEST_MAX))?;
                talk(&mut stream, figures)
            }
        }
    }
}

/// One request and its answer.
fn talk(stream: &mut (impl Read + Write), figures: &Figures) -> io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_BYTES_MAX {
        match stream.read(&mut buffer)? {
            0 => break,
            got => request.extend_from_slice(&buffer[..got]),
        }
    }
    let (status, body) = if request.starts_with(b"GET /metrics ") {
        ("200 OK", figures.text().map_err(io::Error::other)?)
    } else {
        ("404 Not Found", "metrics are at /metrics\n".to_owned())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// How long a request and its answer may take.
const REQUEST_MAX: Duration = Duration::from_secs(5);
/// Longest request that is read.
const REQUEST_BYTES_MAX: usize = 8 << 10;
/// Pause after a socket that gave nothing.
const FAILURE_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(folder.path());
        layout.create(None).unwrap();
        let state = Arc::new(State::default());
        let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let Listener::Tcp(socket) = &listener else {
            unreachable!()
        };
        let address = socket.local_addr().unwrap();
        listener.serve(&layout, vec![state]).unwrap();
        let ask = |path: &str| {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        let answer = ask("/metrics");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(
            answer.contains("\nindelible_output_lag_entries{output=\"\",required=\"no\"} 0\n"),
            "{answer}"
        );
        assert!(ask("/").starts_with("HTTP/1.1 404 "));
    }
}
