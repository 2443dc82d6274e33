//! Cases: words for ausearch, and the logs and forms that they are tried on.

use std::path::{Path, PathBuf};

/// One search of one log.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// As it is written down, with the log.
    pub(crate) text: String,
    /// The name of the difference that we want, if there is one.
    pub(crate) differs: Option<String>,
    pub(crate) words: Vec<String>,
    pub(crate) log: PathBuf,
    pub(crate) input: Input,
}

/// How the log reaches the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// `-if`
    File,
    /// Through a pipe.
    Pipe,
    /// Not at all: the words say all.
    None,
}

/// Reads cases; the files' head has the language.
pub(crate) fn read(text: &str, logs: &dyn Fn(&str) -> PathBuf) -> Vec<Case> {
    let mut cases = Vec::new();
    let (mut names, mut forms) = (Vec::new(), Vec::new());
    let mut input = Input::File;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(setting) = line.strip_prefix('@') {
            let mut words = setting.split_whitespace();
            match words.next() {
                Some("log") => names = words.map(String::from).collect(),
                Some("form") => forms = words.map(String::from).collect(),
                Some("file") => input = Input::File,
                Some("pipe") => input = Input::Pipe,
                Some("none") => input = Input::None,
                other => panic!("{other:?} is no setting"),
            }
            continue;
        }
        let (marks, line) = marks(line);
        for name in &names {
            for form in &forms {
                let mut words = split(line);
                if form != "none" {
                    words.extend(["--format".into(), form.clone()]);
                }
                let differs = marks
                    .iter()
                    .find(|mark| mark.applies(name, form))
                    .map(|mark| mark.name.clone());
                cases.push(Case {
                    text: format!("{line} ({name}, {form})"),
                    differs,
                    words,
                    log: logs(name),
                    input,
                });
            }
        }
    }
    cases
}

/// `!NAME` in front of a case: ours differs; `!NAME:LOG` or `!NAME:FORM`: there alone.
struct Mark {
    name: String,
    place: Option<String>,
}

impl Mark {
    fn applies(&self, log: &str, form: &str) -> bool {
        self.place
            .as_deref()
            .is_none_or(|place| place == log || place == form)
    }
}

fn marks(line: &str) -> (Vec<Mark>, &str) {
    let mut marks = Vec::new();
    let mut rest = line;
    while let Some(after) = rest.strip_prefix('!') {
        let (mark, after) = after.split_once(' ').unwrap_or((after, ""));
        let (name, place) = match mark.split_once(':') {
            Some((name, place)) => (name, Some(place.to_owned())),
            None => (mark, None),
        };
        marks.push(Mark {
            name: name.to_owned(),
            place,
        });
        rest = after.trim_start();
    }
    (marks, rest)
}

/// Words; a blank inside one is written `\ `, an empty one `<empty>`, none at all `<nothing>`.
fn split(line: &str) -> Vec<String> {
    line.replace("\\ ", "\u{1}")
        .split_whitespace()
        .filter(|word| *word != "<nothing>")
        .map(|word| match word {
            "<empty>" => String::new(),
            word => word.replace('\u{1}', " "),
        })
        .collect()
}

/// The folder of the cases and logs.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/compliance/search")
}
