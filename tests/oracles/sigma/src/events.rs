//! Events: those of a log, and events made of what rules look for.

use indelible_detect::sigma::View;
use indelible_record::{Assembler, Event, Record, Settings};
use rsigma_parser::value::StringPart;
use rsigma_parser::{Detection, DetectionItem, Modifier, SigmaRule, SigmaValue};

/// The events of a log.
pub fn of(log: &[u8]) -> Vec<Event> {
    let mut assembler = Assembler::new(Settings::FILE);
    let mut events = Vec::new();
    for line in log
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        events.extend(assembler.push(0, &Record::parse(line)));
    }
    events.extend(assembler.finish());
    events
}

/// For each rule and each of its selections some events that hold its values, whole or in part.
pub fn generated(rules: &[(SigmaRule, View)], seed: u64) -> Vec<Event> {
    let mut random = Random(seed);
    let mut log = String::new();
    let mut serial = 1;
    for (rule, view) in rules {
        for round in 0..ROUNDS {
            let mut values = Vec::new();
            let mut names: Vec<&String> = rule.detection.named.keys().collect();
            names.sort();
            for name in names {
                if names_a_filter(name) && round % 2 == 0 {
                    continue;
                }
                gather(&rule.detection.named[name], &mut random, &mut values);
            }
            if round % 5 == 4 && !values.is_empty() {
                // Nearly, but not quite.
                let at = random.below(values.len());
                values.remove(at);
            }
            write(*view, &values, &mut serial, &mut log);
        }
    }
    of(log.as_bytes())
}

const ROUNDS: usize = 24;

fn names_a_filter(name: &str) -> bool {
    name.contains("filter")
}

/// A field (none for a keyword) and a text that holds what is looked for.
type Wanted = (Option<String>, String);

fn gather(detection: &Detection, random: &mut Random, found: &mut Vec<Wanted>) {
    match detection {
        Detection::AllOf(items) => items
            .iter()
            .for_each(|item| gather_item(item, random, found)),
        Detection::And(parts) => parts.iter().for_each(|part| gather(part, random, found)),
        Detection::AnyOf(parts) => {
            if let Some(part) = parts.get(random.below(parts.len().max(1))) {
                gather(part, random, found);
            }
        }
        Detection::Keywords(values) => {
            if let Some(value) = values.get(random.below(values.len().max(1))) {
                found.push((None, text(value, random)));
            }
        }
        _ => {}
    }
}

fn gather_item(item: &DetectionItem, random: &mut Random, found: &mut Vec<Wanted>) {
    let all = item.field.modifiers.contains(&Modifier::All);
    let one = random.below(item.values.len().max(1));
    for (place, value) in item.values.iter().enumerate() {
        if !all && place != one {
            continue;
        }
        let mut text = text(value, random);
        if item.field.modifiers.contains(&Modifier::Re) {
            text = unescaped(&text);
        }
        if item.field.modifiers.contains(&Modifier::EndsWith) && random.below(2) == 0 {
            text.insert_str(0, "/usr/bin");
        }
        if random.below(3) == 0 {
            text = text.to_uppercase();
        }
        found.push((item.field.name.clone(), text));
    }
}

/// A regular expression without what makes it one: sometimes that matches.
fn unescaped(source: &str) -> String {
    source
        .replace("\\s", " ")
        .replace("\\d", "7")
        .chars()
        .filter(|character| !"\\^$()[]{}+?*|".contains(*character))
        .collect()
}

fn text(value: &SigmaValue, random: &mut Random) -> String {
    match value {
        SigmaValue::String(string) => string
            .parts
            .iter()
            .map(|part| match part {
                StringPart::Plain(text) => text.clone(),
                StringPart::Special(_) => "x".repeat(1 + random.below(3)),
            })
            .collect(),
        SigmaValue::Integer(number) => number.to_string(),
        SigmaValue::Float(number) => number.to_string(),
        SigmaValue::Bool(truth) => truth.to_string(),
        SigmaValue::Null => String::new(),
    }
}

fn write(view: View, values: &[Wanted], serial: &mut u32, log: &mut String) {
    let get = |name: &str| {
        let texts: Vec<&str> = values
            .iter()
            .filter(|value| value.0.as_deref() == Some(name))
            .map(|value| value.1.as_str())
            .collect();
        (!texts.is_empty()).then(|| texts.join(" "))
    };
    let keywords: Vec<&str> = values
        .iter()
        .filter(|value| value.0.is_none())
        .map(|value| value.1.as_str())
        .collect();
    match view {
        View::Process => {
            let pid = *serial + 10_000;
            if get("ParentImage").or(get("ParentCommandLine")).is_some() {
                let image = get("ParentImage").unwrap_or_else(|| "/sbin/init".into());
                let line = get("ParentCommandLine").unwrap_or_else(|| image.clone());
                program(serial, (pid, 1), &image, &[&line], log);
            }
            let image = get("Image").unwrap_or_else(|| "/usr/bin/true".into());
            let line = get("CommandLine").unwrap_or_else(|| image.clone());
            program(serial, (pid + 50_000, pid), &image, &[&line], log);
        }
        View::FileWrite | View::FileDelete | View::FileAccess => {
            let nametype = if view == View::FileDelete {
                "DELETE"
            } else {
                "CREATE"
            };
            let stamp = stamp(serial);
            log.push_str(&format!(
                "type=SYSCALL msg={stamp}: arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=1 a2=241 a3=1b6 items=1 ppid=1 pid=7 auid=1000 uid=0 ses=3 comm=\"x\" exe={} key=(null)\n\
                 type=CWD msg={stamp}: cwd=\"/\"\n\
                 type=PATH msg={stamp}: item=0 name={} inode=1 nametype={nametype}\n",
                quoted(&get("Image").unwrap_or_else(|| "/usr/bin/tee".into())),
                quoted(&get("TargetFilename").unwrap_or_else(|| "/x".into())),
            ));
        }
        View::Record => {
            let stamp = stamp(serial);
            let kind = get("type")
                .unwrap_or_else(|| "SYSCALL".into())
                .to_uppercase();
            let kind = kind.split(' ').next().unwrap_or_default().to_owned();
            let mut line = format!("type={kind} msg={stamp}:");
            if kind == "SYSCALL" {
                let call = get("SYSCALL").unwrap_or_default().to_lowercase();
                let number = indelible_record::Arch::X86_64
                    .syscall_number(&call)
                    .unwrap_or(59);
                line.push_str(&format!(" arch=c000003e syscall={number} success=yes"));
            }
            for (name, value) in values {
                match name.as_deref() {
                    Some("type" | "SYSCALL") => {}
                    Some(name @ ("euid" | "uid")) => line.push_str(&format!(" {name}={value}")),
                    Some("a0" | "a1" | "a2" | "a3") if kind == "SYSCALL" => {
                        line.push_str(&format!(" {}={value}", name.clone().unwrap_or_default()));
                    }
                    Some(name) => line.push_str(&format!(" {name}={}", quoted(value))),
                    None => {}
                }
            }
            for (place, keyword) in keywords.iter().enumerate() {
                line.push_str(&format!(" a{}={}", place + 5, quoted(keyword)));
            }
            log.push_str(&line);
            log.push('\n');
        }
        View::Event | View::Network => {
            let pid = *serial + 10_000;
            program(
                serial,
                (pid, 1),
                "/bin/bash",
                &[&["bash", "-c"][..], &keywords].concat(),
                log,
            );
        }
    }
}

fn stamp(serial: &mut u32) -> String {
    *serial += 1;
    format!(
        "audit({}.{:03}:{serial})",
        1_700_000_000 + *serial / 100,
        (*serial % 100) * 10
    )
}

pub fn program(
    serial: &mut u32,
    (pid, ppid): (u32, u32),
    image: &str,
    argv: &[&str],
    log: &mut String,
) {
    let stamp = stamp(serial);
    let arguments: Vec<String> = argv
        .iter()
        .enumerate()
        .map(|(place, argument)| format!("a{place}={}", quoted(argument)))
        .collect();
    log.push_str(&format!(
        "type=SYSCALL msg={stamp}: arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=1 ppid={ppid} pid={pid} auid=1000 uid=1000 euid=1000 ses=3 comm=\"x\" exe={} key=(null)\n\
         type=EXECVE msg={stamp}: argc={} {}\n\
         type=CWD msg={stamp}: cwd=\"/root\"\n\
         type=PATH msg={stamp}: item=0 name={} inode=1 nametype=NORMAL\n\
         type=PROCTITLE msg={stamp}: proctitle=\"x\"\n",
        quoted(image),
        argv.len(),
        arguments.join(" "),
        quoted(image),
    ));
}

fn quoted(text: &str) -> String {
    let is_plain = !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'"');
    if is_plain {
        return format!("\"{text}\"");
    }
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
}

/// xorshift64*: the same events for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}
