//! The real auditctl behind the shim.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use bstr::{BString, ByteSlice};
use indelible_rules::{Rule, kernel};

use crate::cases::{Asked, Case, FILE};
use crate::fake::{loaded, status_words};

/// What a run did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: BString,
    pub(crate) err: BString,
    pub(crate) sent: Vec<Sent>,
}

/// A message to the kernel. Questions are left out: how often a tool asks is its own affair.
#[derive(PartialEq, Eq)]
pub(crate) struct Sent {
    /// Message type, or the signal's number below 64.
    pub(crate) kind: u16,
    pub(crate) payload: Vec<u8>,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match kernel::decode(&self.payload) {
            Ok(rule) => {
                let mask: Vec<_> = rule.syscalls.iter().take(20).collect();
                write!(
                    f,
                    "{} {:?} {:?} {mask:?} {:?}",
                    self.kind, rule.list, rule.action, rule.tests
                )
            }
            Err(_) => write!(f, "{} {:02x?}", self.kind, self.payload),
        }
    }
}

/// Types of the messages that change something.
const CHANGES: [u16; 7] = [1001, 1005, 1011, 1012, 1014, 1015, 1018];

pub(crate) struct Peer {
    folder: tempfile::TempDir,
    shim: PathBuf,
    runs: AtomicUsize,
}

impl Peer {
    /// Builds the shim; `None`, with a word to the reader, where something is missing.
    pub(crate) fn start() -> Option<Self> {
        let skip = |reason: &str| {
            eprintln!("skipped: {reason}");
            None
        };
        let version = Command::new("auditctl").arg("-v").output();
        match version {
            Ok(output) if output.stdout.starts_with(b"auditctl version 3.0.9") => {}
            Ok(_) => return skip("auditctl is not 3.0.9, or this is not root"),
            Err(_) => return skip("no auditctl"),
        }
        let folder = tempfile::tempdir().expect("a scratch folder");
        if fs::metadata(folder.path()).map_or(true, |meta| meta.uid() != 0) {
            return skip("not root");
        }
        let shim = folder.path().join("shim.so");
        let source = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/compliance/rules/shim.c"
        );
        let built = Command::new("cc")
            .args(["-O1", "-Wall", "-shared", "-fPIC", "-o"])
            .arg(&shim)
            .args([source, "-ldl"])
            .status();
        match built {
            Ok(status) if status.success() => {}
            Ok(_) => panic!("the shim does not compile"),
            Err(_) => return skip("no C compiler"),
        }
        Some(Self {
            folder,
            shim,
            runs: AtomicUsize::new(0),
        })
    }

    pub(crate) fn run(&self, case: &Case) -> Outcome {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.path().join(run.to_string());
        fs::create_dir(&folder).expect("a folder for the run");
        let log = folder.join("log");
        let mut command = Command::new("auditctl");
        command
            .current_dir(&folder)
            .env("LD_PRELOAD", &self.shim)
            .env("SHIM_LOG", &log);
        command.args(
            case.args()
                .iter()
                .map(|arg| std::ffi::OsStr::from_bytes(arg)),
        );
        command.env("SHIM_STATUS", hex(&status_words(case)));
        if let Some((kind, errno, skip)) = case.errno {
            command.env("SHIM_ERRNO", format!("{kind}:{errno}:{skip}"));
        }
        if case.rules {
            let rules = folder.join("rules");
            fs::write(&rules, hex_lines(&loaded())).expect("the loaded rules");
            command.env("SHIM_RULES", rules);
        }
        if let Asked::File {
            content,
            mode,
            owner,
        } = &case.asked
        {
            let path = folder.join(FILE);
            fs::write(&path, content).expect("the rules file");
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).expect("its mode");
            chown(&path, Some(*owner), None).expect("its owner");
        }
        let output = command.output().expect("auditctl starts");
        let sent = fs::read_to_string(&log).unwrap_or_default();
        Outcome {
            code: output.status.code().expect("an exit code"),
            out: output.stdout.into(),
            err: output.stderr.into(),
            sent: sent.lines().filter_map(parse_sent).collect(),
        }
    }

    /// `auditctl -l` over these rules, a line each.
    pub(crate) fn list(&self, rules: &[Rule], interpret: bool) -> Vec<BString> {
        let path = self.folder.path().join("listed");
        fs::write(&path, hex_lines(rules)).expect("the rules");
        let output = Command::new("auditctl")
            .arg("-l")
            .args(interpret.then_some("-i"))
            .env("LD_PRELOAD", &self.shim)
            .env("SHIM_RULES", path)
            .output()
            .expect("auditctl starts");
        output.stdout.lines().map(BString::from).collect()
    }
}

fn parse_sent(line: &str) -> Option<Sent> {
    let (head, payload) = line.rsplit_once(' ')?;
    if let Some(signal) = head.strip_prefix("kill ") {
        return Some(Sent {
            kind: signal.parse().expect("a signal"),
            payload: Vec::new(),
        });
    }
    let kind: u16 = head.parse().expect("a message type");
    let mut payload: Vec<u8> = (0..payload.len() / 2)
        .map(|at| u8::from_str_radix(&payload[at * 2..at * 2 + 2], 16).expect("hex"))
        .collect();
    match kind {
        // the message is aligned to four bytes: what is behind the rule is no part of it
        1011 | 1012 => {
            let rule = kernel::decode(&payload).expect("auditctl sends whole rules");
            let bytes = kernel::encode(&rule).expect("a rule that was decoded");
            assert!(
                payload.starts_with(&bytes),
                "encoding is not decoding's inverse"
            );
            payload = bytes;
        }
        1015 => {
            let length =
                |at: usize| u32::from_ne_bytes(payload[at..at + 4].try_into().expect("four"));
            let end = 8 + length(0) as usize + length(4) as usize;
            payload.truncate(end);
        }
        // what follows the text names the program and its terminal
        1005 => {
            let text = payload
                .split_str(" exe=")
                .next()
                .unwrap_or_default()
                .to_vec();
            payload = text;
        }
        _ => {}
    }
    CHANGES.contains(&kind).then_some(Sent { kind, payload })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex_lines(rules: &[Rule]) -> String {
    rules
        .iter()
        .map(|rule| hex(&kernel::encode(rule).expect("a rule that fits")) + "\n")
        .collect()
}
