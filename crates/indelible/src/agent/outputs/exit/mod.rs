//! The ways out: one file per kind, each behind [`Exit`].
//!
//! | kind | a message counts as taken when |
//! |---|---|
//! | udp | it was sent |
//! | tcp, tls | it is in the kernel's buffer of a connection that stands |
//! | relp | the server answered it |
//! | file | it was synced |
//! | standard output | it was written |

mod file;
mod relp;
mod stream;
mod udp;

use std::os::fd::BorrowedFd;
use std::time::Duration;

use anyhow::Result;
use indelible_wire::syslog::Framing;

use super::batch::Batch;
use super::connection::{Connection, Secured};
use crate::config::outputs::{Destination, OutputFraming};

/// Where messages go. An error means that the way is broken: what was not taken is sent again over
/// the next one.
pub(super) trait Exit: Send {
    /// Hands over messages; returns when all of them went out.
    fn send(&mut self, batch: &Batch) -> Result<()>;

    /// Waits so long for the peer, and does what is due.
    fn settle(&mut self, wait: Duration) -> Result<()>;

    /// How many of the messages that were handed over are taken for good, in their order.
    fn taken(&self) -> u64;

    /// What shows that the peer says something.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Opens the way to a destination.
pub(super) fn open(
    to: &Destination,
    framing: OutputFraming,
    secured: Option<&Secured>,
) -> Result<Box<dyn Exit>> {
    let framing = match framing {
        OutputFraming::Octets => Framing::Octets,
        OutputFraming::Lines => Framing::Lines,
    };
    Ok(match to {
        Destination::Udp(address) => Box::new(udp::Datagrams::open(address)?),
        Destination::Tcp(address) => Box::new(stream::Messages::over(
            Connection::open(address, None)?,
            framing,
        )),
        Destination::Tls(address) => Box::new(stream::Messages::over(
            Connection::open(address, secured)?,
            framing,
        )),
        Destination::Relp(address) => {
            Box::new(relp::Session::over(Connection::open(address, None)?)?)
        }
        Destination::RelpTls(address) => {
            Box::new(relp::Session::over(Connection::open(address, secured)?)?)
        }
        Destination::File(path) => Box::new(file::AppendedFile::open(path)?),
        Destination::Stdout => Box::new(file::StandardOutput::default()),
    })
}
