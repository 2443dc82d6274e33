//! rsigma over the same events, each as JSON objects in the views of the rules.

use std::collections::{BTreeSet, HashMap};

use indelible_detect::sigma::{Engine as Ours, View};
use indelible_record::{Arch, Event, Part, Record, RecordType, SocketAddress};
use rsigma_eval::{Engine, JsonEvent};
use rsigma_parser::value::{SpecialChar, StringPart};
use rsigma_parser::{Detection, SigmaRule, SigmaValue, parse_sigma_yaml};
use serde_json::{Map, Value};

use crate::rules::RuleFile;

/// Its engines by view, and what it must remember of processes.
pub struct Oracle {
    rules: Vec<(SigmaRule, View)>,
    engines: Vec<(View, Engine)>,
    processes: HashMap<(Option<Vec<u8>>, String), (Value, Value)>,
}

impl Oracle {
    pub fn new(files: &[RuleFile], ours: &Ours) -> Oracle {
        let mut rules = Vec::new();
        for file in files {
            let collection = parse_sigma_yaml(&file.text).expect("a rule");
            assert!(
                collection.errors.is_empty(),
                "{}: {:?}",
                file.name,
                collection.errors
            );
            for mut rule in collection.rules {
                let view = ours
                    .rules()
                    .iter()
                    .find(|info| info.header.title == rule.title)
                    .and_then(|info| info.view);
                let Some(view) = view else { continue };
                rule.detection.named.values_mut().for_each(open_keywords);
                rules.push((rule, view));
            }
        }
        let mut engines: Vec<(View, Engine)> = Vec::new();
        for (rule, view) in &rules {
            if !engines.iter().any(|engine| engine.0 == *view) {
                engines.push((*view, Engine::new()));
            }
            for (_, engine) in engines.iter_mut().filter(|engine| engine.0 == *view) {
                engine.add_rule(rule).expect("a rule that it takes");
            }
        }
        Oracle {
            rules,
            engines,
            processes: HashMap::new(),
        }
    }

    pub fn rules(&self) -> &[(SigmaRule, View)] {
        &self.rules
    }

    /// Titles of the rules that match.
    pub fn event(&mut self, event: &Event) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (view, object) in self.objects(event) {
            found.extend(self.evaluate(view, &object));
        }
        found
    }

    /// Titles of the rules of a view that match an object.
    pub fn evaluate(&self, view: View, object: &Value) -> Vec<String> {
        let engine = self.engines.iter().find(|engine| engine.0 == view);
        let Some((_, engine)) = engine else {
            return Vec::new();
        };
        let results = engine.evaluate(&JsonEvent::borrow(object));
        results
            .into_iter()
            .map(|result| result.header.rule_title)
            .collect()
    }

    /// What the rules see of an event.
    pub fn objects(&mut self, event: &Event) -> Vec<(View, Value)> {
        let mut objects: Vec<(View, Value)> = event
            .records()
            .map(|record| (View::Record, with_text(record_object(&record))))
            .collect();
        let mut whole = Map::new();
        for (place, record) in event.records().enumerate() {
            whole.insert(place.to_string(), record_object(&record));
        }
        let call = call(event);
        let success = event.success() == Some(true);
        let has_syscall = event.record(RecordType::SYSCALL).is_some();
        let mut base = Map::new();
        put(&mut base, "Image", syscall_text(event, "exe"));
        put(&mut base, "User", user(event));
        put(&mut base, "ProcessId", syscall_text(event, "pid"));
        put(&mut base, "ParentProcessId", syscall_text(event, "ppid"));
        put(&mut base, "LogonId", syscall_text(event, "ses"));
        if matches!(call, Some("execve" | "execveat")) && success {
            let mut object = base.clone();
            put(&mut object, "CommandLine", event.command_line());
            put(
                &mut object,
                "CurrentDirectory",
                event.cwd().map(|cwd| cwd.into_owned()),
            );
            let text = |object: &Map<String, Value>, name: &str| {
                object.get(name).cloned().unwrap_or_default()
            };
            let node = event.node().map(<[u8]>::to_vec);
            let id = |value: Value| value.as_str().unwrap_or_default().to_owned();
            let parent = (node.clone(), id(text(&object, "ParentProcessId")));
            let own = (node, id(text(&object, "ProcessId")));
            let (image, line) = (text(&object, "Image"), text(&object, "CommandLine"));
            if let Some((image, line)) = self.processes.get(&parent) {
                object.insert("ParentImage".into(), image.clone());
                object.insert("ParentCommandLine".into(), line.clone());
            }
            self.processes.insert(own, (image, line.clone()));
            whole.insert("line".into(), line);
            objects.push((View::Process, Value::Object(object)));
        }
        if has_syscall && success {
            for path in event.paths() {
                let Some(name) = &path.name else { continue };
                let nametype = path.nametype.unwrap_or_default();
                let writes =
                    nametype == b"CREATE" || (nametype == b"NORMAL" && opens_to_write(event, call));
                let mut object = base.clone();
                put(&mut object, "TargetFilename", Some(joined(event, name)));
                if writes {
                    objects.push((View::FileWrite, Value::Object(object.clone())));
                }
                if nametype == b"DELETE" {
                    objects.push((View::FileDelete, Value::Object(object)));
                }
            }
        }
        if call == Some("connect")
            && let Some(bytes) = event.sockaddr()
            && let Some(SocketAddress::Inet { address, port }) = SocketAddress::read(&bytes)
        {
            let mut object = base;
            object.insert("DestinationIp".into(), address.to_string().into());
            object.insert("DestinationPort".into(), port.to_string().into());
            objects.push((View::Network, Value::Object(object)));
        }
        objects.push((View::Event, Value::Object(whole)));
        objects
    }
}

/// Keywords with wildcards, and those under `|all`, stand anywhere in a text, as others do; rsigma
/// binds them to its ends.
fn open_keywords(detection: &mut Detection) {
    let open = |values: &mut Vec<SigmaValue>, all: bool| {
        for value in values {
            if let SigmaValue::String(string) = value
                && (all
                    || string
                        .parts
                        .iter()
                        .any(|part| matches!(part, StringPart::Special(_))))
            {
                string
                    .parts
                    .insert(0, StringPart::Special(SpecialChar::WildcardMulti));
                string
                    .parts
                    .push(StringPart::Special(SpecialChar::WildcardMulti));
            }
        }
    };
    match detection {
        Detection::Keywords(values) => open(values, false),
        Detection::AnyOf(parts) | Detection::And(parts) => parts.iter_mut().for_each(open_keywords),
        Detection::AllOf(items) => items
            .iter_mut()
            .filter(|item| item.field.name.is_none())
            .for_each(|item| open(&mut item.values, true)),
        _ => {}
    }
}

fn record_object(record: &Record<'_>) -> Value {
    let mut object = Map::new();
    for field in record.fields().filter(|field| !field.is_null()) {
        let name = String::from_utf8_lossy(field.name).into_owned();
        let value = match field.part {
            Part::Enriched => field.value.to_vec(),
            _ => field.decoded(record.record_type()).into_owned(),
        };
        if !object.contains_key(&name) {
            put(&mut object, &name, Some(value));
        }
    }
    object.insert("type".into(), record.type_name().into());
    if record.record_type() == RecordType::SYSCALL && !object.contains_key("SYSCALL") {
        let text = |name: &str| {
            record
                .get(name)
                .map(|field| String::from_utf8_lossy(field.value).into_owned())
        };
        let call = text("arch")
            .and_then(|arch| u32::from_str_radix(&arch, 16).ok())
            .and_then(Arch::from_audit)
            .zip(text("syscall").and_then(|number| number.parse().ok()))
            .and_then(|(arch, number)| arch.syscall_name(number));
        if let Some(call) = call {
            object.insert("SYSCALL".into(), call.into());
        }
    }
    Value::Object(object)
}

/// rsigma looks for all keywords of a list in one value: here all values stand in one.
fn with_text(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        let values: Vec<&str> = fields.values().filter_map(Value::as_str).collect();
        let text = values.join("\u{1}");
        fields.insert("_text".into(), text.into());
    }
    object
}

fn put(object: &mut Map<String, Value>, name: &str, value: Option<Vec<u8>>) {
    if let Some(value) = value {
        let text = String::from_utf8_lossy(&value).into_owned();
        object.insert(name.to_owned(), text.into());
    }
}

fn syscall_text(event: &Event, name: &str) -> Option<Vec<u8>> {
    let record = event.record(RecordType::SYSCALL)?;
    let field = record.get(name).filter(|field| !field.is_null())?;
    Some(field.decoded(RecordType::SYSCALL).into_owned())
}

fn user(event: &Event) -> Option<Vec<u8>> {
    let record = event.record(RecordType::SYSCALL)?;
    if let Some(name) = record.get_enriched(b"uid") {
        return Some(name.to_vec());
    }
    let uid = syscall_text(event, "uid")?;
    Some(if uid == b"0" { b"root".to_vec() } else { uid })
}

fn call(event: &Event) -> Option<&'static str> {
    event.record(RecordType::SYSCALL)?;
    Arch::from_audit(event.arch()?)?.syscall_name(event.syscall()?)
}

fn opens_to_write(event: &Event, call: Option<&str>) -> bool {
    let argument = match call {
        Some("creat" | "truncate") => return true,
        Some("open") => "a1",
        Some("openat") => "a2",
        _ => return false,
    };
    let flags = syscall_text(event, argument).unwrap_or_default();
    u64::from_str_radix(&String::from_utf8_lossy(&flags), 16).is_ok_and(|flags| flags & 3 != 0)
}

fn joined(event: &Event, name: &[u8]) -> Vec<u8> {
    let directory = event.cwd().unwrap_or_default();
    if name.starts_with(b"/") || directory.is_empty() {
        return name.to_vec();
    }
    let name = name.strip_prefix(b"./").unwrap_or(name);
    let separator: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
    [&*directory, separator, name].concat()
}
