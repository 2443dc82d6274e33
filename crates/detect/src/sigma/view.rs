//! Views: which part of an event a rule sees, and what the values are called there.
//!
//! | log source | one Sigma event is | its fields |
//! |---|---|---|
//! | service auditd | a record | the record's own names, decoded, and those of enriched logs |
//! | process_creation | an `execve` that succeeded | Image, CommandLine, ParentImage … |
//! | file_event, file_delete, file_access | a path that was written, deleted, opened | TargetFilename, Image … |
//! | network_connection | a `connect` to an address | DestinationIp, DestinationPort, Image … |
//! | product linux alone | an event | the records' own names, any of them |

use super::document::LogSource;
use indelible_query::expr::{CompileError, Naming, Type};

/// What a rule is evaluated over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// Each record.
    Record,
    /// A program that was started.
    Process,
    /// A file that was created, or opened for writing.
    FileWrite,
    /// A file that was deleted.
    FileDelete,
    /// A file that was opened.
    FileAccess,
    /// A connection that was opened.
    Network,
    /// The whole event.
    Event,
}

impl View {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            View::Record => "record",
            View::Process => "process",
            View::FileWrite => "file-write",
            View::FileDelete => "file-delete",
            View::FileAccess => "file-access",
            View::Network => "network",
            View::Event => "event",
        }
    }

    /// The view of a log source.
    ///
    /// # Errors
    /// Why audit events are not what the rule is about.
    pub(super) fn of(source: &LogSource) -> Result<View, String> {
        if let Some(product) = source.product.as_deref()
            && product != "linux"
        {
            return Err(format!("product {product}: audit events are of linux"));
        }
        match (source.category.as_deref(), source.service.as_deref()) {
            (None, Some("auditd")) => Ok(View::Record),
            (Some("process_creation"), None) => Ok(View::Process),
            (Some("file_event" | "file_change"), None) => Ok(View::FileWrite),
            (Some("file_delete"), None) => Ok(View::FileDelete),
            (Some("file_access"), None) => Ok(View::FileAccess),
            (Some("network_connection"), None) => Ok(View::Network),
            (None, None) => Ok(View::Event),
            (Some(category), None) => Err(format!(
                "category {category}: audit events are not mapped to it"
            )),
            (_, Some(service)) => Err(format!(
                "service {service}: its text log is not among audit events"
            )),
        }
    }

    /// Whether its names are Sigma's, not the records'.
    fn has_columns(self) -> bool {
        !matches!(self, View::Record | View::Event)
    }

    fn has(self, column: Column) -> bool {
        match column {
            Column::TargetFilename => {
                matches!(self, View::FileWrite | View::FileDelete | View::FileAccess)
            }
            Column::DestinationIp | Column::DestinationPort | Column::Initiated => {
                self == View::Network
            }
            Column::CommandLine | Column::ParentImage | Column::ParentCommandLine => {
                self == View::Process
            }
            _ => true,
        }
    }
}

/// A field under Sigma's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Column {
    Image,
    CommandLine,
    ParentImage,
    ParentCommandLine,
    User,
    CurrentDirectory,
    ProcessId,
    ParentProcessId,
    LogonId,
    TargetFilename,
    DestinationIp,
    DestinationPort,
    Initiated,
    Computer,
    UtcTime,
}

impl Column {
    const ALL: [(&'static str, Column); 17] = [
        ("Image", Column::Image),
        ("CommandLine", Column::CommandLine),
        ("ParentImage", Column::ParentImage),
        ("ParentCommandLine", Column::ParentCommandLine),
        ("User", Column::User),
        ("CurrentDirectory", Column::CurrentDirectory),
        ("ProcessId", Column::ProcessId),
        ("ParentProcessId", Column::ParentProcessId),
        ("LogonId", Column::LogonId),
        ("TargetFilename", Column::TargetFilename),
        ("DestinationIp", Column::DestinationIp),
        ("DestinationPort", Column::DestinationPort),
        ("Initiated", Column::Initiated),
        ("Computer", Column::Computer),
        ("ComputerName", Column::Computer),
        ("Hostname", Column::Computer),
        ("UtcTime", Column::UtcTime),
    ];
}

/// A field of a view.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ViewField {
    Column(Column),
    /// By the records' name.
    Raw(Box<[u8]>),
    /// Every value.
    Any,
}

/// Looks names up in a view.
pub(super) struct ViewNaming(pub(super) View);

impl Naming for ViewNaming {
    type Field = ViewField;

    fn field(&self, name: &str) -> Result<(ViewField, Type), CompileError> {
        if name == super::selection::ANY {
            return Ok((ViewField::Any, Type::Raw));
        }
        if !self.0.has_columns() {
            let name = name.strip_prefix("raw.").unwrap_or(name);
            return Ok((ViewField::Raw(name.as_bytes().into()), Type::Raw));
        }
        let column = Column::ALL.iter().find(|column| column.0 == name);
        match column {
            Some((_, column)) if self.0.has(*column) => Ok((ViewField::Column(*column), Type::Raw)),
            _ => Err(CompileError::Field {
                name: name.to_owned(),
                suggestion: indelible_query::expr::Suggestion::None,
            }),
        }
    }
}

/// Why a field is not there, where more can be said than that.
pub(super) fn why_missing(name: &str) -> Option<&'static str> {
    Some(match name {
        "DestinationHostname" | "SourceHostname" => {
            "audit records hold addresses, not the names that were asked for"
        }
        "Hashes" | "md5" | "sha1" | "sha256" | "Imphash" => "audit records hold no hashes of files",
        "SourceIp" | "SourcePort" => "a connect shows where to, not where from",
        "OriginalFileName" | "Product" | "Company" | "Description" | "IntegrityLevel" => {
            "that is of Windows"
        }
        _ => return None,
    })
}
