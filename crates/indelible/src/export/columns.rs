//! Rows as columns of a Parquet file, a row group at a time.
//!
//! The schema stands in docs/formats.md, "Export". Integers are INT64 and times are in UTC, because
//! that is what all engines read alike. Text columns are UTF-8, with U+FFFD for bytes that are none;
//! `raw` has the bytes as they are.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_record::{Event, RecordType, SocketAddress};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::TypePtr;

use super::limits::{GROUP_BYTES_MAX, GROUP_ROWS, RAW_BYTES_MAX};
use super::source::{Exported, What};

/// The columns in their order.
pub(super) const SCHEMA: &str = "message event {
  required int64 time (TIMESTAMP(MICROS,true));
  optional binary host (STRING);
  optional binary boot (STRING);
  required binary kind (STRING);
  optional int64 serial;
  required group types (LIST) { repeated group list { required binary element (STRING); } }
  required group keys (LIST) { repeated group list { required binary element (STRING); } }
  optional int64 auid;
  optional int64 uid;
  optional int64 euid;
  optional int64 gid;
  optional int64 pid;
  optional int64 ppid;
  optional int64 session;
  optional binary exe (STRING);
  optional binary comm (STRING);
  optional binary tty (STRING);
  optional binary cwd (STRING);
  optional int64 syscall;
  optional boolean success;
  optional int64 exit;
  required group argv (LIST) { repeated group list { required binary element (STRING); } }
  required group paths (LIST) { repeated group list { required binary element (STRING); } }
  optional binary address (STRING);
  required group leaf_indexes (LIST) { repeated group list { required int64 element; } }
  optional boolean complete;
  required binary raw;
}";

/// Writes rows to a Parquet file.
pub(super) struct ColumnWriter<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    group: Group,
}

/// The rows of a row group, as they wait for it to be full.
#[derive(Default)]
struct Group {
    rows: usize,
    bytes: usize,
    time: Required<i64>,
    host: Optional<ByteArray>,
    boot: Optional<ByteArray>,
    kind: Required<ByteArray>,
    serial: Optional<i64>,
    types: List<ByteArray>,
    keys: List<ByteArray>,
    /// auid, uid, euid, gid, pid, ppid, session.
    ids: [Optional<i64>; 7],
    /// exe, comm, tty, cwd.
    texts: [Optional<ByteArray>; 4],
    syscall: Optional<i64>,
    success: Optional<bool>,
    exit: Optional<i64>,
    argv: List<ByteArray>,
    paths: List<ByteArray>,
    address: Optional<ByteArray>,
    leaf_indexes: List<i64>,
    complete: Optional<bool>,
    raw: Required<ByteArray>,
}

impl<W: Write + Send> ColumnWriter<W> {
    pub(super) fn new(output: W) -> Result<Self> {
        let schema: TypePtr = Arc::new(parse_message_type(SCHEMA).context("the schema")?);
        let properties: WriterPropertiesPtr = Arc::new(
            WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
                .set_created_by(format!("indelible {}", env!("CARGO_PKG_VERSION")))
                .build(),
        );
        Ok(Self {
            writer: SerializedFileWriter::new(output, schema, properties)?,
            group: Group::default(),
        })
    }

    pub(super) fn write(&mut self, row: &Exported) -> Result<()> {
        self.group.push(row);
        if self.group.rows >= GROUP_ROWS || self.group.bytes >= GROUP_BYTES_MAX {
            self.end_group()?;
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<()> {
        let group = std::mem::take(&mut self.group);
        if group.rows > 0 {
            let mut writer = self.writer.next_row_group()?;
            group.write(&mut writer)?;
            writer.close()?;
        }
        Ok(())
    }

    /// Writes what waits and the footer.
    pub(super) fn finish(mut self) -> Result<W> {
        self.end_group()?;
        Ok(self.writer.into_inner()?)
    }
}

impl Group {
    fn push(&mut self, row: &Exported) {
        self.rows += 1;
        self.time.push(row.time_ns.div_euclid(1_000));
        self.host.push(some_text(row.host.as_bytes()));
        self.boot.push(some_text(row.boot.as_bytes()));
        let leaves = row.leaves.iter().map(|leaf| *leaf as i64);
        self.leaf_indexes.push(leaves);
        match &row.what {
            What::Event(event) => self.event(event),
            What::Message { kind, raw } => self.message(kind, raw),
        }
    }

    fn event(&mut self, event: &Event) {
        self.kind.push(text(b"audit"));
        self.serial
            .push(event.stamp().map(|stamp| i64::from(stamp.serial)));
        let types = event.records().map(|record| record.type_name());
        self.types.push(types.map(|name| text(name.as_bytes())));
        self.keys.push(event.keys().iter().map(|key| text(key)));
        let ids = [
            event.auid(),
            event.uid(),
            event.euid(),
            event.gid(),
            event.pid(),
            event.ppid(),
            event.session(),
        ];
        for (column, id) in self.ids.iter_mut().zip(ids) {
            column.push(id.map(i64::from));
        }
        let texts = [event.exe(), event.comm(), event.terminal(), event.cwd()];
        for (column, value) in self.texts.iter_mut().zip(texts) {
            column.push(value.map(|value| text(&value)));
        }
        self.syscall.push(event.syscall().map(i64::from));
        self.success.push(event.success());
        self.exit.push(event.exit());
        let arguments = event.argv().map(|argv| argv.arguments).unwrap_or_default();
        self.argv.push(arguments.iter().map(|one| text(one)));
        let paths = event.paths();
        let names = paths.iter().filter_map(|path| path.name.as_deref());
        self.paths.push(names.map(text));
        self.address.push(address(event));
        self.complete.push(Some(event.is_complete()));
        let mut raw = Vec::with_capacity(event.bytes() + 8);
        for record in event.records() {
            if raw.len() + record.raw().len() > RAW_BYTES_MAX {
                break;
            }
            raw.extend_from_slice(record.raw());
            raw.push(b'\n');
        }
        self.bytes += raw.len() * 2;
        self.raw.push(raw.into());
    }

    fn message(&mut self, kind: &str, raw: &[u8]) {
        self.kind.push(text(kind.as_bytes()));
        self.serial.push(None);
        for list in [
            &mut self.types,
            &mut self.keys,
            &mut self.argv,
            &mut self.paths,
        ] {
            list.push(std::iter::empty());
        }
        self.ids.iter_mut().for_each(|column| column.push(None));
        self.texts.iter_mut().for_each(|column| column.push(None));
        self.syscall.push(None);
        self.success.push(None);
        self.exit.push(None);
        self.address.push(None);
        self.complete.push(None);
        self.bytes += raw.len();
        self.raw.push(raw.to_vec().into());
    }

    fn write<W: Write + Send>(&self, out: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        self.time.write::<Int64Type, _>(out)?;
        self.host.write::<ByteArrayType, _>(out)?;
        self.boot.write::<ByteArrayType, _>(out)?;
        self.kind.write::<ByteArrayType, _>(out)?;
        self.serial.write::<Int64Type, _>(out)?;
        self.types.write::<ByteArrayType, _>(out)?;
        self.keys.write::<ByteArrayType, _>(out)?;
        for column in &self.ids {
            column.write::<Int64Type, _>(out)?;
        }
        for column in &self.texts {
            column.write::<ByteArrayType, _>(out)?;
        }
        self.syscall.write::<Int64Type, _>(out)?;
        self.success.write::<BoolType, _>(out)?;
        self.exit.write::<Int64Type, _>(out)?;
        self.argv.write::<ByteArrayType, _>(out)?;
        self.paths.write::<ByteArrayType, _>(out)?;
        self.address.write::<ByteArrayType, _>(out)?;
        self.leaf_indexes.write::<Int64Type, _>(out)?;
        self.complete.write::<BoolType, _>(out)?;
        self.raw.write::<ByteArrayType, _>(out)
    }
}

/// A column with a value in each row.
struct Required<T>(Vec<T>);

/// A column with a value in some rows.
struct Optional<T> {
    values: Vec<T>,
    /// 1 where there is one.
    definitions: Vec<i16>,
}

/// A column with any number of values in each row.
struct List<T> {
    values: Vec<T>,
    /// 1 for a value, 0 for a row without any.
    definitions: Vec<i16>,
    /// 0 where a row begins.
    repetitions: Vec<i16>,
}

impl<T> Default for Required<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for Optional<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            definitions: Vec::new(),
        }
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            definitions: Vec::new(),
            repetitions: Vec::new(),
        }
    }
}

impl<T> Required<T> {
    fn push(&mut self, value: T) {
        self.0.push(value);
    }

    fn write<D: DataType<T = T>, W: Write + Send>(
        &self,
        out: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        write_column::<D, W>(out, &self.0, None, None)
    }
}

impl<T> Optional<T> {
    fn push(&mut self, value: Option<T>) {
        self.definitions.push(value.is_some().into());
        self.values.extend(value);
    }

    fn write<D: DataType<T = T>, W: Write + Send>(
        &self,
        out: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        write_column::<D, W>(out, &self.values, Some(&self.definitions), None)
    }
}

impl<T> List<T> {
    fn push(&mut self, values: impl Iterator<Item = T>) {
        let before = self.values.len();
        self.values.extend(values);
        let count = self.values.len() - before;
        self.definitions
            .extend(std::iter::repeat_n(i16::from(count > 0), count.max(1)));
        self.repetitions.push(0);
        self.repetitions
            .extend(std::iter::repeat_n(1, count.saturating_sub(1)));
    }

    fn write<D: DataType<T = T>, W: Write + Send>(
        &self,
        out: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        let (definitions, repetitions) = (&self.definitions, &self.repetitions);
        write_column::<D, W>(out, &self.values, Some(definitions), Some(repetitions))
    }
}

fn write_column<D: DataType, W: Write + Send>(
    out: &mut SerializedRowGroupWriter<'_, W>,
    values: &[D::T],
    definitions: Option<&[i16]>,
    repetitions: Option<&[i16]>,
) -> Result<()> {
    let mut column = out.next_column()?.context("the schema has fewer columns")?;
    column
        .typed::<D>()
        .write_batch(values, definitions, repetitions)?;
    Ok(column.close()?)
}

fn text(bytes: &[u8]) -> ByteArray {
    String::from_utf8_lossy(bytes)
        .into_owned()
        .into_bytes()
        .into()
}

fn some_text(bytes: &[u8]) -> Option<ByteArray> {
    (!bytes.is_empty()).then(|| text(bytes))
}

/// The network address of a syscall's socket, or the `addr` of a program's message.
fn address(event: &Event) -> Option<ByteArray> {
    if event.record(RecordType::SOCKADDR).is_some() {
        return match SocketAddress::read(&event.sockaddr()?)? {
            SocketAddress::Inet { address, .. } => Some(text(address.to_string().as_bytes())),
            SocketAddress::Inet6 { address, .. } => {
                Some(text(address.to_canonical().to_string().as_bytes()))
            }
            _ => None,
        };
    }
    event.value("addr").map(|value| text(&value))
}

/// A third smaller than at 1, for twice the time.
const ZSTD_LEVEL: i32 = 3;
