//! The agent's side: its disk, its certificate, its collector.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::{Checked, Outcome};
use crate::config::{AgentConfig, CollectorAddress};
use crate::net::certificate::Certificate;
use crate::net::pki::now_s;
use crate::net::tls::Identity;

/// Room for the spool.
pub(super) fn disk(config: &AgentConfig) -> Checked {
    let check = "disk";
    let shown = config.spool.display();
    let disk = match rustix::fs::statvfs(&config.spool) {
        Ok(disk) => disk,
        Err(errno) => {
            let detail = format!("the spool {shown} cannot be looked at: {errno}");
            return Checked::new(check, Outcome::Unknown, detail);
        }
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let all = disk.f_blocks.saturating_mul(disk.f_frsize);
    if disk.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) {
        return Checked::new(
            check,
            Outcome::Problem,
            format!("{shown} is on a read-only file system"),
        )
        .mend(format!(
            "mount -o remount,rw $(findmnt -n -o TARGET -T {shown})"
        ));
    }
    let detail = format!("{} of {} are free at {shown}", size(free), size(all));
    if free < config.limits.min_free {
        return Checked::new(
            check,
            Outcome::Problem,
            format!("{detail}, less than min-free"),
        )
        .mend("make room, or set max-bytes and min-free in the agent's [limits]");
    }
    if free < all / 20 {
        return Checked::new(check, Outcome::Warning, detail)
            .mend("make room, or set max-bytes in the agent's [limits]");
    }
    Checked::new(check, Outcome::Fine, detail)
}

/// Dates of the certificates.
pub(super) fn certificates(config: &AgentConfig) -> Vec<Checked> {
    let Some(collector) = &config.collector else {
        return vec![
            Checked::new(
                "certificate",
                Outcome::Warning,
                "no collector is configured: what is captured stays on this host",
            )
            .mend(
                "indelible enroll --token - --spool DIR, with a token of `indelible token create`",
            ),
        ];
    };
    let mut found = vec![certificate("certificate", &collector.tls.certificate)];
    found.push(certificate("authority", &collector.tls.ca));
    found
}

fn certificate(check: &'static str, path: &Path) -> Checked {
    let dates = match Certificate::read(path) {
        Ok(dates) => dates,
        Err(error) => return Checked::new(check, Outcome::Problem, format!("{error:#}")),
    };
    judge(check, dates, now_s(), &path.display().to_string())
}

/// `900 MiB`, `32 GiB`: powers of two, as file systems are measured.
fn size(bytes: u64) -> String {
    if bytes < 10 << 30 {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{} GiB", bytes >> 30)
    }
}

/// Ten years: what ends later is not worth counting.
const MANY_DAYS: u64 = 3_653;

fn judge(check: &'static str, dates: Certificate, now_s: u64, shown: &str) -> Checked {
    let mend = "indelible enroll --renew --spool DIR; once it has ended: indelible token create --host NAME, and indelible enroll";
    if now_s < dates.begins_s {
        let detail = format!(
            "{shown} is not valid yet: the clock of this host or of the collector is wrong"
        );
        return Checked::new(check, Outcome::Problem, detail).mend("timedatectl set-ntp true");
    }
    if now_s >= dates.ends_s {
        return Checked::new(check, Outcome::Problem, format!("{shown} has ended")).mend(mend);
    }
    let days = (dates.ends_s - now_s) / 86_400;
    let detail = if days > MANY_DAYS {
        format!("{shown} is good for more than ten years")
    } else {
        format!("{shown} is good for {days} days more")
    };
    let lifetime_s = dates.ends_s - dates.begins_s;
    // The agent renews after a third of the time: less than half shows that it could not.
    if dates.ends_s - now_s < (lifetime_s / 2).min(WARN_BEFORE_S) {
        return Checked::new(check, Outcome::Warning, detail).mend(mend);
    }
    Checked::new(check, Outcome::Fine, detail)
}

/// Whether the collector answers, and is the one that it should be.
pub(super) fn collector(config: &AgentConfig) -> Option<Checked> {
    let collector = config.collector.as_ref()?;
    let address = &collector.address;
    Some(match reach(collector) {
        Ok(()) => Checked::new("collector", Outcome::Fine, format!("{address} answers")),
        Err(error) => Checked::new(
            "collector",
            Outcome::Problem,
            format!("{address} cannot be reached: {error:#}"),
        )
        .mend("start the collector, open the way to its port, or correct address and name"),
    })
}

fn reach(collector: &CollectorAddress) -> Result<()> {
    let config = Identity::read(&collector.tls)?.client()?;
    let name = ServerName::try_from(collector.name.clone()).context("not a DNS name")?;
    let address = collector
        .address
        .to_socket_addrs()
        .context("its name is not known")?
        .next()
        .context("its name has no address")?;
    let socket = TcpStream::connect_timeout(&address, TIMEOUT)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    let connection = ClientConnection::new(Arc::clone(&config), name)?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream
            .conn
            .complete_io(&mut stream.sock)
            .context("the TLS handshake failed")?;
    }
    Ok(())
}

/// How long the collector may take for each step.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long before its end a certificate is worth a warning.
const WARN_BEFORE_S: u64 = 30 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let dates = Certificate {
            begins_s: 1000,
            ends_s: 8000,
        };
        for (now_s, expected) in [
            (999, Outcome::Problem),
            (1000, Outcome::Fine),
            (4000, Outcome::Fine),
            (6000, Outcome::Warning),
            (8000, Outcome::Problem),
        ] {
            assert_eq!(
                judge("certificate", dates, now_s, "x").outcome,
                expected,
                "{now_s}"
            );
        }
    }
}
