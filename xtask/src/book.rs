//! What is written from code, and the check that it is as the code has it: manual pages, completions,
//! the configuration's schemas, the book's reference chapters and its figures.
//!
//! `cargo xtask book` writes; `cargo xtask book --check` only compares.

mod model;
mod program;
mod schema;
pub(crate) mod svg;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::shell;
use model::Model;

/// Files by their path in the repository.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Writes everything, or says what differs.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let check = match words {
        [] => false,
        ["--check"] => true,
        _ => anyhow::bail!("usage: cargo xtask book [--check]"),
    };
    let root = shell::root();
    let mut files = of_sources(&root)?;
    // The program holds the schemas: it is built with those of now.
    if !check {
        write(&root, &files)?;
    }
    files.extend(of_program()?);
    if !check {
        return write(&root, &files);
    }
    let stale = differing(&root, &files);
    ensure!(
        stale.is_empty(),
        "not as the code has it, run `cargo xtask book`: {stale:?}"
    );
    Ok(())
}

/// What the sources alone say: no program needs to be built for it.
fn of_sources(root: &Path) -> Result<Files> {
    let model = configuration(root)?;
    let mut files = Files::new();
    for (daemon, of_type) in [("agent", "AgentConfig"), ("collector", "CollectorConfig")] {
        let title = format!("Configuration of indelible {daemon}");
        let text = schema::schema(&model, of_type, &title)?;
        let path = format!("docs/schemas/config-{daemon}.json");
        files.insert(path.into(), text.into_bytes());
    }
    let mut text = CONFIGURATION_CHAPTER.to_owned();
    for (daemon, of_type) in [("agent", "AgentConfig"), ("collector", "CollectorConfig")] {
        text.push_str(&format!("\n## The {daemon}: `{daemon}.toml`\n"));
        schema::chapter(&model, of_type, &mut text);
    }
    files.insert(
        "docs/book/src/reference/configuration.md".into(),
        text.into_bytes(),
    );
    figures(root, &mut files)?;
    schemas_chapter(root, &mut files)?;
    decisions_chapter(root, &mut files)?;
    Ok(files)
}

/// Figures: each text of `docs/book/src/figures` as a picture beside it.
fn figures(root: &Path, files: &mut Files) -> Result<()> {
    for path in listed(&root.join("docs/book/src/figures"), "txt")? {
        let text = fs::read_to_string(&path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let picture = svg::picture(&text, svg::Look::Figure, &name);
        let to = format!("docs/book/src/figures/{name}.svg");
        files.insert(to.into(), picture.into_bytes());
    }
    Ok(())
}

/// The list of JSON Schemas, by what each says of itself.
fn schemas_chapter(root: &Path, files: &mut Files) -> Result<()> {
    let mut text = format!(
        "# JSON shapes\n\n{WRITTEN}\nWhat `--format json` and `ndjson` print is specified by JSON Schemas in `docs/schemas`, and the\ncollector's HTTP by `docs/openapi.json`. Keys may be added; none changes its meaning.\n\n\
         | schema | of |\n|---|---|\n"
    );
    for path in listed(&root.join("docs/schemas"), "json")? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // The configurations' are written by this task, from this very map.
        let bytes = match files.get(Path::new(&format!("docs/schemas/{name}"))) {
            Some(bytes) => bytes.clone(),
            None => fs::read(&path)?,
        };
        let schema: serde_json::Value = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is no JSON", path.display()))?;
        let title = ["title", "description"]
            .iter()
            .find_map(|key| schema.get(key)?.as_str())
            .unwrap_or("–");
        let title = title.split("\n\n").next().unwrap_or_default();
        let title = title.replace('\n', " ").replace('|', "\\|");
        text.push_str(&format!("| `{name}` | {title} |\n"));
    }
    files.insert(
        "docs/book/src/reference/schemas.md".into(),
        text.into_bytes(),
    );
    Ok(())
}

/// The decisions, listed and then whole: the book takes in what it links to.
fn decisions_chapter(root: &Path, files: &mut Files) -> Result<()> {
    let mut text = format!(
        "# Decisions\n\n{WRITTEN}\nWhy things are as they are: short records in `docs/adr`.\n\n"
    );
    let mut whole = String::new();
    for path in listed(&root.join("docs/adr"), "md")? {
        let record = fs::read_to_string(&path)?;
        let title = record.lines().next().unwrap_or_default();
        let title = title.trim_start_matches('#').trim();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.trim_end_matches(".md");
        text.push_str(&format!("- [{title}](#{stem})\n"));
        whole.push_str(&format!(
            "\n<a id=\"{stem}\"></a>\n\n{{{{#include ../../../adr/{name}}}}}\n"
        ));
    }
    text.push_str(&whole);
    files.insert(
        "docs/book/src/reference/decisions.md".into(),
        text.into_bytes(),
    );
    Ok(())
}

fn listed(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn configuration(root: &Path) -> Result<Model> {
    let mut sources = Vec::new();
    let mut folders = vec![root.join("crates/indelible/src/config")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path);
            }
        }
    }
    // Limits of the receivers are named where the receivers are.
    sources.push(root.join("crates/indelible/src/collector/receivers/limits.rs"));
    sources.sort();
    let texts: std::io::Result<Vec<String>> = sources.iter().map(fs::read_to_string).collect();
    Model::read(&texts?)
}

/// What the program prints about itself.
fn of_program() -> Result<Files> {
    shell::run(shell::command(
        "cargo",
        &["build", "--quiet", "-p", "indelible"],
    ))?;
    let program = shell::target().join("debug/indelible");
    let mut files = Files::new();
    let folder = tempfile::tempdir()?;
    let pages = folder.path().join("man");
    shell::run({
        let mut command = std::process::Command::new(&program);
        command.args(["man", "--out"]).arg(&pages);
        command
    })?;
    for entry in fs::read_dir(&pages)? {
        let entry = entry?;
        let path = Path::new("docs/man").join(entry.file_name());
        files.insert(path, fs::read(entry.path())?);
    }
    for (shell, name) in COMPLETIONS {
        let output = std::process::Command::new(&program)
            .args(["completions", shell])
            .output()?;
        ensure!(output.status.success(), "no completions for {shell}");
        files.insert(Path::new("docs/completions").join(name), output.stdout);
    }
    for (name, text) in [
        ("command-line", program::command_line(&program)?),
        ("metrics", program::metrics(&program)?),
        ("record-types", program::record_types(&program)?),
    ] {
        let path = format!("docs/book/src/reference/{name}.md");
        files.insert(path.into(), text.into_bytes());
    }
    Ok(files)
}

fn write(root: &Path, files: &Files) -> Result<()> {
    // A command that is gone must not leave its page.
    let pages = root.join("docs/man");
    if files.keys().any(|path| path.starts_with("docs/man")) && pages.exists() {
        fs::remove_dir_all(&pages)?;
    }
    for (path, bytes) in files {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        if fs::read(&path).ok().as_deref() != Some(bytes) {
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

fn differing(root: &Path, files: &Files) -> Vec<PathBuf> {
    files
        .iter()
        .filter(|(path, bytes)| fs::read(root.join(path)).ok().as_deref() != Some(bytes))
        .map(|(path, _)| path.clone())
        .collect()
}

/// Shells, and what their completions are called where they look for them.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "indelible.bash"),
    ("zsh", "_indelible"),
    ("fish", "indelible.fish"),
];

/// Marks what this task writes.
const WRITTEN: &str = "<!-- Written by `cargo xtask book`; do not edit. -->\n";

const CONFIGURATION_CHAPTER: &str = "\
# Configuration

<!-- Written by `cargo xtask book`; do not edit. -->

TOML, keys in kebab-case; a key that is not known is refused, with its line and column.

| layer | where | wins over |
|---|---|---|
| file | `/etc/indelible/agent.toml`, `/etc/indelible/collector.toml`, or `--config FILE` | defaults |
| drop-ins | `agent.conf.d/*.toml` beside the file, in the order of their names | the file |
| environment | `INDELIBLE_AGENT__LIMITS__MAX_BYTES=…`: `__` between tables, `_` for `-` | drop-ins |
| flags | `--max-bytes …` where a quick start needs one | everything |

Tables are joined key by key, lists and values replaced whole. `indelible config check` finds
mistakes, `indelible config show --origin FILE` says what is in force and where it was set, and
`indelible config schema agent` prints a JSON Schema for editors (also `docs/schemas/config-*.json`).
Secrets are files: a text `credential:NAME` is the path of a systemd credential
(`LoadCredential=NAME:FILE` in the unit).
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sources_say_is_committed() {
        let root = shell::root();
        let stale = differing(&root, &of_sources(&root).unwrap());
        assert!(stale.is_empty(), "run `cargo xtask book`: {stale:?}");
    }
}
