//! `indelible verify`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use indelible_log::dir::RealDir;
use indelible_log::verify::{
    Inspector, Mark, Report, VerifyOptions, verify_shown, verify_spool_with, verify_store,
};
use indelible_log::witness::WitnessKey;
use indelible_log::{Checkpoint, VerifierKey};
use serde_json::json;

use crate::agent::layout::Layout;
use crate::files;
use crate::form::Form;
use crate::net::access::Access;
use crate::net::http::Credentials;
use crate::proof;
use crate::terminal::Output;
use crate::terms::EntryTerms;
use crate::verify::{self, Checked, Checks, Remote, exit_code, witnessed_checkpoint};

/// Check a store or a spool to its last byte, a log by what it shows over HTTP, or proof files
///
/// Exit codes: 0 intact, 1 intact with recorded gaps or a torn tail that nobody was told to be
/// durable, 2 broken, 3 could not check.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A collector's store
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// A host's spool
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    spool: Option<PathBuf>,
    /// A log over HTTP, as C2SP tlog-tiles shows it
    #[arg(long = "collector", visible_alias = "url", value_name = "URL",
        conflicts_with_all = ["store", "spool"], requires = "key")]
    url: Option<String>,
    #[command(flatten)]
    access: Access,
    /// A proof file, with its entry beside it (see `indelible prove`); may be given several times
    #[arg(long = "proof", value_name = "FILE", conflicts_with_all = ["store", "spool", "url"], requires = "key")]
    proofs: Vec<PathBuf>,
    /// The log's public key (log.vkey), from somewhere else than the store
    #[arg(long, value_name = "FILE", conflicts_with = "spool")]
    key: Option<PathBuf>,
    /// A checkpoint that is known from elsewhere (a file of the heads folder, a note that somebody
    /// kept), which the log must contain; may be given several times
    #[arg(long, value_name = "FILE", conflicts_with_all = ["spool", "proofs"])]
    known: Vec<PathBuf>,
    /// A witness that must have cosigned what the log shows: its C2SP verifier key, and its URL in
    /// the same argument to ask it for the checkpoint that it holds; may be given several times
    #[arg(long, value_name = "KEY [URL]", conflicts_with_all = ["spool", "proofs"])]
    witness: Vec<String>,
    /// Witnesses that must have cosigned [default: all]
    #[arg(long, value_name = "COUNT", requires = "witness")]
    quorum: Option<usize>,
    /// Go on from where the last verification with this file ended, and keep there where this one
    /// ends; the first one reads everything
    #[arg(long, value_name = "FILE", conflicts_with_all = ["spool", "proofs"])]
    mark: Option<PathBuf>,
    /// Tell per host and boot what is here of what its kernel emitted, and why the rest is not
    #[arg(long, conflicts_with = "proofs")]
    completeness: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    format: Form,
}

impl Verify {
    pub(super) fn run(self) -> Result<u8> {
        let outcome = match self.proofs.is_empty() {
            true => self.check(),
            false => self.check_proofs(),
        };
        outcome.or_else(|error| {
            crate::exit::report(&error);
            Ok(verify::COULD_NOT_CHECK)
        })
    }

    fn check_proofs(&self) -> Result<u8> {
        let key = self.key.as_ref().context("proofs need --key FILE")?;
        let checked = proof::check(&self.proofs, key)?;
        let holds = checked.iter().all(proof::Checked::holds);
        let text = match self.format {
            Form::Text => checked.iter().map(|one| one.line() + "\n").collect(),
            Form::Json => {
                let proofs: Vec<_> = checked.iter().map(proof::Checked::json).collect();
                format!("{}\n", json!({ "ok": holds, "proofs": proofs }))
            }
        };
        let mut output = Output::stdout();
        output.write(text.as_bytes())?;
        output.flush()?;
        Ok(if holds { 0 } else { verify::BROKEN })
    }

    fn check(&self) -> Result<u8> {
        let new = || Checks::new(self.completeness);
        let (mut report, checks, of) = match (&self.store, &self.spool, &self.url) {
            (Some(store), _, _) => {
                let (report, checks) = self.store(store, new)?;
                (report, checks, "store")
            }
            (_, Some(spool), _) => {
                let checks = new();
                (verify_rooms(spool, &checks.inspector())?, checks, "spool")
            }
            (_, _, Some(url)) => {
                let checks = new();
                (self.shown(url, checks.inspector())?, checks, "log")
            }
            _ => bail!(
                "say what to check: --store DIR, --spool DIR, --collector URL or --proof FILE"
            ),
        };
        let checked = checks.finish(&mut report, of);
        self.print(&report, &checked)?;
        Ok(exit_code(&report, &checked))
    }

    fn print(&self, report: &Report, checked: &Checked) -> Result<()> {
        match self.format {
            Form::Text => verify::print_text(report, checked),
            Form::Json => verify::print_json(report, checked),
        }
    }

    /// Checks a store, again where its writer sealed a segment meanwhile.
    fn store(&self, store: &Path, checks: impl Fn() -> Checks) -> Result<(Report, Checks)> {
        let dir =
            RealDir::open(store).with_context(|| format!("cannot open {}", store.display()))?;
        ensure!(
            STORE_HAS.iter().any(|name| store.join(name).exists()),
            "{} is no store: it has none of {}",
            store.display(),
            STORE_HAS.join(", ")
        );
        let key_file = self.key.clone().unwrap_or_else(|| store.join("log.vkey"));
        let stored = read_key(&store.join("log.vkey")).ok();
        let mut options = self.options(self.key.is_some(), &key_file, stored.as_ref())?;
        options.terms = Some(Arc::new(EntryTerms));
        let mut tries = 1..=TRIES_MAX;
        let (report, checks) = loop {
            let last = tries.next() == Some(TRIES_MAX);
            let checks = checks();
            checks.carried(store);
            options.inspector = Some(checks.inspector());
            match verify_store(&dir, &options) {
                Ok(report) if last || !report.moved || report.problems.is_empty() => {
                    break (report, checks);
                }
                Err(error) if last || !is_not_found(&error) => {
                    return Err(error).context("cannot check the store");
                }
                _ => {}
            }
        };
        // The mark's checkpoint is signed: by the key that is known, or the store's own.
        let key = options.verifier.or_else(|| read_key(&key_file).ok());
        self.keep_mark(&report, key.as_ref())?;
        Ok((report, checks))
    }

    fn shown(&self, url: &str, inspector: Inspector) -> Result<Report> {
        let key_file = self.key.as_ref().context("--collector needs --key FILE")?;
        let mut remote = Remote::new(url, self.access.credentials(url)?)?;
        let shown = remote.key()?;
        let key = read_key(key_file)?.or_successor(shown.as_ref());
        let mut options = self.options(true, key_file, shown.as_ref())?;
        options.inspector = Some(inspector);
        let report = verify_shown(&mut remote, &key, &options).context("cannot check the log")?;
        self.keep_mark(&report, Some(&key))?;
        Ok(report)
    }

    /// What is known besides what is to be checked. `key_file` is believed where `key_is_known`,
    /// and read only if it is needed otherwise.
    /// A key that is known becomes what is `shown` that followed it.
    fn options(
        &self,
        key_is_known: bool,
        key_file: &Path,
        shown: Option<&VerifierKey>,
    ) -> Result<VerifyOptions> {
        let mut verifier = match key_is_known {
            true => Some(read_key(key_file)?.or_successor(shown)),
            false => None,
        };
        let since = match &self.mark {
            Some(path) => read_mark(path)?,
            None => None,
        };
        let mut known = Vec::new();
        let since = since.and_then(|(mark, key)| {
            let key = verifier.get_or_insert(key.or_successor(shown));
            if key.gave_up(&mark.checkpoint).is_none() {
                return Some(mark);
            }
            // Of what a restart of the log gave up: everything is read again.
            known.push(("the verification before".to_owned(), mark.checkpoint));
            None
        });
        let key = || match &verifier {
            Some(key) => Ok(key.clone()),
            None => read_key(key_file),
        };
        for path in &self.known {
            let shown = path.display();
            let note = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
            let checkpoint = key()?
                .open_any_note(&note)
                .with_context(|| format!("in {shown}"))?;
            known.push((shown.to_string(), checkpoint));
        }
        let mut witnesses = Vec::new();
        for text in &self.witness {
            let (witness, url) = split_witness(text)?;
            if let Some(url) = url {
                let held = self.held_by(&witness, url, &key()?)?;
                known.push((format!("witness {}", witness.name()), held));
            }
            witnesses.push(witness);
        }
        Ok(VerifyOptions {
            verifier,
            known,
            witnesses,
            quorum: self.quorum,
            without_private_key: false,
            inspector: None,
            terms: None,
            since,
        })
    }

    fn held_by(&self, witness: &WitnessKey, url: &str, key: &VerifierKey) -> Result<Checkpoint> {
        let credentials = Credentials {
            ca: self.access.ca.as_deref(),
            ..Credentials::default()
        };
        witnessed_checkpoint(url, credentials, key)
            .with_context(|| format!("cannot ask witness {}", witness.name()))
    }

    fn keep_mark(&self, report: &Report, key: Option<&VerifierKey>) -> Result<()> {
        let (Some(path), Some(mark), Some(key)) = (&self.mark, &report.mark, key) else {
            return Ok(());
        };
        files::replace(path, 0o644, mark.to_text(key).as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Whether a file went between being listed and being read.
fn is_not_found(error: &indelible_log::Error) -> bool {
    matches!(error, indelible_log::Error::Io { source, .. } if source.kind() == ErrorKind::NotFound)
}

/// The mark in a file; nothing where there is no file yet.
fn read_mark(path: &Path) -> Result<Option<(Mark, VerifierKey)>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(
            Mark::parse(&text).with_context(|| format!("in {}", path.display()))?,
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn read_key(path: &Path) -> Result<VerifierKey> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    VerifierKey::parse(text.trim_end()).with_context(|| format!("in {shown}"))
}

fn split_witness(text: &str) -> Result<(WitnessKey, Option<&str>)> {
    let (key, url) = match text.trim().split_once(char::is_whitespace) {
        Some((key, url)) => (key, Some(url.trim_start())),
        None => (text.trim(), None),
    };
    let key = WitnessKey::parse(key).with_context(|| format!("in the witness key {key:?}"))?;
    Ok((key, url))
}

/// All streams of a spool, whichever process wrote them.
fn verify_rooms(spool: &Path, inspector: &Inspector) -> Result<Report> {
    let mut report = Report::default();
    for room in Layout::at(spool).written_rooms() {
        let streams = room.streams();
        // A spool of a version that had capture alone.
        if room.is_optional() && !streams.exists() {
            continue;
        }
        let shown = streams.display();
        let dir = RealDir::open(&streams).with_context(|| format!("cannot open {shown}"))?;
        let part = verify_spool_with(&dir, Some(inspector)).context("cannot check the spool")?;
        report.merge(part);
    }
    Ok(report)
}

/// Of these a store has all, and one that was tampered with some.
const STORE_HAS: [&str; 6] = ["checkpoint", "key", "log.vkey", "segments", "tile", "wal"];
/// Verifications of a store whose writer seals meanwhile.
const TRIES_MAX: u32 = 5;
