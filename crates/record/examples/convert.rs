//! Writes an audit log in another form.
//!
//! ```text
//! cargo run -p indelible-record --example convert -- raw|enriched|default|interpret|text|csv|ndjson FILE
//! ```

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;

use indelible_record::{Assembler, Event, Names, Record, Settings, write};

/// This machine's users and groups, as the tools name them.
struct Files {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Files {
    fn read() -> std::io::Result<Files> {
        let table = |path| -> std::io::Result<HashMap<u32, String>> {
            let text = std::fs::read_to_string(path)?;
            let entries = text.lines().filter_map(|line| {
                let mut parts = line.split(':');
                let name = parts.next()?;
                Some((parts.nth(1)?.parse().ok()?, String::from(name)))
            });
            Ok(entries.collect())
        };
        Ok(Files {
            users: table("/etc/passwd")?,
            groups: table("/etc/group")?,
        })
    }
}

fn name(table: &HashMap<u32, String>, id: u32) -> Cow<'_, str> {
    match table.get(&id) {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(format!("unknown({})", id.cast_signed())),
    }
}

impl Names for Files {
    fn user(&self, uid: u32) -> Option<Cow<'_, str>> {
        Some(name(&self.users, uid))
    }

    fn group(&self, gid: u32) -> Option<Cow<'_, str>> {
        Some(name(&self.groups, gid))
    }
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [form, file] = arguments.as_slice() else {
        eprintln!("usage: convert FORM FILE");
        std::process::exit(2);
    };
    let log = std::fs::read(file)?;
    let names = Files::read()?;
    let locale = write::Locale {
        names: &names,
        ..write::Locale::default()
    };
    let mut out = Vec::new();
    let mut push = |event: Event| match form.as_str() {
        "default" => write::default(&event, &locale, &mut out),
        "interpret" => write::interpret(&event, &locale, &mut out),
        "enriched" => write::enriched(&event, &names, &mut out),
        "text" => write::text(&event, &locale, &mut out),
        "csv" => write::csv(&event, &locale, write::Columns::default(), &mut out),
        "ndjson" => write::ndjson(&event, &names, &mut out),
        _ => write::raw(&event, &mut out),
    };
    let mut assembler = Assembler::new(Settings::FILE);
    for line in log
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        assembler.push(0, &Record::parse(line)).for_each(&mut push);
    }
    assembler.finish().for_each(&mut push);
    std::io::stdout().write_all(&out)
}
