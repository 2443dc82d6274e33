//! YAML as far as rules need it: bounded trees of scalars, lists and maps.
//!
//! A plain scalar keeps its text, so that `0777` and `1e3` stay what their author wrote; what it
//! means is asked of it. Anchors work within the bounds; tags are not looked at.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::limits::sigma::{RULE_FILE_BYTES_MAX, YAML_DEPTH_MAX, YAML_NODES_MAX};

/// A node of a YAML document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Yaml {
    Scalar(Scalar),
    List(Vec<Yaml>),
    /// In order; no name twice.
    Map(Vec<(String, Yaml)>),
}

/// A scalar as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Without quotes: it may be a number, a truth or nothing.
    plain: bool,
}

impl Scalar {
    pub(super) fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    pub(super) fn truth(&self) -> Option<bool> {
        match self.text.to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        }
    }

    /// Whether it is a number or a truth of YAML, in which nothing is a wildcard.
    pub(super) fn is_typed(&self) -> bool {
        self.plain && (self.text.parse::<f64>().is_ok() || self.truth().is_some())
    }

    pub(super) fn number(&self) -> Option<i64> {
        let text = self.text.trim();
        match text.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    }
}

impl Yaml {
    /// The node under a name of a map.
    pub(super) fn get(&self, name: &str) -> Option<&Yaml> {
        match self {
            Yaml::Map(pairs) => pairs.iter().find(|pair| pair.0 == name).map(|pair| &pair.1),
            _ => None,
        }
    }

    /// The text of a scalar that is not null.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Yaml::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
            _ => None,
        }
    }

    /// The texts of a list of scalars, or of one scalar.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        match self {
            Yaml::Scalar(_) => self.text().map(|text| vec![text.to_owned()]),
            Yaml::List(items) => items
                .iter()
                .map(|item| item.text().map(str::to_owned))
                .collect(),
            Yaml::Map(_) => None,
        }
    }

    fn nodes(&self) -> usize {
        1 + match self {
            Yaml::Scalar(_) => 0,
            Yaml::List(items) => items.iter().map(Yaml::nodes).sum(),
            Yaml::Map(pairs) => pairs.iter().map(|pair| pair.1.nodes()).sum(),
        }
    }
}

/// Reads the documents of a file.
///
/// # Errors
/// What is no YAML, or exceeds the limits: a message with the line.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Yaml>, String> {
    if bytes.len() > RULE_FILE_BYTES_MAX {
        return Err(format!("longer than {RULE_FILE_BYTES_MAX} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()]
            .split(|byte| *byte == b'\n')
            .count();
        format!("line {line}: not UTF-8")
    })?;
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
        reader
            .event(event)
            .map_err(|why| format!("line {}: {why}", span.start.line()))?;
    }
    Ok(reader.documents)
}

/// A list or map that is being read.
enum Open {
    List(Vec<Yaml>),
    /// The pairs so far, and the name that waits for its value.
    Map(Vec<(String, Yaml)>, Option<String>),
}

#[derive(Default)]
struct Reader {
    documents: Vec<Yaml>,
    open: Vec<(Open, usize)>,
    anchors: HashMap<usize, Yaml>,
    nodes: usize,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let scalar = Yaml::Scalar(Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                });
                self.node(scalar, anchor)
            }
            Event::SequenceStart(anchor, _) => self.open(Open::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => self.open(Open::Map(Vec::new(), None), anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((Open::List(items), anchor)) => self.node(Yaml::List(items), anchor),
                Some((Open::Map(pairs, None), anchor)) => self.node(Yaml::Map(pairs), anchor),
                _ => Err("a map that ends without a value".into()),
            },
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or("an alias of something that has not ended")?;
                self.nodes += node.nodes();
                self.node(node, 0)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, open: Open, anchor: usize) -> Result<(), String> {
        if self.open.len() == YAML_DEPTH_MAX {
            return Err(format!("more than {YAML_DEPTH_MAX} levels"));
        }
        self.open.push((open, anchor));
        Ok(())
    }

    /// Puts a whole node where it belongs.
    fn node(&mut self, node: Yaml, anchor: usize) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > YAML_NODES_MAX {
            return Err(format!("more than {YAML_NODES_MAX} nodes"));
        }
        if anchor != 0 {
            self.nodes += node.nodes();
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some((Open::List(items), _)) => items.push(node),
            Some((Open::Map(pairs, name @ None), _)) => {
                let Yaml::Scalar(scalar) = node else {
                    return Err("a name that is a list or a map".into());
                };
                if pairs.iter().any(|pair| pair.0 == scalar.text) {
                    return Err(format!("{:?} stands twice in one map", scalar.text));
                }
                *name = Some(scalar.text);
            }
            Some((Open::Map(pairs, name), _)) => {
                pairs.push((name.take().unwrap_or_default(), node));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        let documents = read(b"a: 1\nb: [x, '2', ~]\n---\n- c: |\n    long\n").expect("valid");
        assert_eq!(documents.len(), 2);
        let list = documents[0].get("b").expect("b");
        let Yaml::List(items) = list else {
            panic!("{list:?}")
        };
        let scalar = |item: &Yaml| match item {
            Yaml::Scalar(scalar) => (scalar.is_typed(), scalar.is_null(), scalar.number()),
            other => panic!("{other:?}"),
        };
        assert_eq!(scalar(&items[0]), (false, false, None));
        assert_eq!(scalar(&items[1]), (false, false, Some(2)));
        assert_eq!(scalar(&items[2]), (false, true, None));
    }

    #[test]
    fn refused() {
        for (text, expect) in [
            ("a: 1\na: 2", "line 2: \"a\" stands twice in one map"),
            ("{[1]: 2}", "line 1: a name that is a list or a map"),
            ("\"\\xff", "line 1:"),
        ] {
            let error = read(text.as_bytes()).expect_err(text);
            assert!(error.starts_with(expect), "{error}");
        }
        let deep = "[".repeat(YAML_DEPTH_MAX + 1);
        assert!(read(deep.as_bytes()).expect_err("deep").contains("levels"));
        let mut laughs = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..9 {
            let alias = format!("*a{},", level - 1).repeat(10);
            laughs.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
        }
        assert!(
            read(laughs.as_bytes())
                .expect_err("laughs")
                .contains("nodes")
        );
        assert!(read(b"\xff").expect_err("bytes").contains("UTF-8"));
    }
}
