//! Synthetic audit records for the benches, in the shape of a busy host.

use indelible_log::limits::ENTRY_HEADER_BYTES;
use indelible_log::{Header, Kind, StreamId, entry};

/// A source of records: SYSCALL, EXECVE, CWD, PATH ×2 and PROCTITLE of made-up commands.
pub(crate) struct Records {
    random: u64,
    serial: u64,
    /// Records of the event at hand, last first.
    pending: Vec<(u16, String)>,
    /// Shorter payloads are filled up to this length.
    payload_bytes_min: usize,
}

impl Records {
    /// Records that follow from a seed, in entries of at least `entry_bytes_min`.
    pub(crate) fn new(seed: u64, entry_bytes_min: usize) -> Self {
        Self {
            random: seed,
            serial: 4_000_000 + seed % 1_000 * 977,
            pending: Vec::new(),
            payload_bytes_min: entry_bytes_min.saturating_sub(ENTRY_HEADER_BYTES),
        }
    }

    /// The next record: type and text.
    pub(crate) fn next(&mut self) -> (u16, String) {
        if self.pending.is_empty() {
            self.event();
        }
        self.pending.pop().expect("an event has records")
    }

    /// Appends the next entry of a stream in the form of a batch.
    pub(crate) fn push(&mut self, out: &mut Vec<u8>, stream: StreamId, sequence: u64) {
        let time_ns = 1_732_300_000_000_000_000 + self.serial / 7 * 3_271_113;
        if sequence == 0 {
            let header = Header {
                kind: Kind::StreamOpened,
                flags: 0,
                stream,
                sequence,
                time_ns,
            };
            return entry::push(
                out,
                &header,
                b"{\"v\":1,\"source\":\"kernel\",\"predecessor\":null}",
            );
        }
        let (record_type, text) = self.next();
        let mut payload = record_type.to_be_bytes().to_vec();
        payload.extend_from_slice(text.as_bytes());
        while payload.len() < self.payload_bytes_min {
            // What makes records long in practice: path names, with numbers that do not repeat.
            let (word, number) = (self.below(COMMANDS.len() as u64), self.below(10_000));
            let part = format!("/{}-{number:04}", COMMANDS[word as usize]);
            payload.extend_from_slice(part.as_bytes());
        }
        let header = Header {
            kind: Kind::Audit,
            flags: 0,
            stream,
            sequence,
            time_ns,
        };
        entry::push(out, &header, &payload);
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn event(&mut self) {
        self.serial += 1 + self.below(12) / 11;
        let serial = self.serial;
        let ms = serial * 3;
        let stamp = format!(
            "audit({}.{:03}:{serial}): ",
            1_732_300_000 + ms / 1_000,
            ms % 1_000
        );
        let command = COMMANDS[(self.below(40) * self.below(40) / 40) as usize % COMMANDS.len()];
        let (exe, comm) = (format!("/usr/bin/{command}"), command);
        let ppid = 900 + self.below(60) * 13;
        let pid = 20_000 + serial % 40_000;
        let auid = [1000_u64, 1001, 1004, 4_294_967_295][self.below(4) as usize];
        let session = if auid == 4_294_967_295 {
            auid
        } else {
            auid % 7 + 3
        };
        let (a0, a1, a2) = (
            self.below(1 << 40),
            self.below(1 << 40),
            self.below(1 << 20),
        );
        let success = self.below(20) > 0;
        let exit = if success { 0 } else { -13i64 };
        let argument = format!(
            "/var/lib/app{}/data-{:06}.db",
            self.below(9),
            self.below(400_000)
        );
        let inode = 131_072 + self.below(90_000);
        let items = 2;
        let yes = if success { "yes" } else { "no" };
        let syscall = format!(
            "{stamp}arch=c000003e syscall=59 success={yes} exit={exit} a0=55d{a0:010x} a1=55d{a1:010x} \
             a2=55d{a2:06x} a3=8 items={items} ppid={ppid} pid={pid} auid={auid} uid=0 gid=0 euid=0 \
             suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts{} ses={session} comm=\"{comm}\" exe=\"{exe}\" \
             subj=unconfined key=\"exec\"",
            ppid % 4
        );
        let title: String = format!("{command}\0{argument}")
            .bytes()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        let path = |item: u32, name: &str, inode: u64| {
            format!(
                "{stamp}item={item} name=\"{name}\" inode={inode} dev=fd:00 mode=0100755 ouid=0 ogid=0 \
                 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"
            )
        };
        self.pending = vec![
            (1327, format!("{stamp}proctitle={title}")),
            (1302, path(1, "/lib64/ld-linux-x86-64.so.2", 1_311)),
            (1302, path(0, &exe, inode)),
            (1307, format!("{stamp}cwd=\"/home/user{}\"", auid % 10)),
            (
                1309,
                format!("{stamp}argc=2 a0=\"{command}\" a1=\"{argument}\""),
            ),
            (1300, syscall),
        ];
    }
}

/// CPU time of the whole process so far, ns.
pub(crate) fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

const COMMANDS: [&str; 12] = [
    "ls",
    "cat",
    "grep",
    "python3",
    "sed",
    "systemctl",
    "curl",
    "sshd",
    "sudo",
    "tar",
    "ps",
    "find",
];
