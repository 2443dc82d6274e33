//! Reads `tests/compliance/report/*.cases`.

use std::path::PathBuf;

/// One command line on one log.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// As it stands in the file, with its log: for messages.
    pub(crate) text: String,
    /// Path of the log.
    pub(crate) log: PathBuf,
    /// Whether the log comes through standard input.
    pub(crate) through_stdin: bool,
    pub(crate) words: Vec<String>,
    /// Why ours differs.
    pub(crate) differs: Option<String>,
}

/// All cases of all files.
pub(crate) fn all() -> Vec<Case> {
    let folder = root().join("tests/compliance/report");
    let files = std::fs::read_dir(&folder).expect("tests/compliance/report");
    let mut paths: Vec<PathBuf> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "cases"))
        .collect();
    paths.sort();
    paths
        .iter()
        .flat_map(|path| read(&std::fs::read_to_string(path).expect("text")))
        .collect()
}

fn read(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut logs: Vec<&str> = Vec::new();
    let lines = text.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(names) = line.strip_prefix("logs:") {
            logs = names.split_whitespace().collect();
            continue;
        }
        let (words, reasons) = line.split_once(" ! ").unwrap_or((line, ""));
        for log in &logs {
            let differs =
                reasons
                    .split_whitespace()
                    .find_map(|reason| match reason.split_once(':') {
                        Some((of, name)) => (of == *log).then_some(name),
                        None => Some(reason),
                    });
            let words = words.split_whitespace();
            cases.push(Case {
                text: format!("{line}  (on {log})"),
                log: path(log),
                through_stdin: words.clone().any(|word| word == "@stdin"),
                words: words
                    .filter(|word| *word != "@stdin")
                    .map(str::to_owned)
                    .collect(),
                differs: differs.map(str::to_owned),
            });
        }
    }
    cases
}

/// Where a log of this name stands.
pub(crate) fn path(name: &str) -> PathBuf {
    match name {
        "raw" | "enriched" => root().join(format!("crates/record/tests/corpus/{name}.log")),
        "rotated" => root().join("tests/compliance/report/logs/rotated"),
        name => root().join(format!("tests/compliance/report/logs/{name}.log")),
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}
