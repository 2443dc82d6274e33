//! Each decoder by itself: what the kernel and auditd encode, as they encode it, reads back to
//! what it was; and any other value comes out without a panic.
//!
//! The first byte chooses: hexadecimal strings, command lines, typed characters, arguments of an
//! `execve`, stamps, the enriched part, and every kind of field in every kind of record.
#![no_main]

use std::borrow::Cow;

use indelible_record::{
    Assembler, Event, Interpreter, Names, NoNames, Part, Record, RecordType, Settings, stamp, write,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [choice, bytes @ ..] = bytes else {
        return;
    };
    match choice % 7 {
        0 => strings(bytes),
        1 => title(bytes),
        2 => typed(bytes),
        3 => arguments(bytes),
        4 => stamps(bytes),
        5 => enriched(bytes),
        _ => kinds(bytes),
    }
});

/// A string as `audit_log_untrustedstring` writes it, and any bytes in its place.
fn strings(bytes: &[u8]) {
    let line = [b"type=PATH msg=audit(1.002:3): name=".to_vec(), untrusted(bytes)].concat();
    let field = Record::parse(&line).get("name").expect("the field");
    if !bytes.is_empty() {
        assert_eq!(field.decoded(RecordType::PATH), bytes);
    }
    let bare: Vec<u8> = bytes.iter().copied().filter(u8::is_ascii_graphic).collect();
    let line = [b"type=PATH msg=audit(1.002:3): name=".to_vec(), bare].concat();
    if let Some(field) = Record::parse(&line).get("name") {
        match field.decoded(RecordType::PATH) {
            Cow::Borrowed(same) => assert_eq!(same, field.value),
            Cow::Owned(decoded) => assert!(hexadecimal(&decoded).eq_ignore_ascii_case(field.value)),
        }
    }
}

fn title(bytes: &[u8]) {
    let line = [b"type=PROCTITLE msg=audit(1.002:3): proctitle=".to_vec(), untrusted(bytes)].concat();
    let event = event(&[line]);
    let title = event.value("proctitle").expect("the title");
    let blanked: Vec<u8> = bytes.iter().map(|b| if *b == 0 { b' ' } else { *b }).collect();
    if !bytes.is_empty() {
        assert_eq!(title, bytes);
        assert_eq!(event.command_line().expect("the title"), blanked);
        let words = interpreted(&event, "proctitle");
        assert_eq!(words, bytes.contains(&0).then_some(blanked));
    }
}

fn typed(bytes: &[u8]) {
    let line = [b"type=TTY msg=audit(1.002:3): tty pid=1 data=".to_vec(), hexadecimal(bytes)].concat();
    let words = interpreted(&event(&[line]), "data");
    let Some(words) = words else {
        assert!(bytes.is_empty());
        return;
    };
    assert!(words.iter().all(|byte| matches!(byte, b' '..=b'~')));
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        let mut expect = vec![b'"'];
        for byte in bytes {
            if matches!(byte, b'"' | b'\\') {
                expect.push(b'\\');
            }
            expect.push(*byte);
        }
        expect.push(b'"');
        assert_eq!(words, expect);
    }
}

/// Arguments over several records, long ones in pieces, as `audit_log_execve_info` writes them.
fn arguments(bytes: &[u8]) {
    let arguments: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
    let mut lines = vec![format!("type=EXECVE msg=audit(1.002:3): argc={}", arguments.len()).into_bytes()];
    for (index, argument) in arguments.iter().enumerate() {
        if index % 3 == 2 {
            lines.push(b"type=EXECVE msg=audit(1.002:3):".to_vec());
        }
        let line = lines.last_mut().expect("one");
        if argument.len() < 8 {
            line.extend_from_slice(format!(" a{index}=").as_bytes());
            line.extend(untrusted(argument));
            continue;
        }
        line.extend_from_slice(format!(" a{index}_len={}", argument.len() * 2).as_bytes());
        for (piece, bytes) in argument.chunks(5).enumerate() {
            line.extend_from_slice(format!(" a{index}[{piece}]=").as_bytes());
            line.extend(hexadecimal(bytes));
        }
    }
    let argv = event(&lines).argv().expect("arguments");
    assert_eq!(argv.arguments, arguments);
    assert!(!argv.incomplete);
}

fn stamps(bytes: &[u8]) {
    assert_eq!(stamp(bytes), Record::parse(bytes).stamp());
    let Some(raw) = bytes.first_chunk::<15>() else {
        return;
    };
    let number = |from: usize| u64::from_le_bytes(raw[from..from + 8].try_into().expect("eight"));
    // Seconds of every length: ten digits are read another way.
    let (sec, milli, serial) = (number(0) >> (raw[14] % 64), number(6) % 1000, number(7) as u32);
    let line = format!("type=CWD msg=audit({sec}.{milli:03}:{serial}): cwd=\"/\"");
    let found = stamp(line.as_bytes()).expect("a stamp");
    assert_eq!((found.sec, u64::from(found.milli), found.serial), (sec, milli, serial));
}

/// Names that are asked for are written as auditd appends them, and read back from there.
fn enriched(bytes: &[u8]) {
    let name: String = bytes.iter().filter(|b| b.is_ascii_alphanumeric()).map(|b| char::from(*b)).collect();
    let name = format!("n{name}");
    let line = b"type=SYSCALL msg=audit(1.002:3): arch=c000003e syscall=2 auid=7 uid=7 gid=8 euid=7".to_vec();
    let mut out = Vec::new();
    write::enriched(&event(&[line.clone()]), &One(&name), &mut out);
    let again = event(&[out.strip_suffix(b"\n").expect("a line").to_vec()]);
    for (field, id) in [("auid", true), ("uid", true), ("gid", true), ("euid", true), ("arch", false)] {
        let words = interpreted(&again, field).expect("words");
        assert_eq!(words == name.as_bytes(), id, "{field}");
    }
    // Any tail, and all fields in any order.
    let event = event(&[[&line, &b"\x1d"[..], bytes].concat().split(|b| *b == b'\n').next().unwrap_or_default().to_vec()]);
    let record = event.records().next().expect("the record");
    let interpreter = Interpreter::new(&record, &NoNames);
    let fields: Vec<_> = record.fields().filter(|field| field.part == Part::Body).collect();
    let words = |field| {
        let mut out = Vec::new();
        interpreter.interpret(field, &mut out);
        out
    };
    let forth: Vec<_> = fields.iter().map(words).collect();
    let back: Vec<_> = fields.iter().rev().map(words).collect();
    // One name may be appended twice; then the order decides which is meant.
    let names: Vec<_> = record.fields().filter(|f| f.part == Part::Enriched).map(|f| f.name.to_vec()).collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    if once.len() == names.len() && names.len() < 60 {
        assert!(forth.iter().eq(back.iter().rev()));
    }
}

/// Three fields with names that mean something, and any values.
fn kinds(bytes: &[u8]) {
    let [record_type, first, second, third, values @ ..] = bytes else {
        return;
    };
    let name = |byte: &u8| NAMES[usize::from(*byte) % NAMES.len()];
    let number = TYPES[usize::from(*record_type) % TYPES.len()];
    let arch = ["c000003e", "40000003", "c00000b7", "1"][usize::from(*record_type >> 6)];
    let mut line = format!("type={number} msg=audit(1.002:3): arch={arch}").into_bytes();
    let values = values.split(|byte| *byte == b' ' || *byte == b'\n');
    for (name, value) in [first, second, third].into_iter().map(name).zip(values) {
        line.extend_from_slice(format!(" {name}=").as_bytes());
        line.extend_from_slice(value);
    }
    let record = Record::parse(&line);
    let interpreter = Interpreter::new(&record, &NoNames);
    let mut out = b"before".to_vec();
    for field in record.fields() {
        let start = out.len();
        let is_more = interpreter.interpret(&field, &mut out);
        assert_eq!(&out[..6], b"before");
        assert!(is_more || out.len() == start);
        let _ = field.decoded(record.record_type());
    }
}

fn event(lines: &[Vec<u8>]) -> Event {
    let mut assembler = Assembler::new(Settings::FILE);
    for line in lines {
        assert_eq!(assembler.push(0, &Record::parse(line)).count(), 0);
    }
    assembler.finish().next().expect("an event")
}

fn interpreted(event: &Event, name: &str) -> Option<Vec<u8>> {
    let (record, field) = event.field(name)?;
    let mut out = Vec::new();
    Interpreter::new(&record, &NoNames).interpret(&field, &mut out).then_some(out)
}

/// `audit_string_contains_control`, `audit_log_n_untrustedstring`; kernel/audit.c.
fn untrusted(bytes: &[u8]) -> Vec<u8> {
    let plain = bytes.iter().all(|byte| matches!(byte, 0x21..=0x7e) && *byte != b'"');
    match plain {
        true => [b"\"", bytes, b"\""].concat(),
        false => hexadecimal(bytes),
    }
}

fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02X}").into_bytes()).collect()
}

/// Knows one name, which everybody has.
struct One<'a>(&'a str);

impl Names for One<'_> {
    fn user(&self, _uid: u32) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.0))
    }

    fn group(&self, _gid: u32) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.0))
    }
}

/// One name at least of each kind.
const NAMES: &[&str] = &[
    "a0", "a1", "a2", "a3", "acct", "action", "addr", "arch", "auid", "cap_fp", "capability", "cmd",
    "code", "comm", "cwd", "data", "errno", "exe", "exit", "family", "fan_info", "fan_type", "flags",
    "fp", "gid", "hook", "icmptype", "id", "ioctlcmd", "key", "list", "macproto", "mode", "name",
    "new_pe", "nl-mcgrp", "obj", "obj_trust", "oflag", "ogid", "old_prom", "ouid", "path", "per",
    "perm", "perm_mask", "proctitle", "proto", "res", "resolve", "resp", "result", "saddr", "ses",
    "sig", "subj", "subj_trust", "success", "syscall", "uid", "uring_op", "watch",
];

/// Types whose fields have meanings of their own, and two others.
const TYPES: &[u16] = &[
    1300, 1302, 1303, 1305, 1306, 1309, 1312, 1319, 1321, 1322, 1323, 1324, 1325, 1326, 1327, 1331, 1334,
    1336, 1337, 1400, 1116, 1123, 1124, 2404, 1701, 1006,
];
