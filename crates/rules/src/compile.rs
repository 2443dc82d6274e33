//! Rules as JSON: the kernel's structure in numbers, for other programs.

use bstr::{BString, ByteSlice};
use serde::Serialize;

use crate::file::Source;
use crate::list::PREPEND;
use crate::mask::Mask;
use crate::rule::{Rule, Value};

/// One rule as `indelible rules compile --format json` prints it. Field names and shapes are an
/// interface: add, never change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompiledRule {
    /// Filter list, plus 16 for a rule that goes to the head.
    pub flags: u32,
    /// 0 never, 2 always.
    pub action: u32,
    /// How many fields there are.
    pub field_count: usize,
    /// `"all"`, or the selected system calls, ascending.
    pub mask: CompiledMask,
    /// The conditions.
    pub fields: Vec<CompiledField>,
    /// The text fields, one after the other; bytes that are not UTF-8 are replaced.
    pub buf: String,
    /// The same in hexadecimal, where `buf` is not exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buf_hex: Option<String>,
    /// Where the rule was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<CompiledSource>,
}

/// The system calls of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum CompiledMask {
    /// The word `all`.
    All(&'static str),
    /// Numbers.
    Numbers(Vec<u32>),
}

/// A condition in the kernel's numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompiledField {
    /// `AUDIT_PID` and its kin.
    pub field: u32,
    /// `AUDIT_EQUAL` and its kin.
    pub op: u32,
    /// The number, or the length of the text in bytes.
    pub value: u32,
}

/// File and line of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompiledSource {
    /// The file as it was named; empty for a rule from the command line.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// A rule in the kernel's numbers.
#[must_use]
pub fn compile(rule: &Rule, source: Option<&Source>) -> CompiledRule {
    let mut buffer = BString::default();
    let fields: Vec<_> = rule
        .tests
        .iter()
        .map(|test| {
            let value = match &test.value {
                Value::Number(number) => *number,
                Value::Text(text) => {
                    buffer.extend_from_slice(text);
                    text.len() as u32
                }
            };
            CompiledField {
                field: test.field.number(),
                op: test.op.code(),
                value,
            }
        })
        .collect();
    let exact = buffer.is_utf8();
    CompiledRule {
        flags: rule.list.number() | if rule.prepend { PREPEND } else { 0 },
        action: rule.action.number(),
        field_count: fields.len(),
        mask: if rule.syscalls == Mask::all() {
            CompiledMask::All("all")
        } else {
            CompiledMask::Numbers(rule.syscalls.iter().collect())
        },
        fields,
        buf_hex: (!exact).then(|| hexadecimal(&buffer)),
        buf: buffer.to_string(),
        source: source.map(|source| CompiledSource {
            file: source.file.clone(),
            line: source.line,
        }),
    }
}

/// Lower-case hexadecimal digits, two for each byte.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes every write");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;
    use crate::file;
    use crate::host::NoHost;
    use crate::parse::Context;

    #[test]
    fn the_documented_shape() {
        let cx = Context::new(Arch::X86_64, &NoHost);
        let entries = file::read("a.rules", b"-w /etc/passwd -p wa -k foo\n", &cx);
        let compiled = compile(entries[0].rule().unwrap(), Some(&entries[0].source));
        assert_eq!(
            serde_json::to_string(&compiled).unwrap(),
            r#"{"flags":4,"action":2,"field_count":3,"mask":"all","fields":[{"field":105,"op":1073741824,"value":11},{"field":106,"op":1073741824,"value":10},{"field":210,"op":1073741824,"value":3}],"buf":"/etc/passwdfoo","source":{"file":"a.rules","line":1}}"#
        );
        let entries = file::read("", b"-a always,exit -F arch=b64 -S open,openat", &cx);
        let compiled = compile(entries[0].rule().unwrap(), None);
        let json = serde_json::to_string(&compiled).unwrap();
        assert!(
            json.contains(r#""mask":[2,257]"#) && !json.contains("source"),
            "{json}"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_told_in_hexadecimal() {
        let cx = Context::new(Arch::X86_64, &NoHost);
        let entries = file::read("", b"-w /\xff", &cx);
        let compiled = compile(entries[0].rule().unwrap(), None);
        assert_eq!(compiled.buf_hex.as_deref(), Some("2fff"));
    }
}
