//! `indelible search`.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::Args;

use crate::exit;
use crate::search::arguments::Arguments;
use crate::search::place::Found;
use crate::search::{Manner, Request, ausearch, remote, words};

/// Find events in audit logs, a spool, a collector's store or a collector elsewhere
///
/// Takes every option of ausearch, as ausearch writes it (-ts, -ui, -if, …) or in long. Reads
/// standard input if that is a pipe, else the audit daemon's log, this host's spool, or the store
/// that is kept here, and says which. Exit code 0: something was found; 1: nothing; 2: an error.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(super) struct Search {
    #[command(flatten)]
    arguments: Arguments,
}

impl Search {
    pub(super) fn run(self) -> Result<u8> {
        let request = Request::new(&self.arguments, Manner::Native)?;
        let source = match remote::find(&self.arguments.place, &self.arguments.what)? {
            Found::Given(source) => source,
            Found::Default(source) => {
                eprintln!("reading {source}");
                source
            }
            Found::Nothing(path) => bail!(
                "{} does not exist; name a source with --input, --spool, --store or --collector",
                path.display()
            ),
        };
        let found = request.run(&source)?;
        if found > 0 {
            return Ok(exit::DONE);
        }
        if request.says_nothing_found() {
            eprintln!("<no matches>");
        }
        Ok(exit::NOTHING)
    }
}

/// The exit code of ausearch, if the program was started under that name.
pub(super) fn run_as_tool(arguments: &[OsString]) -> Option<u8> {
    let (program, rest) = arguments.split_first()?;
    let is_tool = std::path::Path::new(program).file_name()? == "ausearch";
    is_tool.then(|| ausearch::run(rest))
}

/// ausearch's single-dash words as long options, so that the parser understands them.
pub(super) fn normalised(arguments: Vec<OsString>) -> Vec<OsString> {
    match &arguments[..] {
        [program, command, rest @ ..] if command == "search" => {
            let mut all = vec![program.clone(), command.clone()];
            all.extend(words::WORDS.lenient(rest));
            all
        }
        _ => arguments,
    }
}
