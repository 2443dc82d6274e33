//! The files of an export: begun, filled, hashed as they are written.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use aws_lc_rs::digest;
use indelible_log::published::Published;
use indelible_log::{Checkpoint, Error};
use indelible_record::NoNames;
use indelible_record::write::{self, Columns, Locale};

use super::columns::ColumnWriter;
use super::form::Form;
use super::source::{Exported, What};
use crate::payload::hex;

/// Files that are being written.
pub(super) struct Files {
    folder: PathBuf,
    form: Form,
    rows_max: u64,
    open: Option<Open>,
    written: Vec<Written>,
}

/// A finished file.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) sha256: String,
    pub(super) bytes: u64,
    pub(super) rows: u64,
    /// Name of its proof, once that is written.
    pub(super) proof: Option<String>,
    /// Smallest and largest leaf index of its rows.
    pub(super) leaves: (u64, u64),
    /// Smallest and largest time, ns since 1970.
    pub(super) times_ns: (i64, i64),
}

struct Open {
    writer: Writer,
    written: Written,
}

enum Writer {
    Columns(Box<ColumnWriter<Hashing>>),
    Text { form: Form, output: Hashing },
}

/// A file, and the hash of what went into it.
struct Hashing {
    file: BufWriter<File>,
    hash: digest::Context,
    bytes: u64,
}

impl Files {
    /// In a folder that is made, or empty.
    pub(super) fn create(folder: &Path, form: Form, rows_max: u64) -> Result<Self> {
        let shown = folder.display();
        ensure!(rows_max > 0, "a file has at least one row");
        fs::create_dir_all(folder).with_context(|| format!("cannot create {shown}"))?;
        let mut items = fs::read_dir(folder).with_context(|| format!("cannot list {shown}"))?;
        ensure!(
            items.next().is_none(),
            "{shown} is not empty: each export has a folder of its own"
        );
        Ok(Self {
            folder: folder.to_owned(),
            form,
            rows_max,
            open: None,
            written: Vec::new(),
        })
    }

    pub(super) fn write(&mut self, row: &Exported) -> Result<()> {
        let full = |open: &Open| open.written.rows >= self.rows_max;
        if self.open.as_ref().is_some_and(full) {
            self.end()?;
        }
        if self.open.is_none() {
            self.open = Some(self.begin()?);
        }
        match &mut self.open {
            Some(open) => open.write(row),
            None => Ok(()),
        }
    }

    fn begin(&self) -> Result<Open> {
        let name = format!("events-{:06}.{}", self.written.len() + 1, self.form.name());
        let path = self.folder.join(&name);
        let file =
            File::create_new(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let mut output = Hashing {
            file: BufWriter::new(file),
            hash: digest::Context::new(&digest::SHA256),
            bytes: 0,
        };
        let writer = match self.form {
            Form::Parquet => Writer::Columns(Box::new(ColumnWriter::new(output)?)),
            form => {
                if form == Form::Csv {
                    let mut header = Vec::new();
                    write::csv_header(Columns::default(), &mut header);
                    output.write_all(&header)?;
                }
                Writer::Text { form, output }
            }
        };
        let written = Written {
            name,
            sha256: String::new(),
            bytes: 0,
            rows: 0,
            proof: None,
            leaves: (u64::MAX, 0),
            times_ns: (i64::MAX, i64::MIN),
        };
        Ok(Open { writer, written })
    }

    fn end(&mut self) -> Result<()> {
        let Some(Open {
            writer,
            mut written,
        }) = self.open.take()
        else {
            return Ok(());
        };
        let mut output = match writer {
            Writer::Columns(columns) => columns.finish()?,
            Writer::Text { output, .. } => output,
        };
        output.file.flush()?;
        output.file.get_ref().sync_all()?;
        written.bytes = output.bytes;
        written.sha256 = hex(output.hash.finish().as_ref());
        self.written.push(written);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<Written>> {
        self.end()?;
        Ok(self.written)
    }
}

impl Open {
    fn write(&mut self, row: &Exported) -> Result<()> {
        let written = &mut self.written;
        written.rows += 1;
        for leaf in &row.leaves {
            written.leaves = (written.leaves.0.min(*leaf), written.leaves.1.max(*leaf));
        }
        let (first, last) = written.times_ns;
        written.times_ns = (first.min(row.time_ns), last.max(row.time_ns));
        match &mut self.writer {
            Writer::Columns(columns) => columns.write(row),
            Writer::Text { form, output } => {
                let mut text = Vec::new();
                match (&row.what, form) {
                    (What::Event(event), Form::Ndjson) => write::ndjson(event, &NoNames, &mut text),
                    (What::Event(event), Form::Csv) => {
                        write::csv(event, &Locale::default(), Columns::default(), &mut text);
                    }
                    (What::Event(event), _) => write::raw(event, &mut text),
                    (What::Message { raw, .. }, _) => {
                        text.extend_from_slice(raw);
                        text.push(b'\n');
                    }
                }
                Ok(output.write_all(&text)?)
            }
        }
    }
}

impl Written {
    /// Writes the proof of the file's newest entry beside it, with the entry: as `indelible prove`
    /// does, under the file's own name. There is none where that entry has been erased or removed since.
    ///
    /// # Errors
    /// A store that cannot be read, a folder that cannot be written.
    pub(super) fn prove(
        &mut self,
        folder: &Path,
        published: &Published,
        checkpoint: &Checkpoint,
    ) -> Result<()> {
        let index = self.leaves.1;
        let entry = match published.entry(index) {
            // Since it was exported.
            Err(Error::Erased { .. } | Error::Removed { .. }) => return Ok(()),
            other => other?,
        };
        let proof = published.prove(index, checkpoint)?;
        let put = |ending: &str, bytes: &[u8]| {
            let path = folder.join(&self.name).with_extension(ending);
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
        };
        put("entry", &entry)?;
        put("tlog-proof", proof.to_text(&published.key()).as_bytes())?;
        let path = Path::new(&self.name).with_extension("tlog-proof");
        self.proof = Some(path.to_string_lossy().into_owned());
        Ok(())
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
