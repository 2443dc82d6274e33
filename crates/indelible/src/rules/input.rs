//! The rules that a command is given: files, folders, or the words of one rule.
//!
//! Words that begin with a hyphen are a rule, as auditctl takes it; everything else names files.
//! A folder stands for its `*.rules` files, merged as augenrules merges them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use indelible_rules::file::{Entry, Source};
use indelible_rules::words::{self, Word};
use indelible_rules::{Context, parse};

use super::{file, folder};

/// Who may have written the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Anybody: the rules are only looked at.
    Anybody,
    /// Root alone: the rules are loaded.
    Root,
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Input {
    /// The lines that are neither blank nor comments, in the order in which they take effect.
    pub(crate) entries: Vec<Entry>,
    /// The files that they came from; none for the words of a rule.
    pub(crate) files: Vec<PathBuf>,
}

impl Input {
    pub(crate) fn read(words: &[OsString], cx: &Context<'_>, trust: Trust) -> Result<Self> {
        let first = words.first().context("no file and no rule is given")?;
        if first.as_bytes().starts_with(b"-") {
            return Ok(Self::rule(words, cx));
        }
        if let Some(option) = words.iter().find(|word| word.as_bytes().starts_with(b"-")) {
            let option = option.display();
            bail!("{option} stands behind a file: a command takes files or one rule");
        }
        let mut input = Self {
            entries: Vec::new(),
            files: Vec::new(),
        };
        for path in words.iter().map(Path::new) {
            if path.is_dir() {
                input.take_folder(path, cx, trust)?;
            } else {
                input.take_file(path, cx, trust)?;
            }
        }
        Ok(input)
    }

    /// One word is a line of a file, several are the arguments of auditctl.
    fn rule(arguments: &[OsString], cx: &Context<'_>) -> Self {
        let words: Vec<Word> = match arguments {
            [line] => words::split(line.as_bytes(), cx.compat),
            _ => (1..)
                .zip(arguments)
                .map(|(position, word)| Word::argument(position, word.as_bytes()))
                .collect(),
        };
        let shown: Vec<&[u8]> = arguments.iter().map(|word| word.as_bytes()).collect();
        let entry = Entry {
            source: Source {
                file: ARGUMENTS.to_owned(),
                line: 1,
            },
            text: shown.join(&b' ').into(),
            line: parse::parse(words, None, cx),
        };
        Self {
            entries: vec![entry],
            files: Vec::new(),
        }
    }

    fn take_file(&mut self, path: &Path, cx: &Context<'_>, trust: Trust) -> Result<()> {
        let shown = path.display();
        let read = match trust {
            Trust::Anybody => file::open(path),
            Trust::Root => file::open_trusted(path),
        };
        let content = read
            .with_context(|| format!("cannot read rules from {shown}"))?
            .content;
        self.entries.extend(indelible_rules::file::read(
            &shown.to_string(),
            &content,
            cx,
        ));
        self.files.push(path.to_owned());
        Ok(())
    }

    fn take_folder(&mut self, path: &Path, cx: &Context<'_>, trust: Trust) -> Result<()> {
        let shown = path.display();
        let files =
            folder::read(path).with_context(|| format!("cannot read the rules in {shown}"))?;
        ensure!(!files.is_empty(), "no file in {shown} ends in .rules");
        let paths: Vec<PathBuf> = files.iter().map(|file| path.join(&file.name)).collect();
        if trust == Trust::Root {
            for path in &paths {
                file::open_trusted(path)?;
            }
        }
        let merged = folder::merged(path, &files);
        let mut entries = indelible_rules::file::read("", &merged.content, cx);
        for entry in &mut entries {
            if let Some((file, line)) = merged.origins[entry.source.line - 1] {
                entry.source = Source {
                    file: paths[file].display().to_string(),
                    line,
                };
            }
        }
        self.entries.append(&mut entries);
        self.files.extend(paths);
        Ok(())
    }

    /// Whether the rule stood on the command line.
    pub(crate) fn is_from_arguments(&self) -> bool {
        self.files.is_empty()
    }
}

/// What stands for a file's name where the rule came from the command line.
const ARGUMENTS: &str = "command line";
