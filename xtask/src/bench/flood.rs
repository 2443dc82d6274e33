//! The log that searches and reports are measured on.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;

/// Writes a log of opened files, as auditd writes it with `log_format = ENRICHED`. A smaller one is
/// the beginning of a larger one.
pub(super) fn write(path: &Path, per_second: u64, bytes: usize) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut written, mut serial, mut random) = (0, 1000u64, 7u64);
    let mut event = String::new();
    while written < bytes {
        serial += 1;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let ms = 1_790_000_000_000 + serial * 1000 / per_second;
        let stamp = format!("audit({}.{:03}:{serial})", ms / 1000, ms % 1000);
        let (pid, session, inode) = (300 + random % 90_000, random % 40, random % 1_000_000);
        let (name, title) = NAMES[(random % 4) as usize];
        event.clear();
        let _ = writeln!(
            event,
            "type=SYSCALL msg={stamp}: arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c \
             a1=7ffd{:08x} a2=0 a3=0 items=1 ppid={} pid={pid} auid=1000 uid=0 gid=0 euid=0 suid=0 \
             fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses={session} comm=\"cat\" exe=\"/usr/bin/cat\" \
             subj=unconfined key=\"{KEY}\"\x1dARCH=x86_64 SYSCALL=openat AUID=\"alice\" UID=\"root\" \
             GID=\"root\" EUID=\"root\" SUID=\"root\" FSUID=\"root\" EGID=\"root\" SGID=\"root\" \
             FSGID=\"root\"\n\
             type=CWD msg={stamp}: cwd=\"/root\"\n\
             type=PATH msg={stamp}: item=0 name={name} inode={inode} dev=fe:00 mode=0100640 ouid=0 \
             ogid=42 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 \
             cap_frootid=0\x1dOUID=\"root\" OGID=\"shadow\"\n\
             type=PROCTITLE msg={stamp}: proctitle={title}",
            random & 0xffff_ffff,
            pid - 1,
        );
        file.write_all(event.as_bytes())?;
        written += event.len();
    }
    file.flush()?;
    Ok(())
}

/// Names as the kernel writes them, and the command lines of who opened them.
const NAMES: [(&str, &str); 4] = [
    ("\"/etc/shadow\"", "636174002F6574632F736861646F77"),
    ("\"/etc/passwd\"", "636174002F6574632F706173737764"),
    (
        "\"/usr/share/locale/de/LC_MESSAGES/coreutils.mo\"",
        "636174002F7573722F7368617265",
    ),
    (
        "2F7372762F7265706F727420323032362E747874",
        "636174002F7372762F7265706F727420323032362E747874",
    ),
];
/// The key of all events.
pub(super) const KEY: &str = "file_watch";
/// Bytes of the log that ours is measured on.
pub(super) const BYTES: usize = 130_000_000;
/// Events per second of a flood.
pub(super) const FLOOD: u64 = 14_000;
