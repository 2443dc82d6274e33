//! Proof files: writing them from a store, and checking them without one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use indelible_log::dir::RealDir;
use indelible_log::published::{LogProof, LogProofError, Published};
use indelible_log::{EntryRef, LogReader, VerifierKey};
use memchr::memmem;
use serde_json::{Value, json};

/// Writes the entry and its proof for each index and each record of the event; returns the proofs.
///
/// # Errors
/// A store that cannot be read, an entry that is not published yet, a folder that cannot be written.
pub(crate) fn write(
    store: &Path,
    out: &Path,
    event: Option<&str>,
    indexes: &[u64],
) -> Result<Vec<PathBuf>> {
    let shown = || format!("cannot read the store {}", store.display());
    let published =
        Published::open(RealDir::open(store).with_context(shown)?).with_context(shown)?;
    let checkpoint = published.checkpoint().with_context(shown)?;
    let mut wanted = indexes.to_vec();
    if let Some(event) = event {
        wanted.extend(entries_of(store, event, checkpoint.size).with_context(shown)?);
    }
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let mut written = Vec::new();
    for index in wanted {
        let proof = published.prove(index, &checkpoint).with_context(shown)?;
        let entry = published.entry(index).with_context(shown)?;
        let file = out.join(format!("{index}.{PROOF}"));
        let put = |path: &Path, bytes: &[u8]| {
            fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
        };
        put(&out.join(format!("{index}.{ENTRY}")), &entry)?;
        put(&file, proof.to_text(&published.key()).as_bytes())?;
        written.push(file);
    }
    Ok(written)
}

/// Indexes of the audit records below `size` whose text bears the event's stamp.
fn entries_of(store: &Path, event: &str, size: u64) -> Result<Vec<u64>> {
    let stamp = format!("audit({event})");
    let stamp = memmem::Finder::new(stamp.as_bytes());
    let reader = LogReader::open(RealDir::open(store)?)?;
    let mut found = Vec::new();
    let mut next = 0;
    while next < size
        && let Some(part) = reader.part_at(next)?
    {
        for (index, bytes) in reader.decode(&part)?.iter_from(next) {
            let entry = EntryRef::parse(bytes)?;
            let has_stamp = |text| stamp.find(text).is_some();
            if index < size && entry.audit().is_some_and(|(_, text)| has_stamp(text)) {
                found.push(index);
            }
        }
        next = part.end();
    }
    Ok(found)
}

/// What the check of one proof file said.
pub(crate) struct Checked {
    file: PathBuf,
    proof: Result<LogProof, LogProofError>,
}

impl Checked {
    /// Whether the entry is proven.
    pub(crate) fn holds(&self) -> bool {
        self.proof.is_ok()
    }

    /// A line for people.
    pub(crate) fn line(&self) -> String {
        let file = self.file.display();
        match &self.proof {
            Ok(proof) => format!(
                "proven: {file}: entry {} of the {} under root {}",
                proof.index, proof.checkpoint.size, proof.checkpoint.root
            ),
            Err(error) => format!("NOT PROVEN: {file}: {error}"),
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let proof = self.proof.as_ref();
        json!({
            "file": self.file.to_string_lossy(),
            "ok": self.holds(),
            "index": proof.ok().map(|proof| proof.index),
            "checkpoint": proof.ok().map(|proof| json!({
                "size": proof.checkpoint.size,
                "root": proof.checkpoint.root.to_string(),
            })),
            "detail": proof.err().map(ToString::to_string),
        })
    }
}

/// Checks proof files, each beside its entry, with nothing but the log's public key.
///
/// # Errors
/// A file that cannot be read, or a key that is none.
pub(crate) fn check(files: &[PathBuf], key: &Path) -> Result<Vec<Checked>> {
    let shown = || format!("cannot use the key {}", key.display());
    let text = fs::read_to_string(key).with_context(shown)?;
    let key = VerifierKey::parse(text.trim_end()).with_context(shown)?;
    let check_one = |file: &PathBuf| {
        let entry = file.with_extension(ENTRY);
        let bytes = fs::read(&entry).with_context(|| format!("cannot read {}", entry.display()))?;
        let length = fs::metadata(file)
            .with_context(|| format!("cannot read {}", file.display()))?
            .len();
        ensure!(
            length <= PROOF_BYTES_MAX,
            "{} is too long for a proof",
            file.display()
        );
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let proof = String::from_utf8(text)
            .map_err(|_| LogProofError::Form)
            .and_then(|text| LogProof::parse(&text, &key))
            .and_then(|proof| proof.verify(&bytes, &key).map(|()| proof));
        Ok(Checked {
            file: file.clone(),
            proof,
        })
    };
    files.iter().map(check_one).collect()
}

const PROOF: &str = "tlog-proof";
const ENTRY: &str = "entry";
/// A proof has at most 63 hashes, and a checkpoint a few signatures.
const PROOF_BYTES_MAX: u64 = 64 << 10;
